"""Layers that write, on NumPy arrays: `gruta.nn.writing`, unit by unit as the units are written."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gruta.cells import CellName
from gruta.runtime.attention import Attention, attention_shapes
from gruta.runtime.blocks import (
    Array,
    Linear,
    Shapes,
    linear_shapes,
    recurrent_shapes,
    step_of,
)

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Writing:
    """What writes: `layers` of `hidden` units, which look at a memory.

    units: V, how many numbers there are. embedding: E, how many numbers a unit becomes. memory: M,
    how many a state of the memory has. end: how many its end has, from which the layers begin.
    """

    cell: CellName
    layers: int
    hidden: int
    units: int
    embedding: int
    memory: int
    end: int
    attention: Literal["multiplicative", "additive", "none"]
    input_feeding: bool
    tied: bool

    @property
    def found(self) -> int:
        """How many numbers are found at a step: without attention those of the end."""
        return self.end if self.attention == "none" else self.memory

    def shapes(self) -> Shapes:
        """Of all weights."""
        H, E, V, found = self.hidden, self.embedding, self.units, self.found
        of_units: dict[str, tuple[int, ...]] = {"target.weight": (V, E), "bias": (V,)}
        if not self.tied:
            of_units["output.weight"] = (V, E)
        below = recurrent_shapes("below", self.cell, E + found if self.input_feeding else E, H)
        if self.input_feeding:
            below = {name.removesuffix("_l0"): shape for name, shape in below.items()}
        above: Shapes = {}
        attention: Shapes = {}
        if self.layers > 1:
            above = recurrent_shapes("above", self.cell, H + found, H, self.layers - 1)
        if self.attention != "none":
            attention = attention_shapes("attention", self.attention, H, self.memory, H)
        return {
            **of_units,
            **linear_shapes("bridge", self.end, self.layers * H),
            **below,
            **above,
            **attention,
            **linear_shapes("joined", H + found, E),
        }


class Writer:
    """What a `gruta.nn.writing.Writer` computes of what it has found and what it wrote before."""

    def __init__(self, weights: Mapping[str, Array], what: Writing) -> None:
        self.what = what
        self.target = weights["target.weight"]
        self._bridge, self._joined = Linear(weights, "bridge"), Linear(weights, "joined")
        ends = [("below", "" if what.input_feeding else "_l0")]
        ends += [("above", f"_l{k}") for k in range(what.layers - 1)]
        self.layers = [step_of(what.cell, weights, name, end) for name, end in ends]
        self.attention = None if what.attention == "none" else Attention(weights, "attention")
        self._matrix = np.ascontiguousarray(weights.get("output.weight", self.target).T)
        self._bias = weights["bias"]
        self._states = 2 if what.cell == "lstm" else 1

    def begins(self, end: Array) -> list[list[Array]]:
        """Of each layer, the state with which it begins, from ends `[B, ·]`."""
        a = self._bridge(end).reshape(len(end), len(self.layers), -1)
        parts = [np.ascontiguousarray(a[:, k]) for k in range(len(self.layers))]
        return [[np.tanh(part), part][: self._states] for part in parts]

    def scores(self, h: Array, c: Array) -> Array:
        """Of units `[B, V]`, from the last state and what was found."""
        o = np.tanh(self._joined(np.concatenate((h, c), -1)))
        found: Array = o @ self._matrix + self._bias
        return found


class Text:
    """Texts that are being written: a row each, of a source several behind each other.

    memory: `[B, S, M]`, of which `inside [B, S]` is there. end: `[B, ·]`.
    """

    def __init__(
        self, writer: Writer, memory: Array, inside: NDArray[np.bool_], end: Array
    ) -> None:
        self._writer, self._memory, self._inside, self._end = writer, memory, inside, end
        self._keys = None if writer.attention is None else writer.attention.keys(memory)
        self._layers = writer.begins(end)
        self._found = np.zeros((len(end), writer.what.found), np.float32)

    def step(self, numbers: Numbers) -> tuple[Array, Array]:
        """Scores `[R, V]` of what follows numbers `[R]`, and the attention `[R, S]`."""
        writer = self._writer
        x = writer.target[numbers]
        if writer.what.input_feeding:
            x = np.concatenate((x, self._found), -1)
        c, weights = self._end, None
        for k, (layer, state) in enumerate(zip(writer.layers, self._layers, strict=True)):
            layer.step(x, *state)
            h = state[0]
            x = h
            if k == 0:
                c, weights = self._look(h)
                x = np.concatenate((h, c), -1)
        self._found = c
        assert weights is not None
        return writer.scores(h, c), weights

    def _look(self, h: Array) -> tuple[Array, Array]:
        B, attention = len(self._memory), self._writer.attention
        each = len(h) // B
        if attention is None or self._keys is None:
            equal = self._inside / self._inside.sum(1, keepdims=True, dtype=np.float32)
            return self._end, np.repeat(equal.astype(np.float32), each, 0)
        asked = h.reshape(B, each, -1)
        c, weights = attention(asked, self._memory, self._keys, self._inside)
        return c.reshape(len(h), -1), weights.reshape(len(h), -1)

    def keep(self, sources: Numbers, rows: Numbers) -> None:
        """Go on with these sources alone, each with as many of these rows."""
        if len(sources) < len(self._memory):
            self._memory, self._inside = self._memory[sources], self._inside[sources]
            self._keys = None if self._keys is None else self._keys[sources]
        self._end, self._found = self._end[rows], self._found[rows]
        self._layers = [[part[rows] for part in state] for state in self._layers]
