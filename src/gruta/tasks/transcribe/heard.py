"""What a trained recogniser hears, without PyTorch."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from gruta.codec.audio.ctc import Alignment, LogP, align, log_softmax, nats, words
from gruta.codec.audio.ctc import greedy as greedy_path
from gruta.codec.audio.ctc_beam import Found, Language, search
from gruta.codec.audio.mel import Frames
from gruta.codec.audio.speech import SpeechCodec
from gruta.tasks.transcribe.head import TranscribeHead


class Search(Protocol):
    """How the likeliest text is searched: beam, texts that are followed side by side; ngram,
    whether what was counted is asked beside the network.
    """

    @property
    def beam(self) -> int:
        """1: the likeliest character of each frame."""

    @property
    def ngram(self) -> bool:
        """Whether."""


@dataclass(frozen=True)
class Word:
    """begin, end: seconds. sure: 0 to 1."""

    word: str
    begin: float
    end: float
    sure: float


@dataclass(frozen=True, eq=False)
class Heard:
    """A text, its words in time, and its score: the log-probability by the frames, with what the
    n-gram model adds. alignment: which frames of the network's say what; None of what was heard in
    pieces.
    """

    text: str
    score: float
    words: Sequence[Word]
    alignment: Alignment | None = None

    @property
    def sure(self) -> float:
        """The geometric mean over its words; 1 of none."""
        logs = [np.log(max(one.sure, 1e-30)) for one in self.words]
        return float(np.exp(np.mean(logs))) if logs else 1.0


def heard(
    head: TranscribeHead,
    codec: SpeechCodec,
    frames: Sequence[Frames],
    how: Search,
    best: int = 1,
) -> list[list[Heard]]:
    """The likeliest texts of recordings `[T, C]` as the codec encodes them, the best first."""
    loud = [i for i, one in enumerate(frames) if not codec.is_silent(one)]
    scores = dict(zip(loud, head.scores([frames[i] for i in loud]), strict=True))
    empty = np.zeros((0, codec.size))
    return [
        in_scores(head, codec, log_softmax(scores[i]) if i in scores else empty, how, best)
        for i in range(len(frames))
    ]


def asked(head: TranscribeHead, how: Search) -> Language | None:
    """What is asked beside the network, if anything is."""
    return head.language if how.ngram else None


def in_scores(
    head: TranscribeHead, codec: SpeechCodec, log_p: LogP, how: Search, best: int = 1
) -> list[Heard]:
    """The likeliest texts of log-probabilities `[T', V]`, the best first."""
    language = asked(head, how)
    if how.beam == 1 and best == 1 and language is None:
        text = greedy_path(log_p)
        found = [Found(text, -nats(log_p, text), -nats(log_p, text))]
    else:
        width = max(how.beam, best)
        found = search(log_p, head.silent if language is None else language, width, best)
    return [told(codec, head.stride, one, log_p) for one in found]


def told(codec: SpeechCodec, stride: int, one: Found, log_p: LogP) -> Heard:
    """A text with its words' times."""
    alignment = align(log_p, one.text)
    letters = [codec.units.written(k) for k in one.text.tolist()]
    seconds = codec.hop * stride
    timed = [
        Word(word.word, seconds * word.begin, seconds * word.end, word.sure)
        for word in words(alignment, letters)
    ]
    return Heard(codec.text(one.text), one.score, timed, alignment)
