"""The gate before the clock: results are compared with the float64 reference, or there is no time.

An error is the largest absolute difference over the largest absolute value of the true array.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.bench.cases import Case
from gruta.bench.inputs import Inputs

Arrays = Mapping[str, NDArray[Any]]

TOLERANCE = {"float32": 2e-5, "float16": 2e-3, "bfloat16": 2e-2, "halved": 2e-4}
"""By what the weights are stored in, or that gates are; the arithmetic around them is float32 at
least."""

REQUIRED = ("h",)
REQUIRED_IN_TRAINING = ("h", "d_x", "d_w_ih", "d_w_hh", "d_b_ih", "d_b_hh")


@dataclass(frozen=True)
class Parity:
    """How far results are from the truth: the worst array's name and error, or what was wrong."""

    passed: bool
    error: float
    worst: str


def truth(
    case: Case, inputs: Inputs, dtype: type[np.floating[Any]] = np.float64
) -> dict[str, NDArray[Any]]:
    """The reference in `dtype`: h `[T, B, H]`, final states, and in training gradients `d_…`."""
    reference = import_module(f"gruta.cells.{case.cell}.reference")
    if inputs.passes:
        return {"h": _of_stack(case, inputs, reference.forward, dtype)}
    x, states = inputs.x.astype(dtype), [s.astype(dtype) for s in inputs.states]
    weights = [w.astype(dtype) for w in inputs.weights]
    trace = reference.forward(x, *states, *weights)
    found = {"h": trace.h, "h_n": trace.h_n}
    if inputs.c_0 is not None:
        found["c_n"] = trace.c_n
    if inputs.dh is not None:
        zeros = [np.zeros_like(s) for s in states]
        gradients = reference.backward(trace, inputs.dh.astype(dtype), *zeros, x, *weights[:2])
        for name in ("x", "w_ih", "w_hh", "b_ih", "b_hh"):
            found[f"d_{name}"] = getattr(gradients, name)
    return found


def _of_stack(
    case: Case, inputs: Inputs, forward: Any, dtype: type[np.floating[Any]]
) -> NDArray[Any]:
    """h of the last layer `[T, B, D * H]`."""
    x = inputs.x.astype(dtype)
    states = [np.zeros((case.B, case.H), dtype)] * (2 if case.cell == "lstm" else 1)
    for layer in range(case.layers):
        sides = []
        for d in range(case.directions):
            weights = (w.astype(dtype) for w in inputs.passes[layer * case.directions + d])
            sides.append(forward(x, *states, *weights, reverse=d == 1).h)
        x = np.concatenate(sides, -1)
    return x


def compare(case: Case, found: Arrays, true: Arrays, storage: str) -> Parity:
    """Whether `found` is close enough to `true` in every array, none of the required missing."""
    for name in REQUIRED_IN_TRAINING if case.trains else REQUIRED:
        if name not in found:
            return Parity(False, float("inf"), name)
    errors = {name: relative_error(found[name], true.get(name)) for name in found}
    worst = max(errors, key=lambda name: errors[name])
    return Parity(errors[worst] <= TOLERANCE[storage], errors[worst], worst)


def relative_error(found: NDArray[Any], true: NDArray[Any] | None) -> float:
    """The largest difference over the largest true value; infinite if shapes differ or for NaN."""
    if true is None or found.shape != true.shape or not np.isfinite(found).all():
        return float("inf")
    return float(np.abs(found - true).max() / np.abs(true).max())
