"""The language model on NumPy arrays: whole texts, or a unit at a time."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from gruta.cells import CellName
from gruta.cells.arrays import Storage
from gruta.codec.text.mixture import Mixture
from gruta.codec.text.units import UNKNOWN, Units
from gruta.runtime.architecture import Count, Positive
from gruta.runtime.blocks import Array, Shapes, State, require_shapes
from gruta.runtime.door import Door, Parts
from gruta.runtime.language_model import LanguageModel
from gruta.runtime.steps import Steps, step_shapes
from gruta.tasks.generate.codec import AnyUnits

if TYPE_CHECKING:
    from gruta.codec.notes.frames import Frames
    from gruta.tasks.generate.notes.head import NotesHead

Numbers = NDArray[np.integer]

_AT_ONCE = 2**22
"""Scores of a long text that are computed at once, at most."""


@dataclass(frozen=True)
class Architecture:
    """The settings that the head goes by, of texts and of notes."""

    units: Literal["bytes", "characters", "words", "subwords", "notes"]
    cell: CellName
    hidden: Positive
    layers: Count
    embedding: Positive
    tied: bool
    ngram: bool


class GenerateHead:
    """What `GenerateNetwork` computes; ValueError if the weights are of another network.

    storage: "float16" or "bfloat16" keeps the recurrent matrices in 16 bits. mixture: counts beside
    the network, for `nats` and what is written; logits are the network's own. output: `[H, V]` and
    `[V]`, which make them of the last layer's h.
    """

    def __init__(
        self,
        weights: Mapping[str, Array],
        size: int,
        settings: Any,
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
        self.output = np.ascontiguousarray(matrix.T), weights["bias"]
        self._at_once = max(1, _AT_ONCE // size)

    def __call__(self, units: Numbers) -> Array:
        """Logits `[T, B, V]` of what follows each of `[T, B]`, from their start on."""
        return self.sequence(units, self.start(units.shape[1]))[0]

    def step(self, units: Numbers, state: list[State]) -> Array:
        """Logits `[B, V]` of what follows units `[B]`; the state is brought forward in place."""
        matrix, bias = self.output
        return self._layers.step(units, state) @ matrix + bias

    @cached_property
    def model(self) -> LanguageModel:
        """What draws units, but never the unknown one, and takes them in."""
        matrix, bias = self.output
        bias = bias.copy()
        bias[UNKNOWN] = -np.inf
        return LanguageModel(self._layers, matrix, bias, self._storage, self.mixture)

    def sequence(self, units: Numbers, state: list[State]) -> tuple[Array, list[State]]:
        """Logits `[T, B, V]` of what follows each of `[T, B]`, and the state behind them."""
        h, last = self._layers.sequence(self._embedding[units], state)
        matrix, bias = self.output
        flat = h.reshape(-1, self._layers.hidden) @ matrix + bias
        return flat.reshape(*units.shape, -1), last

    def read(self, units: Numbers, state: list[State] | None = None) -> tuple[Array, list[State]]:
        """Logits `[1, V]` of what follows a text `[T]`, T ≥ 1, and the state behind it; state: that
        behind what was read before.
        """
        state = self.start() if state is None else state
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


def _shapes(size: int, s: Any) -> Shapes:
    shapes: dict[str, tuple[int, ...]] = {"embedding.weight": (size, s.embedding)}
    shapes |= step_shapes("layers", s.cell, s.embedding, s.hidden, s.layers)
    if s.tied and s.hidden != s.embedding:
        shapes["projection.weight"] = (s.embedding, s.hidden)
    if not s.tied:
        shapes["output.weight"] = (size, s.hidden)
    return {**shapes, "bias": (size,)}


def head_of(parts: "Parts[Units | Frames]") -> "GenerateHead | NotesHead":
    """Of a run or a model file, with the counts beside the network where it has some."""
    codec, s = parts.codec, parts.settings
    if not isinstance(codec, Units):
        from gruta.tasks.generate.notes.head import NotesHead

        return NotesHead(parts.weights, codec, s)
    mixture = Mixture.from_arrays(parts.counted, codec.size) if s.ngram else None
    return GenerateHead(parts.weights, codec.size, s, mixture=mixture)


def units_of(codec: "Units | Frames") -> Mapping[str, str]:
    """What is read, and what is written."""
    if isinstance(codec, Units):
        return {"input": "text", "read": codec.kind, "output": "text"}
    frames = {"read": "frames", "frames_a_quarter": str(codec.a_quarter)}
    return {"input": "notes", **frames, "output": "notes"}


DOOR: "Door[Units | Frames]" = Door(AnyUnits, Architecture, head_of, units_of)
