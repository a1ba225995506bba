"""Keras' GRU, LSTM and SimpleRNN as layers, and layers as what Keras keeps of them.

Kernels are transposed there; a GRU's blocks are z r n, an LSTM's in torch.nn's order. A GRU with
reset_after has both biases, every other layer their sum.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.errors import InputError
from gruta.exchange.keras.archive import Kept
from gruta.exchange.layer import GATES, Layer, Side, blocks, inverse
from gruta.locale import translate as _

Array = NDArray[Any]

CELLS: dict[str, Any] = {"GRU": "gru", "LSTM": "lstm", "SimpleRNN": "rnn"}
ORDER: dict[str, tuple[int, ...]] = {"gru": (1, 0, 2), "lstm": (0, 1, 2, 3), "rnn": (0,)}
"""Keras' blocks by their place in torch.nn."""


def beyond(kept: Kept) -> list[str]:
    """The settings that no layer of gruta has, as they are written."""
    given, wrapped = kept.config, kept.wrapped
    wanted = {"activation": ("tanh", "relu") if kept.kind == "SimpleRNN" else ("tanh",)}
    if kept.kind != "SimpleRNN":
        wanted["recurrent_activation"] = ("sigmoid",)
    found = [
        f"{name}={given.get(name)!r}" for name, fit in wanted.items() if given.get(name) not in fit
    ]
    if wrapped is None and given.get("go_backwards"):
        found.append("go_backwards=True")
    if wrapped is not None and wrapped.get("merge_mode") != "concat":
        found.append(f"merge_mode={wrapped.get('merge_mode')!r}")
    return found


def layer_of(kept: Kept) -> Layer:
    """InputError that names what no layer has, or weights that do not fit."""
    if names := beyond(kept):
        problem = _("{name}: no layer of gruta has {attributes}")
        raise InputError(problem.format(name=kept.name, attributes=", ".join(names)))
    cell = CELLS[kept.kind]
    after = bool(kept.config.get("reset_after", False)) if cell == "gru" else True
    sides = [_side(kept, cell, after, k == 1) for k in range(len(kept.sides))]
    relu = cell == "rnn" and kept.config["activation"] == "relu"
    return Layer(cell, sides, after, "relu" if relu else "tanh", kept.name)


def _side(kept: Kept, cell: str, after: bool, reverse: bool) -> Side:
    kernel, recurrent, *rest = kept.sides[int(reverse)]
    G, order = GATES[cell], inverse(ORDER[cell])
    rows, (two, one) = recurrent.shape[-1], ((2, recurrent.shape[-1]), (recurrent.shape[-1],))
    expected = two if cell == "gru" and after else one
    fits = kernel.ndim == recurrent.ndim == 2 and kernel.shape[1] == rows == G * len(recurrent)
    if not fits or len(rest) > 1 or (rest and rest[0].shape != expected):
        problem = _("{name}: its weights do not belong together: {shapes}")
        shapes = ", ".join(str(list(w.shape)) for w in kept.sides[int(reverse)])
        raise InputError(problem.format(name=kept.name, shapes=shapes))
    bias = rest[0] if rest else np.zeros(expected, kernel.dtype)
    b_ih, b_hh = bias if bias.ndim == 2 else (bias, np.zeros_like(bias))
    w_ih, w_hh, b_ih, b_hh = (blocks(a, order) for a in (kernel.T, recurrent.T, b_ih, b_hh))
    arrays = (a.astype(np.float32, copy=False) for a in (w_ih, w_hh, b_ih, b_hh))
    a, b, c, d = arrays
    return Side(a, b, c, d, reverse)


def weights_of(layer: Layer, side: Side) -> Sequence[Array]:
    """kernel `[I, G·H]`, recurrent kernel `[H, G·H]` and bias, as Keras keeps them."""
    order = ORDER[layer.cell]
    b_ih, b_hh = (blocks(b, order) for b in (side.b_ih, side.b_hh))
    bias = np.stack([b_ih, b_hh]) if layer.cell == "gru" and layer.reset_after else b_ih + b_hh
    return [*(blocks(w.T, order, axis=1) for w in (side.w_ih, side.w_hh)), bias]
