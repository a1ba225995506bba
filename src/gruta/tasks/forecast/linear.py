"""The linear model beside the network, solved in closed form; torch computes, on its threads."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from gruta.codec.series.features import Rows, Table, future_features, lags
from gruta.codec.series.linear import LinearModel
from gruta.tasks.forecast.split import Origins, Split

PENALTIES = (1e-6, 1e-4, 1e-2, 1e-1)
MOST_MOMENTS = 2**23
"""So many sums over products of columns are held at once."""


@torch.no_grad()
def solve(table: Table, split: Split, ridge: float) -> LinearModel:
    """Ridge regression on standardised columns over the training origins.

    ridge: the penalty, relative to the number of rows; 0 takes the one of `PENALTIES` with the
    lowest mean absolute error in the validation part. The model's error is that of the training
    part. Only sums over rows are kept, for some steps at a time, so memory grows neither with the
    rows nor with the horizon.
    """
    columns, penalties = table.lookback + table.future_width, [ridge] if ridge else PENALTIES
    weights, biases, errors = [], [], []
    at_once = max(1, MOST_MOMENTS // columns**2)
    for first in range(1, table.horizon + 1, at_once):
        steps = np.arange(first, min(first + at_once, table.horizon + 1))
        weight, bias = _best(table, split, steps, penalties)
        weights.append(weight.float().numpy())
        biases.append(bias[:, 0].float().numpy())
        errors.append(_error(table, split.train, steps, weight, bias).clamp_min(1e-4))
    columns_of = np.concatenate(weights)
    return LinearModel(
        np.ascontiguousarray(columns_of[:, : table.lookback]),
        np.ascontiguousarray(columns_of[:, table.lookback :]),
        np.concatenate(biases),
        torch.cat(errors).float().numpy(),
    )


def _best(
    table: Table, split: Split, steps: Rows, penalties: Sequence[float]
) -> tuple[Tensor, Tensor]:
    """Weights `[K, C]` and bias `[K, 1]` for these steps, by the penalty that validates best."""
    sums = Moments()
    for x, y in _blocks(table, split.train, steps):
        sums.add(x, y)
    candidates = [sums.ridge(strength) for strength in penalties]
    errors = [float(_error(table, split.validation, steps, *found).mean()) for found in candidates]
    return candidates[errors.index(min(errors))]


def _error(
    table: Table, origins: Origins | Rows, steps: Rows, weight: Tensor, bias: Tensor
) -> Tensor:
    """`[K]`: the mean absolute error of linear models over about a thousand of these origins."""
    origins = origins[:: max(1, len(origins) // 1024)]
    missed = [
        (y - (x @ weight[..., None])[..., 0] - bias).abs()
        for x, y in _blocks(table, origins, steps)
    ]
    return torch.cat(missed, 1).mean(1)


def _blocks(table: Table, origins: Origins | Rows, steps: Rows) -> Iterator[tuple[Tensor, Tensor]]:
    """Columns x `[K, M', L + F]` and targets y `[K, M']` in float64, some origins at a time."""
    for start in range(0, len(origins), 512):
        some = origins[start : start + 512]
        x = np.empty((len(steps), len(some), table.lookback + table.future_width))
        x[..., : table.lookback] = lags(table, some)
        x[..., table.lookback :] = future_features(table, some, steps).swapaxes(0, 1)
        y = table.changes(some)[:, steps - 1].T.astype(np.float64)
        there = ~np.isnan(y).any(0)
        yield torch.from_numpy(x[:, there]), torch.from_numpy(y[:, there])


class Moments:
    """The sums over rows that a least-squares fit needs, for K fits at once."""

    def __init__(self) -> None:
        self.rows = 0
        self.x: Tensor | float = 0.0  # [K, C]
        self.y: Tensor | float = 0.0  # [K, 1]
        self.xx: Tensor | float = 0.0  # [K, C, C]
        self.xy: Tensor | float = 0.0  # [K, C]

    def add(self, x: Tensor, y: Tensor) -> None:
        """Take in rows x `[K, M, C]` with targets y `[K, M]`."""
        self.rows += x.shape[1]
        self.x = self.x + x.sum(1)
        self.y = self.y + y.sum(1, keepdim=True)
        self.xx = self.xx + x.mT @ x
        self.xy = self.xy + (x.mT @ y[..., None])[..., 0]

    def ridge(self, strength: float) -> tuple[Tensor, Tensor]:
        """Weights `[K, C]` and bias `[K, 1]`; the penalty acts on standardised columns."""
        mean, mean_y = self.x / self.rows, self.y / self.rows
        assert isinstance(mean, Tensor)
        assert isinstance(mean_y, Tensor)
        covariance = self.xx / self.rows - mean[:, :, None] * mean[:, None, :]
        deviation = covariance.diagonal(dim1=-2, dim2=-1).clamp_min(0).sqrt()
        inverse = torch.where(deviation > 1e-6, 1 / deviation, 0)
        correlation = covariance * inverse[:, :, None] * inverse[:, None, :]
        correlation = correlation + strength * torch.eye(mean.shape[1], dtype=mean.dtype)
        toward = (self.xy / self.rows - mean * mean_y) * inverse
        # By Cholesky: torch's batched LU fails where its thread count was set to more than one.
        factor = torch.linalg.cholesky(correlation)
        weight = torch.cholesky_solve(toward[..., None], factor)[..., 0] * inverse
        return weight, mean_y - (mean * weight).sum(1, keepdim=True)
