"""What networks are made of, on NumPy arrays; weights are named as PyTorch names them.

Letters in shapes: T steps, B sequences, I inputs, H hidden units, L layers, D directions.
"""

from collections.abc import Mapping
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gruta.cells import gru, lstm, rnn
from gruta.cells.arrays import Storage
from gruta.locale import translate as _
from gruta.runtime.weights import storage_of

Array = NDArray[np.float32]
State = tuple[Array, ...]

CELLS: Mapping[str, ModuleType] = {"gru": gru, "lstm": lstm, "rnn": rnn}

GATES: Mapping[str, int] = {"gru": 3, "lstm": 4, "rnn": 1}
Shapes = Mapping[str, tuple[int, ...]]


def require_shapes(weights: Mapping[str, Array], expected: Shapes) -> None:
    """ValueError unless these weights are there, and no others."""
    found = {name: w.shape for name, w in weights.items()}
    for name in sorted(found.keys() | expected.keys()):
        if found.get(name) != expected.get(name):
            raise ValueError(
                _("{name}: expected shape {expected}, found {found}").format(
                    name=name, expected=expected.get(name), found=found.get(name)
                )
            )


def linear_shapes(name: str, inputs: int, outputs: int) -> Shapes:
    """Of the weights of a linear layer."""
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def recurrent_shapes(
    name: str, cell: str, inputs: int, hidden: int, layers: int = 1, directions: int = 1
) -> Shapes:
    """Of the weights of recurrent layers, of which each reads all directions of the one before."""
    rows = GATES[cell] * hidden
    shapes: dict[str, tuple[int, ...]] = {}
    for k in range(layers):
        width = inputs if k == 0 else directions * hidden
        for end in ("", "_reverse")[:directions]:
            shapes[f"{name}.weight_ih_l{k}{end}"] = (rows, width)
            shapes[f"{name}.weight_hh_l{k}{end}"] = (rows, hidden)
            shapes[f"{name}.bias_ih_l{k}{end}"] = shapes[f"{name}.bias_hh_l{k}{end}"] = (rows,)
    return shapes


def step_of(
    cell: str,
    weights: Mapping[str, Array],
    name: str,
    end: str = "_l0",
    storage: Storage | None = None,
) -> Any:
    """The cell's `Step` of a layer in one direction, where the parameters' names end in `end`.

    storage: how it keeps its matrices; unset, as `storage_of` has it.
    """
    names = [f"{name}.{kind}{end}" for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
    kept = storage or storage_of(weights, *names[:2])
    return CELLS[cell].Step(*(weights[n] for n in names), storage=kept)


class Linear:
    """As torch.nn.Linear of this name."""

    def __init__(self, weights: Mapping[str, Array], name: str) -> None:
        self._weight, self._bias = weights[f"{name}.weight"].T, weights[f"{name}.bias"]

    def __call__(self, x: Array) -> Array:
        """`[..., O]` from `[..., I]`. Each matrix of a stack `[..., M, I]` is multiplied by itself,
        so that its bits do not depend on how many others are there.
        """
        found: Array = x @ self._weight + self._bias
        return found


class Recurrent:
    """The layers of the gruta.nn.GRU, LSTM or RNN of this name, as they compute in evaluation.

    state: h `[L · D, B, H]` and, in the LSTM, c of the same shape, in torch.nn's order.
    """

    def __init__(self, weights: Mapping[str, Array], name: str, cell: str) -> None:
        self._cell, self._states = cell, 2 if cell == "lstm" else 1
        self._weights, self._name = weights, name
        self._packed: dict[int, Any] = {}
        self._steps: list[Any] | None = None
        self.directions = 2 if f"{name}.weight_ih_l0_reverse" in weights else 1
        self._ends: list[str] = []
        layer = 0
        while f"{name}.weight_ih_l{layer}" in weights:
            self._ends += [f"_l{layer}{way}" for way in ("", "_reverse")[: self.directions]]
            layer += 1
        self.hidden = weights[f"{name}.weight_hh_l0"].shape[1]

    def sequence(
        self, x: Array, state: State | None = None, lengths: ArrayLike | None = None
    ) -> tuple[Array, State]:
        """h of the last layer `[T, B, D · H]` and the last state; from x `[T, B, I]`."""
        state = self.start(x.shape[1]) if state is None else state
        ends: list[State] = []
        for k in range(0, len(self._ends), self.directions):
            sides = [self._side(x, state, k + d, lengths) for d in range(self.directions)]
            x = np.concatenate([h for h, *_ in sides], -1) if len(sides) > 1 else sides[0][0]
            ends += [tuple(last) for _, *last in sides]
        return x, tuple(np.stack(parts) for parts in zip(*ends, strict=True))

    def step(self, x: Array, state: State) -> tuple[Array, State]:
        """h of the last layer `[B, H]` and the state after one step x `[B, I]`, of layers that read
        forward; in a fraction of the time of a sequence of one.
        """
        after = tuple(part.copy() for part in state)
        if self._steps is None:
            self._steps = [self._step(k).step for k in range(len(self._ends))]
        for k, step in enumerate(self._steps):
            step(x, *[part[k] for part in after])
            x = after[0][k]
        return x, after

    def start(self, B: int) -> State:
        """The state of who has read nothing."""
        shape = (len(self._ends), B, self.hidden)
        return tuple(np.zeros(shape, np.float32) for _ in range(self._states))

    def _side(self, x: Array, state: State, k: int, lengths: ArrayLike | None) -> tuple[Array, ...]:
        reverse = self.directions == 2 and k % 2 == 1
        initial = [part[k] for part in state]
        found: tuple[Array, ...] = self._step(k).sequence(
            x, *initial, lengths=lengths, reverse=reverse
        )
        return found

    def _step(self, k: int) -> Any:
        """Weights as the kernel reads them; to pack them takes longer than a step. Two threads that
        come at once pack them twice, to the same.
        """
        found = self._packed.get(k)
        if found is None:
            found = step_of(self._cell, self._weights, self._name, self._ends[k])
            self._packed[k] = found
        return found


def silu(x: Array) -> Array:
    """x · σ(x)."""
    return x * sigmoid(x)


def sigmoid(x: Array) -> Array:
    """σ(x), by the exponential of what is not positive."""
    small = np.exp(-np.abs(x))
    found: Array = np.where(x >= 0, x.dtype.type(1), small) / (1 + small)
    return found


def softplus(x: Array) -> Array:
    """log(1 + exp(x))."""
    found: Array = np.logaddexp(x, 0, dtype=x.dtype)
    return found
