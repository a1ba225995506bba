"""Which rows of series are for training, for validation, and for the test."""

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gruta.codec.series.features import Rows, Table
from gruta.codec.series.series import Series
from gruta.codec.series.stamps import as_stamp

if TYPE_CHECKING:
    from gruta.tasks.forecast.settings import ForecastSettings


@dataclass(frozen=True, eq=False)
class Parts:
    """Of each of S series, how many rows, from its start, are for training, and are seen by it."""

    train: Rows
    seen: Rows

    @classmethod
    def of(cls, series: Series, settings: "ForecastSettings") -> "Parts":
        """Training, then validation, then the test, which is not seen; all series are parted at
        the same moments, counted back from the newest row with a target, or at stamps.

        Validation and test, where there is one, hold at least one horizon of the longest series.
        """
        s, lengths = settings, series.ends - series.starts[:-1]
        cut = lengths + _behind(series, lengths)  # in steps of each series, as are those below
        rows = int(cut.max())
        validation = max(round(s.validation_share * rows), s.horizon)
        if s.test_from:
            cut = steps_before(series, _stamp(series, s.test_from, "test_from"))
        elif s.test_share:
            cut = cut - max(round(s.test_share * rows), s.horizon)
        train = cut - validation
        if s.validation_from:
            train = steps_before(series, _stamp(series, s.validation_from, "validation_from"))
        seen = np.clip(cut, 0, lengths)
        return cls(np.clip(train, 0, seen), seen)


def _behind(series: Series, lengths: Rows) -> Rows:
    """By how many steps each series ends before the newest one."""
    if series.count == 1 or series.stamps is not None:
        return np.zeros(series.count, np.int64)
    newest = series.times_at(np.maximum(series.starts[:-1], series.ends - 1)).max()
    places = [int(series.frequency.place(newest[None], begin)[0]) for begin in series.begins]
    return np.maximum(0, np.array(places) + 1 - lengths)


def _stamp(series: Series, text: str, setting: str) -> np.datetime64:
    return as_stamp(text, setting, series.frequency.numbered)


def steps_before(series: Series, clock: np.datetime64) -> Rows:
    """How many steps of each series begin before the clock shows this."""
    moment = series.frequency.moment(np.array([clock]))
    if series.stamps is not None:
        rows = itertools.pairwise(series.starts)
        return np.array([int((series.stamps[a:b] < moment).sum()) for a, b in rows])
    found = []
    for begin in series.begins:
        place = series.frequency.place(moment, begin)
        found.append(int(place[0] + (series.frequency.shift(begin, place) < moment)[0]))
    return np.array(found)


class Origins:
    """Rows to forecast from, in runs of neighbours: increasing, and counted, but not written out.

    Takes what an array of them would take: a number, an array of numbers, a slice.
    """

    def __init__(self, begins: Rows, ends: Rows) -> None:
        some = ends > begins
        self._begins = begins[some]
        self._counts = np.concatenate([[0], (ends - begins)[some].cumsum()])

    def __len__(self) -> int:
        return int(self._counts[-1])

    def __getitem__(self, place: Any) -> Rows:
        if isinstance(place, slice):
            place = np.arange(*place.indices(len(self)))
        places = np.asarray(place)
        places = np.where(places < 0, places + len(self), places)
        run = np.searchsorted(self._counts, places, side="right") - 1
        found: Rows = self._begins[run] + places - self._counts[run]
        return found

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self[:], dtype)

    def but_last(self, rows: int) -> "Origins":
        """Without so many at the end of each run."""
        return Origins(self._begins, self._begins + np.diff(self._counts) - rows)

    @property
    def runs(self) -> tuple[Rows, Rows]:
        """The first row of each run, and the one after its last."""
        return self._begins, self._begins + np.diff(self._counts)

    def has(self, rows: Rows) -> NDArray[np.bool_]:
        """`[M]`: which of `rows [M]` are among them."""
        begins, ends = self.runs
        place = np.searchsorted(begins, rows, side="right")
        ends = np.concatenate([[0], ends])  # before the first run are none
        found: NDArray[np.bool_] = rows < ends[place]
        return found

    def first(self, rows: Rows) -> Rows:
        """The first of the run that each of `rows`, origins themselves, is of."""
        found: Rows = self._begins[np.searchsorted(self._begins, rows, side="right") - 1]
        return found


SHORT = 5
"""A validation part of fewer horizons has seen too little to choose by it alone."""

_EARLIER = 3
_MOST_EARLIER = 2**19
"""Of more forecasts in the training part no earlier cuts are taken: they cost as much again."""


@dataclass(frozen=True)
class Split:
    """Origins with their whole horizon in the training part, and in validation.

    ends: the first and the last of both, of each series.
    """

    train: Origins
    validation: Origins
    ends: tuple[Rows, Rows]

    @property
    def every(self) -> Origins:
        """Those of both, and between them those whose horizon lies in both."""
        firsts, lasts = self.ends
        return Origins(firsts, lasts + 1)

    def with_more(self, steps: int) -> "Split":
        """Origins that have so many more steps behind their horizon in the same part."""
        firsts, lasts = self.ends
        return Split(
            self.train.but_last(steps), self.validation.but_last(steps), (firsts, lasts - steps)
        )

    @classmethod
    def of(cls, table: Table, parts: Parts) -> "Split":
        """All origins that have the history they need: where gaps are told, a third of a short
        series.
        """
        assert table.starts is not None
        starts, horizon = table.starts[:-1], table.horizon
        first = np.full(len(starts), table.first_origin)
        if table.absent is not None:
            first = np.minimum(first, np.maximum(1, parts.train // 3))
        last = starts + parts.seen - horizon
        return cls(
            Origins(starts + first, starts + parts.train - horizon),
            Origins(starts + np.maximum(first, parts.train - 1), last),
            (starts + first, last - 1),
        )

    def cuts(self, horizon: int) -> list[tuple[Origins, Origins]]:
        """Origins to learn from, and behind them some to choose by: training and validation part,
        and where this is short three earlier cuts, within the training part's last half.
        """
        both = (self.train, self.validation)
        begins, ends = self.validation.runs
        longest = (ends - begins).max(initial=0)
        if longest >= SHORT * horizon or len(self.train) * horizon > _MOST_EARLIER:
            return [both]
        begins, ends = self.train.runs
        apart = max(horizon, int((ends - begins).max(initial=0) + horizon) // (2 * _EARLIER))
        earlier = []
        for back in range(_EARLIER, 0, -1):
            cut, stop = ends - back * apart, ends - (back - 1) * apart
            behind = Origins(np.maximum(begins, cut + horizon - 1), stop)
            earlier.append((Origins(begins, cut), behind))
        return [*((a, b) for a, b in earlier if len(a) and len(b)), both]
