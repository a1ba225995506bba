"""The simple recognisers that stand beside every score."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.codec.audio.speech import SpeechCodec
from gruta.data.audio.recordings import Recordings
from gruta.locale import translate as _
from gruta.tasks.transcribe.parts import frames_of
from gruta.tasks.warping import MOST_PAIRS, nearest

_CEPSTRA = 13
_STEPS = (1, 2, 4, 8)
"""Frames of which the mean is taken, for there to be fewer."""

Cepstra = NDArray[np.float64]

Answer = tuple[Sequence[str], int]
"""What each recording says, and how many numbers were learned for that."""


@dataclass(frozen=True, eq=False)
class Simple:
    """What each model answers, by its name, and what was left out, for people."""

    answers: dict[str, Answer]
    notes: list[str]


def simple_models(
    train: Recordings | None, codec: SpeechCodec, test: Recordings, source: str | None
) -> Simple:
    """What is said most often, and what the recording of the training part says that is nearest.

    source: where the training part was read, if that is known.
    """
    if train is None:
        gone = (
            _("{source}, which the network was trained on, is not there any more, or has changed")
            if source
            else _("no file is known of what the network was trained on")
        )
        left = _("The simple models are left out: {gone}. Give it with --train (Python: train=).")
        return Simple({}, [left.format(gone=gone.format(source=source))])
    texts = [codec.spell(text) for text in train.texts]
    likeliest = Counter(texts).most_common(1)[0][0]
    answers: dict[str, Answer] = {"phrase": ([likeliest] * len(test), 0)}
    known, asked = ([_cepstra(codec, part, i) for i in range(len(part))] for part in (train, test))
    far = _far(np.array([_summary(one) for one in known]))
    own = [far(_summary(one)) for one in asked]
    answers["summary"] = ([texts[int(one.argmin())] for one in own], 0)
    notes: list[str] = []
    warped = _warped(known, asked, notes)
    if warped is not None:
        answers["warping"] = ([texts[i] for i in warped], 0)
    return Simple(answers, notes)


def _cepstra(codec: SpeechCodec, recordings: Recordings, i: int) -> Cepstra:
    """`[T, ≤13]`: of log-mel bands the cosine transform, each with mean 0 and deviation 1; other
    features as they are, likewise.
    """
    frames = frames_of(recordings, i, codec.mel).astype(np.float64)
    if not len(frames):
        frames = np.zeros((1, len(codec.names)))
    if codec.mel is not None:
        bands = np.arange(frames.shape[1]) + 0.5
        order = np.arange(_CEPSTRA)[:, None]
        frames = frames @ np.cos(np.pi * order * bands / frames.shape[1]).T
    flat = np.maximum(frames.std(0), 1e-3 * np.abs(frames).max(initial=1e-9))
    return np.asarray((frames - frames.mean(0)) / flat)


def _summary(cepstra: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means over eight stretches, and how long it is."""
    stretches = np.array_split(cepstra, 8) if len(cepstra) >= 8 else [cepstra] * 8
    return np.append(np.concatenate([one.mean(0) for one in stretches]), np.log(len(cepstra)))


def _far(known: NDArray[np.float64]) -> Any:
    """From each of these summaries `[N, K]` to one `[K]`, in deviations."""
    scale = np.maximum(known.std(0), 1e-9)
    return lambda one: np.square((known - one) / scale).sum(1)


def _warped(
    known: Sequence[Cepstra], asked: Sequence[Cepstra], notes: list[str]
) -> list[int] | None:
    """By dynamic time warping, the nearest of those known to each; None where it is left out."""
    frames = [float(np.mean([len(one) for one in part])) for part in (known, asked)]
    pairs = len(known) * len(asked) * frames[0] * frames[1]
    step = next((k for k in _STEPS if pairs / k**2 <= MOST_PAIRS), _STEPS[-1])
    first, second = ([_thinned(one, step) for one in part] for part in (known, asked))
    found = nearest(first, second, notes)
    return None if found is None else found.tolist()


def _thinned(frames: NDArray[Any], step: int) -> NDArray[Any]:
    """Means of so many frames each."""
    cuts = range(step, len(frames), step)
    return np.array([part.mean(0) for part in np.split(frames, list(cuts))])
