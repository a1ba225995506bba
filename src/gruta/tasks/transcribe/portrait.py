"""A recogniser's layers for a page that computes them."""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from gruta.codec.audio.ctc import BLANK
from gruta.codec.audio.mel import Frames
from gruta.codec.audio.speech import SpeechCodec
from gruta.codec.audio.wav import wav
from gruta.codec.text.graphemes import visible
from gruta.data.audio.recordings import Recordings
from gruta.data.audio.resample import resampled
from gruta.locale.numbers import number
from gruta.tasks.portrait import LONGEST, Linear, Portrait, Recording, Sample, stack
from gruta.tasks.trained import Trained

_RECORDINGS = 3
_HEARD = 16_000
"""Samples a second that can be listened to, at most."""


def portrait(trained: Trained[SpeechCodec], recordings: Recordings | None) -> Portrait:
    """Its lowest layer, and all where no layer norm stands between them; the first recordings, as
    the convolutions hand them over.
    """
    s, codec, weights = trained.settings, trained.codec, trained.weights
    together = s.layers if not s.norm else 1
    plain = together == s.layers and s.direction == "forward"
    count = 0 if recordings is None else min(_RECORDINGS, len(recordings))
    return Portrait(
        s.cell,
        [layer for k in range(together) for layer in stack(weights, f"layers.{k}")],
        output=Linear(weights["output.weight"], weights["output.bias"]) if plain else None,
        answers=[_sign(codec, unit) for unit in range(codec.size)] if plain else [],
        samples=[_sample(trained, recordings, i) for i in range(count)],
    )


def _sign(codec: SpeechCodec, unit: int) -> str:
    return "–" if unit == BLANK else visible(codec.units.written(unit))


def _sample(trained: Trained[SpeechCodec], recordings: Recordings | None, i: int) -> Sample:
    """Above each step stands its second, or its number where features have no rate."""
    assert recordings is not None
    title, mel = partial(str, recordings.utterances[i].name), trained.codec.mel
    if mel is None:
        x = _entering(trained, recordings.features(i))
        return Sample(title, x=x, labels=[str(t + 1) for t in range(len(x))])
    samples = recordings.samples(i, mel.rate)
    frames, stride = mel.of(samples), trained.settings.stride
    x, step = _entering(trained, frames), stride * trained.codec.hop
    heard, rate = samples[: round(len(x) * step * mel.rate)], min(mel.rate, _HEARD)
    if rate < mel.rate:
        heard = resampled(heard, mel.rate, rate)
    recording = Recording(_seen(frames, stride)[: len(x)], wav(heard, rate), step)
    labels = [number(t * step, 2) for t in range(len(x))]
    return Sample(title, x=x, labels=labels, recording=recording)


def _entering(trained: Trained[SpeechCodec], frames: Frames) -> Frames:
    """What the layers read of frames, as much as a sample has."""
    found: Frames = trained.head.entering(trained.codec.encode(frames))[:LONGEST]
    return found


def _seen(frames: Frames, stride: int) -> NDArray[np.uint8]:
    """`[steps, bands]`: the mean of the frames of each step, from what is soft to what is loud."""
    first = np.arange(0, len(frames), stride)
    count = np.diff([*first, len(frames)])
    mean = np.add.reduceat(frames, first) / count[:, None]
    low, high = np.percentile(mean, (2, 99.5))
    share = (mean - low) / max(high - low, 1e-6)
    seen: NDArray[np.uint8] = (255 * share.clip(0, 1)).round().astype(np.uint8)
    return seen
