"""What the forecaster sees of a series: columns, lags, and what is known about the steps to come.

Letters in shapes: N rows, B windows, P origins inside a window, K steps of the horizon, L lookback,
C columns, F features of a step to come, R past covariates with their lags.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from gruta.locale import translate as _

Values = NDArray[np.float32]
Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Table:
    """A series as scaled float32 columns; y is NaN in the rows to come."""

    y: Values  # [N]
    known: Values  # [N, C] covariates that are known for the steps to come
    past: Values  # [N, C] covariates that are known up to the origin
    calendar: Values  # [N, C]
    seasons: tuple[int, ...]
    lookback: int
    horizon: int

    @property
    def first_origin(self) -> int:
        """The first row that can be an origin: its window, and the lags of that, all exist."""
        return first_origin(self.seasons, self.lookback, self.horizon)

    @property
    def future_width(self) -> int:
        """Columns that `future_features` gives."""
        known: int = self.known.shape[1]
        days: int = self.calendar.shape[1]
        return 2 * known + days + 1 + len(self.seasons) * (3 + known)

    @property
    def past_width(self) -> int:
        """Columns that `past_features` gives."""
        covariates: int = self.past.shape[1]
        return 2 + covariates + self.future_width

    @property
    def past_lags(self) -> int:
        """Rows up to the origin whose past covariates the linear path reads."""
        return min(self.lookback, MOST_PAST_LAGS)

    @property
    def recent_width(self) -> int:
        """Columns that `recent` gives."""
        covariates: int = self.past.shape[1]
        return covariates * self.past_lags

    def changes(self, origin: Rows) -> Values:
        """`[..., K]`: what came after rows `origin [...]`, less the value there."""
        at = origin[..., None] + np.arange(1, self.horizon + 1)
        changes: Values = self.y[at] - self.y[origin][..., None]
        return changes


def first_origin(seasons: tuple[int, ...], lookback: int, horizon: int) -> int:
    """Rows of history before the first origin: the window, then the longest seasonal lag."""
    longest = max((s * math.ceil(horizon / s) for s in seasons), default=0)
    return lookback + longest + SEASONAL_NEIGHBOURS


MOST_PAST_LAGS = 12

SEASONAL_NEIGHBOURS = 2
"""Rows before a seasonal lag that are read with it: its own change, and the change before that."""


def future_features(table: Table, origin: Rows, steps: Rows) -> Values:
    """`[..., K, F]`: what is known at rows `origin [...]` about each of `steps [K]` after them.

    Covariates then and now, the calendar, the value at the origin, and for each season the same
    phase in the last season before the origin: its value, its last two changes, its covariates.
    """
    y, known = table.y, table.known
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
        last, before, earlier = (y.take(then - back) for back in range(3))
        features[..., place] = last - now
        features[..., place + 1] = last - before
        features[..., place + 2] = before - earlier
        features[..., place + 3 : place + 3 + C] = known.take(then, 0)
        place += 3 + C
    return features


def future_names(
    target: str, known: Sequence[str], calendar: Sequence[str], seasons: Sequence[int]
) -> list[str]:
    """What the columns of `future_features` are called, in their order."""
    then, now = _("{column} then"), _("{column} now")
    names = [then.format(column=column) for column in known]
    names += [now.format(column=column) for column in known]
    names += [*calendar, now.format(column=target)]
    for season in seasons:
        of_target = (
            _("{column} a season ({steps}) before, less now"),
            _("change of {column} a season ({steps}) before"),
            _("change of {column} a season ({steps}) and a step before"),
        )
        names += [text.format(column=target, steps=season) for text in of_target]
        before = _("{column} a season ({steps}) before")
        names += [before.format(column=column, steps=season) for column in known]
    return names


def past_features(table: Table) -> Values:
    """`[N, C]`: what the encoder reads at a row: value, change, covariates, and the step to come.

    Rows before the first window, and those with no step to come, hold zeros.
    """
    y, covariates = table.y, table.past.shape[1]
    at = np.arange(table.first_origin - table.lookback, len(y) - 1)
    features = np.zeros((len(y), table.past_width), np.float32)
    features[at, 0] = y[at]
    features[at, 1] = y[at] - y[at - 1]
    features[at, 2 : 2 + covariates] = table.past[at]
    features[at, 2 + covariates :] = future_features(table, at, np.array([1]))[:, 0]
    return features


def past_names(target: str, past: Sequence[str], coming: Sequence[str]) -> list[str]:
    """What the columns of `past_features` are called; coming: those of the step to come."""
    return [target, _("change of {column}").format(column=target), *past, *coming]


def lags(table: Table, origin: Rows) -> Values:
    """`[..., L]`: the values up to each row of `origin [...]`, less the value at that row."""
    windows = sliding_window_view(table.y, table.lookback)
    return windows[origin - table.lookback + 1] - table.y[origin][..., None]


def recent(table: Table, origin: Rows) -> Values:
    """`[..., R]`: past covariates up to each row of `origin [...]`, each with its lags."""
    windows = sliding_window_view(table.past, table.past_lags, 0)
    return windows[origin - table.past_lags + 1].reshape(*origin.shape, table.recent_width)


def windows(
    table: Table, past: Values, last: Rows, positions: Rows, length: int
) -> dict[str, NDArray[Any]]:
    """The windows of `length` rows that end at rows `last [B]`, with origins inside them.

    positions: `[B, P]`, the origins' places in their window, 0 to length - 1.
    Gives past `[B, length, C]`, positions, lags `[B, P, L]`, recent `[B, P, R]`, future
    `[B, P, K, F]`, and target `[B, P, K]`, the change from the origin's value.
    """
    steps = np.arange(1, table.horizon + 1)
    first = last[:, None] - (length - 1)
    origin = first + positions
    return {
        "past": past.take(first + np.arange(length), 0),
        "positions": positions,
        "lags": lags(table, origin),
        "recent": recent(table, origin),
        "future": future_features(table, origin, steps),
        "target": table.changes(origin),
    }
