"""The simple forecasts that stand beside every score."""

import numpy as np
from numpy.typing import NDArray

from gruta.codec.series import features
from gruta.codec.series.codec import ForecastCodec
from gruta.codec.series.features import Rows, Table, future_features, lags
from gruta.codec.series.linear import LinearModel
from gruta.codec.series.series import Series

Values = NDArray[np.float64]


def naive(y: Values, origins: Rows, horizon: int) -> Values:
    """`[M, K]`: the value of y `[N]` at the origin, for every step."""
    return np.repeat(y[origins][:, None], horizon, axis=1)


def drift(y: Values, origins: Rows, horizon: int) -> Values:
    """`[M, K]`: the line from the first value of y `[N]` to that at the origin, drawn on."""
    slope = (y[origins] - y[0]) / origins
    found: Values = y[origins][:, None] + slope[:, None] * np.arange(1, horizon + 1)
    return found


def seasonal_naive(y: Values, origins: Rows, horizon: int, season: int) -> Values:
    """`[M, K]`: the value of y `[N]` of the same phase in the last season before the origin."""
    steps = np.arange(1, horizon + 1)
    found: Values = y[origins[:, None] + steps - season * ((steps - 1) // season + 1)]
    return found


def linear(table: Table, origins: Rows, model: LinearModel) -> features.Values:
    """`[M, K]`, scaled: the linear model on the lags and covariates that the network has too."""
    steps = np.arange(1, table.horizon + 1)
    forecasts = []
    for start in range(0, len(origins), 256):
        some = origins[start : start + 256]
        changes = model(lags(table, some), future_features(table, some, steps))
        forecasts.append(table.y[some][:, None] + changes)
    return np.concatenate(forecasts)


def baselines(
    series: Series, codec: ForecastCodec, origins: Rows, model: LinearModel
) -> dict[str, Values]:
    """Those that cost nothing by name, each `[M, K]`, in the target's unit."""
    y, encoding = series.target, codec.encoding
    horizon = encoding.horizon
    seasonal = {
        f"seasonal naive {season}": seasonal_naive(y, origins, horizon, season)
        for season in encoding.seasons
    }
    by_line = codec.decode(linear(encoding.table(series), origins, model), y, origins)
    return {
        "naive": naive(y, origins, horizon),
        "drift": drift(y, origins, horizon),
        **seasonal,
        "linear": by_line,
    }
