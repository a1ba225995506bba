"""A layer's twin, to look at it without touching it: torch.nn's layers and gruta's alike."""

from typing import Any

import torch
from torch import nn

from gruta.locale import translate as _
from gruta.nn.options import Effect, chosen
from gruta.nn.recurrent import CELLS
from gruta.nn.stack import Recurrent

Layer = nn.RNNBase | Recurrent


def twin(layer: Layer) -> Recurrent:
    """A layer of gruta's that computes what `layer` does in evaluation, on the CPU, time first.

    Its weights are copies, which need no gradient; `copy_weights` brings them up to date. float64
    where the layer's weights are, else float32. TypeError for what is no RNN, LSTM or GRU.
    """
    kind, options = _kind(layer), chosen(layer, Effect.ALWAYS)
    with torch.device("meta"):
        double = layer.weight_hh_l0.dtype is torch.float64
        made: Recurrent = kind(dtype=torch.float64 if double else torch.float32, **options)
    made = made.to_empty(device="cpu").requires_grad_(False).eval()
    copy_weights(layer, made)
    return made


@torch.no_grad()
def copy_weights(layer: Layer, into: Recurrent) -> None:
    """Give a twin the weights that `layer` has now, parametrised ones as they come out."""
    for name, weight in into.named_parameters():
        weight.copy_(getattr(layer, name))


def _kind(layer: Layer) -> Any:
    mode = layer.mode if isinstance(layer, Layer) else ""
    for name, kind in CELLS.items():
        if mode.lower().startswith(name):
            return kind
    problem = _("layer: expected an RNN, LSTM or GRU of gruta.nn or torch.nn, got {kind}")
    raise TypeError(problem.format(kind=type(layer).__name__))
