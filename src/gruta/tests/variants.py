"""Every cell in each of its forms, on NumPy arrays: for the tests of the kernels and the doors."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from gruta.cells import gru, lstm, rnn
from gruta.cells.gru import reference as gru_reference
from gruta.cells.lstm import reference as lstm_reference
from gruta.cells.rnn import reference as rnn_reference

Array = NDArray[Any]

# Largest difference from the float64 reference, where numbers are of the size of 1.
TOLERANCE = {np.float32: 3e-6, np.float64: 1e-14}


class Arrays(NamedTuple):
    """The arrays of a call: x, the initial states, and the weights, None for those left out."""

    x: Array
    initial: tuple[Array, ...]
    weights: tuple[Array | None, ...]

    @property
    def flat(self) -> tuple[Any, ...]:
        """All of them in the order of the doors' arguments."""
        return self.x, *self.initial, *self.weights

    def map(self, change: Callable[[Array], Array]) -> "Arrays":
        """The same call with `change` applied to each array."""
        weights = tuple(None if w is None else change(w) for w in self.weights)
        return Arrays(change(self.x), tuple(map(change, self.initial)), weights)


@dataclass(frozen=True)
class Variant:
    """A form of a cell.

    kernel: its name among the kernels. door: the cell's package, and the options that ask its doors
    for this form. forward: the reference. saved: the trace's arrays that make up the gates.
    """

    name: str
    kernel: str
    door: Any
    forward: Callable[..., Any]
    gates: int
    saved: tuple[str, ...] = ()
    states: int = 1
    projected: bool = False
    options: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name

    def width(self, H: int) -> int:
        """P, the size of h; never H where there is a projection."""
        if not self.projected:
            return H
        return H // 2 if H > 1 else 2

    def draw(
        self,
        rng: np.random.Generator,
        B: int,
        T: int,
        I: int,
        H: int,
        dtype: DTypeLike,
        biased: bool = True,
    ) -> Arrays:
        """Arrays at the scale that networks start from."""
        G, P = self.gates * H, self.width(H)

        def normal(*shape: int, fan_in: int = 1) -> Array:
            drawn: Array = rng.normal(size=shape) * fan_in**-0.5
            return drawn.astype(dtype)

        initial = (normal(B, P), normal(B, H))[: self.states]
        biases = (normal(G), normal(G)) if biased else (None, None)
        weights = (normal(G, I, fan_in=I + H), normal(G, P, fan_in=I + H), *biases)
        if self.states == 2:
            weights = (*weights, normal(P, H, fan_in=H) if self.projected else None)
        return Arrays(normal(T, B, I), initial, weights)

    def sequence(self, arrays: Arrays, **options: Any) -> tuple[Array, ...]:
        """What the door of that name returns."""
        found: tuple[Array, ...] = self.door.sequence(*arrays.flat, **self.options, **options)
        return found

    def step(self, arrays: Arrays, **options: Any) -> Any:
        """The door that takes the weights in once."""
        return self.door.Step(*arrays.weights, **self.options, **options)

    def reference(self, arrays: Arrays, exact: bool = True, **options: Any) -> list[Array]:
        """h, the final states, and the gates where the cell saves any; in float64 if `exact`."""
        if exact:
            arrays = arrays.map(lambda a: a.astype(np.float64))
            options = {k: _widened(v) for k, v in options.items()}
        trace = self.forward(*arrays.flat, **options)
        gates = [getattr(trace, name) for name in self.saved]
        return [*trace[: 1 + self.states], *([np.concatenate(gates, axis=-1)] if gates else [])]


def _widened(option: Any) -> Any:
    is_real = isinstance(option, np.ndarray) and option.dtype.kind == "f"
    return option.astype(np.float64) if is_real else option


def assert_close(actual: Any, expected: Any) -> None:
    """Arrays equal within the tolerance of the first ones' dtype, which grows with their size."""
    for a, e in zip(actual, expected, strict=True):
        assert a.shape == e.shape
        scale = max(1, abs(e).max(initial=0))
        np.testing.assert_allclose(a, e, rtol=0, atol=TOLERANCE[a.dtype.type] * scale)


def assert_same(actual: Any, expected: Any) -> None:
    """Arrays equal bit for bit, but that NaN equals NaN and -0 equals 0."""
    for a, e in zip(actual, expected, strict=True):
        assert a.dtype == e.dtype
        np.testing.assert_array_equal(a, e)


def _gru(name: str, kernel: str, reset_after: bool) -> Variant:
    return Variant(
        name,
        kernel,
        gru,
        partial(gru_reference.forward, reset_after=reset_after),
        gates=3,
        saved=("r", "z", "n", "q"),
        options={"reset_after": reset_after},
    )


def _lstm(name: str, projected: bool) -> Variant:
    return Variant(
        name,
        "lstm",
        lstm,
        lstm_reference.forward,
        gates=4,
        saved=("i", "f", "g", "o", "c"),
        states=2,
        projected=projected,
    )


def _rnn(nonlinearity: rnn_reference.Nonlinearity) -> Variant:
    return Variant(
        f"rnn-{nonlinearity}",
        f"rnn_{nonlinearity}",
        rnn,
        partial(rnn_reference.forward, nonlinearity=nonlinearity),
        gates=1,
        options={"nonlinearity": nonlinearity},
    )


VARIANTS = [
    _gru("gru", "gru", reset_after=True),
    _gru("gru-reset-before", "gru_reset_before", reset_after=False),
    _lstm("lstm", projected=False),
    _lstm("lstm-projected", projected=True),
    _rnn("tanh"),
    _rnn("relu"),
]
