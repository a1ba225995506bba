"""How a generator of music is asked over a network: pieces, or frame by frame."""

from typing import Annotated

import numpy as np
from pydantic import BaseModel, Field

from gruta.codec.notes.frames import LOWEST, Roll
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.tasks.generate.notes.model import NotesModel, NotesStream
from gruta.tasks.generate.served import Drawing
from gruta.tasks.served import Answer, Question, Served, Streamed

MOST_FRAMES = 20_000
"""Of a piece that a stream makes."""

Key = Annotated[int, Field(ge=21, le=108)]
Frames = Annotated[list[Annotated[list[Key], Field(max_length=88)]], Field(max_length=4096)]


class Opening(Drawing):
    """What is to be made: of each frame of the opening the MIDI keys that sound."""

    opening: Frames | None = None
    length: int = Field(64, ge=1, le=4096, description="Frames that are made behind the opening.")
    count: int = Field(1, ge=1, le=16)


class Sounding(BaseModel):
    """Of each frame the MIDI keys that sound, and of those the ones that are struck there."""

    sounding: list[list[int]]
    struck: list[list[int]]


class Pieces(BaseModel):
    """So many pieces, with the opening."""

    pieces: list[Sounding]


class Begin(Drawing):
    """How a piece begins, and how it goes on."""

    opening: Frames | None = None


class Step(Question):
    """To go on."""

    frames: int = Field(1, ge=1, le=256, description="So many are made.")


def _answer(model: NotesModel, asked: Opening) -> Answer:
    how = asked.how()
    found = model(asked.opening, length=asked.length, count=asked.count, seed=asked.seed, **how)
    return {"pieces": [_told(one) for one in found]}


def _told(roll: Roll, first: int = 0) -> Answer:
    return {
        name: [(np.flatnonzero(one) + LOWEST).tolist() for one in getattr(roll, name)[first:]]
        for name in ("sounding", "struck")
    }


def _about(model: NotesModel) -> Answer:
    return {"units": "notes", "bar": model.codec.places}


def _begun(model: NotesModel, begin: Begin) -> NotesStream:
    return model.stream(begin.opening, seed=begin.seed, **begin.how())


def _accept(stream: NotesStream, step: Step) -> None:
    if len(stream.frames) + step.frames > MOST_FRAMES:
        problem = _("a stream makes at most {most} frames; reset it, or begin another")
        raise InputError(frames=problem.format(most=MOST_FRAMES))


class Growing:
    """Says which frames were made since it was last asked."""

    def __init__(self, stream: NotesStream) -> None:
        self._stream, self._told = stream, len(stream.frames)

    def news(self) -> Answer:
        """Those frames."""
        made = self._stream.frames[self._told :]
        self._told += len(made)
        none = np.zeros((0, 88), bool)
        on, struck = (np.concatenate([none, *(one[k] for one in made)]) for k in (0, 1))
        return _told(Roll(on, struck, np.zeros(len(on), np.int64))) | {"frames": self._told}

    def rest(self) -> Answer:
        """Nothing is kept back."""
        return {}


SERVED_NOTES = Served(
    Opening,
    Pieces,
    _answer,
    _about,
    Streamed(
        begin=Begin,
        step=Step,
        begun=_begun,
        accept=_accept,
        teller=Growing,
        steps=lambda step: int(step.frames),
    ),
)
