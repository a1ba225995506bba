"""The simple forecasts that stand beside every score."""

import torch
from torch import Tensor

from gruta.tasks.forecast.features import Table, future_features, lags
from gruta.tasks.forecast.network import LinearPath


def naive(table: Table, origins: Tensor) -> Tensor:
    """`[M, K]`: the value at the origin, for every step."""
    return table.y[origins].unsqueeze(-1).expand(-1, table.horizon)


def seasonal_naive(table: Table, origins: Tensor, season: int) -> Tensor:
    """`[M, K]`: the value of the same phase in the last season before the origin."""
    steps = torch.arange(1, table.horizon + 1)
    return table.y[origins.unsqueeze(-1) + steps - season * ((steps - 1) // season + 1)]


@torch.no_grad()
def linear(table: Table, origins: Tensor, path: LinearPath) -> Tensor:
    """`[M, K]`: the linear model on the lags and covariates that the network has too."""
    steps = torch.arange(1, table.horizon + 1)
    forecasts = [
        table.y[some].unsqueeze(-1) + path(lags(table, some), future_features(table, some, steps))
        for some in torch.split(origins, 256)
    ]
    return torch.cat(forecasts)


def baselines(table: Table, origins: Tensor, path: LinearPath) -> dict[str, Tensor]:
    """All of them by name, in units of the scaled series."""
    seasonal = {
        f"seasonal naive {season}": seasonal_naive(table, origins, season)
        for season in table.seasons
    }
    return {"naive": naive(table, origins), **seasonal, "linear": linear(table, origins, path)}
