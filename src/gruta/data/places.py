"""Where rows go that are put into another order: places `[N]` among those of a column."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.integer]

_AT_ONCE = 2**18


def kind_of(rows: int) -> type[np.signedinteger[Any]]:
    """Whole numbers that count so many rows, in as few bytes as may be."""
    return np.int32 if rows <= np.iinfo(np.int32).max else np.int64


def composed(at: Places | None, then: Places) -> Places:
    """Where each row stands that was brought to `at [N]`, None for its own place, and from there to
    `then`; written into `at` where that can hold it.
    """
    if at is None or then.dtype != at.dtype:
        return then if at is None else then[at]
    for start in range(0, len(at), _AT_ONCE):
        part = at[start : start + _AT_ONCE]
        part[:] = then[part]
    return at


def by_series(own: NDArray[np.integer], count: int) -> Places | None:
    """Where each row goes, by which of so many series each is of `[N]`, so that those of one are
    behind each other, as they came; None where they are so.
    """
    if not (own[1:] < own[:-1]).any():
        return None
    # Of a block of rows at a time, as sorting takes the memory of several columns.
    blocks = [own[start : start + _AT_ONCE] for start in range(0, len(own), _AT_ONCE)]
    lengths = sum(np.bincount(block, minlength=count) for block in blocks)
    free, found, start = np.cumsum(lengths) - lengths, np.empty(len(own), kind_of(len(own))), 0
    for block in blocks:
        order = np.argsort(block, kind="stable")
        block = block[order]
        place = free[block] + np.arange(len(block)) - np.searchsorted(block, block)
        found[start + order] = place
        free += np.bincount(block, minlength=count)
        start += len(block)
    return found


def placed(values: NDArray[Any], at: Places | None) -> NDArray[Any]:
    """Values `[N]` in the places `at [N]` that they go to; None: as they are."""
    if at is None:
        return values
    found = np.empty_like(values)
    found[at] = values
    return found
