"""Layers of gruta.nn and torch.nn as arrays, and arrays as layers of gruta.nn."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from gruta.errors import InputError
from gruta.exchange.layer import NAMES, Layer, Side
from gruta.locale import translate as _
from gruta.nn import CELLS
from gruta.nn.scripting import lacking
from gruta.nn.stack import Recurrent


def from_torch(module: nn.Module, *, share: bool = False) -> list[Layer]:
    """Its layers, weights as float32 or float64, parametrised ones as they come out; copies, or
    with `share` the module's own memory where that can be.

    TypeError for what is no RNN, LSTM or GRU; InputError for options that no other framework has
    words for: projections, zoneout, layer norm and the like.
    """
    if not isinstance(module, nn.RNNBase | Recurrent):
        problem = _("expected an RNN, LSTM or GRU of gruta.nn or torch.nn, got {kind}")
        raise TypeError(problem.format(kind=type(module).__name__))
    beyond = [] if isinstance(module, nn.RNNBase) else _beyond(module)
    if getattr(module, "proj_size", 0):
        beyond.append(f"proj_size={module.proj_size}")
    if beyond:
        problem = _("{kind}: nothing outside has words for its {options}")
        told = {"kind": type(module).__name__, "options": ", ".join(beyond)}
        raise InputError(problem.format(**told))
    cell: Any = module.mode.split("_")[0].lower()
    form: dict[str, Any] = {"reset_after": getattr(module, "reset_after", True)}
    if cell == "rnn":
        form["nonlinearity"] = module.nonlinearity
    return [
        Layer(cell, [_side(module, k, end, share) for end in _ends(module)], name=f"l{k}", **form)
        for k in range(int(module.num_layers))
    ]


def to_torch(
    layers: Sequence[Layer], *, batch_first: bool = False, share: bool = False
) -> Recurrent:
    """A module of gruta.nn with these weights, in one stack; copies, or with `share` the layers'
    own memory where that can be. InputError where no module has such layers.
    """
    first = layers[0]
    sizes = {(layer.hidden, len(layer.sides), layer.kernel) for layer in layers}
    turned = [side.reverse for side in first.sides]
    if len(sizes) > 1:
        raise InputError(_("layers of several sizes or kinds make no single module"))
    if turned not in ([False], [False, True]):
        raise InputError(_("a layer that only walks backwards makes no module: turn its input"))
    own: dict[str, Any] = {"reset_after": first.reset_after} if first.cell == "gru" else {}
    if first.cell == "rnn":
        own["nonlinearity"] = first.nonlinearity
    double = first.sides[0].w_hh.dtype == np.float64
    made: Recurrent = CELLS[first.cell](
        first.inputs,
        first.hidden,
        num_layers=len(layers),
        bidirectional=len(turned) == 2,
        batch_first=batch_first,
        device="meta",  # nothing is drawn, as all is given
        **own,
    )
    dtype = np.dtype(np.float64 if double else np.float32)
    weights = {
        f"{name}_l{k}{end}": torch.from_numpy(
            np.require(array, dtype, ("C", "W", "A"))
            if share
            else np.array(array, dtype, order="C")
        )
        for k, layer in enumerate(layers)
        for end, side in zip(_ends(made), layer.sides, strict=False)
        for name, array in zip(NAMES, side.arrays, strict=True)
    }
    made.load_state_dict(weights, assign=True)
    return made


def _beyond(module: Recurrent) -> list[str]:
    """The options that change what is computed in evaluation; that of the reset form is written."""
    trained = ("reset_after=False", "recurrent_dropout")  # said by every format, or over by then
    return [name for name in lacking(module) if name not in trained]


def _ends(module: Any) -> tuple[str, ...]:
    return ("", "_reverse") if module.bidirectional else ("",)


def _side(module: Any, layer: int, end: str, share: bool) -> Side:
    weights = [_array(getattr(module, f"{name}_l{layer}{end}", None), share) for name in NAMES]
    w_ih, w_hh, b_ih, b_hh = weights
    assert w_ih is not None
    assert w_hh is not None
    none = np.zeros(len(w_hh), w_hh.dtype)
    return Side(
        w_ih, w_hh, none if b_ih is None else b_ih, none if b_hh is None else b_hh, bool(end)
    )


def _array(weight: torch.Tensor | None, share: bool) -> Any:
    if weight is None:
        return None
    kept = weight.detach().cpu()
    found = (kept if kept.dtype is torch.float64 else kept.float()).numpy()
    return found if share else found.copy()
