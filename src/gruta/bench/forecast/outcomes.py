"""What came of one training, scored by one formula for all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.bench.forecast.rivals import LEVELS, MEDIAN
from gruta.bench.forecast.sets import Exam, Part, Values
from gruta.tasks.forecast import scores


@dataclass(frozen=True)
class Job:
    """One training. way: a name of the contestant's ways; seconds: its budget."""

    contestant: str
    set: str
    part: Part
    way: str
    seed: int
    seconds: float

    @property
    def name(self) -> str:
        """Of its files."""
        parts = (self.set, self.part, self.way, self.seed, f"{self.seconds:g}s")
        return "-".join(map(str, (self.contestant, *parts))).replace(", ", "-").replace(" ", "-")


@dataclass(frozen=True)
class Stage:
    """Its scores, had it ended after so many CPU seconds."""

    seconds: float
    scores: Mapping[str, float]


@dataclass(frozen=True)
class Outcome:
    """training, forecasting: CPU seconds. peak: bytes. stages: in order, the last is the result.

    problem: why there is no result.
    """

    job: Job
    training: float = 0.0
    forecasting: float = 0.0
    peak: int = 0
    stages: Sequence[Stage] = ()
    problem: str = ""

    @property
    def scores(self) -> Mapping[str, float]:
        """What it ended with."""
        return self.stages[-1].scores


def scored(exam: Exam, forecast: NDArray[Any]) -> dict[str, float]:
    """Scores of quantiles `[M, K, Q]`, the median standing for the point; sMAPE in per cent."""
    truth, quantiles = exam.truth, forecast.astype(np.float64)
    found = scores.point_scores(truth, {"": quantiles[..., MEDIAN]})[""]
    unit = scores.seasonal_error(exam.y[: exam.rows], exam.set.seasons[0])
    return {
        "mase": found["mae"] / unit,
        **found,
        "crps": scores.crps(truth, quantiles, LEVELS),
        "coverage": scores.coverage(truth, quantiles[..., 0], quantiles[..., -1]),
    }


def outcome(
    job: Job, exam: Exam, answer: Mapping[str, Any], forecasts: Values, at: Values
) -> Outcome:
    """Of what a worker answered, and the stages `[S, M, K, Q]` that it wrote, at seconds `[S]`."""
    stages = [Stage(float(s), scored(exam, f)) for s, f in zip(at, forecasts, strict=True)]
    return Outcome(job, answer["training"], answer["forecasting"], answer["peak"], stages)
