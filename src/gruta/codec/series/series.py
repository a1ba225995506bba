"""Time series: a target with its covariates, one row a step; one series, or several."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.codec.series.covariates import Words
from gruta.codec.series.frequency import Frequency, Stamps, show
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.reading import Guess, Repair

Rows = NDArray[np.int64]
Values = NDArray[np.floating]

_AT_ONCE = 2**18


@dataclass(frozen=True)
class Columns:
    """Which column of a table is what; InputError if one is to be two things.

    series: names the series that a row is of; "" where the table holds one series alone.
    static: have one value in each series. wide: the columns that are a series each, by name or with
    a * for anything; then the table has no target and no series, which are what answers call them.
    parent: names the series that it is a part of, then the one that this is a part of, and so on.
    """

    time: str = "ds"
    target: str = "y"
    known: tuple[str, ...] = ()
    past: tuple[str, ...] = ()
    series: str = ""
    static: tuple[str, ...] = ()
    wide: tuple[str, ...] = ()
    parent: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in self.names:
            if self.names.count(name) > 1:
                problem = _(
                    "column {name!r} is used twice; it can be the time, the target, the series' "
                    "name, or one covariate, known, past or static"
                )
                raise InputError(problem.format(name=name))

    @property
    def names(self) -> tuple[str, ...]:
        """All of them."""
        own = (self.series,) if self.series else ()
        above = (name for name in self.parent if name not in self.static)
        return (self.time, self.target, *self.known, *self.past, *self.static, *own, *above)

    @property
    def shared(self) -> tuple[str, ...]:
        """Those that a wide table has besides its series."""
        return (self.time, *self.known, *self.past)


@dataclass(frozen=True, eq=False)
class Series:
    """S series, one behind the other, of N rows together.

    target: [N]; NaN where it is missing, and in the rows to come, the last ones of their series
    known: [N, C] covariates that are known for the rows to come too
    past: [N, P] covariates that are known up to now; in the rows to come they may be NaN
    starts: [S + 1] the first row of each, and N
    begins: [S] datetime64[us], without zone: the stamps of these rows; the others follow by steps
    ids: [S] what each is called; "" for one without a name
    stamps: [N] where rows follow no even step, else None
    static: [S, D] covariates that each series has as a whole; NaN where it lacks one
    parents: [S] what each one's parent is called, "" for none; empty where there is no hierarchy
    words: by column of texts what its values, which are their places, stand for
    source: the file, or "frame", as messages name it
    repairs: what was found amiss when they were read, and what was done about it
    guesses: what was found out on reading
    """

    target: Values
    known: Values
    past: Values
    starts: Rows
    begins: Stamps
    ids: tuple[str, ...]
    columns: Columns
    frequency: Frequency
    source: str
    stamps: Stamps | None = None
    static: Values | None = None
    parents: tuple[str, ...] = ()
    words: Words = field(default_factory=dict)
    repairs: tuple[Repair, ...] = ()
    guesses: tuple[Guess, ...] = ()

    @classmethod
    def lone(
        cls,
        times: Stamps,
        target: Values,
        known: Values,
        past: Values,
        columns: Columns,
        frequency: Frequency,
        source: str,
    ) -> "Series":
        """One series; times `[N]` lie one step of `frequency` apart, or are kept as they are."""
        even = (frequency.shift(times[:-1], 1) == times[1:]).all()
        return cls(
            target=target,
            known=known,
            past=past,
            starts=np.array([0, len(target)]),
            begins=times[:1],
            ids=("",),
            columns=columns,
            frequency=frequency,
            source=source,
            stamps=None if even else times,
        )

    def __len__(self) -> int:
        return len(self.target)

    @property
    def count(self) -> int:
        """How many series."""
        return len(self.ids)

    @property
    def inside(self) -> NDArray[np.bool_]:
        """`[N]`: which rows come before the last one of their series with a target, or are that."""
        found: NDArray[np.bool_] = np.zeros(len(self), bool)
        for first, end in zip(self.starts, self.ends, strict=False):
            found[first:end] = True
        return found

    @cached_property
    def times(self) -> Stamps:
        """The stamp of each row `[N]`."""
        return self.times_at(np.arange(len(self)))

    def times_at(self, rows: Rows) -> Stamps:
        """The stamps of rows `[...]`."""
        if self.stamps is not None:
            return self.stamps[rows]
        own = self.of(rows)
        return self.frequency.shift(self.begins[own], rows - self.starts[own])

    def pieces(self) -> Iterator[Rows]:
        """All rows, a quarter of a million at a time."""
        for start in range(0, len(self), _AT_ONCE):
            yield np.arange(start, min(start + _AT_ONCE, len(self)))

    def of(self, rows: Rows) -> Rows:
        """Which series each of the rows `[...]` is of."""
        return np.searchsorted(self.starts, rows, side="right") - 1

    def place(self, row: int) -> str:
        """What people call a row: its stamp, and its series where that has a name."""
        at = np.array([row])
        stamp, name = show(self.times_at(at)[0], self.frequency), self.ids[int(self.of(at)[0])]
        return f"{stamp} ({name})" if name else stamp

    @cached_property
    def ends(self) -> Rows:
        """`[S]`: the row after the last one of each series that has a target."""
        lacking = np.isnan(self.target)
        found = self.starts[1:].copy()
        for i, first in enumerate(self.starts[:-1]):
            while found[i] > first and lacking[found[i] - 1]:
                found[i] -= 1
        return found

    @cached_property
    def offsets(self) -> Rows:
        """`[S]`: how many steps after the earliest of them each begins."""
        return self.frequency.place(self.begins, self.begins.min())

    @property
    def observed(self) -> int:
        """Rows of the first series up to the last one with a target; the others are to come."""
        return int(self.ends[0])

    @property
    def last(self) -> np.datetime64:
        """The newest stamp of all."""
        found: np.datetime64 = self.times_at(self.starts[1:] - 1).max()
        return found

    def until(self, counts: Rows) -> "Series":
        """The first `counts [S]` rows of each; one may be left without any."""
        parts = [slice(a, a + n) for a, n in zip(self.starts, counts, strict=False)]

        def kept(values: NDArray[Any]) -> NDArray[Any]:
            return (
                values[parts[0]] if len(parts) == 1 else np.concatenate([values[p] for p in parts])
            )

        return replace(
            self,
            target=kept(self.target),
            known=kept(self.known),
            past=kept(self.past),
            starts=np.concatenate([[0], counts.cumsum()]),
            stamps=None if self.stamps is None else kept(self.stamps),
        )

    def nonempty(self) -> "Series":
        """Those that have rows."""
        some = np.flatnonzero(np.diff(self.starts))
        return replace(
            self,
            starts=np.append(self.starts[some], len(self)),
            begins=self.begins[some],
            ids=tuple(self.ids[i] for i in some),
            static=None if self.static is None else self.static[some],
            parents=tuple(self.parents[i] for i in some) if self.parents else (),
        )

    def some(self, which: Rows) -> "Series":
        """Those at these places that have rows, as they follow each other."""
        counts = np.zeros(self.count, np.int64)
        counts[which] = np.diff(self.starts)[which]
        return self.until(counts).nonempty()

    def one(self, i: int) -> "Series":
        """The i-th alone."""
        part = slice(int(self.starts[i]), int(self.starts[i + 1]))
        return replace(
            self,
            target=self.target[part],
            known=self.known[part],
            past=self.past[part],
            starts=np.array([0, part.stop - part.start]),
            begins=self.begins[i : i + 1],
            ids=self.ids[i : i + 1],
            static=None if self.static is None else self.static[i : i + 1],
            parents=self.parents[i : i + 1],
            stamps=None if self.stamps is None else self.stamps[part],
        )

    def fingerprint(self) -> str:
        """SHA-256 of the columns' names and of all values, whatever they were read from."""
        columns = asdict(self.columns)
        del columns["wide"]
        for later in ("series", "static", "parent"):  # as it was before there were these
            if not columns[later]:
                del columns[later]
        digest = hashlib.sha256(json.dumps(columns).encode())
        if self.columns.series:
            digest.update(json.dumps([self.ids, self.starts.tolist()]).encode())
        if self.parents:
            digest.update(json.dumps(self.parents).encode())
        for rows in self.pieces():
            digest.update(self.times_at(rows).astype("<i8").tobytes())
        for array in self._told(digest):
            little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
            digest.update(little.reshape(-1).view(np.uint8).data)
        return digest.hexdigest()

    def _told(self, digest: Any) -> Iterator[Values]:
        """The arrays of values; of texts the places among those that are there, which are told."""
        columns = self.columns
        sides = [(columns.known, self.known), (columns.past, self.past)]
        if self.static is not None:
            sides.append((columns.static, self.static))
        yield self.target
        for names, values in sides:
            for i in [i for i, name in enumerate(names) if name in self.words]:
                there = ~np.isnan(values[:, i])
                used, places = np.unique(values[there, i].astype(np.int64), return_inverse=True)
                texts = [self.words[names[i]][code] for code in used]
                digest.update(json.dumps([names[i], texts]).encode())
                values = values.copy()
                values[there, i] = places
            yield values


def carried(values: Values, starts: Rows) -> Values:
    """Values `[N]` of series that begin at `starts [S + 1]`, the last one before in each gap, and
    the first in one at the start; NaN in a series that has none.
    """
    found, lacking = values.copy(), np.isnan(values)
    which = np.unique(np.searchsorted(starts, np.flatnonzero(lacking), side="right") - 1)
    for first, end in zip(starts[which], starts[which + 1], strict=True):
        given = np.flatnonzero(~lacking[first:end])
        if len(given):
            before = np.searchsorted(given, np.arange(end - first), side="right") - 1
            found[first:end] = values[first:end][given[np.maximum(before, 0)]]
    return found
