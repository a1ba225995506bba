"""Pieces one behind the other as streams side by side; order and keys are other ones each epoch."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.codec.notes.frames import COUNT, Frames, Keys, Roll
from gruta.data.order import pieces, shuffled

Places = NDArray[np.int64]


class Streams:
    """Batches of frames, none of them padding: where a piece ends the next begins, marked so."""

    def __init__(self, rolls: Sequence[Roll], codec: Frames, settings: Any) -> None:
        s = settings
        self._codec, self._seed = codec, s.seed
        self._sounding = np.concatenate([roll.sounding for roll in rolls])
        self._struck = np.concatenate([roll.struck for roll in rolls])
        self._places = np.concatenate([roll.places for roll in rolls])
        self._lengths = np.array([len(roll) for roll in rolls])
        self._down, self._up = _room(rolls, s.transpose)
        length = len(self._places)
        self._streams = min(s.batch_size, max(1, length // s.tbptt))
        self._size = min(s.tbptt, length // self._streams)

    def batch(self, step: int) -> dict[str, NDArray[Any]]:
        """x `[T, B, I]`; sounding, struck and held `[T, B, 88]`; resets `[T, B]`, where a piece
        begins; fresh: whether the streams do.
        """
        length = len(self._places)
        starts, fresh = pieces(self._seed, length, self._streams, self._size, step)
        epoch = step // (length // self._streams // self._size)
        piece, inside, moved = self._found(epoch, starts + np.arange(self._size)[:, None])
        rows = (self._lengths.cumsum() - self._lengths)[piece] + inside
        first = inside == 0
        keys = (np.arange(COUNT) - moved[..., None]) % COUNT
        now = [np.take_along_axis(part[rows], keys, -1) for part in self._both]
        was = [
            np.take_along_axis(part[rows - 1], keys, -1) & ~first[..., None] for part in self._both
        ]
        return {
            "x": self._codec.inputs(was[0], was[1], self._places[rows], first),
            "sounding": now[0],
            "struck": now[1],
            "held": was[0],
            "resets": first,
            "fresh": np.array(fresh),
        }

    @property
    def _both(self) -> tuple[Keys, Keys]:
        return self._sounding, self._struck

    def _found(self, epoch: int, places: Places) -> tuple[Places, Places, Places]:
        """Of places in an epoch's stream: the piece, the frame in it, and by how many keys it is
        moved.
        """
        n = len(self._lengths)
        order = shuffled(self._seed, n, epoch * n, n)
        ends = self._lengths[order].cumsum()
        at = np.searchsorted(ends, places, "right")
        share = np.random.default_rng((self._seed, epoch)).random(n)
        moved = np.floor(share * (self._up + self._down + 1)).astype(np.int64) - self._down
        piece = order[at]
        return piece, places - ends[at] + self._lengths[piece], moved[piece]


def _room(rolls: Sequence[Roll], most: int) -> tuple[Places, Places]:
    """By how many keys each piece may move down and up: within those of all, by `most` at most."""
    used = [np.flatnonzero(roll.sounding.any(0)) for roll in rolls]
    low, high = np.array([(keys[0], keys[-1]) for keys in used]).T
    return np.minimum(low - low.min(), most), np.minimum(high.max() - high, most)
