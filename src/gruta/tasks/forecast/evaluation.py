"""A trained forecaster against what came, with the simple baselines beside it."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gruta.codec.frequency import Stamps
from gruta.data.series import Series
from gruta.errors import InputError
from gruta.tasks.forecast.baselines import baselines
from gruta.tasks.forecast.encoding import Encoding
from gruta.tasks.forecast.scores import Score, coverage, mase, point_scores
from gruta.tasks.forecast.trained import Trained

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Forecasts from M origins, in the target's unit, and their scores.

    origins `[M]` are the series' rows that were forecast from; times `[M, K]` the stamps that were
    forecast; quantiles `[M, K, Q]`; truth `[M, K]`; baselines by name, each `[M, K]`. The network's
    score comes first.
    """

    origins: Tensor
    times: Stamps
    truth: Values
    quantiles: Values
    levels: tuple[float, ...]
    baselines: dict[str, Values]
    scores: list[Score]

    @property
    def median(self) -> Values:
        """`[M, K]`: the point forecast."""
        return self.quantiles[..., self.levels.index(0.5)]

    @property
    def lost_to(self) -> list[str]:
        """The baselines whose sMAPE or MAE is lower than the network's."""
        network, *simple = self.scores
        return [s.model for s in simple if s.smape < network.smape or s.mae < network.mae]


def origins_from(series: Series, encoding: Encoding, start: np.datetime64, stride: int) -> Tensor:
    """Rows from which to forecast: every `stride`-th, the first step of the first at `start`."""
    if stride < 1:
        raise InputError(f"stride: expected a positive number of steps, got {stride}")
    first = max(int(np.searchsorted(series.times, start)), encoding.history) - 1
    origins = torch.tensor(range(first, series.observed - encoding.horizon, stride))
    if not len(origins):
        raise InputError(
            f"{series.source}: no forecast to score from {start} on: that needs {encoding.horizon} "
            f"rows with a target from there, and {encoding.history} rows before them; the file has "
            f"{series.observed} rows with a target, the last of {series.times[series.observed - 1]}"
        )
    return origins


def evaluate(trained: Trained, series: Series, origins: Tensor) -> Evaluation:
    """Forecast after `origins [M]` and score it, with the baselines beside it."""
    encoding, network, levels = trained.encoding, trained.network, trained.levels
    name = network.cell
    at = (origins.unsqueeze(-1) + torch.arange(1, encoding.horizon + 1)).numpy()
    truth, quantiles = series.target[at], trained.quantiles(series, origins)
    simple = baselines(series, encoding, origins, network.linear)
    found = point_scores(truth, {name: quantiles[..., levels.index(0.5)]} | simple)
    inside = coverage(truth, quantiles[..., 0], quantiles[..., -1]) if len(levels) > 1 else None
    linear_size = network.linear.size
    sizes = {name: sum(p.numel() for p in network.parameters()) + linear_size}
    sizes["linear"] = linear_size
    scores = [
        Score(
            model,
            sizes.get(model, 0),
            mase=mase(values["mae"], trained.seasonal_error),
            coverage=inside if model == name else None,
            **values,
        )
        for model, values in found.items()
    ]
    return Evaluation(origins, series.times[at], truth, quantiles, levels, simple, scores)
