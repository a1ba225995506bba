"""That two sides compute the same: run beside each other on random input, at several sizes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.errors import InputError
from gruta.exchange.compute import compute
from gruta.exchange.layer import Layer
from gruta.locale import translate as _
from gruta.locale.numbers import exponential

Array = NDArray[Any]
Outputs = Callable[[Array, Sequence[Array], Array | None], Sequence[Array]]

BOUND = 1e-5
SIZES = ((7, 3), (1, 1), (23, 2))
"""T and B."""


@dataclass(frozen=True)
class Proof:
    """error: the largest difference of any output or final state; sizes: T and B of the inputs;
    notes: what is computed otherwise elsewhere.
    """

    error: float
    sizes: Sequence[tuple[int, int]] = SIZES
    notes: Sequence[str] = ()


def prove(
    layers: Sequence[Layer],
    other: Outputs,
    *,
    lengths: bool = False,
    states: bool = True,
    bound: float = BOUND,
    sizes: Sequence[tuple[int, int]] = SIZES,
) -> Proof:
    """The other side's y `[T, B, D*H]` and final states beside the reference's.

    other(x, initial states, lengths or None). lengths: whether it takes them; then a row is empty.
    states: whether it takes initial ones, else zeros. sizes: T and B of the inputs. InputError
    where they differ by more than `bound`.
    """
    rng, worst = np.random.default_rng(0), 0.0
    rows = sum(len(layer.sides) for layer in layers)
    count = 1 + (layers[0].cell == "lstm")
    dtype = layers[0].sides[0].w_hh.dtype
    for T, B in sizes:
        x = rng.normal(size=(T, B, layers[0].inputs)).astype(dtype)
        shape = (count, rows, B, layers[0].hidden)
        initial = rng.normal(size=shape) if states else np.zeros(shape)
        given = [s.astype(dtype) for s in initial]
        counts = np.linspace(T, 0, B + (B == 1))[:B].astype(np.int64) if lengths else None
        found = other(x, given, counts)
        truth = compute(layers, x, given, counts, truth=True)
        for one, wanted in zip(found, truth, strict=True):
            require_shape(one, wanted)
            worst = max(worst, apart(one, wanted))
    require_within(worst, bound)
    return Proof(worst, sizes)


def apart(found: Array, expected: Array, size: Array | float = 1.0) -> float:
    """The largest difference of two arrays of one shape, in units of `size`; inf where a difference
    is no finite number: max() would pass over NaN.
    """
    with np.errstate(invalid="ignore"):
        each = np.abs(np.subtract(found, expected, dtype=np.float64)) / size
    return float(each.max(initial=0)) if np.isfinite(each).all() else float("inf")


def require_shape(found: Array, expected: Array) -> None:
    """InputError where one side's array has another shape than the other's."""
    if found.shape != expected.shape:
        told = {"found": list(found.shape), "expected": list(expected.shape)}
        problem = _("the two sides differ in shape: {found} for {expected}")
        raise InputError(problem.format(**told))


def require_within(error: float, bound: float = BOUND) -> None:
    """InputError where two sides differ by more than that, or by no number."""
    if not error <= bound:
        problem = _("the two sides differ by {error}; at most {bound} is allowed")
        raise InputError(problem.format(error=exponential(error, 1), bound=exponential(bound)))
