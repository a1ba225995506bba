"""flax.nnx: GRUCell, OptimizedLSTMCell and SimpleCell, one kernel `[in, out]` for all gates.

Its RNN does with lengths what flax.linen's does.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gruta.exchange.layer import Layer, Side
from gruta.exchange.weights.flax_linen import stepped, whole_rows
from gruta.exchange.weights.framework import (
    Array,
    Arrays,
    Framework,
    Given,
    Tree,
    alone,
    halves,
    whole,
)
from gruta.locale import translate as _

_BIASED = {"gru": "dense_i", "lstm": "dense_h", "rnn": "dense_i"}
"""Which of the two has the bias."""


def _out(layer: Layer, side: Side) -> Tree:
    w_ih, w_hh, b_ih, b_hh = side.arrays
    tree = {"dense_i": {"kernel": w_ih.T}, "dense_h": {"kernel": w_hh.T}}
    bias = halves(b_ih, b_hh)[0] if layer.cell == "gru" else b_ih + b_hh
    tree[_BIASED[layer.cell]]["bias"] = bias
    return tree


def _back(kind: str, tree: Tree) -> Arrays:
    bias = tree[_BIASED[kind.split("_")[0]]]["bias"]
    both = whole(bias, np.zeros_like(bias[: len(bias) // 3])) if kind == "gru" else alone(bias)
    return Arrays(tree["dense_i"]["kernel"].T, tree["dense_h"]["kernel"].T, *both)


def _no_image(layer: Layer) -> tuple[str, Layer] | None:
    H = layer.hidden
    if layer.cell != "gru" or not any(side.b_hh[2 * H :].any() for side in layer.sides):
        return None
    rest = np.r_[np.ones(2 * H), np.zeros(H)]
    sides = [replace(side, b_hh=(side.b_hh * rest).astype(side.b_hh.dtype)) for side in layer.sides]
    return _("a bias beside W_hn h"), replace(layer, sides=sides)


def _run(given: Given) -> Sequence[Array]:
    from flax import nnx

    sizes = given.x.shape[2], given.hidden
    how: dict[str, Any] = {"rngs": nnx.Rngs(0)}
    cell: Any
    match given.kind:
        case "gru":
            cell = nnx.GRUCell(*sizes, **how)
        case "lstm":
            cell = nnx.OptimizedLSTMCell(*sizes, **how)
        case "rnn_tanh":
            cell = nnx.SimpleCell(*sizes, **how)
        case _:
            cell = nnx.SimpleCell(*sizes, activation_fn=nnx.relu, **how)
    for dense, own in given.tree.items():
        for name, array in own.items():
            getattr(getattr(cell, dense), name)[...] = array
    if given.lengths is not None:
        return whole_rows(given, nnx.RNN(cell, return_carry=True))
    return stepped(given, cell)


FLAX_NNX = Framework(
    "flax.nnx",
    {
        "gru": "GRUCell",
        "lstm": "OptimizedLSTMCell",
        "rnn_tanh": "SimpleCell",
        "rnn_relu": "SimpleCell",
    },
    _out,
    _back,
    "flax",
    _run,
    _no_image,
    lengths=True,
    empty=False,
)
