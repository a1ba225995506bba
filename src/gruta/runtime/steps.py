"""Recurrent layers one behind the other, fed a step at a time or whole sequences, in NumPy."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.cells.arrays import Storage
from gruta.runtime.blocks import Array, Shapes, State, recurrent_shapes, step_of

_MOST_LOOKED_UP = 2**24
"""Numbers, at most, that the rows of a table add to the gates, for these to be kept."""


class Steps:
    """The layers `name.0`, `name.1`, … of one cell and size, of which each reads the one before.

    storage: how they keep their matrices, as `step_of` has it. table: `[V, I]`, the
    vectors that a step reads, where it is given their numbers instead.
    """

    def __init__(
        self,
        weights: Mapping[str, Array],
        name: str,
        cell: str,
        storage: Storage | None = None,
        table: Array | None = None,
    ) -> None:
        self._layers: list[Any] = []
        while f"{name}.{len(self._layers)}.weight_ih_l0" in weights:
            own = f"{name}.{len(self._layers)}"
            self._layers.append(step_of(cell, weights, own, storage=storage))
        self._steps = [layer.step for layer in self._layers]
        self._lookup = None
        if table is not None:
            rows = weights[f"{name}.0.weight_ih_l0"].shape[0]
            if rows * len(table) <= _MOST_LOOKED_UP:
                self._lookup = self._layers[0].lookup(table)
                self._steps[0] = self._lookup.step
            else:
                self._steps[0] = partial(_step_of_rows, self._layers[0].step, table)
        self._states = 2 if cell == "lstm" else 1
        self.hidden = weights[f"{name}.0.weight_hh_l0"].shape[1]

    def natives(self) -> tuple[Any, list[Any]] | None:
        """The kernels' own: the first layer with its table, and those behind; None without."""
        if self._lookup is None or self._lookup.native is None:
            return None
        return self._lookup.native, [layer.packed.native for layer in self._layers[1:]]

    def start(self, B: int = 1) -> list[State]:
        """Of each layer, the state of who has read nothing."""
        return [
            tuple(np.zeros((B, self.hidden), np.float32) for _ in range(self._states))
            for _ in self._layers
        ]

    def step(self, x: NDArray[Any], state: list[State]) -> Array:
        """h of the last layer `[B, H]` after x `[B, I]`, or the rows `[B]` of the table; the state
        is brought forward in place.
        """
        for step, own in zip(self._steps, state, strict=True):
            step(x, *own)
            x = own[0]
        return x

    def sequence(self, x: Array, state: list[State]) -> tuple[Array, list[State]]:
        """h of the last layer `[T, B, H]`, and the state behind x `[T, B, I]`."""
        ends: list[State] = []
        for layer, own in zip(self._layers, state, strict=True):
            x, *last = layer.sequence(x, *own)
            ends.append(tuple(last))
        return x, ends


def _step_of_rows(step: Any, table: Array, rows: NDArray[np.int64], *state: Array) -> None:
    step(table[rows], *state)


def step_shapes(name: str, cell: str, inputs: int, hidden: int, layers: int) -> Shapes:
    """Of the weights of such layers."""
    shapes: dict[str, tuple[int, ...]] = {}
    for k in range(layers):
        shapes |= recurrent_shapes(f"{name}.{k}", cell, inputs if k == 0 else hidden, hidden)
    return shapes
