"""A stack of recurrent layers in C, by itself."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version

import numpy as np

from gruta.errors import InputError
from gruta.exchange.c.program import CELLS, Program
from gruta.exchange.c.source import Array, Weights
from gruta.exchange.compute import compute
from gruta.exchange.layer import Layer, Side
from gruta.locale import translate as _
from gruta.runtime.weights import Kind, as_stored, float32

STEPS = 12
"""Of the test."""

_PARTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def program(layers: Sequence[Layer], name: str, kind: Kind = "float32") -> Program:
    """Of layers of one cell and size, each of which reads the one before; InputError for one that
    walks backwards, as what comes has no end to begin at.
    """
    first, count = layers[0], len(layers)
    if any(len(one.sides) > 1 or one.sides[0].reverse for one in layers):
        problem = _("layers that read backwards wait for the end, and have no step")
        raise InputError(problem)
    stored = as_stored(_by_name(layers), kind)
    weights, cell = Weights(stored), first.cell.upper()
    made = Program(
        name,
        f"{cell} of {first.hidden} units" if count == 1 else f"{count} {cell} layers",
        version("gruta"),
        kind == "int8",
    )
    made.describe(f"{name}_init, then {name}_step for each step.")
    made.cell(first.kernel)
    made.layers("layers", [(f"layer_{k}", f"{{}}_l{k}") for k in range(count)], weights)
    made.values |= {"inputs": first.inputs, "hidden": first.hidden, "count": count}
    made.values["work"] = f"{CELLS[first.kernel][2]} * {name.upper()}_HIDDEN"
    made.header, made.test = "layers.h", "layers_test.c"
    made.code.append("layers.c")
    _record(made, _rounded(layers, float32(stored)))
    return made


def _by_name(layers: Sequence[Layer]) -> Mapping[str, Array]:
    found: dict[str, Array] = {}
    for k, layer in enumerate(layers):
        parts = zip(_PARTS, layer.sides[0].arrays, strict=True)
        found |= {f"{part}_l{k}": np.asarray(own, np.float32) for part, own in parts}
    return found


def _rounded(layers: Sequence[Layer], weights: Mapping[str, Array]) -> Sequence[Layer]:
    """As they compute once they are stored."""
    found = []
    for k, layer in enumerate(layers):
        w_ih, w_hh, b_ih, b_hh = (weights[f"{part}_l{k}"] for part in _PARTS)
        found.append(replace(layer, sides=[Side(w_ih, w_hh, b_ih, b_hh)]))
    return found


def _record(made: Program, layers: Sequence[Layer]) -> None:
    x = np.random.default_rng(0).normal(size=(STEPS, 1, layers[0].inputs)).astype(np.float32)
    h, *_states = compute(layers, x, truth=True)
    made.vector.number("STEPS", STEPS)
    made.vector.number("WIDEST", layers[0].hidden)
    made.vector.floats("inputs", x)
    made.vector.doubles("expected", h)
