"""How a recogniser is asked over a network."""

from typing import Annotated, Any

from pydantic import BaseModel, Discriminator, Field, Tag

from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.tasks.served import (
    BINARY,
    NUMBERS,
    Answer,
    Binary,
    Question,
    Row,
    Rows,
    Served,
    Streamed,
    Told,
    array,
    form,
)
from gruta.tasks.transcribe.model import TranscribeModel
from gruta.tasks.transcribe.stream import TranscribeStream

MOST_SECONDS = 600
"""Of a recording that comes: what the network said of it is kept."""

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


class Begin(Question):
    """How the likeliest text is searched."""

    beam: int = Field(16, ge=1, le=128)
    ngram: bool = True


class MoreSound(Question):
    """Samples from -1 to 1 that have come."""

    samples: Samples
    last: bool = Field(False, description="There are no more.")


class MoreFrames(Question):
    """Rows of features that have come."""

    rows: Rows
    last: bool = Field(False, description="There are no more.")


def _begun(model: TranscribeModel, begin: Begin) -> TranscribeStream:
    return model.stream(beam=begin.beam, ngram=begin.ngram)


def _accept(stream: TranscribeStream, step: Any) -> None:
    name = "samples" if isinstance(step, MoreSound) else "rows"
    if stream.seconds > MOST_SECONDS:
        problem = _("a stream hears at most {most} s; reset it in a pause, or begin another")
        raise InputError(**{name: problem.format(most=MOST_SECONDS)})
    stream.accept(array(getattr(step, name), name))
    if step.last:
        stream.finish()


def _so_far(stream: TranscribeStream) -> Answer:
    """Words in time once the recording is at its end: before, they change."""
    if not stream.ended:
        return {"text": stream.result(), "seconds": stream.seconds}
    return _told(stream.heard()) | {"seconds": stream.seconds}


def _streamed(step: type[Question]) -> Streamed[TranscribeModel, TranscribeStream]:
    return Streamed(
        begin=Begin,
        step=step,
        begun=_begun,
        accept=_accept,
        teller=lambda stream: Told(lambda: _so_far(stream)),
    )


def SERVED(model: TranscribeModel) -> Served[TranscribeModel]:
    """A recording is heard as a whole or, by a network that reads forward alone, as it comes."""
    sound = model.codec.mel is not None
    streamed = _streamed(MoreSound if sound else MoreFrames) if model.head.streams else None
    return Served(Sounds if sound else Features, Transcripts, _answer, _about, streamed)
