"""Values that are like nothing before them: how far is too far, and which values are.

A value is compared with what came before it alone, so that no row tells of later ones: with the
median of the last five rows, that of the last 25 (the median of five such medians, Rousseeuw and
Bassett 1990), and the rows about the same place in the last two seasons, the year among them. Its
distance is that from the nearest of these, so a peak that comes every week, a new level, and a step
of a trend are near something. Too far is four times what one in a hundred of the training part's
distances exceeds, and farther where these have a long tail: as many times twice over as that is
beyond what one in ten exceeds, where a power law's tail has one in 10,000. Where nine of ten have
no distance at all, as with demand that comes now and then, nothing is.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from gruta.codec.series.frequency import Frequency
from gruta.codec.series.rows import Rows as NextRow
from gruta.codec.series.series import Rows, Series

Policy = Literal["flag", "mask", "clip"]
Values = NDArray[np.float64]

FEWEST = 30
"""Of fewer distances none is told to be usual."""

RARE, OFTEN = 0.01, 0.1
LEAST_FACTOR = 4.0
_LEFT_OUT = 3
"""So many of the largest distances say nothing, however few there are: they may be outliers."""

_WINDOW = 5
_BEFORE = _WINDOW**2
_YEAR = np.timedelta64(365, "D")
_AT_ONCE, _MOST_FITTED = 2**16, 2**17


@dataclass(frozen=True, eq=False)
class Found:
    """Outliers of series: their rows `[M]`, what is usual there, and up to what distance `[M]`."""

    rows: Rows
    near: Values
    limits: Values


@dataclass(frozen=True, eq=False)
class Outliers:
    """From what distance on a value of each of the series `ids` is an outlier, and what then.

    limits: `[S]`, infinite where none is. A series of another name has its own, by its values.
    policy: flag leaves them; mask learns and forecasts as if they were missing; clip brings them to
    that distance.
    """

    policy: Policy
    ids: tuple[str, ...]
    limits: Values

    @classmethod
    def fit(cls, series: Series, train: Rows, policy: Policy) -> "Outliers":
        """By the first `train [S]` rows of each series."""
        some = np.flatnonzero(train).tolist()
        seasons = _seasons(series.frequency, series.begins)
        limits = [_limit(_own(series, i)[: train[i]], seasons) for i in some]
        return cls(policy, tuple(series.ids[i] for i in some), np.array(limits))

    def found(self, series: Series) -> Found:
        """All of them."""
        seasons = _seasons(series.frequency, series.begins)
        known = dict(zip(self.ids, self.limits.tolist(), strict=True))
        rows, nearest, limits = [np.empty(0, np.int64)], [np.empty(0)], [np.empty(0)]
        for i, name in enumerate(series.ids):
            own, first = _own(series, i), int(series.starts[i])
            limit = known.get(name)
            limit = _limit(own, seasons) if limit is None else limit
            if limit == math.inf:
                continue
            for at, near in _compared(own, seasons):
                far = np.flatnonzero(np.abs(own[at] - near) > limit)
                rows.append(first + at[far])
                nearest.append(near[far])
                limits.append(np.full(len(far), limit))
        return Found(np.concatenate(rows), np.concatenate(nearest), np.concatenate(limits))

    def treated(self, series: Series) -> Series:
        """The series as models read them."""
        found = None if self.policy == "flag" else self.found(series)
        if found is None or not len(found.rows):
            return series
        target = series.target.copy()
        edge = found.limits * np.sign(target[found.rows] - found.near)
        target[found.rows] = np.nan if self.policy == "mask" else found.near + edge
        return replace(series, target=target)

    def to_json(self) -> dict[str, Any]:
        """Plain values, but for the names."""
        limits = [None if limit == math.inf else limit for limit in self.limits.tolist()]
        return {"policy": self.policy, "limits": limits}

    @classmethod
    def from_json(cls, ids: tuple[str, ...], content: Mapping[str, Any]) -> "Outliers":
        """What `to_json` gave for series of these names; ValueError if it does not fit them."""
        limits = np.array([np.inf if v is None else float(v) for v in content["limits"]])
        if content["policy"] not in get_args(Policy):
            raise ValueError(f"expected one of {get_args(Policy)}, got {content['policy']!r}")
        if len(limits) != len(ids) or not (limits > 0).all():
            raise ValueError(f"expected a positive distance for each of {len(ids)} series")
        return cls(content["policy"], ids, limits)


def _own(series: Series, i: int) -> Values:
    """The values of the i-th series up to its last one."""
    return np.asarray(series.target[series.starts[i] : series.ends[i]], np.float64)


def _seasons(frequency: Frequency, begins: NDArray[np.datetime64]) -> list[tuple[int, bool]]:
    """All in steps, and whether a row can be judged only where one lies before it: those that
    people and weather go by, but for the year, which few series have often.
    """
    seasons = [(season, frequency.is_natural(season)) for season in frequency.seasons()]
    if not isinstance(frequency, NextRow) and len(begins):
        year = int(frequency.place(begins[:1] + _YEAR, begins[0])[0])
        seasons += [(year, False)] if year > max([1, *frequency.seasons()]) else []
    return seasons


def _compared(y: Values, seasons: Sequence[tuple[int, bool]]) -> Iterator[tuple[Rows, Values]]:
    """Rows of a series y `[N]` in pieces, and which of the values before is nearest to each; NaN
    where it lacks what is needed to tell.
    """
    for begin in range(_BEFORE, len(y), _AT_ONCE):
        rows = np.arange(begin, min(begin + _AT_ONCE, len(y)))
        own, short = y[rows], _medians(y[begin - _BEFORE : rows[-1]], 1)
        near, told = _nearest(own, [short[_BEFORE - _WINDOW :], _medians(short, _WINDOW)])
        for season, needed in seasons:
            before = [
                _rows_of(y, rows - back + beside)
                for back in (season, 2 * season)
                for beside in (-1, 0, 1)
            ]
            then, there = _nearest(own, before)
            near, _ = _nearest(own, [near, then])
            told &= there | (not needed)
        yield rows, np.where(told, near, np.nan)


def _nearest(own: Values, others: Sequence[Values]) -> tuple[Values, NDArray[np.bool_]]:
    """Which of the others `[N]` is nearest to each value `[N]`, and where there is one at all."""
    nearest = others[0]
    for values in others[1:]:
        closer = np.abs(own - values) < np.abs(own - nearest)
        nearest = np.where(closer | np.isnan(nearest), values, nearest)
    return nearest, ~np.isnan(nearest)


def _rows_of(y: Values, rows: Rows) -> Values:
    """NaN before the first."""
    return np.where(rows < 0, np.nan, y[np.maximum(rows, 0)])


def _medians(y: Values, apart: int) -> Values:
    """Of each five values of y that lie so far apart; NaN where three of them are missing."""
    windows = sliding_window_view(y, apart * (_WINDOW - 1) + 1)[:, ::apart]
    found: Values = np.sort(windows, axis=-1)[:, _WINDOW // 2]
    return found


def _limit(y: Values, seasons: Sequence[tuple[int, bool]]) -> float:
    """From what distance on a value of y `[N]` is an outlier; infinite where none is."""
    y = y[-_MOST_FITTED:]
    parts = [np.abs(y[rows] - near) for rows, near in _compared(y, seasons)]
    distances = np.concatenate([np.empty(0), *parts])
    distances = np.sort(distances[~np.isnan(distances)])[::-1]
    if len(distances) < FEWEST:
        return math.inf
    rare = distances[max(_LEFT_OUT, int(RARE * len(distances)))]
    often = distances[max(_LEFT_OUT + 1, int(OFTEN * len(distances)))]
    if not often:
        return math.inf
    return float(rare * max(LEAST_FACTOR, (rare / often) ** 2))
