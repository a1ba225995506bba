"""Forecasts of series that sum up to others, made to sum up too.

    bottom = P · forecasts of all,  reconciled = S · bottom

S says which of the lowest series each one is the sum of, P how their forecasts come from those of
all: by least squares under the constraint (Wickramasuriya, Athanasopoulos, Hyndman 2019,
doi:10.1080/01621459.2018.1448825). The quantiles keep their distances from the median that is
reconciled, stretched by a conformal factor for each level of the hierarchy.

Letters in shapes: U moments, S series, B of them at the bottom, K steps, Q quantiles, D levels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.codec.series.intervals import spread
from gruta.codec.series.series import Rows, Series
from gruta.errors import InputError
from gruta.locale import translate as _

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Hierarchy:
    """names `[S]` and, of each, the name of its parent, "" for none.

    method: by which weights `[B, S]`, P above, were found, in the order of the names; factors
    `[D, Q]`: of the levels from the top.
    """

    names: tuple[str, ...]
    parents: tuple[str, ...]
    method: str
    weights: Values
    factors: Values

    @classmethod
    def bottom_up(cls, names: Sequence[str], parents: Sequence[str], quantiles: int) -> "Hierarchy":
        """One whose lowest forecasts are taken as they are, and intervals too."""
        plain = cls(tuple(names), tuple(parents), "bottom_up", np.empty(0), np.empty(0))
        lowest = np.zeros((len(plain.bottom), len(names)))
        lowest[np.arange(len(lowest)), plain.bottom] = 1
        levels = int(plain.depths.max()) + 1
        return replace(plain, weights=lowest, factors=np.ones((levels, quantiles)))

    @cached_property
    def _above(self) -> Rows:
        """`[S]`: the place of each one's parent, -1 for none."""
        places = {name: i for i, name in enumerate(self.names)}
        return np.array([places[name] if name else -1 for name in self.parents], np.int64)

    @cached_property
    def bottom(self) -> Rows:
        """`[B]`: the places of those that nothing is below."""
        return np.setdiff1d(np.arange(len(self.names)), self._above)

    @cached_property
    def depths(self) -> Rows:
        """`[S]`: how many are above each."""
        depths = np.zeros(len(self.names), np.int64)
        above = self._above
        while (above >= 0).any():
            depths += above >= 0
            above = np.where(above >= 0, self._above[above], -1)
            if depths.max() >= len(depths):
                name = repr(self.names[int(depths.argmax())])
                raise ValueError(
                    _("expected a hierarchy, found {name} above itself").format(name=name)
                )
        return depths

    @cached_property
    def sums(self) -> Values:
        """`[S, B]`: 1 where a series has one of the bottom in it."""
        found: Values = np.zeros((len(self.names), len(self.bottom)))
        above, columns = self.bottom, np.arange(len(self.bottom))
        while len(above):
            found[above, columns] = 1
            above = self._above[above]
            above, columns = above[above >= 0], columns[above >= 0]
        return found

    def reconciled(self, forecast: Values, median: int, *, positive: bool) -> Values:
        """`[U, K, S, Q]` of such forecasts; those of the median sum up.

        positive: what is below 0 at the bottom becomes 0 before it is summed.
        """
        middle = forecast[..., median]
        lowest = middle @ self.weights.T
        if positive:
            lowest = np.maximum(lowest, 0)
        summed = lowest @ self.sums.T
        apart = (forecast - middle[..., None]) * self.factors[self.depths]
        found: Values = np.sort(summed[..., None] + apart, axis=-1)
        return np.maximum(found, 0) if positive else found

    def calibrated(
        self, forecast: Values, truth: Values, quantiles: Sequence[float]
    ) -> "Hierarchy":
        """With factors by which the right share of truth `[U, K, S]` lay below each quantile of
        forecasts `[U, K, S, Q]` that are reconciled with factors of 1.
        """
        factors = self.factors.copy()
        for depth in range(len(factors)):
            own = self.depths == depth
            found, came = forecast[:, :, own].reshape(-1, 1, len(quantiles)), truth[:, :, own]
            factors[depth] = spread(
                found.astype(np.float32), came.reshape(-1, 1).astype(np.float32), quantiles
            )
        return replace(self, factors=factors)

    def rows_at(self, series: Series, origins: Rows) -> tuple[Rows, Rows]:
        """The rows `[U, S]` of all series at each moment of `origins [M]`, which may lie outside
        them, and which of these moments each is of; InputError unless the series are ours.
        """
        places = {name: i for i, name in enumerate(series.ids)}
        lacking = [name for name in self.names if name not in places]
        unknown = [name for name in series.ids if name not in set(self.names)]
        if lacking or unknown:
            raise InputError(
                _(
                    "{source}: expected the series of the hierarchy that was trained; {names}; "
                    "train again where the hierarchy has changed"
                ).format(source=series.source, names=_named(lacking, unknown))
            )
        own = series.of(origins)
        steps = origins - series.starts[own] + series.offsets[own]
        moments, which = np.unique(steps, return_inverse=True)
        order = np.array([places[name] for name in self.names])
        firsts = series.starts[order] - series.offsets[order]
        return moments[:, None] + firsts, which

    def to_json(self) -> dict[str, Any]:
        """Plain values; `from_json` gives the same numbers to the last bit."""
        told: dict[str, Any] = {"names": list(self.names), "parents": list(self.parents)}
        told |= {"method": self.method, "factors": self.factors.tolist()}
        return told if self.method == "bottom_up" else told | {"weights": self.weights.tolist()}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Hierarchy":
        """What `to_json` gave; ValueError or KeyError if it is anything else."""
        names, parents = (tuple(map(str, content[key])) for key in ("names", "parents"))
        factors = np.array(content["factors"], np.float64)
        if not len(set(names)) == len(names) == len(parents) or factors.ndim != 2:
            raise ValueError(_("expected series that each have a parent, and factors by level"))
        found = cls.bottom_up(names, parents, factors.shape[1])
        weights = np.array(content.get("weights", found.weights), np.float64)
        if weights.shape != found.weights.shape or factors.shape != found.factors.shape:
            raise ValueError(
                _("expected weights of the shape {expected}, found {found}").format(
                    expected=found.weights.shape, found=weights.shape
                )
            )
        if not (np.isfinite(weights).all() and np.isfinite(factors).all()):
            raise ValueError(_("expected finite weights of a hierarchy"))
        return replace(found, method=str(content["method"]), weights=weights, factors=factors)


def _named(lacking: Sequence[str], unknown: Sequence[str]) -> str:
    parts = []
    if lacking:
        parts.append(_("missing: {names}").format(names=", ".join(map(repr, lacking[:5]))))
    if unknown:
        parts.append(_("new: {names}").format(names=", ".join(map(repr, unknown[:5]))))
    return ", ".join(parts)
