"""What the demo found in one job."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.tasks.forecast.evaluation import Evaluation
from gruta.tasks.forecast.settings import ForecastSettings
from gruta.tasks.scores import Scores


@dataclass(frozen=True, eq=False)
class JobResult:
    """One job: the networks by cell, the baselines in their evaluations, the rich linear model.

    All evaluations share origins, truth and baselines. rich_forecast is `[M, K]`; train_seconds
    are by model, baselines included; metrics are the records of metrics.jsonl; profiles are the
    seconds by part of the training, empty for a run that was trained before.
    """

    key: str
    title: str
    evaluations: dict[str, Evaluation]
    rich: Scores
    rich_forecast: NDArray[np.float64]
    train_seconds: dict[str, float]
    metrics: dict[str, list[dict[str, Any]]]
    settings: dict[str, ForecastSettings]
    profiles: dict[str, dict[str, float]]

    @property
    def scores(self) -> list[Scores]:
        """Networks first, then the baselines, the rich linear model last."""
        networks = [evaluation.scores[0] for evaluation in self.evaluations.values()]
        _, *simple = next(iter(self.evaluations.values())).scores
        seconds = self.train_seconds
        return [replace(s, seconds=seconds[s.model]) for s in (*networks, *simple, self.rich)]

    @property
    def lost_to(self) -> dict[str, list[str]]:
        """The simple models with a lower sMAPE, by cell; only cells that lose to one are there."""
        simple = [s for s in self.scores if s.model not in self.evaluations]
        losses = {
            cell: [s.model for s in simple if s.smape < evaluation.scores[0].smape]
            for cell, evaluation in self.evaluations.items()
        }
        return {cell: better for cell, better in losses.items() if better}
