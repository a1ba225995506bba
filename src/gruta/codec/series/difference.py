"""Differences of a series from the row before, or from the same phase of the season before.

What is read are the differences d(t) = z(t) − z(t − s). What is learned of step k is

    z(t + k) − z(t + k − s·⌈k/s⌉),

the differences of its phase summed up from the last value that is known of it. So a forecast is
that value and what is forecast, of each quantile alike; nothing is summed up from step to step.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gruta.codec.series.series import Rows, Series, carried

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Level:
    """What was differenced, in the unit of the differences.

    value: `[N]`, in gaps the last one of that phase; missing: `[N]` which ones are gaps; apart: the
    rows from a value to that which is taken from it.
    """

    value: Values
    missing: NDArray[np.bool_]
    apart: int

    def bases(self, origin: Rows, steps: Rows, first: Rows | int = 0) -> Rows:
        """`[..., K]`: the row from which step k after rows `origin [...]` is counted, none before
        `first`.
        """
        at = origin[..., None] + steps - reach(self.apart, steps)
        found: Rows = np.maximum(at, np.asarray(first)[..., None])
        return found


def reach(apart: int, steps: Rows) -> Rows:
    """`[K]`: how many rows before each step the last value of its phase lies that is known."""
    return apart * -(-steps // apart)


def differenced(series: Series, apart: int) -> Values:
    """`[N]`: the target less that of `apart` rows before; NaN where either is missing."""
    found = np.full(len(series), np.nan)
    for first, end in zip(series.starts[:-1], series.starts[1:], strict=True):
        own = series.target[first:end]
        found[first + apart : end] = own[apart:] - own[:-apart]
    return found


def filled(series: Series, apart: int) -> Values:
    """`[N]`: the target, in gaps the last one of that phase, or the last of all where that is none;
    NaN in rows to come.
    """
    lacking = np.isnan(series.target) & series.inside
    found = series.target.astype(np.float64)
    if not lacking.any():
        return found
    plain = carried(found, series.starts)
    for first, end in zip(series.starts[:-1], series.ends, strict=True):
        own = slice(first, end)
        if not lacking[own].any():
            continue
        known = np.where(lacking[own], -1, np.arange(end - first))
        cycles = -(-len(known) // apart)
        padded = np.full(cycles * apart, -1)
        padded[: len(known)] = known
        last = np.maximum.accumulate(padded.reshape(cycles, apart)).ravel()[: len(known)]
        found[own] = np.where(last < 0, plain[own], series.target[own][last])
    return found
