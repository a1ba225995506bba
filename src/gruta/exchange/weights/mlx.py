"""MLX: GRU, LSTM and RNN, weights as torch.nn has them under other names."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from gruta.exchange.layer import Layer, Side
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


def _out(layer: Layer, side: Side) -> Tree:
    w_ih, w_hh, b_ih, b_hh = side.arrays
    if layer.cell == "gru":
        b, bhn = halves(b_ih, b_hh)
        return {"Wx": w_ih, "Wh": w_hh, "b": b, "bhn": bhn}
    one, other = ("Wx", "Wh") if layer.cell == "lstm" else ("Wxh", "Whh")
    return {one: w_ih, other: w_hh, "bias": b_ih + b_hh}


def _back(kind: str, tree: Tree) -> Arrays:
    if kind == "gru":
        return Arrays(tree["Wx"], tree["Wh"], *whole(tree["b"], tree["bhn"]))
    one, other = ("Wx", "Wh") if kind == "lstm" else ("Wxh", "Whh")
    return Arrays(tree[one], tree[other], *alone(tree["bias"]))


def _run(given: Given) -> Sequence[Array]:
    import mlx.core as mx
    import mlx.nn as nn

    sizes = given.x.shape[2], given.hidden
    layer: Any
    match given.kind:
        case "gru":
            layer = nn.GRU(*sizes)
        case "lstm":
            layer = nn.LSTM(*sizes)
        case "rnn_tanh":
            layer = nn.RNN(*sizes)
        case _:
            layer = nn.RNN(*sizes, nonlinearity=nn.relu)
    layer.update({name: mx.array(np.ascontiguousarray(w)) for name, w in given.tree.items()})
    found = layer(mx.array(given.x.swapaxes(0, 1).copy()), *map(mx.array, given.states))
    every = [np.array(one).swapaxes(0, 1) for one in (found if given.kind == "lstm" else [found])]
    return every[0], *(one[-1] for one in every)


MLX = Framework(
    "mlx",
    {"gru": "GRU", "lstm": "LSTM", "rnn_tanh": "RNN", "rnn_relu": "RNN"},
    _out,
    _back,
    "mlx",
    _run,
)
