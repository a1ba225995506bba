"""Which n-gram model is asked beside the network, and how much it weighs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gruta.codec.audio.ctc import LogP, Numbers
from gruta.codec.audio.ctc_beam import Found, search
from gruta.codec.audio.language import Characters, Counted, Words
from gruta.codec.audio.speech import SpeechCodec
from gruta.tasks.transcribe.errors import errors_of
from gruta.tasks.transcribe.settings import TranscribeSettings

_FIRST = 0.5, 0.0
_WEIGHTS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.3, 1.6, 2.0)
_BONUSES = (-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0)
_WIDTH, _TEXTS, _ROUNDS = 12, 12, 2
_MOST = 100
"""Recordings that weights are chosen by, at most."""
_GAIN = 0.002
"""Of the error rates, that a model has to be worth."""


@dataclass(frozen=True, eq=False)
class Tried:
    """A model with its weights, and the error rates of the validation part with it."""

    language: Counted | None
    errors: float


def chosen(
    codec: SpeechCodec,
    settings: TranscribeSettings,
    texts: Sequence[Numbers],
    log_p: Sequence[LogP],
    truth: Sequence[Numbers],
) -> Counted | None:
    """Counted in texts, and weighed so that most of recordings is heard right; None where nothing
    is gained by any.

    log_p: `[T, V]` of each recording of the validation part; truth: what is said there.
    """
    some = range(0, len(truth), -(-len(truth) // _MOST))
    log_p, truth = [log_p[i] for i in some], [truth[i] for i in some]
    best = Tried(None, _errors(codec, truth, [greedy_text(codec, one) for one in log_p]))
    for one in _models(codec, settings, texts, truth):
        tried = _weighed(codec, one, log_p, truth)
        if tried.errors < best.errors - _GAIN:
            best = tried
    return best.language


def _models(
    codec: SpeechCodec,
    settings: TranscribeSettings,
    texts: Sequence[Numbers],
    truth: Sequence[Numbers],
) -> list[Counted]:
    asked = settings.ngram
    found: list[Counted] = []
    if asked in ("auto", "characters"):
        found.append(Characters.count(texts, truth, codec.size))
    if asked in ("auto", "words") and codec.space:
        found.append(Words.count(texts, truth, codec.size, codec.space))
    return found


def _weighed(
    codec: SpeechCodec, one: Counted, log_p: Sequence[LogP], truth: Sequence[Numbers]
) -> Tried:
    """Weights are tried on the best texts that a search finds, with which it then searches anew."""
    weights = _FIRST
    for _round in range(_ROUNDS):
        language = one.weighed(*weights)
        lists = [search(own, language, _WIDTH, _TEXTS) for own in log_p]
        scored = [_scored(one, texts) for texts in lists]
        found = {
            (weight, bonus): _errors(codec, truth, _picked(codec, lists, scored, weight, bonus))
            for weight in _WEIGHTS
            for bonus in _BONUSES
        }
        weights = min(found, key=lambda w: (found[w], abs(w[0] - 0.5) + abs(w[1]) / 10))
    language = one.weighed(*weights)
    heard = [codec.text(search(own, language, _WIDTH)[0].text) for own in log_p]
    return Tried(language, _errors(codec, truth, heard))


def _scored(one: Counted, texts: Sequence[Found]) -> NDArray[np.float64]:
    """`[N, 3]`: log P by the frames and by the language, and what gains the bonus."""
    return np.array([(found.log_p, *one.counted(found.text)) for found in texts])


def _picked(
    codec: SpeechCodec,
    lists: Sequence[Sequence[Found]],
    scored: Sequence[NDArray[np.float64]],
    weight: float,
    bonus: float,
) -> list[str]:
    weights = np.array([1.0, weight, bonus])
    best = [int((scores @ weights).argmax()) for scores in scored]
    return [codec.text(texts[k].text) for texts, k in zip(lists, best, strict=True)]


def _errors(codec: SpeechCodec, truth: Sequence[Numbers], heard: Sequence[str]) -> float:
    """Of words and of characters, together."""
    errors = errors_of([codec.text(one) or "∅" for one in truth], heard)
    return errors.wer + errors.cer


def greedy_text(codec: SpeechCodec, log_p: LogP) -> str:
    """Without a search."""
    from gruta.codec.audio.ctc import greedy

    return codec.text(greedy(log_p))
