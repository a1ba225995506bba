"""What rounded weights change of a trained network's answers, by the task's own score."""

import math
import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.runtime.weights import Kind
from gruta.tasks.exporting import rounded
from gruta.tasks.task import Judged, Judges
from gruta.tasks.trained import Trained

GROUPS = 20
FEWEST = 5
"""Groups of what was scored; of fewer none tells how certain a score is."""


@dataclass(frozen=True)
class Change:
    """A score on what training did not see, before and after, and its standard error before; None
    where too little was scored to tell.
    """

    name: str
    title: str
    factor: float
    before: float
    after: float
    error: float | None

    @property
    def well(self) -> bool:
        """Whether it moved by no more than its standard error."""
        return self.error is not None and abs(self.after - self.before) <= self.error

    def to_json(self) -> dict[str, Any]:
        """For a program."""
        return {
            "metric": self.name,
            "before": self.before,
            "after": self.after,
            "standard_error": self.error,
            "well": self.well,
        }


def changed(trained: Trained[Any], weights: Kind, *, widened: bool = False) -> Change:
    """By weights that are stored so; InputError says why a run cannot be scored. widened: they
    compute in single precision, as in C.
    """
    task, settings = trained.task, trained.settings
    if not isinstance(task, Judges):
        problem = _("a run of the task {task} has no score of its own")
        raise InputError(problem.format(task=task.name))
    if trained.source is None:
        raise InputError(_("no file is known of what the network was trained on"))
    source: Any = trained.source
    if task.input.many:
        source = [Path(one) for one in shlex.split(trained.source)]
    held = task.held_out(source, settings)
    if held is None:
        raise InputError(_("nothing was held out of the training"))
    data = task.read(source, settings)
    if data.fingerprint() != trained.data:
        problem = _("{source}: not what the run was trained on any more")
        raise InputError(problem.format(source=trained.source))
    given = {name: value for name, value in held.items() if name != "importance"}
    first = task.evaluate(trained, **given)
    other = replace(trained, weights=rounded(trained, weights, widened=widened))
    second = task.evaluate(other, like=first, **given)
    before, after = task.judged(first), task.judged(second)
    metric, every = before.metric, np.arange(before.size)
    return Change(
        metric.name,
        metric.title,
        metric.factor,
        before.score(every),
        after.score(every),
        standard_error(before),
    )


def standard_error(judged: Judged) -> float | None:
    """Of a score, by leaving out one stretch after the other of what it is of (Künsch 1989, the
    jackknife of blocks: neighbours in time err alike); None of too few.
    """
    groups = np.array_split(np.arange(judged.size), min(GROUPS, judged.size))
    if len(groups) < FEWEST:
        return None
    without = [np.concatenate([*groups[:i], *groups[i + 1 :]]) for i in range(len(groups))]
    scores = np.array([judged.score(some) for some in without])
    spread = float(np.square(scores - scores.mean()).sum())
    return math.sqrt((len(groups) - 1) / len(groups) * spread)
