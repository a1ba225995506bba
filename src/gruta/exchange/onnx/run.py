"""A GRU, LSTM or RNN of ONNX computed: by the kernels where they can, else by its equations."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.errors import InputError
from gruta.exchange.compute import compute as by_kernels
from gruta.exchange.layer import GATES, Layer, Side, blocks, inverse
from gruta.exchange.onnx import equations
from gruta.exchange.onnx.equations import Inputs
from gruta.exchange.onnx.operator import ORDER, Operator
from gruta.locale import translate as _

Array = NDArray[Any]

INPUTS = ("X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P")
"""The standard's, in its order; a GRU and an RNN end at initial_h."""


def run(operator: Operator, inputs: Sequence[Array | None]) -> list[Array]:
    """Y, Y_h and, of an LSTM, Y_c.

    inputs: in the standard's order, None where one is left out. InputError where their shapes do
    not belong together.
    """
    given = checked(operator, inputs)
    if operator.beyond_layers or given.P is not None:
        found = equations.compute(operator, given)
    else:
        layer = layer_of(operator, given.W, given.R, given.B)
        h, *finals = by_kernels([layer], given.X, given.initial, given.lengths)
        T, B = h.shape[:2]
        Y = h.reshape(T, B, len(layer.sides), layer.hidden).transpose(0, 2, 1, 3)
        found = Y, *finals
    if operator.layout == 0:
        return list(found)
    return [found[0].transpose(2, 0, 1, 3), *(s.swapaxes(0, 1) for s in found[1:])]


def layer_of(operator: Operator, W: Array, R: Array, B: Array, name: str = "") -> Layer:
    """The layer with these weights; InputError for what no layer has."""
    if beyond := operator.beyond_layers:
        problem = _(
            "{name}: no layer of gruta has {attributes}; gruta.exchange.onnx.run computes it"
        )
        told = problem.format(name=name or operator.cell.upper(), attributes=", ".join(beyond))
        raise InputError(told)
    order = inverse(ORDER[operator.cell])
    sides = []
    for d, reverse in enumerate(operator.directions):
        halves = np.split(B[d], 2)
        w, r, *b = (np.ascontiguousarray(blocks(a, order)) for a in (W[d], R[d], *halves))
        sides.append(Side(w, r, b[0], b[1], reverse))
    relu = operator.cell == "rnn" and operator.activations[0][0].name == "Relu"
    after = operator.linear_before_reset
    return Layer(operator.cell, sides, after, "relu" if relu else "tanh", name)


def checked(operator: Operator, inputs: Sequence[Array | None]) -> Inputs:
    """The inputs with layout 0, zeros for what was left out; InputError where they do not fit."""
    named = dict(zip(INPUTS, inputs, strict=False))
    X, W, R = (named.get(name) for name in ("X", "W", "R"))
    if X is None or W is None or R is None or X.ndim != 3 or R.ndim != 3:
        raise InputError(_("expected X, W and R of three axes each"))
    if operator.layout:
        X = X.swapaxes(0, 1)
    D, G, H = len(operator.directions), GATES[operator.cell], R.shape[-1]
    _T, B, I = X.shape
    zeros = np.zeros((D, 2 * G * H), X.dtype)
    bias = zeros if named.get("B") is None else named["B"]
    states = []
    for name in ("initial_h", "initial_c")[: 1 + (operator.cell == "lstm")]:
        state = named.get(name)
        if state is not None and operator.layout:
            state = state.swapaxes(0, 1)
        states.append(np.zeros((D, B, H), X.dtype) if state is None else state)
    shapes = {
        "W": (W, (D, G * H, I)),
        "R": (R, (D, G * H, H)),
        "B": (bias, (D, 2 * G * H)),
        "sequence_lens": (named.get("sequence_lens"), (B,)),
        "P": (named.get("P"), (D, 3 * H)),
    } | {f"initial_{'hc'[k]}": (state, (D, B, H)) for k, state in enumerate(states)}
    for name, (array, shape) in shapes.items():
        if array is not None and array.shape != shape:
            problem = _("{name}: expected the shape {expected}, found {found}")
            told = problem.format(name=name, expected=list(shape), found=list(array.shape))
            raise InputError(told)
    if operator.hidden_size not in (None, H):
        problem = _("hidden_size says {said}, R has {found} columns")
        raise InputError(problem.format(said=operator.hidden_size, found=H))
    lengths = named.get("sequence_lens")
    steps = None if lengths is None else lengths.astype(np.int64)
    return Inputs(X, W, R, bias, steps, tuple(states), named.get("P"))  # type: ignore[arg-type]
