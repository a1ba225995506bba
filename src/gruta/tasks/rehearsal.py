"""What a training would read and do, and about what it would take, without doing it."""

import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from gruta.locale import spoken
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.nn.draws import drawing
from gruta.report.page import Column, Table
from gruta.surroundings import learning, threads, undisturbed
from gruta.tasks.task import Task, networks

_STEPS = 3


@dataclass(frozen=True)
class Rehearsal:
    """What it takes: the network's parameters, seconds of all steps, peak bytes.

    told: what the data hold, in words of the language in use.
    """

    told: Callable[[], Sequence[tuple[str, str]]]
    parameters: int
    seconds: float
    bytes: int

    def table(self) -> Table:
        """For people."""
        rows: list[list[str | float | None]] = [[name, value] for name, value in self.told()]
        rows += [
            [_("parameters of the network"), number(self.parameters)],
            [_("time of the steps, about"), _("{s} s").format(s=number(self.seconds, 0))],
            [_("memory, at least"), _("{n} MB").format(n=number(self.bytes / 1e6, 0))],
        ]
        return Table([Column(_("what")), Column("")], rows, _("What would be trained"))

    def to_json(self) -> dict[str, Any]:
        """For a program, whatever the reader's language."""
        with spoken("en"):
            data = dict(self.told())
        return {
            "data": data,
            "parameters": self.parameters,
            "seconds": round(self.seconds, 1),
            "bytes": self.bytes,
        }


@undisturbed()
@learning()
def rehearse(task: Task[Any], source: Any, settings: Any) -> Rehearsal:
    """Read the data, build the network and take a few steps of which nothing is kept.

    What is solved before the first step is not done, and not counted. InputError as training has.
    """
    with threads(settings.threads), drawing(settings.seed):
        data = task.read(source, settings)
        each = [*networks(task, settings).values()] or [(task, settings)]
        tried = [_tried(one, data, own) for one, own in each]
    parameters, seconds = (sum(of_all) for of_all in zip(*tried, strict=True))
    return Rehearsal(data.told, int(parameters), seconds, _peak())


def _tried(task: Task[Any], data: Any, settings: Any) -> tuple[int, float]:
    """The parameters of a network, and about the seconds of its steps."""
    codec = task.fit_codec(data, settings)
    network = task.network(codec, settings)
    lesson = task.lesson(network, codec, data, settings)
    network.train()
    began = 0.0
    for step in range(_STEPS + 1):
        if step == 1:  # the first one pays for what is kept
            began = time.perf_counter()
        loss, _state = lesson.loss(lesson.batch(step), None)
        loss.backward()  # type: ignore[no-untyped-call]
    seconds = (time.perf_counter() - began) / _STEPS * settings.steps
    return sum(p.numel() for p in network.parameters()), seconds


def _peak() -> int:
    """Bytes that this process has taken at most."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
