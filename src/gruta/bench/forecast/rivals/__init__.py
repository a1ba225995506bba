"""What every contestant does: learn for so many seconds, and forecast a part of a set."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol

from gruta.bench.forecast.contestants import CONTESTANTS
from gruta.bench.forecast.sets import Exam, Values

LEVELS = (0.1, 0.5, 0.9)
"""The quantiles that all forecast; who has a point alone gives it for each."""

MEDIAN = LEVELS.index(0.5)


@dataclass(frozen=True)
class Stage:
    """What a contestant would hand out if it stopped after so many CPU seconds.

    forecast: gives quantiles `[M, K, Q]` of the exam's origins; what it costs is not training.
    """

    seconds: float
    forecast: Callable[[], Values]


class Rival(Protocol):
    """One library, in a process of its own."""

    def train(self, exam: Exam, way: str, seed: int, seconds: float) -> Sequence[Stage]:
        """Learn for so many CPU seconds at most; the last stage is what it ends with."""


def load(name: str) -> Rival:
    """The contestant, imported; only in a process that is its own."""
    module = import_module(f"gruta.bench.forecast.rivals.{CONTESTANTS[name].module}")
    rival: Rival = module.start(name)
    return rival
