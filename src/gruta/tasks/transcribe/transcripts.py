"""Whole sounds written down: in pieces, cut where they are quiet, so that memory stays flat."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gruta.codec.audio.cuts import Cutter, Piece
from gruta.codec.audio.mel import MelStream, Samples
from gruta.codec.audio.speech import SpeechCodec
from gruta.data.audio.recordings import Recordings, Utterance
from gruta.data.audio.sound import Sound, read_blocks
from gruta.tasks.trained import Trained
from gruta.tasks.transcribe.heard import Heard, Word, heard
from gruta.tasks.transcribe.options import SearchOptions
from gruta.tasks.transcribe.parts import frames_of

PAUSE = 0.6
"""Seconds of quiet that end a piece of a long sound."""

_SHORTEST = 8.0
"""Seconds that a piece may have, whatever training has heard."""


@dataclass(frozen=True, eq=False)
class Part:
    """A stretch of a sound, in seconds, and what is said in it."""

    begin: float
    end: float
    heard: Heard

    @property
    def words(self) -> list[Word]:
        """With times of the whole sound."""
        return [
            Word(one.word, self.begin + one.begin, self.begin + one.end, one.sure)
            for one in self.heard.words
        ]


@dataclass(frozen=True, eq=False)
class Transcript:
    """A sound by its name, how long it is, and its parts."""

    name: str
    seconds: float
    parts: Sequence[Part]

    def called(self, name: str) -> "Transcript":
        """The same by another name."""
        return replace(self, name=name)

    @property
    def text(self) -> str:
        """All that is said."""
        return " ".join(one.heard.text for one in self.parts if one.heard.text)

    @property
    def words(self) -> list[Word]:
        """In time."""
        return [word for one in self.parts for word in one.words]

    def to_json(self) -> dict[str, Any]:
        """For a program."""
        return {
            "recording": self.name,
            "seconds": round(self.seconds, 3),
            "text": self.text,
            "parts": [
                {
                    "begin": round(one.begin, 3),
                    "end": round(one.end, 3),
                    "text": one.heard.text,
                    "confidence": round(one.heard.sure, 4),
                    "score": one.heard.score,
                }
                for one in self.parts
                if one.heard.text
            ],
            "words": [
                {
                    "word": one.word,
                    "begin": round(one.begin, 3),
                    "end": round(one.end, 3),
                    "confidence": round(one.sure, 4),
                }
                for one in self.words
            ],
        }


def cutter_of(codec: SpeechCodec) -> Cutter:
    """Pieces not much longer than what training has heard."""
    return Cutter(codec.hop, max(codec.longest, _SHORTEST), PAUSE)


def is_long(codec: SpeechCodec, one: Utterance) -> bool:
    """Whether a sound is heard in pieces."""
    return codec.mel is not None and one.seconds > 2 * max(codec.longest, _SHORTEST)


def transcribed(
    trained: Trained[SpeechCodec], recordings: Recordings, how: SearchOptions
) -> Iterator[Transcript]:
    """Each recording, one after the other."""
    codec = trained.codec
    for i, one in enumerate(recordings.utterances):
        if codec.mel is None:
            frames = frames_of(recordings, i, None)
            pieces: Iterator[Piece] = iter([Piece(0, frames)])
        else:
            pieces = _pieces(codec, recordings, i)
        parts = []
        last = 0.0
        for piece in pieces:
            begin = piece.begin * codec.hop
            last = begin + len(piece.frames) * codec.hop
            parts.append(Part(begin, last, _heard(trained, piece, how)))
        yield Transcript(one.name, last, parts)


def _heard(trained: Trained[SpeechCodec], piece: Piece, how: SearchOptions) -> Heard:
    codec = trained.codec
    x = piece.frames if codec.is_silent(piece.frames) else codec.encode(piece.frames)
    return heard(trained.head, codec, [x], how)[0][0]


def _pieces(codec: SpeechCodec, recordings: Recordings, i: int) -> Iterator[Piece]:
    """Of a sound that is read as it is needed."""
    assert codec.mel is not None
    stream, cutter = MelStream(codec.mel), cutter_of(codec)
    for block in _blocks(recordings, i, codec.mel.rate):
        yield from cutter.add(stream.add(block))
    yield from cutter.add(stream.finish())
    yield from cutter.finish()


def _blocks(recordings: Recordings, i: int, rate: int) -> Iterator[Samples]:
    one: Utterance = recordings.utterances[i]
    if not isinstance(one.sound, Sound):
        yield recordings.samples(i, rate)
        return
    yield from read_blocks(
        one.sound, rate, start=one.start, stop=one.stop, channel=recordings.channel
    )
