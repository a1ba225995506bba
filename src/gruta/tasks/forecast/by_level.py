"""What reconciling was worth at each level of a hierarchy."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gruta.codec.series.hierarchy import Hierarchy
from gruta.tasks.forecast.scores import Difference, difference

if TYPE_CHECKING:
    from gruta.tasks.forecast.evaluation import Evaluation


@dataclass(frozen=True)
class Level:
    """Series so many levels below the top, and their mean absolute error before and after."""

    depth: int
    series: int
    before: float
    after: float
    change: Difference

    def to_json(self) -> dict[str, Any]:
        """For a program."""
        told = {"level": self.depth + 1, "series": self.series, "mae_before": self.before}
        change = {"standard_error": self.change.error, "beyond_chance": self.change.beyond_chance}
        return told | {"mae_after": self.after} | change


def levels_of(found: "Evaluation") -> Sequence[Level]:
    """What reconciling was worth, from the top down; empty without a hierarchy."""
    if found.reconciled is None:
        return ()
    middle, series = found.levels.index(0.5), found.series
    depths = Hierarchy.bottom_up(series.ids, series.parents, 1).depths
    of_each, each = depths[series.of(found.origins)], []
    for depth in range(int(depths.max()) + 1):
        some = (of_each == depth) & found.reconciled.whole
        if not some.any():
            continue
        truth = found.truth[some]
        before, after = (
            np.abs(values[some, :, middle] - truth)
            for values in (found.reconciled.before, found.reconciled.after)
        )
        change = difference(after, before, found.overlap, found.moments[some])
        means = float(np.nanmean(before)), float(np.nanmean(after))
        each.append(Level(depth, int((depths == depth).sum()), *means, change))
    return each


def hierarchy_json(found: "Evaluation") -> dict[str, Any]:
    """The same for a program; nothing without a hierarchy."""
    levels = [level.to_json() for level in levels_of(found)]
    return {"levels": levels} if levels else {}
