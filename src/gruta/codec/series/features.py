"""What the forecaster sees of a series: columns, lags, and what is known about the steps to come.

Letters in shapes: N rows, B windows, P origins inside a window, K steps of the horizon, L lookback,
C columns, F features of a step to come, R past covariates with their lags.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from gruta.codec.series.difference import Level, reach
from gruta.locale import translate as _

Values = NDArray[np.float32]
Rows = NDArray[np.int64]


class Columns(Protocol):
    """Columns `[N, C]` of which rows can be taken."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns."""

    def take(self, rows: Rows, axis: int) -> Values:
        """`[..., C]` of rows `[...]`."""


@dataclass(frozen=True, eq=False)
class Table:
    """Series, one behind the other, as scaled float32 columns; y is NaN in rows to come.

    starts: `[S + 1]` where each series begins, and N. None: one series.
    absent: `[N]` which values of y are missing; there y holds the last one before. None: the
    network is not told of any, and reads whole histories alone.
    level: that of which y are differences, and of which changes are counted; None: y itself.
    own: `[S]` which of the learned vectors each series has, 0 for one without, if there are any;
    vectors: how many there are, and their width.
    """

    y: Values  # [N]
    known: Values  # [N, C] covariates that are known for the steps to come
    past: Values  # [N, C] covariates that are known up to the origin
    calendar: Columns  # [N, C]
    seasons: tuple[int, ...]
    lookback: int
    horizon: int
    starts: Rows | None = None
    absent: NDArray[np.bool_] | None = None
    level: Level | None = None
    own: Rows | None = None
    vectors: tuple[int, int] = (0, 0)

    @property
    def first_origin(self) -> int:
        """Rows before the first one that can be an origin: its window, and the lags of that."""
        apart = 0 if self.level is None else self.level.apart
        return first_origin(self.seasons, self.lookback, self.horizon, apart)

    @property
    def future_width(self) -> int:
        """Columns that `future_features` gives."""
        known: int = self.known.shape[1]
        days: int = self.calendar.shape[1]
        of_a_season = 3 + known + (self.absent is not None)
        return 2 * known + days + 1 + len(self.seasons) * of_a_season

    @property
    def past_width(self) -> int:
        """Columns that `Past` gives."""
        covariates: int = self.past.shape[1]
        return 2 + covariates + self.future_width + (self.absent is not None)

    def firsts(self, rows: Rows) -> Rows | int:
        """The first row of the series that each of `rows` is of; rows before stand for it."""
        if self.starts is None or len(self.starts) == 2:
            return 0
        found: Rows = self.starts[np.searchsorted(self.starts, rows, side="right") - 1]
        return found

    def is_absent(self, rows: Rows, firsts: Rows | int) -> NDArray[np.bool_]:
        """Which of `rows` lack a value, or lie before the first of their series."""
        assert self.absent is not None
        return (rows < firsts) | self.absent[np.maximum(rows, firsts)]

    def vector(self, rows: Rows) -> Rows:
        """Which of the learned vectors the series of each of `rows` has."""
        assert self.own is not None
        assert self.starts is not None
        found: Rows = self.own[np.searchsorted(self.starts, rows, side="right") - 1]
        return found

    @property
    def past_lags(self) -> int:
        """Rows up to the origin whose past covariates the linear path reads."""
        return min(self.lookback, MOST_PAST_LAGS)

    @property
    def recent_width(self) -> int:
        """Columns that `recent` gives."""
        covariates: int = self.past.shape[1]
        return covariates * self.past_lags

    @property
    def lacking(self) -> NDArray[np.bool_] | None:
        """`[N]` which values of what is forecast are missing, where gaps are told."""
        if self.absent is None or self.level is None:
            return self.absent
        return self.level.missing

    def base(self, origin: Rows, steps: Rows | None = None) -> NDArray[np.floating]:
        """`[..., K]`, or `[..., 1]` for all steps alike: the values from which changes are counted
        after rows `origin [...]`; in float64 where y are differences.
        """
        if self.level is None:
            return self.y[origin][..., None]
        steps = np.arange(1, self.horizon + 1) if steps is None else steps
        rows = self.level.bases(origin, steps, self.firsts(origin))
        found: NDArray[np.floating] = self.level.value[rows]
        return found

    def changes(self, origin: Rows, steps: Rows | None = None, told: bool = True) -> Values:
        """`[..., K]`: what came after rows `origin [...]`, less the base; NaN in gaps.

        steps: `[K]`, those of the horizon if not given. told: of gaps; else what stands for them.
        """
        at = origin[..., None] + (np.arange(1, self.horizon + 1) if steps is None else steps)
        value = self.y if self.level is None else self.level.value
        changes: Values = (value[at] - self.base(origin, steps)).astype(np.float32, copy=False)
        if told and self.lacking is not None:
            changes[self.lacking[at]] = np.nan
        return changes


def first_origin(seasons: tuple[int, ...], lookback: int, horizon: int, apart: int = 0) -> int:
    """Rows of history before the first origin: the window, then the longest seasonal lag, then what
    differences of values so far `apart` need.
    """
    longest = max((s * math.ceil(horizon / s) for s in seasons), default=0)
    before = apart * math.ceil(horizon / apart) if apart else 0
    return lookback + longest + before + SEASONAL_NEIGHBOURS


MOST_PAST_LAGS = 12

SEASONAL_NEIGHBOURS = 2
"""Rows before a seasonal lag that are read with it: its own change, and the change before that."""


def future_features(table: Table, origin: Rows, steps: Rows) -> Values:
    """`[..., K, F]`: what is known at rows `origin [...]` about each of `steps [K]` after them.

    Covariates then and now, the calendar, the value at the origin, and for each season the same
    phase in the last season before the origin: its value, its last two changes, its covariates and,
    where gaps are told, whether its value is missing. Of differences, what came over as many steps
    stands for that value.
    """
    y, known, level, first = table.y, table.known, table.level, table.firsts(origin)
    first = first if isinstance(first, int) else first[..., None]
    at = origin[..., None] + steps
    features = np.empty((*at.shape, table.future_width), np.float32)
    now = y[origin][..., None]
    C, D = known.shape[1], table.calendar.shape[1]
    features[..., :C] = known.take(at, 0)
    features[..., C : 2 * C] = known.take(origin, 0)[..., None, :]
    features[..., 2 * C : 2 * C + D] = table.calendar.take(at, 0)
    features[..., 2 * C + D] = now
    place = 2 * C + D + 1
    for season in table.seasons:
        then = at - season * ((steps - 1) // season + 1)
        last, before, earlier = (y.take(np.maximum(then - back, first)) for back in range(3))
        features[..., place] = last - now if level is None else _then(level, then, steps, first)
        features[..., place + 1] = last - before
        features[..., place + 2] = before - earlier
        features[..., place + 3 : place + 3 + C] = known.take(np.maximum(then, first), 0)
        place += 3 + C
        if table.absent is not None:
            features[..., place] = table.is_absent(then, first)
            place += 1
    return features


def _then(level: Level, then: Rows, steps: Rows, first: Rows | int) -> NDArray[np.float64]:
    """`[..., K]`: what came at rows `then [..., K]`, less what each step is counted from."""
    base = np.maximum(then - reach(level.apart, steps), first)
    found: NDArray[np.float64] = level.value[np.maximum(then, first)] - level.value[base]
    return found


def future_names(
    target: str,
    known: Sequence[str],
    calendar: Sequence[str],
    seasons: Sequence[int],
    gaps: bool = False,
    differenced: bool = False,
) -> list[str]:
    """What the columns of `future_features` are called, in their order."""
    then, now = _("{column} then"), _("{column} now")
    names = [then.format(column=column) for column in known]
    names += [now.format(column=column) for column in known]
    names += [*calendar, now.format(column=target)]
    for season in seasons:
        of_target = (
            _("sum of {column} over as many steps, a season ({steps}) before")
            if differenced
            else _("{column} a season ({steps}) before, less now"),
            _("change of {column} a season ({steps}) before"),
            _("change of {column} a season ({steps}) and a step before"),
        )
        names += [text.format(column=target, steps=season) for text in of_target]
        before = _("{column} a season ({steps}) before")
        names += [before.format(column=column, steps=season) for column in known]
        if gaps:
            lacks = _("{column} a season ({steps}) before is missing")
            names.append(lacks.format(column=target, steps=season))
    return names


class Past:
    """What the encoder reads at a row: value, change, covariates, the step to come and, where gaps
    are told, whether the value is missing.

    Of rows that lie before their series' first one, those of that one, as missing. keep: make all
    rows at once, where they are not too many.
    """

    def __init__(self, table: Table, keep: bool = True) -> None:
        self._table = table
        rows = len(table.y)
        kept = keep and 0 < rows * table.past_width <= MOST_KEPT
        self._kept = self._of(np.arange(rows)) if kept else None

    def __call__(self, rows: Rows, firsts: Rows | int = 0) -> Values:
        """`[..., C]` of rows `[...]`, of series that begin at `firsts`."""
        at = np.maximum(rows, firsts)
        found = self._of(at) if self._kept is None else self._kept.take(at, 0)
        if self._table.absent is not None:
            found[..., -1] = self._table.is_absent(rows, firsts)
        return found

    def _of(self, rows: Rows) -> Values:
        """The last row of all has no step to come, and those before the first origin's window may
        have no season before: they hold zeros.
        """
        table = self._table
        found = np.zeros((*rows.shape, table.past_width), np.float32)
        first = table.first_origin - table.lookback if table.absent is None else 0
        whole = (rows >= first) & (rows < len(table.y) - 1)
        at = rows[whole]
        before = np.maximum(at - 1, table.firsts(at))
        covariates = table.past.shape[1]
        ahead = found[whole]
        ahead[:, 0] = table.y[at]
        ahead[:, 1] = table.y[at] - table.y[before]
        ahead[:, 2 : 2 + covariates] = table.past[at]
        coming = future_features(table, at, np.array([1]))[:, 0]
        ahead[:, 2 + covariates : 2 + covariates + coming.shape[1]] = coming
        found[whole] = ahead
        return found


MOST_KEPT = 2**24
"""So many numbers of what the encoder reads are kept; more are made when they are asked for."""


def past_names(
    target: str, past: Sequence[str], coming: Sequence[str], gaps: bool = False
) -> list[str]:
    """What the columns of `Past` are called; coming: those of the step to come."""
    names = [target, _("change of {column}").format(column=target), *past, *coming]
    return [*names, _("{column} is missing").format(column=target)] if gaps else names


def lags(table: Table, origin: Rows) -> Values:
    """`[..., L]`: the values up to each row of `origin [...]`, less the value at that row."""
    now = table.y[origin][..., None]
    if table.absent is None:
        windows = sliding_window_view(table.y, table.lookback)
        return windows[origin - table.lookback + 1] - now
    first = table.firsts(origin)
    at = origin[..., None] + np.arange(1 - table.lookback, 1)
    found: Values = table.y[np.maximum(at, np.asarray(first)[..., None])] - now
    return found


def recent(table: Table, origin: Rows) -> Values:
    """`[..., R]`: past covariates up to each row of `origin [...]`, each with its lags."""
    shape = (*origin.shape, table.recent_width)
    if table.absent is None:
        windows = sliding_window_view(table.past, table.past_lags, 0)
        return windows[origin - table.past_lags + 1].reshape(shape)
    at = origin[..., None] + np.arange(1 - table.past_lags, 1)
    at = np.maximum(at, np.asarray(table.firsts(origin))[..., None])
    found: Values = table.past.take(at, 0).swapaxes(-1, -2).reshape(shape)
    return found


def windows(
    table: Table, past: Past, last: Rows, positions: Rows, length: int, by_path: bool = True
) -> dict[str, NDArray[Any]]:
    """The windows of `length` rows that end at rows `last [B]`, with origins inside them.

    positions: `[B, P]`, the origins' places in their window, 0 to length - 1.
    Gives past `[B, length, C]`, positions, lags `[B, P, L]`, recent `[B, P, R]`, future
    `[B, P, K, F]`, and target `[B, P, K]`, the change from the origin's value; series `[B]`, where
    these have vectors. by_path: False leaves out lags and recent, which the linear path alone
    reads.
    """
    first = last[:, None] - (length - 1)
    origin = first + positions
    begin = table.firsts(last)
    begin = begin if isinstance(begin, int) else begin[:, None]
    return {
        "past": past(first + np.arange(length), begin),
        "positions": positions,
        **ahead(table, origin, by_path),
        "target": table.changes(origin),
    }


def ahead(table: Table, origin: Rows, by_path: bool = True) -> dict[str, NDArray[Any]]:
    """What the linear path and the decoder read at rows `origin [B, P]`, as in `windows`."""
    found: dict[str, NDArray[Any]] = {}
    if table.own is not None:
        found["series"] = table.vector(origin[:, 0])
    if by_path:
        found |= {"lags": lags(table, origin), "recent": recent(table, origin)}
    future = future_features(table, origin, np.arange(1, table.horizon + 1))
    return found | {"future": future}
