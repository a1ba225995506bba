"""flax.linen: GRUCell, LSTMCell and SimpleCell, a kernel `[in, out]` a gate.

Its RNN takes lengths. Past a row's end its outputs go on, and are not compared; a row of length 0
ends in the state of the last step, by index -1, not in its first.
"""

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
    inside,
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
    cell = cells[given.kind]
    if given.lengths is not None:
        layer, tree = nn.RNN(cell, return_carry=True), {"params": {"cell": given.tree}}
        return whole_rows(given, lambda x, **how: layer.apply(tree, x, **how))
    return stepped(given, lambda carry, x: cell.apply({"params": given.tree}, carry, x))


def whole_rows(given: Given, run: Any) -> Sequence[Array]:
    """By a layer that takes x `[B, T, I]` and lengths, and returns a cell's carry and y."""
    lengths, pair = given.lengths, len(given.states) == 2
    assert lengths is not None
    carry: Any = tuple(given.states[::-1]) if pair else given.states[0]
    last, y = run(given.x.swapaxes(0, 1), initial_carry=carry, seq_lengths=lengths)
    finals = last[::-1] if pair else (last,)
    return inside(np.asarray(y).swapaxes(0, 1), lengths), *map(np.asarray, finals)


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
    lengths=True,
    empty=False,
)
