"""A trained forecaster goes on learning from rows that came since, as a run of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gruta.codec.series.codec import ForecastCodec
from gruta.codec.series.series import Series
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.runs import Run
from gruta.tasks.fitting import Fitted, fit
from gruta.tasks.forecast.continued import Continued, Linear
from gruta.tasks.forecast.drift import Drift, drift
from gruta.tasks.forecast.evaluation import Evaluation
from gruta.tasks.forecast.forecasts import quantiles
from gruta.tasks.forecast.scores import Difference, difference
from gruta.tasks.forecast.settings import ForecastSettings
from gruta.tasks.forecast.split import Parts
from gruta.tasks.forecast.task import TASK
from gruta.tasks.trained import Trained, is_unfinished

if TYPE_CHECKING:
    from gruta.train import Progress

DRIFT = "drift.json"
SHORTER, LOWER = 4, 4.0
"""By default a quarter of the steps, at a quarter of the rate."""


@dataclass(frozen=True, eq=False)
class Updated:
    """What was learned, what had changed, and on what is held out what that was worth.

    found: None where nothing is held out, and then there is no gain: by how much the mean absolute
    error is above that of before, `mae_before`.
    """

    fitted: Fitted[ForecastCodec]
    drift: Drift
    found: Evaluation | None = None
    mae_before: float | None = None
    gain: Difference | None = None

    @property
    def trained(self) -> Trained[ForecastCodec]:
        """What was learned."""
        return self.fitted.trained

    @property
    def metrics(self) -> Sequence[Mapping[str, Any]]:
        """The records of the training."""
        return self.fitted.metrics


def update(
    before: Trained[ForecastCodec],
    series: Series,
    directory: Path,
    *,
    steps: int | None = None,
    learning_rate: float | None = None,
    test_share: float | None = None,
    linear: Linear = "auto",
    progress: "Progress | None" = None,
    name: str | None = None,
) -> Updated:
    """Train on from these weights, scales and seasons, in a new run in `directory`.

    One that was stopped there goes on. steps, learning_rate: a quarter of the run's by default.
    test_share: what is held out, by default as in the run. linear: whether the linear path is kept
    or solved anew; by default what forecasts the validation part better. InputError where there is
    nothing new to learn from.
    """
    changed = drift(before, series)
    settings = _settings(before.settings, steps, learning_rate, test_share)
    parts = Parts.of(series, settings)
    last = series.until(parts.seen).nonempty().last
    if last <= before.codec.until:
        problem = _(
            "{source}: {rows} rows came since training, and all of them are held out for the test; "
            "give more rows"
        )
        raise InputError(
            problem.format(source=series.source, rows=number(changed.rows)),
            test_share=_("or a smaller share, 0 to learn from all"),
        )
    unfinished = is_unfinished(directory)
    task = Continued(before=before, linear=linear)
    fitted = fit(task, series, settings, directory, resume=unfinished, progress=progress, name=name)
    fitted = replace(fitted, trained=replace(fitted.trained, task=TASK))
    Run(directory).write_json(DRIFT, changed.to_json())
    if not settings.test_share:
        return Updated(fitted, changed)
    found = TASK.evaluate(fitted.trained, series)
    middle = before.settings.quantiles.index(0.5)
    missed = np.abs(quantiles(before, series, found.origins)[..., middle] - found.truth)
    gain = difference(np.abs(found.median - found.truth), missed, found.overlap, found.moments)
    return Updated(fitted, changed, found, float(np.nanmean(missed)), gain)


def steps_of(settings: ForecastSettings, given: int | None = None) -> int:
    """How many an update of a run with these settings takes, unless as many are given."""
    return given or max(1, settings.steps // SHORTER)


def _settings(
    settings: ForecastSettings,
    steps: int | None,
    learning_rate: float | None,
    test_share: float | None,
) -> ForecastSettings:
    """Of a short training; parts are shares, as stamps would leave the new rows out."""
    count = steps_of(settings, steps)
    return settings.model_copy(
        update={
            "steps": count,
            "learning_rate": learning_rate or settings.learning_rate / LOWER,
            "test_share": settings.test_share if test_share is None else test_share,
            "test_from": "",
            "validation_from": "",
            "validate_every": min(settings.validate_every, max(1, count // 6)),
        }
    )
