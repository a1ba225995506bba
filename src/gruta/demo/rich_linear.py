"""The best linear model that we found by hand for the demo's data: the bar for the networks.

Beside the lags it is given, for the step to come, what one learns by looking at the data: the time
of day, apart for working days and others; the temperature, with kinks at 18, 25 and 32 °C where
heating ends and cooling begins; the temperature's effect by time of day; and the week before.
"""

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from torch import Tensor

from gruta.codec.series.features import Rows
from gruta.codec.series.series import Series
from gruta.surroundings import undisturbed

Values = NDArray[np.float64]

NAME = "linear rich"
LOOKBACK = 96
DAY, WEEK = 48, 336
KINKS = (18.0, 25.0, 32.0)
RIDGE = 1e-6


@undisturbed()
def rich_linear(series: Series, train_rows: int, origins: Rows, horizon: int) -> tuple[Values, int]:
    """Forecasts `[M, K]` after `origins [M]`, and how many numbers were fitted for them.

    There is a model for each step, fitted on the first `train_rows`.

    series: the demand, with known covariates workday and temperature in this order.
    """
    y, workday, temperature = series.target, series.known[:, :1], series.known[:, 1:2]
    bends = np.concatenate([(temperature - kink).clip(0) for kink in KINKS], -1)
    phase = np.eye(DAY)[np.arange(len(y)) % DAY]
    weather = np.concatenate([temperature, bends], -1)
    step_columns = np.concatenate(
        [phase, phase * workday, phase * temperature, workday, weather], -1
    )
    before = sliding_window_view(y, LOOKBACK)

    def columns(rows: Rows, k: int) -> Values:
        parts = [before[rows - LOOKBACK + 1], step_columns[rows + k], weather[rows]]
        if k <= WEEK:
            parts.append(np.stack([y[rows + k - WEEK - i] for i in range(3)], -1))
        return np.concatenate(parts, -1)

    fitted_on = np.arange(WEEK + 2, train_rows - horizon)
    forecast, size = np.empty((len(origins), horizon)), 0
    for k in range(1, horizon + 1):
        sums = Moments()
        for start in range(0, len(fitted_on), 4096):
            rows = fitted_on[start : start + 4096]
            x, change = columns(rows, k)[None], (y[rows + k] - y[rows])[None]
            sums.add(torch.from_numpy(x), torch.from_numpy(change))
        weight, bias = (found.numpy() for found in sums.ridge(RIDGE))
        forecast[:, k - 1] = y[origins] + columns(origins, k) @ weight[0] + bias[0]
        size += weight.size + 1
    return forecast, size


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
