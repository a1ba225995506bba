"""flax.linen: GRUCell, LSTMCell and SimpleCell, a kernel `[in, out]` a gate."""

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

_GATES = {"gru": "rzn", "lstm": "ifgo"}


def _out(layer: Layer, side: Side) -> Tree:
    w_ih, w_hh, b_ih, b_hh = side.arrays
    if layer.cell == "rnn":
        return {"i": {"kernel": w_ih.T, "bias": b_ih + b_hh}, "h": {"kernel": w_hh.T}}
    gates = _GATES[layer.cell]
    inputs, states = (np.split(w.T, len(gates), 1) for w in (w_ih, w_hh))
    tree: dict[str, dict[str, Array]] = {}
    for g, w, r in zip(gates, inputs, states, strict=True):
        tree |= {f"i{g}": {"kernel": w}, f"h{g}": {"kernel": r}}
    if layer.cell == "lstm":
        for g, b in zip(gates, np.split(b_ih + b_hh, 4), strict=True):
            tree[f"h{g}"]["bias"] = b
        return tree
    bias, tree["hn"]["bias"] = halves(b_ih, b_hh)
    for g, b in zip(gates, np.split(bias, 3), strict=True):
        tree[f"i{g}"]["bias"] = b
    return tree


def _back(kind: str, tree: Tree) -> Arrays:
    if kind.startswith("rnn"):
        i, h = tree["i"], tree["h"]
        return Arrays(i["kernel"].T, h["kernel"].T, *alone(i["bias"]))
    gates = _GATES[kind]
    w_ih, w_hh = (np.concatenate([tree[s + g]["kernel"].T for g in gates]) for s in "ih")
    bias = np.concatenate([tree[("h" if kind == "lstm" else "i") + g]["bias"] for g in gates])
    both = alone(bias) if kind == "lstm" else whole(bias, tree["hn"]["bias"])
    return Arrays(w_ih, w_hh, *both)


def _run(given: Given) -> Sequence[Array]:
    import flax.linen as nn

    H = given.hidden
    cells: dict[str, Any] = {
        "gru": nn.GRUCell(H),
        "lstm": nn.LSTMCell(H),
        "rnn_tanh": nn.SimpleCell(H),
        "rnn_relu": nn.SimpleCell(H, activation_fn=nn.relu),
    }
    return stepped(
        given, lambda carry, x: cells[given.kind].apply({"params": given.tree}, carry, x)
    )


def stepped(given: Given, step: Any) -> Sequence[Array]:
    """By a cell whose carry is h, or (c, h)."""
    pair, found = len(given.states) == 2, []
    carry: Any = tuple(given.states[::-1]) if pair else given.states[0]
    for x in given.x:
        carry, y = step(carry, x)
        found.append(np.asarray(y))
    finals = carry[::-1] if pair else (carry,)
    return np.stack(found), *map(np.asarray, finals)


FLAX_LINEN = Framework(
    "flax.linen",
    {"gru": "GRUCell", "lstm": "LSTMCell", "rnn_tanh": "SimpleCell", "rnn_relu": "SimpleCell"},
    _out,
    _back,
    "flax",
    _run,
)
