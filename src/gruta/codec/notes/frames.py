"""Notes as frames: which of a piano's 88 keys sound in each, and which are struck there.

A note's ticks become frames once, each end by itself, to the nearest frame and half a frame
upwards, so that neither a tempo nor a sum of lengths moves anything. A note has a frame at least.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.codec.notes.piece import (
    END,
    KEY,
    START,
    TEMPO,
    Bars,
    Notes,
    Piece,
    as_notes,
    in_order,
    whole_bars,
)
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number

Keys = NDArray[np.bool_]
"""`[T, 88]`."""

LOWEST, COUNT = 21, 88
"""The lowest key of a piano as MIDI counts, and how many follow it."""

LONGEST = 1_000_000
"""Frames of a piece at most: three days of sixteenths."""

_LOUD, _TICKS = 80, 480
"""The velocity of notes that are written, and the ticks of a quarter at least."""

_QUARTERS = 4
"""Of a bar that a network tells apart; longer ones begin again."""

MOST_FRAMES = 96
"""Of a quarter at most."""


@dataclass(frozen=True, eq=False)
class Roll:
    """sounding, struck: `[T, 88]`; a struck key sounds, and one that begins to sound is struck.
    places: `[T]`, the frame's place in its bar. bar: how many frames the last bar has, were it
    whole; 0 where nothing tells.
    """

    sounding: Keys
    struck: Keys
    places: NDArray[np.int64]
    bar: int = 0

    def __len__(self) -> int:
        return len(self.sounding)

    def until(self, length: int) -> "Roll":
        """The first frames."""
        return replace(
            self,
            sounding=self.sounding[:length],
            struck=self.struck[:length],
            places=self.places[:length],
        )

    def content(self) -> str:
        """A word for the music, the same in whatever key and after whatever silence it begins."""
        inside = np.flatnonzero(self.sounding.any(1))
        keys = np.flatnonzero(self.sounding.any(0))
        if not len(inside):
            return ""
        found = hashlib.sha256()
        for part in (self.sounding, self.struck):
            kept = part[inside[0] : inside[-1] + 1, keys[0] : keys[-1] + 1]
            found.update(repr(kept.shape).encode() + np.packbits(kept).tobytes())
        return found.hexdigest()


@dataclass(frozen=True)
class Frames:
    """How many a quarter has, and whether it is learned which keys are struck again while they
    sound; tempo: quarters a minute of what is written.
    """

    a_quarter: int = 4
    again: bool = True
    tempo: float = TEMPO

    kind = "notes"

    @property
    def places(self) -> int:
        """How many places in a bar are told apart."""
        return _QUARTERS * self.a_quarter

    @property
    def width(self) -> int:
        """How many numbers a network reads of a frame."""
        return COUNT * (2 if self.again else 1) + self.places + 1

    def roll(self, piece: Piece) -> Roll:
        """Its frames; what lies beyond the 88 keys is left out. InputError if they are too many."""
        notes, quarter = piece.notes, piece.quarter
        length = int(self.rounded(np.array([piece.end]), quarter)[0])
        if length > LONGEST:
            problem = _(
                "{name}: {count} frames, the limit is {limit}; cut the piece, or take fewer frames "
                "a quarter"
            )
            raise InputError(
                problem.format(name=piece.name, count=number(length), limit=number(LONGEST))
            )
        notes = notes[(notes[:, KEY] >= LOWEST) & (notes[:, KEY] < LOWEST + COUNT)]
        starts = self.rounded(notes[:, START], quarter)
        ends = np.maximum(self.rounded(notes[:, END], quarter), starts + 1)
        length = max(length, int(ends.max(initial=0)))
        sounding, struck = np.zeros((2, length, COUNT), bool)
        for start, end, key in zip(starts, ends, notes[:, KEY] - LOWEST, strict=True):
            sounding[start:end, key] = struck[start, key] = True
        return Roll(sounding, struck, *self._places(piece, length))

    def rounded(self, ticks: NDArray[np.int64], quarter: int) -> NDArray[np.int64]:
        """To whole frames."""
        found: NDArray[np.int64] = (2 * self.a_quarter * ticks + quarter) // (2 * quarter)
        return found

    def off(self, piece: Piece) -> int:
        """How many notes begin between two frames."""
        return int((piece.notes[:, START] * self.a_quarter % piece.quarter != 0).sum())

    def _places(self, piece: Piece, length: int) -> tuple[NDArray[np.int64], int]:
        """Of each frame in its bar, and the frames of the last one."""
        bars, starts = piece.bars.copy(), piece.bars[:, 0]
        spans = np.diff(starts)
        short = np.flatnonzero((spans == bars[:-1, 1]) & (spans < bars[1:, 1]))
        bars[short] = bars[short + 1]  # a pickup is the end of a bar like those that follow
        bars[short, 0] -= bars[short, 1]
        ticks = np.arange(length) * piece.quarter // self.a_quarter
        own = np.maximum(np.searchsorted(starts, ticks, "right") - 1, 0)
        inside = (ticks - bars[own, 0]) % bars[own, 1]
        bar = int(self.rounded(bars[own[-1:], 1], piece.quarter).sum())
        return self.rounded(inside, piece.quarter), bar

    def following(self, roll: Roll | None) -> Iterator[int]:
        """The places in their bars of the frames that come behind these, without end."""
        bar, place = self.places, 0
        if roll is not None and len(roll):
            bar = roll.bar or bar
            place = int(roll.places[-1]) + 1
        while True:
            place %= bar
            yield place
            place += 1

    def piece(self, roll: Roll, name: str) -> Piece:
        """The notes of frames, each until its key is struck again or silent."""
        notes = _notes(roll.sounding, roll.struck)
        notes[:, KEY] += LOWEST
        return self._piece(notes, _bars(roll, self.places), name)

    def _piece(self, notes: Notes, bars: Bars, name: str) -> Piece:
        """Of notes and bars with a tick a frame."""
        ticks = -(-_TICKS // self.a_quarter)
        notes[:, [START, END]] *= ticks
        return Piece(name, tuple(_voices(notes)), ticks * self.a_quarter, bars * ticks, self.tempo)

    def of_keys(self, sounding: Keys, name: str) -> Piece:
        """Of frames `[T, 128]` of all keys of MIDI, which do not tell what is struck again."""
        notes = _notes(sounding, sounding & ~before(sounding))
        return self._piece(notes, whole_bars(self.a_quarter), name)

    def read(self, roll: Roll) -> NDArray[np.float32]:
        """What a network reads before it says each frame `[T, width]`."""
        first = np.arange(len(roll)) == 0
        return self.inputs(before(roll.sounding), before(roll.struck), roll.places, first)

    def inputs(
        self, sounding: Keys, struck: Keys, places: NDArray[np.int64], first: NDArray[np.bool_]
    ) -> NDArray[np.float32]:
        """`[…, width]`: the keys of the frame before `[…, 88]`, those struck in it, the place `[…]`
        of the frame to come, and a mark where that is the first.
        """
        found = np.zeros((*places.shape, self.width), np.float32)
        found[..., :COUNT] = sounding
        if self.again:
            found[..., COUNT : 2 * COUNT] = struck
        at = self.width - 1 - self.places
        np.put_along_axis(found, at + places[..., None] % self.places, 1, -1)
        found[..., -1] = first
        return found

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "kind": self.kind,
            "a_quarter": self.a_quarter,
            "again": self.again,
            "tempo": self.tempo,
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Frames":
        """What `to_json` gave; InputError if it is anything else."""
        try:
            found = cls(int(content["a_quarter"]), bool(content["again"]), float(content["tempo"]))
            if content["kind"] != cls.kind or not 0 < found.a_quarter <= MOST_FRAMES:
                problem = _("expected notes of 1 to {most} frames a quarter")
                raise ValueError(problem.format(most=MOST_FRAMES))
            if not 0 < found.tempo < np.inf:
                raise ValueError(_("expected a tempo, got {value}").format(value=found.tempo))
            return found
        except (KeyError, TypeError, ValueError) as error:
            problem = _("codec.json: not frames of notes ({error})")
            raise InputError(problem.format(error=error)) from error


def before(keys: Keys) -> Keys:
    """Each frame's predecessor; silence before the first."""
    return np.concatenate([np.zeros_like(keys[:1]), keys[:-1]])


def _notes(sounding: Keys, struck: Keys) -> Notes:
    """A tick a frame."""
    found = []
    for key in np.flatnonzero(sounding.any(0)):
        on, again = sounding[:, key], struck[:, key]
        held = np.concatenate([[False], on[:-1]])
        starts = np.flatnonzero(on & (again | ~held))
        stops = np.flatnonzero(np.concatenate([~on & held, [True]]))
        ends = stops[np.searchsorted(stops, starts, "right")]
        ends = np.minimum(ends, np.concatenate([starts[1:], [len(on)]]))
        same = np.ones_like(starts)
        found.append(np.stack([starts, ends, key * same, _LOUD * same], 1))
    return in_order(np.concatenate([as_notes([]), *found]))


def _bars(roll: Roll, usual: int) -> Bars:
    """A tick a frame; what comes before the first whole bar is a shorter one."""
    starts = np.union1d([0], np.flatnonzero(roll.places == 0))
    begun = int(roll.places[starts[-1]]) if len(roll) else 0
    last = max((roll.bar or usual) - begun, len(roll) - int(starts[-1]), 1)
    sizes = np.append(np.diff(starts), last)
    new = np.append(True, sizes[1:] != sizes[:-1])
    found: Bars = np.stack([starts, sizes], 1)[new]
    return found


def _voices(notes: Notes) -> list[Notes]:
    """Of the notes that begin together and the voices that are free, the nearest go together first;
    a note for which none is left begins a voice.
    """
    voices: list[list[list[int]]] = []
    for start in np.unique(notes[:, START]):
        left = notes[notes[:, START] == start].tolist()[::-1]  # the highest first
        free = [voice for voice in voices if voice[-1][END] <= start]
        while left and free:
            pairs = (
                (abs(note[KEY] - voice[-1][KEY]), i, k)
                for i, note in enumerate(left)
                for k, voice in enumerate(free)
            )
            _, i, k = min(pairs)
            free.pop(k).append(left.pop(i))
        voices += [[note] for note in left]
    return [as_notes(voice) for voice in voices]
