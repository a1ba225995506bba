"""What stands beside a vocoder: levels drawn blindly, and Griffin and Lim's way."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gruta.codec.audio.griffin_lim import sound_of
from gruta.codec.audio.mel import Frames, Samples
from gruta.codec.audio.prediction import values
from gruta.codec.audio.vocoder import VocoderCodec
from gruta.codec.audio.waveform import LEVELS
from gruta.locale import translate as _
from gruta.tasks.sounds import Sounds

_COUNTED = 500
"""Recordings in which levels are counted, at most."""


@dataclass(frozen=True, eq=False)
class Simple:
    """nats: of levels by how often each comes; None where the training part is not known. sounds:
    of each model, by its name, what it makes of spectra. notes: what was left out.
    """

    nats: float | None
    sounds: dict[str, Sequence[Samples]]
    notes: list[str]


def simple_models(
    train: Sounds | None,
    codec: VocoderCodec,
    truths: Sequence[NDArray[np.int64]],
    spectra: Sequence[Frames],
    source: str | None,
    seed: int,
) -> Simple:
    """Of levels `[N]` how likely they are, and of spectra `[T, bands]` sounds.

    levels: each sample's level is drawn by how often it comes in the training part, whatever it is
    told: a whisper, as the linear prediction is the spectrum's. griffin-lim: phases to the spectra.
    """
    made = [sound_of(one, codec.mel, seed=seed) for one in spectra]
    sounds: dict[str, Sequence[Samples]] = {"griffin-lim": made}
    if train is None:
        gone = (
            _("{source}, which the network was trained on, is not there any more, or has changed")
            if source
            else _("no file is known of what the network was trained on")
        )
        left = _("The simple models are left out: {gone}. Give it with --train (Python: train=).")
        return Simple(None, sounds, [left.format(gone=gone.format(source=source))])
    counts = np.ones(LEVELS)
    for i in range(min(len(train), _COUNTED)):
        samples, log_mel = train.both(i)
        counts += np.bincount(truth_of(codec, samples, log_mel), minlength=LEVELS)
    log_p = np.log(counts / counts.sum())
    nats = -float(np.concatenate([log_p[own] for own in truths]).mean())
    sounds["levels"] = [whisper(codec, one, counts, seed) for one in spectra]
    return Simple(nats, sounds, [])


def truth_of(codec: VocoderCodec, samples: Samples, log_mel: Frames) -> NDArray[np.int64]:
    """The levels of a recording's samples `[T · step]`."""
    cut, prediction = codec.cut(samples, len(log_mel)), codec.predicts(log_mel)
    return codec.read(cut, codec.around(log_mel), prediction).truth


def whisper(
    codec: VocoderCodec, log_mel: Frames, counts: NDArray[np.float64], seed: int
) -> Samples:
    """Samples `[(T − 1) · step]` of levels drawn by these counts `[256]` alone."""
    prediction, step = codec.predicts(log_mel), codec.mel.step
    draw = np.random.default_rng(seed)
    drawn = draw.choice(LEVELS, len(log_mel) * step, p=counts / counts.sum())
    e = values().astype(np.float64)[drawn] * prediction.g.repeat(step)
    made = np.zeros(codec.order + len(e))
    backward = prediction.a[:, ::-1].astype(np.float64)
    for i in range(len(e)):
        found = backward[i // step] @ made[i : i + codec.order] + e[i]
        made[i + codec.order] = min(max(found, -1.0), 1.0)
    first = codec.order + step // 2
    return made[first : first + (len(log_mel) - 1) * step].astype(np.float32)
