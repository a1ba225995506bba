"""A recurrent layer as everything here hands it on: NumPy arrays, in the order of torch.nn."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gruta.errors import InputError
from gruta.locale import translate as _

Array = NDArray[Any]
Cell = Literal["gru", "lstm", "rnn"]

GATES: dict[str, int] = {"gru": 3, "lstm": 4, "rnn": 1}
"""How many blocks of H rows the weights have: r z n; i f g o; one."""


NAMES = "weight_ih", "weight_hh", "bias_ih", "bias_hh"
"""What torch.nn calls the arrays of a `Side`, in its order."""


@dataclass(frozen=True, eq=False)
class Side:
    """The weights of one direction.

    w_ih `[G·H, I]`, w_hh `[G·H, H]`, b_ih and b_hh `[G·H]`. reverse: it walks from the last step to
    the first.
    """

    w_ih: Array
    w_hh: Array
    b_ih: Array
    b_hh: Array
    reverse: bool = False

    @property
    def arrays(self) -> tuple[Array, Array, Array, Array]:
        """w_ih, w_hh, b_ih, b_hh."""
        return self.w_ih, self.w_hh, self.b_ih, self.b_hh


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer: one side, or one forwards and one backwards that read the same.

    reset_after: of a GRU, whether the reset gate acts on W_hn h + b_hn (torch, cuDNN) or on h
    before the product. nonlinearity: of an RNN. InputError where the arrays do not belong together.
    """

    cell: Cell
    sides: Sequence[Side]
    reset_after: bool = True
    nonlinearity: Literal["tanh", "relu"] = "tanh"
    name: str = ""

    def __post_init__(self) -> None:
        G, H, I = GATES[self.cell], self.hidden, self.inputs
        shapes = (G * H, I), (G * H, H), (G * H,), (G * H,)
        for side in self.sides:
            for array, shape in zip(side.arrays, shapes, strict=True):
                if array.shape != shape:
                    problem = _(
                        "{name}: expected a weight of shape {expected} in a {cell} of {hidden} "
                        "units, found {found}"
                    )
                    raise InputError(
                        problem.format(
                            name=self.name or self.cell,
                            expected=list(shape),
                            cell=self.cell.upper(),
                            hidden=H,
                            found=list(array.shape),
                        )
                    )

    @property
    def hidden(self) -> int:
        """H."""
        return int(self.sides[0].w_hh.shape[-1])

    @property
    def inputs(self) -> int:
        """I."""
        return int(self.sides[0].w_ih.shape[-1])

    @property
    def kernel(self) -> str:
        """The name of what computes it: gru, gru_reset_before, lstm, rnn_tanh or rnn_relu."""
        if self.cell == "gru":
            return "gru" if self.reset_after else "gru_reset_before"
        return f"rnn_{self.nonlinearity}" if self.cell == "rnn" else "lstm"

    def astype(self, dtype: Any) -> "Layer":
        """The same with weights of another dtype."""
        sides = []
        for side in self.sides:
            w_ih, w_hh, b_ih, b_hh = (np.ascontiguousarray(a, dtype) for a in side.arrays)
            sides.append(Side(w_ih, w_hh, b_ih, b_hh, side.reverse))
        return replace(self, sides=sides)


def named(weights: Mapping[str, Array], name: str, cell: Cell) -> list[Layer]:
    """The layers of a module of gruta.nn among the weights of a network, by the module's name."""
    found: list[Layer] = []
    while (end := f"_l{len(found)}") and f"{name}.weight_ih{end}" in weights:
        sides = []
        for turn in ("", "_reverse"):
            if f"{name}.weight_ih{end}{turn}" in weights:
                own = (weights[f"{name}.{part}{end}{turn}"] for part in NAMES)
                w_ih, w_hh, b_ih, b_hh = own
                sides.append(Side(w_ih, w_hh, b_ih, b_hh, bool(turn)))
        found.append(Layer(cell, sides, name=f"{name}{end}"))
    return found


def blocks(array: Array, order: Sequence[int], axis: int = 0) -> Array:
    """`[G·H, …]` with its G blocks in this order: block k of the result is block order[k]; its rows
    one behind the other, however `array` lies. axis: where else the blocks are.
    """
    array = np.asarray(array)
    made, parts = np.empty(array.shape, array.dtype), np.split(array, len(order), axis)
    for into, k in zip(np.split(made, len(order), axis), order, strict=True):
        _fill(into, parts[k])
    return made


def by_rows(array: Array, dtype: Any = None) -> Array:
    """An array with its rows one behind the other: itself where it lies so, else a copy."""
    array = np.asarray(array)
    if not _is_turned(array):
        return np.ascontiguousarray(array, dtype)
    made = np.empty(array.shape, dtype or array.dtype)
    _fill(made, array)
    return made


_STRIP = 64
"""Columns of a transposed matrix that are copied at a time: all at once they take four times as
long, as each number then lies in another line of the cache.
"""


def _is_turned(array: Array) -> bool:
    return array.ndim == 2 and array.strides[0] < array.strides[1]


def _fill(into: Array, array: Array) -> None:
    step = _STRIP if _is_turned(array) else max(1, array.shape[-1])
    for k in range(0, array.shape[-1], step):
        into[..., k : k + step] = array[..., k : k + step]


def inverse(order: Sequence[int]) -> list[int]:
    """The order that undoes `order`."""
    return [order.index(k) for k in range(len(order))]


def matrix_size(layers: Sequence[Layer]) -> int:
    """How many numbers the matrices of layers have."""
    return sum(side.w_ih.size + side.w_hh.size for layer in layers for side in layer.sides)


def stacked(layers: Sequence[Layer]) -> Iterator[tuple[int, Layer]]:
    """Each layer with its place among the states `[L*D, B, H]`; InputError where one does not read
    what the one before it says.
    """
    row = 0
    for before, layer in zip([None, *layers], layers, strict=False):
        if before is not None and layer.inputs != before.hidden * len(before.sides):
            problem = _(
                "layer {name} reads {found} numbers a step, the one before gives {expected}"
            )
            told = {"found": layer.inputs, "expected": before.hidden * len(before.sides)}
            raise InputError(problem.format(name=layer.name or row, **told))
        yield row, layer
        row += len(layer.sides)
