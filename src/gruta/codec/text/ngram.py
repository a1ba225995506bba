"""How often units follow one another: an n-gram model, the simple one beside a language model.

Interpolated Kneser-Ney smoothing with three discounts an order (Kneser and Ney 1995; Chen and
Goodman 1998, TR-10-98, section 3). What followed a context of the full length counts as often as it
did; a shorter run of units counts in how many different units came before it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Units = NDArray[np.integer]
Numbers = NDArray[np.int64]
Probabilities = NDArray[np.float64]

FALLBACK = (0.5, 1.0, 1.5)
"""Discounts of a count of 1, of 2, and of 3 or more, where too few runs tell better ones."""

LONGEST = 16
"""Orders that are tried at most."""


@dataclass(frozen=True, eq=False)
class _Order:
    """What follows the contexts of one length.

    runs: sorted; a context's number times one more than there are units, plus the unit that
    follows. The place of a run is its number as a context of the next order. kept: a run's count
    less its discount, over all counts of its context. left: of each context, what the discounts
    leave for the next shorter one.
    """

    runs: Numbers
    kept: Probabilities
    left: Probabilities


class NGram:
    """Of texts, whose units are numbers from 0 to `size` - 1; order: of the longest runs."""

    def __init__(self, texts: Sequence[Units], size: int, order: int) -> None:
        self.size, self.order = size, order
        orders, units = [], self._marked(texts)
        ends = np.zeros_like(units)  # at each place, the number of the run that ends there
        runs, contexts, counts, fresh = ends[:0], 0, ends[:0], np.zeros(0, bool)
        for length in range(1, order + 1):
            keys = self._keys(ends, units)
            longer, first, places, found = np.unique(keys, True, True, True)
            if length > 1:
                before = np.bincount(ends[first], minlength=len(runs))
                orders.append(self._order(runs, contexts, np.where(fresh, counts, before)))
            runs, contexts, counts, ends = longer, max(len(runs), 1), found, places
            # nothing comes before a run from a text's start: it counts as often as it came
            fresh = units[np.maximum(first - length + 1, 0)] == size
        self._orders = [*orders, self._order(runs, contexts, counts)]

    @property
    def parameters(self) -> int:
        """How many numbers it keeps."""
        return sum(len(order.runs) + len(order.left) for order in self._orders)

    def probabilities(self, text: Units) -> Probabilities:
        """Of each unit of a text `[T]`, after those before it."""
        units = self._marked([text])
        found = np.full(len(units), 1 / self.size)
        ends = np.zeros_like(units)
        for order in self._orders:
            context = _before(ends)
            keys = self._keys(ends, units)
            places = np.minimum(np.searchsorted(order.runs, keys), len(order.runs) - 1)
            known = (order.runs[places] == keys) & (context >= 0)
            kept = np.where(known, order.kept[places], 0)
            found = kept + np.where(context >= 0, order.left[context], 1) * found
            ends = np.where(known, places, -1)
        return found[self.order - 1 :]

    def nats(self, texts: Sequence[Units]) -> float:
        """Of all units of some texts together."""
        return float(sum(-np.log(self.probabilities(text)).sum() for text in texts))

    def _marked(self, texts: Sequence[Units]) -> Numbers:
        """All in one, each behind as many marks, the number `size`, as a context has units."""
        marks = np.full(self.order - 1, self.size)
        return np.concatenate([part for text in texts for part in (marks, text)]).astype(np.int64)

    def _keys(self, ends: Numbers, units: Numbers) -> Numbers:
        return _before(ends) * (self.size + 1) + units

    def _order(self, runs: Numbers, contexts: int, counts: Numbers) -> _Order:
        context, unit = np.divmod(runs, self.size + 1)
        counts = np.where(unit == self.size, 0, counts)  # a mark never follows anything
        discounts = np.array((0.0, *_discounts(counts)))[np.minimum(counts, 3)]
        totals = np.bincount(context, counts, contexts)
        some = np.maximum(totals, 1)
        left = np.where(totals > 0, np.bincount(context, discounts, contexts) / some, 1)
        return _Order(runs, (counts - discounts) / some[context], left)


def best(texts: Sequence[Units], size: int, held_out: Sequence[Units]) -> NGram:
    """Of the order that `held_out` is likeliest under: longer ones until it gets worse."""
    found = NGram(texts, size, 1)
    lowest = found.nats(held_out)
    for order in range(2, LONGEST + 1):
        model = NGram(texts, size, order)
        nats = model.nats(held_out)
        if nats >= lowest:
            break
        found, lowest = model, nats
    return found


def _before(ends: Numbers) -> Numbers:
    """Of the place before each; the first has none, where no unit is asked for."""
    return np.concatenate([ends[:1], ends[:-1]])


def _discounts(counts: Numbers) -> tuple[float, ...]:
    """Of a count of 1, of 2, and of 3 or more; by how many runs came once to four times."""
    n = [int((counts == k).sum()) for k in range(1, 5)]
    if min(n) == 0:
        return FALLBACK
    share = n[0] / (n[0] + 2 * n[1])
    found = tuple(k - (k + 1) * share * n[k] / n[k - 1] for k in (1, 2, 3))
    return found if all(0 <= d <= k for k, d in enumerate(found, 1)) else FALLBACK
