"""Values that are like nothing before them: how far is too far, and which values are.

A value is compared with what came before it alone, so that no row tells of later ones: with the
median of the last five rows, that of the last 25 (the median of five such medians, Rousseeuw and
Bassett 1990), and the rows about the same place in the last two seasons, the year among them. Its
distance is that from the nearest of these, so a peak that comes every week, a new level, and a step
of a trend are near something. With `rare` and `often` what one in a hundred and one in ten of the
training part's distances exceed, too far is

    rare · max(4, (rare / often)²)

of which the square is, where distances have a power law's tail, what one in 10,000 exceeds. Where
`often` is 0, as with demand that comes now and then, nothing is too far.
"""

import itertools
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
from gruta.locale import translate as _

Policy = Literal["flag", "mask", "clip"]
Values = NDArray[np.float64]
Seasons = Sequence[tuple[int, bool]]

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
        rows, near, limits = list[int](), list[float](), list[float]()
        for i, name in enumerate(series.ids):
            own, first = _own(series, i), int(series.starts[i])
            limit = known.get(name)
            limit = _limit(own, seasons) if limit is None else limit
            if limit == math.inf:
                continue
            far = [begin + np.flatnonzero(d > limit) for begin, d in _distances(own, seasons)]
            for at in itertools.chain.from_iterable(far):
                rows.append(int(first + at))
                near.append(_nearest(own, int(at), seasons))
                limits.append(limit)
        return Found(np.array(rows, np.int64), np.array(near), np.array(limits))

    def reach(self, frequency: Frequency, begin: np.datetime64) -> int:
        """How many rows before one tell how it is to be treated."""
        if self.policy == "flag":
            return 0
        seasons = _seasons(frequency, np.array([begin]))
        return _BEFORE + max([0, *(2 * season + 1 for season, _ in seasons)])

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
            problem = _("expected one of {known}, got {name!r}")
            known = ", ".join(get_args(Policy))
            raise ValueError(problem.format(known=known, name=content["policy"]))
        if len(limits) != len(ids) or not (limits > 0).all():
            problem = _("expected a distance above 0 for each of {count} series")
            raise ValueError(problem.format(count=len(ids)))
        return cls(content["policy"], ids, limits)


def _own(series: Series, i: int) -> Values:
    """The values of the i-th series up to its last one."""
    return np.asarray(series.target[series.starts[i] : series.ends[i]], np.float64)


def _seasons(frequency: Frequency, begins: NDArray[np.datetime64]) -> Seasons:
    """All in steps, and whether a row can be judged only where one lies before it: those that
    people and weather go by, but for the year, which few series have often.
    """
    seasons = [(season, frequency.is_natural(season)) for season in frequency.seasons()]
    if not isinstance(frequency, NextRow) and len(begins):
        year = int(frequency.place(begins[:1] + _YEAR, begins[0])[0])
        seasons += [(year, False)] if year > max([1, *frequency.seasons()]) else []
    return seasons


def _distances(y: Values, seasons: Seasons) -> Iterator[tuple[int, Values]]:
    """Of a series y `[N]` in pieces: a row, and how far from the nearest of what came before each
    value from there on lies; NaN where too little came before to tell.
    """
    longest = max([0, *(2 * season + 1 for season, _ in seasons if season < len(y))])
    y = np.concatenate([np.full(longest, np.nan), y])
    for begin in range(longest + _BEFORE, len(y), _AT_ONCE):
        end = min(begin + _AT_ONCE, len(y))
        own, found, told = y[begin:end], np.full(end - begin, np.nan), True
        for values, needed in _before(y, begin, end, seasons):
            nearest = np.full(end - begin, np.nan)
            for value in values:
                np.fmin(nearest, np.abs(own - value), out=nearest)
            np.fmin(found, nearest, out=found)
            told &= ~np.isnan(nearest) | (not needed)
        yield begin - longest, np.where(told, found, np.nan)


def _before(
    y: Values, begin: int, end: int, seasons: Seasons
) -> Iterator[tuple[list[Values], bool]]:
    """What rows `begin` to `end` of y can be like, and whether one of these must be there; NaN
    stands before the first row.
    """
    short = _medians(y[begin - _BEFORE : end - 1], 1)
    yield [short[_BEFORE - _WINDOW :], _medians(short, _WINDOW)], True
    for season, needed in seasons:
        backs = [back + beside for back in (season, 2 * season) for beside in (-1, 0, 1)]
        yield [y[begin - back : end - back] for back in backs if back <= begin], needed


def _nearest(y: Values, row: int, seasons: Seasons) -> float:
    """Which of the values that row of y `[N]` can be like is nearest to it."""
    values = np.concatenate([v for group, _ in _before(y, row, row + 1, seasons) for v in group])
    return float(values[np.nanargmin(np.abs(values - y[row]))])


def _medians(y: Values, apart: int) -> Values:
    """Of each five values of y that lie so far apart; NaN where three of them are missing."""
    windows = sliding_window_view(y, apart * (_WINDOW - 1) + 1)[:, ::apart]
    if np.isnan(y).any():
        found: Values = np.sort(windows, axis=-1)[:, _WINDOW // 2]
        return found
    # Without the least and the largest, in a tenth of a sort's time.
    a, b, c, d, e = windows.T
    low = np.maximum(np.minimum(a, b), np.minimum(c, d))
    high = np.minimum(np.maximum(a, b), np.maximum(c, d))
    middle: Values = np.maximum(np.minimum(low, high), np.minimum(np.maximum(low, high), e))
    return middle


def _limit(y: Values, seasons: Seasons) -> float:
    """From what distance on a value of y `[N]` is an outlier; infinite where none is."""
    parts = [own for _, own in _distances(y[-_MOST_FITTED:], seasons)]
    distances = np.concatenate([np.empty(0), *parts])
    distances = np.sort(distances[~np.isnan(distances)])[::-1]
    if len(distances) < FEWEST:
        return math.inf
    rare = distances[max(_LEFT_OUT, int(RARE * len(distances)))]
    often = distances[max(_LEFT_OUT + 1, int(OFTEN * len(distances)))]
    if not often:
        return math.inf
    return float(rare * max(LEAST_FACTOR, (rare / often) ** 2))
