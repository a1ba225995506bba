"""A piece of music: which key sounds from when to when, in each voice."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Notes = NDArray[np.int64]
"""`[N, 4]`: the tick where each begins, the tick where it ends, its key and its velocity."""

Bars = NDArray[np.int64]
"""`[M, 2]`: from which tick, where a bar begins, a bar has how many ticks."""

START, END, KEY, VELOCITY = range(4)

KEYS = 128
"""Keys that MIDI has; 60 is the middle C."""

TEMPO = 120.0
"""Quarters a minute of who says nothing."""


@dataclass(frozen=True, eq=False)
class Piece:
    """What it is called, the notes of its voices, and the ticks that a quarter has.

    Notes are in the order in which they begin, lower keys first. tempo: quarters a minute at the
    start; ticks tell when a note sounds whatever the tempo is.
    """

    name: str
    voices: tuple[Notes, ...]
    quarter: int
    bars: Bars
    tempo: float = TEMPO

    @property
    def notes(self) -> Notes:
        """Those of all voices."""
        return in_order(np.concatenate([as_notes([]), *self.voices]))

    @property
    def end(self) -> int:
        """The tick where the last note ends."""
        return max((int(voice[:, END].max()) for voice in self.voices if len(voice)), default=0)

    def __len__(self) -> int:
        """How many notes there are."""
        return sum(map(len, self.voices))


def as_notes(found: Iterable[Sequence[int]]) -> Notes:
    """In order."""
    return in_order(np.array(list(found), np.int64).reshape(-1, 4))


def in_order(notes: Notes) -> Notes:
    """By start, key, end and velocity."""
    order = np.lexsort((notes[:, VELOCITY], notes[:, END], notes[:, KEY], notes[:, START]))
    return notes[order]


def whole_bars(quarter: int, quarters: int = 4) -> Bars:
    """Bars of so many quarters throughout."""
    return np.array([[0, quarters * quarter]], np.int64)


def apart(voice: Notes) -> list[Notes]:
    """The same notes in as few voices as it takes for no key to be struck while it sounds."""
    layers: list[list[int]] = []
    busy: list[dict[int, int]] = []  # of each layer, until when each key sounds
    for i, (start, end, key, _) in enumerate(voice.tolist()):
        free = next((k for k, until in enumerate(busy) if until.get(key, start) <= start), None)
        if free is None:
            free = len(busy)
            layers.append([])
            busy.append({})
        layers[free].append(i)
        busy[free][key] = end
    return [voice[layer] for layer in layers]
