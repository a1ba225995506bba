"""How a recogniser is asked over a network."""

from typing import Annotated, Any

from pydantic import BaseModel, Discriminator, Field, Tag

from gruta.tasks.served import (
    BINARY,
    NUMBERS,
    Answer,
    Binary,
    Question,
    Row,
    Rows,
    Served,
    array,
    form,
)
from gruta.tasks.transcribe.model import TranscribeModel

Samples = Annotated[
    Annotated[Row, Tag(NUMBERS)] | Annotated[Binary, Tag(BINARY)], Discriminator(form)
]


class Search(Question):
    """How the likeliest text is searched."""

    best: int = Field(1, ge=1, le=32)
    beam: int = Field(16, ge=1, le=128)
    ngram: bool = True


class Sounds(Search):
    """Recordings, samples from -1 to 1."""

    recordings: list[Samples] = Field(max_length=64)
    rate: int | None = Field(None, ge=1, le=1_000_000, description="Samples a second.")


class Features(Search):
    """Recordings, a row of features a frame."""

    recordings: list[Rows] = Field(max_length=64)


class Word(BaseModel):
    """begin, end: seconds. sure: 0 to 1."""

    word: str
    begin: float
    end: float
    sure: float


class Heard(BaseModel):
    """A text, its words in time, and how likely it is."""

    text: str
    score: float | None
    words: list[Word]


class Transcripts(BaseModel):
    """Of each recording the likeliest texts, the best first."""

    transcripts: list[list[Heard]]


def _answer(model: TranscribeModel, asked: Any) -> Answer:
    recordings = [array(one, f"recordings[{i}]") for i, one in enumerate(asked.recordings)]
    how = {name: value for name, value in asked if name != "recordings"}
    found = model.heard(recordings, **how)
    return {"transcripts": [[_told(one) for one in several] for several in found]}


def _told(one: Any) -> Answer:
    told = [{"word": w.word, "begin": w.begin, "end": w.end, "sure": w.sure} for w in one.words]
    return {"text": one.text, "score": one.score, "words": told}


def _about(model: TranscribeModel) -> Answer:
    features = [] if model.codec.mel is not None else list(model.codec.names)
    return {"rate": model.rate or None, "features": features}


def SERVED(model: TranscribeModel) -> Served[TranscribeModel]:
    """A recording is heard as a whole."""
    return Served(Features if model.codec.mel is None else Sounds, Transcripts, _answer, _about)
