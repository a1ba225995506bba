"""A vocoder's layer for a page that computes it."""

from functools import partial

import numpy as np

from gruta.codec.audio.vocoder import VocoderCodec
from gruta.codec.audio.waveform import LEVELS
from gruta.data.audio.recordings import Recordings
from gruta.tasks.portrait import LONGEST, Linear, Portrait, Sample, stack
from gruta.tasks.sounds import Sounds
from gruta.tasks.trained import Trained

_RECORDINGS = 3


def portrait(trained: Trained[VocoderCodec], recordings: Recordings | None) -> Portrait:
    """The layer that walks over samples, what makes their levels of its state, and the middle of
    the first recordings.
    """
    weights = trained.weights
    count = 0 if recordings is None else min(_RECORDINGS, len(recordings))
    return Portrait(
        trained.settings.cell,
        stack(weights, "layer"),
        output=Linear(weights["output.weight"], weights["output.bias"]),
        answers=[str(level) for level in range(LEVELS)],
        samples=[_sample(trained, recordings, i) for i in range(count)],
    )


def _sample(trained: Trained[VocoderCodec], recordings: Recordings | None, i: int) -> Sample:
    """Above each step stands the level of the sample before it."""
    assert recordings is not None
    codec = trained.codec
    samples, log_mel = Sounds(recordings.pick([i]), codec.mel).both(0)
    cut, prediction = codec.cut(samples, len(log_mel)), codec.predicts(log_mel)
    read = codec.read(cut, codec.around(log_mel), prediction)
    x = trained.head.entering(read.frames, read.before, read.beside)
    first = max(len(x) - LONGEST, 0) // 2
    some = slice(first, first + LONGEST)
    labels = [str(level) for level in np.asarray(read.before)[some].tolist()]
    return Sample(partial(str, recordings.utterances[i].name), x=x[some], labels=labels)
