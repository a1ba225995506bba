"""The language model on NumPy arrays: whole texts, or a unit at a time."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from gruta.cells.arrays import Storage
from gruta.runtime.blocks import (
    CELLS,
    Array,
    Shapes,
    State,
    recurrent_shapes,
    require_shapes,
)
from gruta.tasks.generate.settings import GenerateSettings

Numbers = NDArray[np.integer]

_AT_ONCE = 2**22
"""Scores of a long text that are computed at once, at most."""


class GenerateHead:
    """What `GenerateNetwork` computes; ValueError if the weights are of another network.

    storage: "float16" or "bfloat16" keeps the recurrent matrices in 16 bits.
    """

    def __init__(
        self,
        weights: Mapping[str, Array],
        size: int,
        settings: GenerateSettings,
        storage: Storage | None = None,
    ) -> None:
        s = settings
        require_shapes(weights, _shapes(size, s))
        self.size = sum(w.size for w in weights.values())
        self._embedding = weights["embedding.weight"]
        self._states = 2 if s.cell == "lstm" else 1
        self._hidden = s.hidden
        names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
        self._layers = [
            CELLS[s.cell].Step(*(weights[f"layers.{k}.{n}"] for n in names), storage=storage)
            for k in range(s.layers)
        ]
        # what the last state becomes scores by: P and E in one, as their product is small
        matrix = weights["embedding.weight"] if s.tied else weights["output.weight"]
        if "projection.weight" in weights:
            matrix = matrix @ weights["projection.weight"]
        self._output = np.ascontiguousarray(matrix.T), weights["bias"]
        self._at_once = max(1, _AT_ONCE // size)

    def __call__(self, units: Numbers) -> Array:
        """Logits `[T, B, V]` of what follows each of `[T, B]`, from their start on."""
        return self.sequence(units, self.start(units.shape[1]))[0]

    def start(self, B: int = 1) -> list[State]:
        """Of each layer, the state of who has read nothing."""
        return [
            tuple(np.zeros((B, self._hidden), np.float32) for _ in range(self._states))
            for _ in self._layers
        ]

    def step(self, units: Numbers, state: list[State]) -> Array:
        """Logits `[B, V]` of what follows units `[B]`; the state is brought forward in place."""
        x = self._embedding[units]
        for layer, own in zip(self._layers, state, strict=True):
            layer.step(x, *own)
            x = own[0]
        matrix, bias = self._output
        return x @ matrix + bias

    def sequence(self, units: Numbers, state: list[State]) -> tuple[Array, list[State]]:
        """Logits `[T, B, V]` of what follows each of `[T, B]`, and the state behind them."""
        x, ends = self._embedding[units], []
        for layer, own in zip(self._layers, state, strict=True):
            x, *last = layer.sequence(x, *own)
            ends.append(tuple(last))
        matrix, bias = self._output
        flat = x.reshape(-1, self._hidden) @ matrix + bias
        return flat.reshape(*units.shape, -1), ends

    def read(self, units: Numbers) -> tuple[Array, list[State]]:
        """Logits `[1, V]` of what follows a text `[T]`, T ≥ 1, and the state behind it."""
        state = self.start()
        for start in range(0, len(units), self._at_once):
            logits, state = self.sequence(units[start : start + self._at_once, None], state)
        return logits[-1], state

    def nats(self, units: Numbers) -> NDArray[np.float64]:
        """-log P of each unit of a text `[T]` but the first, after all before it `[T - 1]`."""
        state, found = self.start(), []
        for start in range(0, len(units) - 1, self._at_once):
            some = units[start : start + self._at_once + 1]
            logits, state = self.sequence(some[:-1, None], state)
            found.append(_nats(logits[:, 0], some[1:]))
        return np.concatenate(found) if found else np.zeros(0)


def _nats(logits: Array, units: Numbers) -> NDArray[np.float64]:
    top = logits.max(-1)
    total = np.log(np.exp(logits - top[:, None]).sum(-1, dtype=np.float64))
    found: NDArray[np.float64] = total + top - logits[np.arange(len(units)), units]
    return found


def _shapes(size: int, s: GenerateSettings) -> Shapes:
    shapes: dict[str, tuple[int, ...]] = {"embedding.weight": (size, s.embedding)}
    width = s.embedding
    for k in range(s.layers):
        shapes |= recurrent_shapes(f"layers.{k}", s.cell, width, s.hidden)
        width = s.hidden
    if s.tied and s.hidden != s.embedding:
        shapes["projection.weight"] = (s.embedding, s.hidden)
    if not s.tied:
        shapes["output.weight"] = (size, s.hidden)
    return {**shapes, "bias": (size,)}
