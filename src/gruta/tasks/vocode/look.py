"""What an X-ray of a vocoder runs."""

import numpy as np
import torch
from torch import Tensor

from gruta.codec.audio.prediction import Prediction
from gruta.codec.audio.vocoder import AROUND, VocoderCodec
from gruta.codec.text.graphemes import visible
from gruta.data.audio.recordings import Recordings
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number as written
from gruta.tasks.sounds import Sounds
from gruta.tasks.task import Look
from gruta.tasks.trained import Trained
from gruta.tasks.vocode.network import loss

_SEEN = 400
"""Samples that are looked at, or as many as two frames have."""


def look(trained: Trained[VocoderCodec], recordings: Recordings, number: int) -> Look:
    """The loudest stretch of one recording; the loss is that of its samples.

    Beneath each step stands the level of the sample before it.
    """
    codec = trained.codec
    if not 1 <= number <= len(recordings):
        problem = _("expected a case from 1 to {count}, got {number}")
        raise InputError(number=problem.format(count=len(recordings), number=number))
    one = recordings.utterances[number - 1]
    samples, log_mel = Sounds(recordings.pick([number - 1]), codec.mel).both(0)
    step, count = codec.mel.step, len(log_mel)
    frames = min(max(_SEEN // codec.mel.step, 2), count)
    loudest = int(log_mel.mean(1).argmax())
    first = min(max(loudest - frames // 2, 0), count - frames)
    last = first + frames
    prediction = codec.predicts(log_mel)
    own = Prediction(prediction.a[first:last], prediction.g[first:last])
    cut = codec.cut(samples, count)[first * step : last * step + codec.order]
    read = codec.read(cut, codec.around(log_mel)[first : last + 2 * AROUND], own)
    arrays = (read.frames[:, None], read.before[:, None], read.beside[:, None])
    truth = torch.from_numpy(read.truth)[:, None]

    def of_samples(scores: Tensor) -> Tensor:
        return loss(scores, truth)

    labels = [str(level) for level in read.before.tolist()]
    shown = _("samples {first} to {last} of {name}, recording {number} of {source}").format(
        first=written(first * step),
        last=written(last * step),
        name=visible(one.name),
        number=number,
        source=recordings.source,
    )
    likeliest = trained.head(arrays)[:, 0].argmax(1)
    right = float((np.abs(likeliest - read.truth) <= 8).mean())
    answer = _("{share}% of the levels foretold within 8 of 256").format(
        share=written(100 * right, 0)
    )
    return Look(
        trained.network,
        [torch.from_numpy(one) for one in arrays],
        arrays,
        of_samples,
        {"layer": labels},
        shown=shown,
        answer=answer,
    )
