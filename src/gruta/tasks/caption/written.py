"""What a trained captioner says of pictures, without PyTorch."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gruta.codec.pictures.captions import CaptionCodec
from gruta.codec.text.beam import Beam
from gruta.codec.text.beam import Written as Numbered
from gruta.data.pictures.shots import Shot
from gruta.tasks.caption.head import CaptionHead


@dataclass(frozen=True, eq=False)
class Written:
    """A caption, how likely it is beside others (`Beam`), its units, and what each of them looked
    at, `[T, F, h, w]`: places in frames, which add up to 1. What is remembered has neither score
    nor units.
    """

    text: str
    score: float | None
    units: Sequence[str]
    attention: NDArray[np.float32]


def written(
    head: CaptionHead,
    codec: CaptionCodec,
    shots: Sequence[Shot],
    languages: Sequence[str],
    how: Beam,
    *,
    best: int = 1,
) -> list[list[Written]]:
    """The likeliest captions of each shot, in its language, the best first."""
    found = head.captioned(shots, languages, how)
    return [
        [_written(codec, shot, one) for one in several[:best]]
        for shot, several in zip(shots, found, strict=True)
    ]


def _written(codec: CaptionCodec, shot: Shot, one: Numbered) -> Written:
    units = [codec.side.decode([number]) for number in one.numbers]
    F, T = len(shot.frames), len(one.numbers)
    side = round((one.attention.shape[1] / F) ** 0.5) if T else 1
    maps = one.attention.reshape(T, F, side, side)
    return Written(codec.side.decode(one.numbers), one.score, units, maps)
