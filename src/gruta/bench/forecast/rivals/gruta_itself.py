"""gruta's forecaster."""

import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch._dynamo  # an optimiser would; the peers have it loaded before they are timed
from torch import Tensor

from gruta.bench.forecast.contestants import CONTESTANTS, GRUTA
from gruta.bench.forecast.rivals import LEVELS, Stage
from gruta.bench.forecast.sets import Exam
from gruta.codec.series.codec import ForecastCodec
from gruta.tasks.fitting import fit
from gruta.tasks.forecast.forecasts import quantiles
from gruta.tasks.forecast.lesson import ForecastLesson
from gruta.tasks.forecast.network import ForecastNetwork
from gruta.tasks.forecast.settings import ForecastSettings
from gruta.tasks.forecast.source import SeriesInParts
from gruta.tasks.forecast.task import TASK, ForecastTask
from gruta.tasks.trained import Trained
from gruta.train import Validation

Weights = Mapping[str, Tensor]


class OutOfTime(Exception):
    """The seconds are used up."""


class Timed(ForecastLesson):
    """The lesson, which keeps the weights of each validation that is the best so far, and when."""

    lowest = np.inf

    def timed(self, began: float, seconds: float) -> "Timed":
        """Itself, to end so many CPU seconds after `began`."""
        self.began, self.seconds = began, seconds
        self.best: list[tuple[float, Weights]] = []
        return self

    def validate(self) -> Validation:
        """The same; OutOfTime when it is over."""
        found, spent = super().validate(), time.process_time() - self.began
        if found.loss < self.lowest:
            self.lowest = found.loss
            weights = self.model.state_dict().items()
            self.best.append((spent, {name: w.detach().clone() for name, w in weights}))
        if spent > self.seconds:
            raise OutOfTime
        return found


@dataclass(frozen=True)
class TimedTask(ForecastTask):
    """The task, which ends in time; given: its lesson, and what that was made from."""

    began: float = 0.0
    seconds: float = np.inf
    given: list[tuple[Timed, ForecastCodec, SeriesInParts]] = field(default_factory=list)

    def lesson(
        self,
        network: ForecastNetwork,
        codec: ForecastCodec,
        data: SeriesInParts,
        settings: ForecastSettings,
    ) -> Timed:
        """The same, timed."""
        usual = super().lesson(network, codec, data, settings)
        lesson = Timed(network, usual.table, usual.split, settings, seen=usual.seen)
        self.given.append((lesson.timed(self.began, self.seconds), codec, data))
        return lesson


class Gruta:
    """gruta's forecaster."""

    def train(self, exam: Exam, way: str, seed: int, seconds: float) -> list[Stage]:
        """What picks its weights is the part before the test, which others learn from."""
        task = TimedTask(began=time.process_time(), seconds=seconds)
        settings = ForecastSettings.model_validate(
            {
                "horizon": exam.set.horizon,
                "known": exam.set.known,
                "seed": seed,
                "quantiles": LEVELS,
                "test_from": str(exam.set.frame["ds"][exam.rows]),
                **CONTESTANTS[GRUTA].ways[way],
            }
        )
        with tempfile.TemporaryDirectory() as scratch, suppress(OutOfTime):
            fit(task, exam.set.frame, settings, Path(scratch, "run"))
        spent = time.process_time() - task.began
        lesson, codec, data = task.given[0]
        stages = [
            self._stage(exam, at, weights, lesson, codec, data, settings)
            for at, weights in lesson.best
        ]
        return [*stages, Stage(max(spent, stages[-1].seconds), stages[-1].forecast)]

    def _stage(
        self,
        exam: Exam,
        at: float,
        weights: Weights,
        lesson: Timed,
        codec: ForecastCodec,
        data: SeriesInParts,
        settings: ForecastSettings,
    ) -> Stage:
        """With these weights; how far to trust them is found out then, and takes its time too."""
        began = time.process_time()
        lesson.model.load_state_dict(weights)
        lesson.conclude()
        with torch.inference_mode():
            settled = TASK.settle(lesson, codec)
        took = time.process_time() - began
        state = lesson.model.state_dict().items()
        arrays: dict[str, Any] = {name: weight.numpy().copy() for name, weight in state}
        trained = Trained(TASK, settings, settled, arrays, data.fingerprint())
        return Stage(at + took, partial(quantiles, trained, data.series, exam.origins))


def start(name: str) -> Gruta:
    """Ready to train."""
    return Gruta()
