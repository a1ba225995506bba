"""What `gruta generate` makes of notes: pieces, told as they come, and MIDI files."""

import json
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, SupportsInt

import numpy as np

from gruta.codec.notes.frames import COUNT, LOWEST, Frames, Keys, Roll
from gruta.codec.notes.piece import Piece
from gruta.data.notes.midi import encoded
from gruta.errors import InputError
from gruta.files import write_atomically
from gruta.locale import translate as _
from gruta.tasks.generate.notes.generation import generated, in_one
from gruta.tasks.generate.options import GenerateOptions, sampling
from gruta.tasks.trained import Trained

NAMES = ("C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B")
MIDI, JSON = (".mid", ".midi"), ".json"


class Making:
    """Pieces that go on from an opening; nothing is made before it is asked for."""

    def __init__(
        self, trained: Trained[Frames], options: GenerateOptions, opening: Roll | None
    ) -> None:
        self._trained, self._options, self._opening = trained, options, opening
        self._rolls: list[Roll] = []

    def pieces(self) -> Iterator[str]:
        """For the screen, as it is made: a line whenever keys are struck, with their names behind
        bar and beat; of several pieces one by one.
        """
        if self._options.count > 1:
            for i, roll in enumerate(self.rolls(), 1):
                yield f"--- {i} ---\n"
                yield from self._lines(roll.struck)
            return
        frames: list[tuple[Keys, Keys]] = []

        def struck() -> Iterator[Keys]:
            if self._opening is not None:
                yield from self._opening.struck
            for frame in self._made():
                frames.append(frame)
                yield frame[1][0]

        yield from self._lines(struck())
        self._rolls = in_one(frames, self._opening, self._trained.codec)

    def rolls(self) -> list[Roll]:
        """The frames of each piece, those of the opening included."""
        if not self._rolls:
            self._rolls = in_one(list(self._made()), self._opening, self._trained.codec)
        return self._rolls

    def music(self) -> list[Piece]:
        """The notes of each."""
        codec = self._trained.codec
        return [codec.piece(roll, str(i)) for i, roll in enumerate(self.rolls(), 1)]

    def to_json(self) -> dict[str, Any]:
        """For a program: of each piece the keys that sound in each frame."""
        return {"pieces": [_lists(roll) for roll in self.rolls()]}

    def save(self, path: Path) -> None:
        """Into a MIDI file, or a piano roll in JSON; of several pieces each has a file of its own,
        with its number behind the name.
        """
        if path.suffix.lower() not in (*MIDI, JSON):
            problem = _("--out: expected a file that ends in .mid or .json, got {path}")
            raise InputError(problem.format(path=path))
        several = len(self.rolls()) > 1
        for i, (roll, piece) in enumerate(zip(self.rolls(), self.music(), strict=True), 1):
            content = json.dumps(_lists(roll)).encode()
            if path.suffix.lower() in MIDI:
                content = encoded(piece)
            write_atomically(path.with_stem(f"{path.stem}-{i}") if several else path, content)

    def _made(self) -> Iterator[tuple[Keys, Keys]]:
        o, trained = self._options, self._trained
        made = generated(
            trained.head, trained.codec, self._opening, sampling(o), count=o.count, seed=o.seed
        )
        return (next(made) for _step in range(o.length))

    def _lines(self, struck: Iterable[Keys]) -> Iterator[str]:
        """Of frames from the first on; a pickup is the bar 0."""
        codec, bar = self._trained.codec, 0
        opened = [] if self._opening is None else self._opening.places.tolist()
        places = chain(opened, codec.following(self._opening))
        for place, frame in zip(places, struck, strict=False):
            bar += place == 0
            beat, keys = 1 + place / codec.a_quarter, np.flatnonzero(frame)
            if len(keys):
                yield f"{bar:4d}:{beat:<5g} {' '.join(map(name_of, keys))}\n"


def name_of(key: SupportsInt) -> str:
    """Of the piano's keys, counted from 0: C4 is the middle one."""
    octave, step = divmod(LOWEST + int(key), 12)
    return f"{NAMES[step]}{octave - 1}"


def columns(codec: Frames) -> list[str]:
    """What the numbers that a network reads of a frame are called."""
    keys = [name_of(key) for key in range(COUNT)]
    struck = [_("{key} struck").format(key=key) for key in keys] if codec.again else []
    places = [_("place {place}").format(place=place + 1) for place in range(codec.places)]
    return [*keys, *struck, *places, _("start")]


def _lists(roll: Roll) -> list[list[int]]:
    return [(LOWEST + np.flatnonzero(frame)).tolist() for frame in roll.sounding]
