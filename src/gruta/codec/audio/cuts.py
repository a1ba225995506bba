"""Where a long sound is cut: in a pause or, where it has none for long, where it is quietest."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gruta.codec.audio.mel import Frames

_AROUND = 0.2
"""Seconds over which it is judged how quiet it is."""

_QUIET = 0.25
"""A pause lies below so much of the way from the quietest to the loudest of what is held."""

_SHARES = 5, 95
"""Hundredths of the frames that count as quietest and loudest."""

_LEAST = 1.0
"""Of the natural logarithm of power: where a sound varies by less it has no pauses."""


@dataclass(frozen=True, eq=False)
class Piece:
    """Frames `[T, C]` of a sound, and the number of the first."""

    begin: int
    frames: Frames


class Cutter:
    """Log-mel frames that come, and pieces that go as soon as they end.

    longest: seconds that a piece has, at most. pause: seconds of quiet that end one, once it has
    said something; the cut lies in the middle of the quiet. hop: seconds a frame. Memory is that of
    a piece. All frames are in one piece, in their order.
    """

    def __init__(self, hop: float, longest: float, pause: float) -> None:
        self._longest = max(round(longest / hop), 2)
        self._pause = max(round(pause / hop), 1)
        self._around = max(round(_AROUND / hop), 1)
        self._held: Frames | None = None
        self._begin = 0

    @property
    def held(self) -> Frames:
        """Those of the piece under way `[n, C]`."""
        return np.zeros((0, 0), np.float32) if self._held is None else self._held

    def add(self, frames: Frames) -> Iterator[Piece]:
        """The pieces that end with these frames `[n, C]`."""
        self._held = frames if self._held is None else np.concatenate((self._held, frames))
        while (at := self._cut()) is not None:
            yield self._taken(at)

    def finish(self) -> Iterator[Piece]:
        """What is left; the sound then begins anew."""
        if self._held is not None and len(self._held):
            yield self._taken(len(self._held))
        self._begin, self._held = 0, None

    def _taken(self, at: int) -> Piece:
        assert self._held is not None
        piece = Piece(self._begin, self._held[:at])
        self._held, self._begin = self._held[at:], self._begin + at
        return piece

    def _cut(self) -> int | None:
        """Before which of the frames held, if they are to be cut already."""
        assert self._held is not None
        level = self._held.mean(1)
        pause = self._first_pause(level)
        if pause is not None and pause <= self._longest:
            return pause
        if len(level) <= self._longest:
            return None
        smooth = np.convolve(level, np.ones(self._around) / self._around, "same")
        first = self._longest // 2
        return first + int(smooth[first : self._longest].argmin())

    def _first_pause(self, level: NDArray[np.floating]) -> int | None:
        """The middle of the first run of quiet frames that is long enough, behind something loud
        and before something loud or the end of what is held; None if there is none.
        """
        low, high = np.percentile(level, _SHARES)
        if high - low < _LEAST:
            return None
        loud = np.flatnonzero(level > low + _QUIET * (high - low))
        if not len(loud):
            return None
        ends = np.append(loud[1:], len(level))
        long = np.flatnonzero(ends - loud > self._pause)
        if not len(long):
            return None
        after = int(loud[long[0]])
        return after + 1 + min(self._pause, int(ends[long[0]]) - after - 1) // 2
