"""The best linear model that we found by hand for the demo's data: the bar for the networks.

Beside the lags it is given, for the step to come, what one learns by looking at the data: the time
of day, apart for working days and others; the temperature, with kinks at 18, 25 and 32 °C where
heating ends and cooling begins; the temperature's effect by time of day; and the week before.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gruta.data.series import Series
from gruta.surroundings import undisturbed
from gruta.tasks.forecast.network import Moments

NAME = "linear rich"
LOOKBACK = 96
DAY, WEEK = 48, 336
KINKS = (18.0, 25.0, 32.0)
RIDGE = 1e-6


@undisturbed()
def rich_linear(
    series: Series, train_rows: int, origins: Tensor, horizon: int
) -> tuple[NDArray[np.float64], int]:
    """Forecasts `[M, K]` after `origins [M]`, and how many numbers were fitted for them.

    There is a model for each step, fitted on the first `train_rows`.

    series: the demand, with known covariates workday and temperature in this order.
    """
    y, workday, temperature = (
        torch.from_numpy(v) for v in (series.target, series.known[:, 0], series.known[:, 1])
    )
    bends = torch.stack([(temperature - kink).clamp_min(0) for kink in KINKS], -1)
    phase = torch.eye(DAY, dtype=y.dtype)[torch.arange(len(y)) % DAY]
    weather = torch.cat([temperature[:, None], bends], -1)
    step_columns = torch.cat(
        [phase, phase * workday[:, None], phase * temperature[:, None], workday[:, None], weather],
        -1,
    )

    def columns(rows: Tensor, k: int) -> Tensor:
        before = y.unfold(0, LOOKBACK, 1)[rows - LOOKBACK + 1]
        parts = [before, step_columns[rows + k], weather[rows]]
        if k <= WEEK:
            parts.append(torch.stack([y[rows + k - WEEK - i] for i in range(3)], -1))
        return torch.cat(parts, -1)

    fitted_on = torch.arange(WEEK + 2, train_rows - horizon)
    forecast, size = torch.empty(len(origins), horizon, dtype=y.dtype), 0
    for k in range(1, horizon + 1):
        sums = Moments()
        for rows in torch.split(fitted_on, 4096):
            sums.add(columns(rows, k)[None], (y[rows + k] - y[rows])[None])
        weight, bias = sums.ridge(RIDGE)
        forecast[:, k - 1] = y[origins] + columns(origins, k) @ weight[0] + bias[0]
        size += weight.numel() + 1
    return forecast.numpy(), size
