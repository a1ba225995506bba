"""dm-haiku: GRU (the reset before the product, z near 1 takes the new), LSTM and VanillaRNN."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from gruta.exchange.layer import Layer, Side, blocks
from gruta.exchange.weights.framework import Array, Arrays, Framework, Given, Tree, alone

_LSTM = (0, 2, 1, 3)
"""i g f o by their place in torch.nn; it undoes itself."""


def _out(layer: Layer, side: Side) -> Tree:
    w_ih, w_hh, b_ih, b_hh = side.arrays
    if layer.cell == "rnn":
        return {"linear": {"w": w_ih.T, "b": b_ih}, "linear_1": {"w": w_hh.T, "b": b_hh}}
    if layer.cell == "gru":
        w_i, w_h, b = (_gru(a) for a in (w_ih, w_hh, b_ih + b_hh))
        return {"w_i": w_i.T, "w_h": w_h.T, "b": b}
    w = blocks(np.concatenate((w_ih, w_hh), 1), _LSTM)
    return {"linear": {"w": w.T, "b": _forgetting(blocks(b_ih + b_hh, _LSTM), -1)}}


def _back(kind: str, tree: Tree) -> Arrays:
    if kind.startswith("rnn"):
        one, other = tree["linear"], tree["linear_1"]
        return Arrays(one["w"].T, other["w"].T, one["b"], other["b"])
    if kind.startswith("gru"):
        w_ih, w_hh, b = (_gru_back(tree[name].T) for name in ("w_i", "w_h", "b"))
        return Arrays(w_ih, w_hh, *alone(b))
    w, b = tree["linear"]["w"].T, _forgetting(tree["linear"]["b"], 1)
    w, b, H = blocks(w, _LSTM), blocks(b, _LSTM), len(b) // 4
    return Arrays(w[:, :-H], w[:, -H:], *alone(b))


def _gru(array: Array) -> Array:
    """z changes its sign: 1 − σ(a) = σ(−a)."""
    r, z, n = np.split(array, 3)
    return np.concatenate((-z, r, n))


def _gru_back(array: Array) -> Array:
    z, r, n = np.split(array, 3)
    return np.concatenate((r, -z, n))


def _forgetting(bias: Array, more: int) -> Array:
    """Of i g f o; the cell itself adds 1 to f's."""
    i, g, f, o = np.split(bias, 4)
    return np.concatenate((i, g, f + np.float32(more), o))


def _run(given: Given) -> Sequence[Array]:
    import haiku as hk

    classes: dict[str, Any] = {"gru_reset_before": hk.GRU, "lstm": hk.LSTM}
    chosen = classes.get(given.kind, hk.VanillaRNN)
    cell = hk.without_apply_rng(hk.transform(lambda x, s: chosen(given.hidden, name="cell")(x, s)))
    own = given.tree
    parameters = {"cell": own} if "w_i" in own else {f"cell/{k}": w for k, w in own.items()}
    pair = len(given.states) == 2
    state: Any = hk.LSTMState(*given.states) if pair else given.states[0]
    found = []
    for x in given.x:
        y, state = cell.apply(parameters, x, state)
        found.append(np.asarray(y))
    return np.stack(found), *map(np.asarray, state if pair else (state,))


HAIKU = Framework(
    "haiku",
    {"gru_reset_before": "GRU", "lstm": "LSTM", "rnn_relu": "VanillaRNN"},
    _out,
    _back,
    "haiku",
    _run,
)
