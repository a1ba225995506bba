"""OpenVINO: GRUSequence, LSTMSequence and RNNSequence, W, R and B of one direction each.

Lengths are overlooked while B or T are free, and right where both are fixed: outputs past a row's
end are 0. But a row of length 0 ends in zeros, not in its first state.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from gruta.exchange.layer import Layer, Side, blocks, inverse
from gruta.exchange.weights.framework import (
    Array,
    Arrays,
    Framework,
    Given,
    Run,
    Tree,
    alone,
    halves,
    whole,
)

_ORDER = {"gru": (1, 0, 2), "lstm": (1, 0, 2, 3), "rnn": (0,)}
"""z r h; f i c o; by their place in torch.nn."""


def _out(layer: Layer, side: Side) -> Tree:
    w_ih, w_hh, b_ih, b_hh = side.arrays
    order = _ORDER[layer.cell]
    if layer.kernel == "gru":
        bias, b_hn = halves(b_ih, b_hh)
        b = np.concatenate((blocks(bias, order), b_hn))
    else:
        b = blocks(b_ih + b_hh, order)
    return {"W": blocks(w_ih, order)[None], "R": blocks(w_hh, order)[None], "B": b[None]}


def _back(kind: str, tree: Tree) -> Arrays:
    order = inverse(_ORDER[kind.split("_")[0]])
    b = tree["B"][0]
    H = len(b) // 4
    both = whole(blocks(b[: 3 * H], order), b[3 * H :]) if kind == "gru" else None
    return Arrays(
        blocks(tree["W"][0], order),
        blocks(tree["R"][0], order),
        *(both or alone(blocks(b, order))),
    )


def _loaded(kind: str, tree: Tree) -> Run:
    """Compiled once for any B and T, and anew for those of rows with lengths; one of these is held
    at a time.
    """
    held: dict[tuple[int, int], Any] = {}

    def run(given: Given) -> Sequence[Array]:
        x = given.x.swapaxes(0, 1).copy()
        T, B = given.x.shape[:2]
        sizes, lengths = (-1, -1), np.full(B, T, np.int32)
        if given.lengths is not None:
            sizes, lengths = (B, T), given.lengths.astype(np.int32)
        if sizes not in held:
            held.clear()
            held[sizes] = _compiled(kind, tree, *sizes)
        y, *finals = held[sizes]([x, *(s[:, None] for s in given.states), lengths]).values()
        return y[:, 0].swapaxes(0, 1), *(s[:, 0] for s in finals)

    return run


def _compiled(kind: str, tree: Tree, B: int, T: int) -> Any:
    """A model for these sizes, -1 for any; inputs x, the states and the lengths."""
    import openvino as ov
    from openvino import opset8 as ops
    from openvino.opset13 import constant  # which can do without a copy

    held = [np.ascontiguousarray(tree[k]) for k in ("W", "R", "B")]
    I, H = (array.shape[-1] for array in held[:2])
    cell = kind.split("_")[0]
    weights = [constant(array, shared_memory=True) for array in held]
    states = [ops.parameter([B, 1, H], np.float32) for _s in range(1 + (cell == "lstm"))]
    inputs = [ops.parameter([B, T, I], np.float32), *states, ops.parameter([B], np.int32)]
    arguments = (*inputs, *weights, H, "FORWARD")
    how: dict[str, Any] = {}
    match cell:
        case "gru":
            made = ops.gru_sequence
            how["linear_before_reset"] = kind == "gru"
        case "lstm":
            made = ops.lstm_sequence
        case _:
            made = ops.rnn_sequence
            how["activations"] = [kind.removeprefix("rnn_")]
    node = made(*arguments, **how)
    model = ov.Model(list(node.outputs()), inputs)
    exact = {"INFERENCE_PRECISION_HINT": "f32"}
    return ov.Core().compile_model(model, "CPU", exact)


def _run(given: Given) -> Sequence[Array]:
    return _loaded(given.kind, given.tree)(given)


OPENVINO = Framework(
    "openvino",
    {
        "gru": "GRUSequence",
        "gru_reset_before": "GRUSequence",
        "lstm": "LSTMSequence",
        "rnn_tanh": "RNNSequence",
        "rnn_relu": "RNNSequence",
    },
    _out,
    _back,
    "openvino",
    _run,
    loaded=_loaded,
    lengths=True,
    empty=False,
)
