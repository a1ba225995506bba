"""The simple forecasts that stand beside every score."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gruta.data.series import Series
from gruta.tasks.forecast.encoding import Encoding
from gruta.tasks.forecast.features import Table, future_features, lags
from gruta.tasks.forecast.network import LinearPath

Values = NDArray[np.float64]


def naive(y: Values, origins: Tensor, horizon: int) -> Values:
    """`[M, K]`: the value of y `[N]` at the origin, for every step."""
    return np.repeat(y[origins.numpy()][:, None], horizon, axis=1)


def seasonal_naive(y: Values, origins: Tensor, horizon: int, season: int) -> Values:
    """`[M, K]`: the value of y `[N]` of the same phase in the last season before the origin."""
    steps = np.arange(1, horizon + 1)
    found: Values = y[origins.numpy()[:, None] + steps - season * ((steps - 1) // season + 1)]
    return found


@torch.no_grad()
def linear(table: Table, origins: Tensor, path: LinearPath) -> Tensor:
    """`[M, K]`, scaled: the linear model on the lags and covariates that the network has too."""
    steps = torch.arange(1, table.horizon + 1)
    forecasts = [
        table.y[some].unsqueeze(-1) + path(lags(table, some), future_features(table, some, steps))
        for some in torch.split(origins, 256)
    ]
    return torch.cat(forecasts)


def baselines(
    series: Series, encoding: Encoding, origins: Tensor, path: LinearPath
) -> dict[str, Values]:
    """All of them by name, each `[M, K]`, in the target's unit."""
    y, horizon = series.target, encoding.horizon
    seasonal = {
        f"seasonal naive {season}": seasonal_naive(y, origins, horizon, season)
        for season in encoding.seasons
    }
    by_line = encoding.decode(linear(encoding.table(series), origins, path))
    return {"naive": naive(y, origins, horizon), **seasonal, "linear": by_line}
