"""How much a score depends on the seed, and whether it differs from the rich linear model's."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gruta.codec.series.series import Series
from gruta.demo.run import HIDDEN, Job, OpenProgress, fit, forecaster, score_rich_linear


@dataclass(frozen=True)
class SeedScores:
    """Test sMAPE in per cent, of the GRU by seed and of the rich linear model.

    difference: mean over seeds and origins of the GRU's sMAPE less the linear model's; its standard
    error is that of the M paired differences between origins, each averaged over the seeds.
    """

    job: Job
    by_seed: dict[int, float]
    rich: float
    difference: float
    standard_error: float

    @property
    def mean(self) -> float:
        """Over the seeds."""
        return float(np.mean(list(self.by_seed.values())))

    @property
    def deviation(self) -> float:
        """Standard deviation between the seeds; NaN for a single one."""
        values = list(self.by_seed.values())
        return float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")


def run_seeds(
    job: Job, series: Series, seeds: Iterable[int], directory: Path, progress: OpenProgress
) -> SeedScores:
    """Train the GRU once a seed; finished runs are not trained again."""
    by_seed, errors = {}, []
    for seed in seeds:
        path = directory / f"{job.key}-gru-seed{seed}"
        fitted = fit(forecaster(job, "gru", HIDDEN, seed), series, path, progress)
        evaluation = fitted.evaluate(series, stride=job.stride)
        by_seed[seed] = evaluation.scores[0].smape
        errors.append(smape_by_origin(evaluation.median, evaluation.truth))
    rich, forecast = score_rich_linear(evaluation, fitted, series)
    paired = np.mean(errors, axis=0) - smape_by_origin(forecast, evaluation.truth)
    error = float(paired.std(ddof=1) / np.sqrt(len(paired)))
    return SeedScores(job, by_seed, rich.smape, float(paired.mean()), error)


def smape_by_origin(
    forecast: NDArray[np.float64], truth: NDArray[np.float64]
) -> NDArray[np.float64]:
    """`[M]`: sMAPE in per cent of each origin's forecast, from `[M, K]`; 0 where both are 0."""
    size = np.abs(forecast) + np.abs(truth)
    missed = np.abs(forecast - truth)
    share = np.divide(missed, size, out=np.zeros_like(size), where=size > 0)
    by_origin: NDArray[np.float64] = 200 * share.mean(axis=1)
    return by_origin
