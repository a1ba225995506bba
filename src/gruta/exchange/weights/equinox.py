"""Equinox: GRUCell with one bias and another beside W_hn h, LSTMCell with the sum of both."""

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
    tree = {"weight_ih": w_ih, "weight_hh": w_hh}
    if layer.cell == "lstm":
        return {**tree, "bias": b_ih + b_hh}
    bias, b_hn = halves(b_ih, b_hh)
    return {**tree, "bias": bias, "bias_n": b_hn}


def _back(kind: str, tree: Tree) -> Arrays:
    both = alone(tree["bias"]) if kind == "lstm" else whole(tree["bias"], tree["bias_n"])
    return Arrays(tree["weight_ih"], tree["weight_hh"], *both)


def _run(given: Given) -> Sequence[Array]:
    import equinox as eqx
    import jax

    kind = eqx.nn.LSTMCell if given.kind == "lstm" else eqx.nn.GRUCell
    cell: Any = kind(given.x.shape[2], given.hidden, key=jax.random.PRNGKey(0))
    names = list(given.tree)
    cell = eqx.tree_at(
        lambda c: [getattr(c, name) for name in names],
        cell,
        [jax.numpy.asarray(given.tree[name]) for name in names],
    )
    pair, found = len(given.states) == 2, []
    state: Any = tuple(given.states) if pair else given.states[0]
    for x in given.x:
        state = jax.vmap(cell)(x, state)
        found.append(np.asarray(state[0] if pair else state))
    return np.stack(found), *map(np.asarray, state if pair else (state,))


EQUINOX = Framework("equinox", {"gru": "GRUCell", "lstm": "LSTMCell"}, _out, _back, "equinox", _run)
