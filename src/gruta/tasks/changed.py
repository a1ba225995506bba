"""What rounded weights change of a trained network's answers, by the task's own score, and how fast
they are.
"""

import math
import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.tasks.task import Judged, Judges
from gruta.tasks.trained import Trained

GROUPS = 20
FEWEST = 5
"""Groups of what was scored; of fewer none tells how certain a score is."""

_TURNS, _SECONDS = 5, 0.5


@dataclass(frozen=True)
class Change:
    """A score on what training did not see, before and after, and its standard error before; None
    where too little was scored to tell. seconds: that answering and scoring all of it took, before
    and after, if that was timed.
    """

    name: str
    title: str
    factor: float
    before: float
    after: float
    error: float | None
    seconds: tuple[float, float] | None = None

    @property
    def well(self) -> bool:
        """Whether it moved by no more than its standard error."""
        return self.error is not None and abs(self.after - self.before) <= self.error

    def to_json(self) -> dict[str, Any]:
        """For a program."""
        found = {
            "metric": self.name,
            "before": self.before,
            "after": self.after,
            "standard_error": self.error,
            "well": self.well,
        }
        if self.seconds is None:
            return found
        before, after = self.seconds
        return found | {"seconds_before": before, "seconds_after": after}


@dataclass(frozen=True, eq=False)
class Seen:
    """What a run was trained on, read again, and what `evaluate` takes of what it did not see."""

    data: Any
    held: dict[str, Any]


def seen(trained: Trained[Any]) -> Seen:
    """InputError says why a run cannot be scored."""
    task, settings = trained.task, trained.settings
    if not isinstance(task, Judges):
        problem = _("a run of the task {task} has no score of its own")
        raise InputError(problem.format(task=task.name))
    if trained.source is None:
        raise InputError(_("no file is known of what the network was trained on"))
    source: Any = trained.source
    if task.input.many:
        source = [Path(one) for one in shlex.split(trained.source)]
    source = task.open(source, settings)  # once, so that reading is not timed
    held = task.held_out(source, settings)
    if held is None:
        raise InputError(_("nothing was held out of the training"))
    data = task.read(source, settings)
    if data.fingerprint() != trained.data:
        problem = _("{source}: not what the run was trained on any more")
        raise InputError(problem.format(source=trained.source))
    return Seen(data, {name: value for name, value in held.items() if name != "importance"})


def changed(
    trained: Trained[Any], other: Trained[Any], held: Mapping[str, Any], *, timed: bool = True
) -> Change:
    """What `other`, the network with rounded weights, scores in its place. held: see `Seen`."""
    task, seconds = trained.task, None
    assert isinstance(task, Judges)
    first = task.evaluate(trained, **held)
    if not timed:
        second = task.evaluate(other, like=first, **held)
    else:
        again: Callable[[Trained[Any]], Any] = partial(task.evaluate, like=first, **held)
        (_first, second), seconds = _in_turns(again, trained, other)
    before, after = task.judged(first), task.judged(second)
    metric, every = before.metric, np.arange(before.size)
    return Change(
        metric.name,
        metric.title,
        metric.factor,
        before.score(every),
        after.score(every),
        standard_error(before),
        seconds,
    )


def _in_turns(
    score: Callable[[Trained[Any]], Any], *networks: Trained[Any]
) -> tuple[Sequence[Any], Any]:
    """What each of two scores, and of each the fewest seconds that this took."""
    found, least = [None for _one in networks], [math.inf for _one in networks]
    begun = time.perf_counter()
    for _turn in range(_TURNS):
        for i, one in enumerate(networks):
            _whole = one.head  # loading is not counted
            start = time.perf_counter()
            found[i] = score(one)
            least[i] = min(least[i], time.perf_counter() - start)
        if time.perf_counter() - begun > _SECONDS:
            break
    return found, tuple(least)


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
