"""A network for notes, for a page that computes its layers."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from gruta.codec.notes.frames import Frames, Roll
from gruta.data.notes.pieces import Pieces
from gruta.settings import resolve
from gruta.tasks.generate.names import written_by_itself
from gruta.tasks.generate.notes.making import Making, columns
from gruta.tasks.generate.options import GenerateOptions
from gruta.tasks.portrait import LONGEST, Portrait, Sample, stack
from gruta.tasks.trained import Trained

_LENGTH = 96
"""Frames of the sample that the model makes itself."""


def portrait(trained: Trained[Frames], pieces: Pieces | None) -> Portrait:
    """Its layers, the last piece, and one that it makes itself; keys are walked, not read off."""
    codec = trained.codec
    (own,) = Making(trained, resolve(GenerateOptions, {"length": _LENGTH}), None).rolls()
    samples = []
    if pieces is not None:
        last = pieces.pieces[-1]
        samples.append(_sample(codec, partial(str, Path(last.name).name), codec.roll(last)))
    return Portrait(
        trained.settings.cell,
        [
            one
            for k in range(trained.settings.layers)
            for one in stack(trained.weights, f"layers.{k}")
        ],
        columns=partial(columns, codec),
        samples=[*samples, _sample(codec, written_by_itself, own)],
    )


def _sample(codec: Frames, title: Callable[[], str], roll: Roll) -> Sample:
    x = codec.read(roll.until(LONGEST))
    return Sample(title, x=x, labels=[str(k + 1) for k in range(len(x))])
