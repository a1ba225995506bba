"""A captioner's layer over frames, for a page that computes it."""

from functools import partial

from gruta.codec.pictures.captions import CaptionCodec
from gruta.data.pictures.captioned import Captioned
from gruta.data.pictures.shots import Shot
from gruta.locale.numbers import number
from gruta.tasks.portrait import LONGEST, Portrait, Sample, stack
from gruta.tasks.trained import Trained

_SHOTS = 3


def portrait(trained: Trained[CaptionCodec], data: Captioned | None) -> Portrait:
    """What reads frames, in both directions, and some pictures or clips, the longest first; what
    reads its states is attention.
    """
    shots = [] if data is None else sorted(data.shots, key=lambda shot: -len(shot.frames))
    return Portrait(
        trained.settings.cell,
        stack(trained.weights, "reader"),
        samples=[_sample(trained, shot) for shot in shots[:_SHOTS]],
    )


def _sample(trained: Trained[CaptionCodec], shot: Shot) -> Sample:
    x = trained.head.entering(shot)[:LONGEST]
    return Sample(partial(str, shot.name), x=x, labels=[number(float(t), 2) for t in shot.shown])
