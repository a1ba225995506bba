"""That two sides compute the same: run beside each other on random input, at several sizes."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from gruta.errors import InputError
from gruta.exchange.compute import compute
from gruta.exchange.layer import Layer
from gruta.locale import translate as _
from gruta.locale.numbers import exponential

Array = NDArray[Any]
Outputs = Callable[[Array, Sequence[Array], Array | None], Sequence[Array]]


class Try(NamedTuple):
    """What both sides are given: x `[T, B, I]`, the initial states, and the lengths or None."""

    x: Array
    states: Sequence[Array]
    lengths: Array | None


EveryOutput = Callable[[Sequence[Try]], Iterable[Sequence[Array]]]

_PROOFS: WeakKeyDictionary[Any, "Proof"] = WeakKeyDictionary()

BOUND = 1e-5
SIZES = ((7, 3), (1, 1), (23, 2))
"""T and B."""


@dataclass(frozen=True)
class Proof:
    """error: the largest difference of any output or final state; sizes: T and B of the inputs;
    notes: what is computed otherwise elsewhere; by: what computed the other side, "" where that is
    ours, on what was written and read again.
    """

    error: float
    sizes: Sequence[tuple[int, int]] = SIZES
    notes: Sequence[str] = ()
    by: str = ""


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
    tries = drawn(layers, lengths, states, sizes)
    return prove_at_once(layers, one_by_one(other), tries, bound)


def prove_at_once(
    layers: Sequence[Layer], other: EveryOutput, tries: Sequence[Try], bound: float = BOUND
) -> Proof:
    """The same of a side that is given all tries together, and may so go layer by layer."""
    truth = one_by_one(lambda *given: compute(layers, *given, truth=True))
    return beside(truth, other, tries, bound)


def beside(
    truth: EveryOutput, other: EveryOutput, tries: Sequence[Try], bound: float = BOUND
) -> Proof:
    """Of any two sides, given the same tries; InputError where they differ by more than `bound`."""
    worst = 0.0
    for outputs, right in zip(other(tries), truth(tries), strict=True):
        for found, wanted in zip(outputs, right, strict=True):
            require_shape(found, wanted)
            worst = max(worst, apart(found, wanted))
    require_within(worst, bound)
    return Proof(worst, [one.x.shape[:2] for one in tries])


def together(ours: Proof, theirs: Proof, by: str) -> Proof:
    """That of another side, by its name, and of our own: the larger error."""
    return replace(theirs, error=max(ours.error, theirs.error), by=by)


def proven(module: Any, proof: Proof) -> Any:
    """The module, of which `proof_of` tells this."""
    _PROOFS[module] = proof
    return module


def proof_of(module: Any) -> Proof:
    """How a module was proven that `from_onnx`, `from_keras` or `from_weights` gave; KeyError for
    any other, copies of these among them.
    """
    try:
        return _PROOFS[module]
    except KeyError:
        problem = _("no module that from_onnx, from_keras or from_weights gave")
        raise KeyError(problem) from None


def one_by_one(outputs: Outputs) -> EveryOutput:
    """Of a side that is given a try at a time."""
    return lambda given: (outputs(*one) for one in given)


def drawn(
    layers: Sequence[Layer],
    lengths: bool = False,
    states: bool = True,
    sizes: Sequence[tuple[int, int]] = SIZES,
) -> list[Try]:
    """What a proof gives to both sides, as `prove` says; always the same."""
    rng, tries = np.random.default_rng(0), []
    rows = sum(len(layer.sides) for layer in layers)
    count = 1 + (layers[0].cell == "lstm")
    dtype = layers[0].sides[0].w_hh.dtype
    for T, B in sizes:
        x = rng.normal(size=(T, B, layers[0].inputs)).astype(dtype)
        shape = (count, rows, B, layers[0].hidden)
        initial = rng.normal(size=shape) if states else np.zeros(shape)
        counts = np.linspace(T, 0, B + (B == 1))[:B].astype(np.int64) if lengths else None
        tries.append(Try(x, [s.astype(dtype) for s in initial], counts))
    return tries


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
