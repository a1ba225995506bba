"""The language model on NumPy arrays: whole texts, or a unit at a time."""

from collections.abc import Mapping
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gruta.cells.arrays import Storage
from gruta.codec.text.mixture import Mixture
from gruta.codec.text.units import UNKNOWN
from gruta.runtime.blocks import Array, Shapes, State, require_shapes
from gruta.runtime.language_model import LanguageModel
from gruta.runtime.steps import Steps, step_shapes
from gruta.tasks.generate.settings import GenerateSettings

Numbers = NDArray[np.integer]

_AT_ONCE = 2**22
"""Scores of a long text that are computed at once, at most."""


class GenerateHead:
    """What `GenerateNetwork` computes; ValueError if the weights are of another network.

    storage: "float16" or "bfloat16" keeps the recurrent matrices in 16 bits. mixture: counts beside
    the network, for `nats` and what is written; logits are the network's own.
    """

    def __init__(
        self,
        weights: Mapping[str, Array],
        size: int,
        settings: GenerateSettings,
        storage: Storage | None = None,
        mixture: Mixture | None = None,
    ) -> None:
        s = settings
        require_shapes(weights, _shapes(size, s))
        self.size = sum(w.size for w in weights.values())
        self._embedding = weights["embedding.weight"]
        self._layers = Steps(weights, "layers", s.cell, storage, self._embedding)
        self.start = self._layers.start
        self._storage, self.mixture = storage, mixture
        # what the last state becomes scores by: P and E in one, as their product is small
        matrix = weights["embedding.weight"] if s.tied else weights["output.weight"]
        if "projection.weight" in weights:
            matrix = matrix @ weights["projection.weight"]
        self._output = np.ascontiguousarray(matrix.T), weights["bias"]
        self._at_once = max(1, _AT_ONCE // size)

    def __call__(self, units: Numbers) -> Array:
        """Logits `[T, B, V]` of what follows each of `[T, B]`, from their start on."""
        return self.sequence(units, self.start(units.shape[1]))[0]

    def step(self, units: Numbers, state: list[State]) -> Array:
        """Logits `[B, V]` of what follows units `[B]`; the state is brought forward in place."""
        matrix, bias = self._output
        return self._layers.step(units, state) @ matrix + bias

    @cached_property
    def model(self) -> LanguageModel:
        """What draws units, but never the unknown one, and takes them in."""
        matrix, bias = self._output
        bias = bias.copy()
        bias[UNKNOWN] = -np.inf
        return LanguageModel(self._layers, matrix, bias, self._storage, self.mixture)

    def sequence(self, units: Numbers, state: list[State]) -> tuple[Array, list[State]]:
        """Logits `[T, B, V]` of what follows each of `[T, B]`, and the state behind them."""
        h, last = self._layers.sequence(self._embedding[units], state)
        matrix, bias = self._output
        flat = h.reshape(-1, self._layers.hidden) @ matrix + bias
        return flat.reshape(*units.shape, -1), last

    def read(self, units: Numbers) -> tuple[Array, list[State]]:
        """Logits `[1, V]` of what follows a text `[T]`, T ≥ 1, and the state behind it."""
        state = self.start()
        for start in range(0, len(units), self._at_once):
            logits, state = self.sequence(units[start : start + self._at_once, None], state)
        return logits[-1], state

    def nats(self, units: Numbers) -> NDArray[np.float64]:
        """-log P of each unit of a text `[T]` but the first, after all before it `[T - 1]`."""
        found = self.network_nats(units)
        return found if self.mixture is None else self.mixture.nats(found, units)

    def network_nats(self, units: Numbers) -> NDArray[np.float64]:
        """The same by the network alone."""
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
    shapes |= step_shapes("layers", s.cell, s.embedding, s.hidden, s.layers)
    if s.tied and s.hidden != s.embedding:
        shapes["projection.weight"] = (s.embedding, s.hidden)
    if not s.tied:
        shapes["output.weight"] = (size, s.hidden)
    return {**shapes, "bias": (size,)}
