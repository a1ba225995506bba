"""The simple forecasts that stand beside every score."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gruta.codec.series.codec import ForecastCodec
from gruta.codec.series.features import Rows, Table, future_features, lags, recent
from gruta.codec.series.linear import LinearModel
from gruta.codec.series.series import Series, carried
from gruta.tasks.forecast.rollout import rolled

Values = NDArray[np.float64]


def naive(y: Values, origins: Rows, horizon: int) -> Values:
    """`[M, K]`: the value of y `[N]` at the origin, for every step."""
    return np.repeat(y[origins][:, None], horizon, axis=1)


def drift(y: Values, origins: Rows, horizon: int, firsts: Rows | int = 0) -> Values:
    """`[M, K]`: the line from the first value of y `[N]`, or of a series that begins at `firsts`,
    to that at the origin, drawn on; level where they are one.
    """
    slope = (y[origins] - y[firsts]) / np.maximum(origins - firsts, 1)
    found: Values = y[origins][:, None] + slope[:, None] * np.arange(1, horizon + 1)
    return found


def seasonal_naive(
    y: Values, origins: Rows, horizon: int, season: int, firsts: Rows | int = 0
) -> Values:
    """`[M, K]`: the value of y `[N]` of the same phase in the last season before the origin; where
    a series, which begins at `firsts`, is shorter than that, its first value.
    """
    steps = np.arange(1, horizon + 1)
    then = origins[:, None] + steps - season * ((steps - 1) // season + 1)
    found: Values = y[np.maximum(then, np.asarray(firsts)[..., None])]
    return found


def linear(
    table: Table, origins: Rows, model: LinearModel, horizon: int | None = None
) -> NDArray[np.floating]:
    """`[M, K]`, scaled: the linear model on the lags and covariates that the network has too.

    horizon: K, by default as many steps as it forecasts at once; of more it reads its own back.
    """
    table = replace(table, horizon=model.horizon)
    steps, forecasts = np.arange(1, table.horizon + 1), []

    def at_once(table: Table, at: Rows) -> NDArray[np.float32]:
        future = future_features(table, at, steps)
        return model(lags(table, at), recent(table, at), future)[..., None]

    for start in range(0, len(origins), 256):
        some = origins[start : start + 256]
        if horizon is None or horizon <= table.horizon:
            changes = at_once(table, some)[:, :horizon]
        else:
            changes = rolled(table, some, horizon, at_once)
        forecasts.append(table.base(some, np.arange(1, changes.shape[1] + 1)) + changes[..., 0])
    return np.concatenate(forecasts)


def baselines(
    series: Series, codec: ForecastCodec, origins: Rows, model: LinearModel
) -> dict[str, Values]:
    """Those that cost nothing by name, each `[M, K]`, in the target's unit."""
    encoding, firsts = codec.encoding, series.starts[series.of(origins)]
    read = encoding.read(series)  # as the network does: an outlier is no one's advantage
    y, horizon = carried(read.target, series.starts).astype(np.float64), encoding.horizon
    seasonal = {
        f"seasonal naive {season}": seasonal_naive(y, origins, horizon, season, firsts)
        for season in encoding.seasons
    }
    line = linear(encoding.table(series), origins, model, horizon)
    return {
        "naive": naive(y, origins, horizon),
        "drift": drift(y, origins, horizon, firsts),
        **seasonal,
        "linear": codec.decode(line, series, origins),
    }
