"""A recogniser's layers for a page that computes them."""

from functools import partial

from gruta.codec.audio.ctc import BLANK
from gruta.codec.audio.speech import SpeechCodec
from gruta.codec.text.graphemes import visible
from gruta.data.audio.recordings import Recordings
from gruta.locale.numbers import number
from gruta.tasks.portrait import LONGEST, Linear, Portrait, Sample, stack
from gruta.tasks.trained import Trained
from gruta.tasks.transcribe.parts import frames_of

_RECORDINGS = 3


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
    one, codec, stride = recordings.utterances[i], trained.codec, trained.settings.stride
    x = trained.head.entering(codec.encode(frames_of(recordings, i, codec.mel)))[:LONGEST]
    steps = range(len(x))
    if codec.mel is None:
        labels = [str(t + 1) for t in steps]
    else:
        labels = [number(t * stride * codec.mel.hop / codec.mel.rate, 2) for t in steps]
    return Sample(partial(str, one.name), x=x, labels=labels)
