"""What simple models say of frames: each key by itself, by how often it sounds."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gruta.codec.notes.frames import COUNT, Keys, before

PRIOR = 1.0
"""So many frames, in which a key does as keys do on the whole, are counted beside those seen."""


@dataclass(frozen=True)
class ByKey:
    """sounds: `[2, 88]`, how likely a key sounds after a frame in which it was silent, and after
    one in which it sounded. parameters: how many numbers were learned.
    """

    sounds: NDArray[np.float64]
    parameters: int

    @classmethod
    def fit(cls, rolls: Iterable[Keys], *, keys: bool = True, last: bool = True) -> "ByKey":
        """keys: whether each key has a probability of its own; last: whether the last frame counts.

        Without `keys` this repeats the last frame, and knows how often that is right.
        """
        counts = np.zeros((2, 2, COUNT))  # by what the key did before, and does now
        for now in rolls:
            was = before(now)
            both, once, gone = ((a & b).sum(0) for a, b in ((was, now), (~was, now), (was, ~now)))
            counts += [[len(now) - both - once - gone, once], [gone, both]]
        if not last:
            counts[:] = counts.sum(0)
        whole = counts.sum(2, keepdims=True) + 0.5
        share = whole / whole.sum(1, keepdims=True)
        found = counts + PRIOR * share if keys else np.broadcast_to(whole, counts.shape)
        sounds = found[:, 1] / found.sum(1)
        return cls(sounds, (COUNT if keys else 1) * (2 if last else 1))

    def nats(self, roll: Keys) -> NDArray[np.float64]:
        """-log P of each frame `[T]`, after the one before it."""
        likely = np.where(before(roll), self.sounds[1], self.sounds[0])
        found: NDArray[np.float64] = -np.log(np.where(roll, likely, 1 - likely)).sum(1)
        return found
