"""What an X-ray of a network for notes runs."""

from typing import Any

import torch
from torch import Tensor

from gruta.codec.notes.frames import Frames, before
from gruta.data.notes.pieces import Pieces
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.tasks.generate.notes.making import columns
from gruta.tasks.task import Look
from gruta.tasks.trained import Trained

LONGEST = 400
"""Frames that are looked at."""


def look(trained: Trained[Frames], pieces: Pieces) -> Look:
    """The beginning of the first piece; the loss is that of its frames, as in training."""
    codec, piece = trained.codec, pieces.pieces[0]
    whole = codec.roll(piece)
    roll = whole.until(LONGEST)
    x = codec.read(roll)[:, None]
    parts = roll.sounding, roll.struck, before(roll.sounding)
    frames = [torch.from_numpy(part[:, None]) for part in parts]

    network: Any = trained.network

    def of_piece(found: tuple[Tensor, object]) -> Tensor:
        cost = network.cost(found[0], *frames)
        mean: Tensor = cost.keys.mean() + cost.again.mean()
        return mean

    told = _("the first {count} frames of {name}").format(count=number(LONGEST), name=piece.name)
    steps = [str(k + 1) for k in range(len(roll))]
    return Look(
        network,
        [torch.from_numpy(x)],
        x,
        of_piece,
        {f"layers.{k}": steps for k in range(trained.settings.layers)},
        {"layers.0": columns(codec)},
        shown=told if len(whole) > LONGEST else "",
    )
