import json

import numpy as np

from gruta.codec.notes.frames import LOWEST, Frames
from gruta.codec.notes.piece import Piece, as_notes, whole_bars


def tunes(count=12, seed=0):
    """Scales in two voices that differ in where they begin and in which steps they take."""
    draw, found = np.random.default_rng(seed), []
    for i in range(count):
        steps = draw.integers(-2, 3, 24).cumsum() + 60
        upper = as_notes((4 * k, 4 * k + 4, int(key), 80) for k, key in enumerate(steps))
        lower = as_notes((8 * k, 8 * k + 8, int(steps[2 * k]) - 12, 80) for k in range(12))
        found.append(Piece(f"tune {i}", (upper, lower), 4, whole_bars(4)))
    return found


def as_rolls(pieces):
    """The keys that sound in each frame of each, in JSON."""
    rolls = [Frames(1).roll(piece).sounding for piece in pieces]
    keys = [[(LOWEST + np.flatnonzero(frame)).tolist() for frame in roll] for roll in rolls]
    return json.dumps(keys).encode()
