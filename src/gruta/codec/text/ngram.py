"""How often units follow one another: an n-gram model, the simple one beside a language model.

Interpolated Kneser-Ney smoothing with three discounts an order (Kneser and Ney 1995; Chen and
Goodman 1998, TR-10-98, section 3). What followed a context of the full length counts as often as it
did; a shorter run of units counts in how many different units came before it.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from gruta.locale import translate as _

Units = NDArray[np.integer]
Numbers = NDArray[np.int64]
Probabilities = NDArray[Any]

FALLBACK = (0.5, 1.0, 1.5)
"""Discounts of a count of 1, of 2, and of 3 or more, where too few runs tell better ones."""

MOST_COUNTED = 2**24
"""Units that are counted, at most: a minute of one core, and some gigabytes."""

LONGEST = 16
"""Orders that are tried at most."""

_GAIN = 0.001
"""Of the nats, that a longer order has to be worth."""

SHORT = 5
"""Units of a run that is kept though it came once; longer ones foretell less than they seem to."""


@dataclass(frozen=True, eq=False)
class Order:
    """What follows the contexts of one length.

    runs: sorted; a context's number times one more than there are units, plus the unit that
    follows. The place of a run is its number as a context of the next order. first: where each
    context's runs begin, and where the last one's end. kept: a run's count less its discount, over
    all counts of its context. left: of each context, what the discounts leave for the next shorter
    one.
    """

    runs: Numbers
    first: Numbers
    kept: Probabilities
    left: Probabilities

    def places(self, keys: Numbers, contexts: Numbers) -> Numbers:
        """Of runs by their keys; -1 for one that never came, or of the context -1."""
        found = np.minimum(np.searchsorted(self.runs, keys), len(self.runs) - 1)
        return np.where((self.runs[found] == keys) & (contexts >= 0), found, -1)


@dataclass(frozen=True, eq=False)
class NGram:
    """Of texts, whose units are numbers from 0 to `size` - 1; the orders of runs, short ones first.

    Before a text stand marks, the number `size`, which never follow anything. What came once alone
    and is longer than `SHORT` is left out, its share to the next shorter context: half of the
    numbers, and a text that is likelier.
    """

    size: int
    orders: tuple[Order, ...]

    @classmethod
    def count(cls, texts: Sequence[Units], size: int, order: int) -> Self:
        """Of all runs of up to so many units."""
        *_, found = itertools.islice(cls.growing(texts, size), order)
        return found

    @classmethod
    def growing(cls, texts: Sequence[Units], size: int) -> Iterator[Self]:
        """Of runs of one unit, of up to two, and so on, up to `LONGEST`."""
        units = _marked(texts, size, LONGEST)
        ends = np.zeros_like(units)  # at each place, the number of the run that ends there
        shorter: list[tuple[Order, Numbers]] = []
        level: _Level | None = None
        for length in range(1, LONGEST + 1):
            keys = _before(ends) * (size + 1) + units
            runs, first, places, counts = np.unique(keys, True, True, True)
            if level is not None:
                before = np.bincount(ends[first], minlength=len(level.runs))
                kinds = np.where(level.fresh, level.counts, before)
                shorter.append((level.order(kinds, size), level.counts))
            # nothing comes before a run from a text's start: it counts as often as it came
            fresh = units[np.maximum(first - length + 1, 0)] == size
            level = _Level(runs, len(level.runs) if level else 1, counts, fresh)
            ends = places
            longest = level.order(counts, size), counts
            yield cls(size, tuple(_without_chance([*shorter, longest], size)))

    @property
    def order(self) -> int:
        """Units of the longest runs."""
        return len(self.orders)

    @property
    def parameters(self) -> int:
        """How many numbers it keeps."""
        return sum(len(order.runs) + len(order.left) for order in self.orders)

    def probabilities(self, text: Units) -> NDArray[np.float64]:
        """Of each unit of a text `[T]`, after those before it."""
        units = _marked([text], self.size, self.order)
        found = np.full(len(units), 1 / self.size)
        ends = np.zeros_like(units)
        for order in self.orders:
            context = _before(ends)
            ends = order.places(context * (self.size + 1) + units, context)
            kept = np.where(ends >= 0, order.kept[ends], 0)
            found = kept + np.where(context >= 0, order.left[context], 1) * found
        return found[self.order - 1 :]

    def nats(self, texts: Sequence[Units]) -> float:
        """Of all units of some texts together."""
        return float(sum(-np.log(self.probabilities(text)).sum() for text in texts))

    def after(self, text: Units) -> Numbers:
        """Where a text `[T]` stands: of each length, the number of the run that it ends with, -1
        for one that never came `[order]`. The first is that of no unit.
        """
        places = np.full((1, self.order), -1)
        places[:, 0] = 0
        for unit in _marked([text], self.size, self.order)[-self.order :]:
            places = self.moved(places, np.array([unit]))
        found: Numbers = places[0]
        return found

    def moved(self, places: Numbers, units: Units) -> Numbers:
        """Where texts stand `[B, order]` that stood there, after one more unit each `[B]`."""
        found = np.zeros_like(places)
        for k, order in enumerate(self.orders[:-1], 1):
            context = places[:, k - 1]
            found[:, k] = order.places(context * (self.size + 1) + units, context)
        return found

    def next(self, places: Numbers) -> NDArray[np.float64]:
        """How likely each unit is `[B, size]` to come next where texts stand `[B, order]`."""
        found = np.empty((len(places), self.size))
        for own, text in zip(found, places.tolist(), strict=True):
            known = [(order, c) for order, c in zip(self.orders, text, strict=True) if c >= 0]
            left = np.array([float(order.left[c]) for order, c in known] + [1.0])
            left = left[::-1].cumprod()[::-1]  # what all longer contexts leave
            own[:] = left[0] / self.size
            for (order, c), longer in zip(known, left[1:], strict=True):
                some = slice(order.first[c], order.first[c + 1])
                units = order.runs[some] - c * (self.size + 1)
                real = units < self.size
                own[units[real]] += longer * order.kept[some][real]
        return found

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """What `from_arrays` makes it of again, in single precision."""
        small = np.min_scalar_type(self.size)
        units = [(order.runs % (self.size + 1)).astype(small) for order in self.orders]
        firsts = [order.first.astype(np.int32) for order in self.orders]
        kept, left = (
            np.concatenate([getattr(order, name) for order in self.orders]).astype(np.float32)
            for name in ("kept", "left")
        )
        counts = np.array([len(order.left) for order in self.orders], np.int64)
        return {
            "contexts": counts,
            "units": np.concatenate(units),
            "first": np.concatenate(firsts),
            "kept": kept,
            "left": left,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], size: int) -> Self:
        """What `to_arrays` gave; ValueError if it is anything else."""
        orders: list[Order] = []
        units, first = (arrays[name].astype(np.int64) for name in ("units", "first"))
        kept, left = arrays["kept"].astype(np.float32), arrays["left"].astype(np.float32)
        expected = 1
        for contexts in arrays["contexts"].tolist():
            own, first = first[: contexts + 1], first[contexts + 1 :]
            _require(contexts == expected and len(own) == contexts + 1 and own[0] == 0)
            _require(bool((np.diff(own) >= 0).all()) and len(units) >= own[-1] > 0)
            runs = np.repeat(np.arange(contexts), np.diff(own)) * (size + 1) + units[: own[-1]]
            _require(bool((units[: own[-1]] <= size).all() and (np.diff(runs) > 0).all()))
            orders.append(Order(runs, own, kept[: len(runs)], left[:contexts]))
            units, kept, left = units[len(runs) :], kept[len(runs) :], left[contexts:]
            _require(len(orders[-1].kept) == len(runs) and len(orders[-1].left) == contexts)
            expected = len(runs)
        _require(bool(orders) and not len(units) and not len(kept) and not len(left))
        for part in (arrays["kept"], arrays["left"]):
            _require(bool(((part >= 0) & (part <= 1)).all()))
        return cls(size, tuple(orders))


def best(texts: Sequence[Units], size: int, held_out: Sequence[Units]) -> NGram:
    """Of the order that `held_out` is likeliest under: longer ones while that gains something."""
    models = NGram.growing(texts, size)
    found = next(models)
    lowest = found.nats(held_out)
    for model in models:
        nats = model.nats(held_out)
        if nats > lowest * (1 - _GAIN):
            break
        found, lowest = model, nats
    return found


@dataclass(frozen=True, eq=False)
class _Level:
    """Runs of one length: sorted, of so many contexts, how often each came, and which of them begin
    a text.
    """

    runs: Numbers
    contexts: int
    counts: Numbers
    fresh: NDArray[np.bool_]

    def order(self, counts: Numbers, size: int) -> Order:
        """With probabilities by these counts."""
        context, unit = np.divmod(self.runs, size + 1)
        counts = np.where(unit == size, 0, counts)  # a mark never follows anything
        discounts = np.array((0.0, *_discounts(counts)))[np.minimum(counts, 3)]
        totals = np.bincount(context, counts, self.contexts)
        some = np.maximum(totals, 1)
        left = np.where(totals > 0, np.bincount(context, discounts, self.contexts) / some, 1)
        first = np.searchsorted(context, np.arange(self.contexts + 1))
        return Order(self.runs, first, (counts - discounts) / some[context], left)


def _require(whole: bool) -> None:
    if not whole:
        raise ValueError(_("the runs of an n-gram model do not fit together"))


def _marked(texts: Sequence[Units], size: int, order: int) -> Numbers:
    """All in one, each behind as many marks as a context has units."""
    marks = np.full(order - 1, size)
    return np.concatenate([part for text in texts for part in (marks, text)]).astype(np.int64)


def _before(ends: Numbers) -> Numbers:
    """Of the place before each; the first has none, where no unit is asked for."""
    return np.concatenate([ends[:1], ends[:-1]])


def _without_chance(orders: Sequence[tuple[Order, Numbers]], size: int) -> Iterator[Order]:
    """Without runs that are long and came once; each order with how often its runs came."""
    number = np.zeros(1, np.int64)  # of each context among those that stay, or -1
    for length, (order, counts) in enumerate(orders, 1):
        context, unit = np.divmod(order.runs, size + 1)
        stay = (number[context] >= 0) & ((counts > 1) | (length <= SHORT))
        lost = np.bincount(context[~stay], order.kept[~stay], len(order.left))
        left, context = (order.left + lost)[number >= 0], number[context[stay]]
        first = np.searchsorted(context, np.arange(len(left) + 1))
        yield Order(context * (size + 1) + unit[stay], first, order.kept[stay], left)
        number = np.where(stay, np.cumsum(stay) - 1, -1)


def _discounts(counts: Numbers) -> tuple[float, ...]:
    """Of a count of 1, of 2, and of 3 or more; by how many runs came once to four times."""
    n = [int((counts == k).sum()) for k in range(1, 5)]
    if min(n) == 0:
        return FALLBACK
    share = n[0] / (n[0] + 2 * n[1])
    found = tuple(k - (k + 1) * share * n[k] / n[k - 1] for k in (1, 2, 3))
    return found if all(0 <= d <= k for k, d in enumerate(found, 1)) else FALLBACK
