"""A rule of the advice, held against trainings whose end is known."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any


@dataclass(frozen=True)
class Case:
    """A training: what a rule measured of it, and how badly it ended (1: as the simple answer)."""

    name: str
    measure: float
    outcome: float
    failed: bool


@dataclass(frozen=True)
class Verdict:
    """A rule of the advice, the bound that it has, and the trainings that it is held against.

    below: whether it tells of what lies below its bound.
    """

    name: str
    bound: float
    below: bool
    cases: Sequence[Case]

    def tells(self, case: Case, bound: float | None = None) -> bool:
        """Whether it would tell of this one."""
        bound = self.bound if bound is None else bound
        return case.measure < bound if self.below else case.measure > bound

    def accuracy(self, bound: float | None = None) -> float:
        """The mean of the shares of the failed that it tells of, and of the others that it does
        not; 1 where it is always right, 0.5 by chance.
        """
        failed = [c for c in self.cases if c.failed]
        fine = [c for c in self.cases if not c.failed]
        told = sum(self.tells(c, bound) for c in failed) / max(1, len(failed))
        quiet = sum(not self.tells(c, bound) for c in fine) / max(1, len(fine))
        return (told + quiet) / 2

    def best(self) -> tuple[float, float] | None:
        """The bounds between which it would be right most often; None where there is no choice."""
        values = sorted({case.measure for case in self.cases if math.isfinite(case.measure)})
        between = list(pairwise(values))
        if not between:
            return None
        scores = [self.accuracy(_middle(*pair)) for pair in between]
        first = scores.index(max(scores))
        last = first
        while last + 1 < len(scores) and scores[last + 1] == scores[first]:
            last += 1
        return between[first][0], between[last][1]

    def to_json(self) -> dict[str, Any]:
        """The numbers, for a program."""
        best = self.best()
        told = [c for c in self.cases if self.tells(c)]
        quiet = [c for c in self.cases if not self.tells(c)]
        return {
            "bound": self.bound,
            "told": len(told),
            "told_and_failed": sum(c.failed for c in told),
            "not_told": len(quiet),
            "not_told_and_fine": sum(not c.failed for c in quiet),
            "accuracy": self.accuracy(),
            "best_bounds": best,
            "best_accuracy": None if best is None else self.accuracy(_middle(*best)),
            "cases": [[c.name, c.measure, min(c.outcome, 1e12), c.failed] for c in self.cases],
        }


def _middle(low: float, high: float) -> float:
    """The geometric mean of two positive numbers, else the mean."""
    return math.sqrt(low * high) if low > 0 else (low + high) / 2
