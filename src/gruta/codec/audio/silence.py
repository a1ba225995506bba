"""Where a long sound is cut, so that no word is: in the pauses."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from gruta.codec.audio.mel import Samples
from gruta.errors import InputError
from gruta.locale import translate as _

_STEP, _SMOOTH = 0.01, 0.2
"""Seconds that a level is taken over, and those around it that it is quiet with."""

_QUIET = 0.05
"""A pause has so much of the power that the whole has on average, or less."""


def levels(samples: Samples, rate: int) -> NDArray[np.float64]:
    """Mean squares of stretches of 10 ms `[⌈N / step⌉]`, a constant taken away; of the last one
    what there is of it.
    """
    step = max(round(rate * _STEP), 1)
    starts = np.arange(0, len(samples), step)
    if not len(starts):
        return np.empty(0)
    rows = np.asarray(samples, np.float64)
    counts = np.diff(np.append(starts, len(rows)))
    means = np.add.reduceat(rows, starts) / counts
    return np.maximum(np.add.reduceat(rows**2, starts) / counts - means**2, 0.0)


def quietest(samples: Samples, rate: int) -> int:
    """The sample in the middle of the longest pause of the second half, where there is one; of the
    last nine tenths, where there is one; else where the second half is quietest.
    """
    step = max(round(rate * _STEP), 1)
    found = levels(samples, rate)
    width = min(round(_SMOOTH / _STEP), len(found))
    around = np.convolve(found, np.ones(width) / width, "valid")
    most = max(_QUIET * float(found.mean()), 1e-10)
    for part in (2, 10):
        start, end = _longest(around, len(found) // part, most)
        if end > start:
            return round((start + end - 1 + width) / 2 * step)
    half = min(len(found) // 2, len(around) - 1)
    return round((half + int(around[half:].argmin()) + width / 2) * step)


def _longest(around: NDArray[np.float64], first: int, most: float) -> tuple[int, int]:
    """The longest stretch from a place on in which no level is larger; the first of several."""
    quiet = np.concatenate([[False], around[first:] <= most, [False]])
    edges = np.flatnonzero(quiet[1:] != quiet[:-1])
    starts, ends = edges[::2], edges[1::2]
    if not len(starts):
        return 0, 0
    longest = int((ends - starts).argmax())
    return first + int(starts[longest]), first + int(ends[longest])


def pieces(
    blocks: Iterable[Samples], rate: int, longest: float = 30.0
) -> Iterator[tuple[int, Samples]]:
    """A sound that comes in blocks, in pieces of at most so many seconds: where each begins, and
    its samples `[N]`. They follow each other without a gap; memory is that of a piece and a block.

    A piece ends in the longest pause of its second half, or of what comes before that.
    """
    most = round(longest * rate)
    if most < 2:
        problem = _("expected pieces of two samples or more, got {seconds} s")
        raise InputError(longest=problem.format(seconds=longest))
    held, begun = np.empty(0, np.float32), 0
    for block in blocks:
        held = np.concatenate([held, block])
        while len(held) > most:
            at = min(max(quietest(held[:most], rate), 1), most)
            yield begun, held[:at]
            held, begun = held[at:].copy(), begun + at
    if len(held):
        yield begun, held


def cut_points(samples: Samples, rate: int, longest: float = 30.0) -> list[int]:
    """The samples where the pieces of a whole sound begin, but for the first."""
    return [start for start, _piece in pieces([samples], rate, longest)][1:]
