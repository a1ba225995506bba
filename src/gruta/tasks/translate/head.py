"""The translator's network on NumPy arrays: whole texts, or unit by unit as they are written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gruta.cells import CellName
from gruta.codec.text.beam import Beam, Written, search
from gruta.codec.text.pairs import END, NEVER_SEEN, PADDING, PairCodec
from gruta.runtime.architecture import Count, Positive
from gruta.runtime.attention import Attention, attention_shapes
from gruta.runtime.blocks import (
    CELLS,
    Array,
    Linear,
    Recurrent,
    Shapes,
    linear_shapes,
    recurrent_shapes,
    require_shapes,
)
from gruta.runtime.door import Door, Parts

Numbers = NDArray[np.int64]
_AT_ONCE = 32
"""Sources that are translated side by side, at most."""
_SCORES = 2**24
"""Scores of units that are in memory at once, but for those of one source."""


@dataclass(frozen=True)
class Architecture:
    """The settings that the head goes by."""

    cell: CellName
    hidden: Positive
    layers: Count
    embedding: Positive
    tied: bool
    input_feeding: bool
    attention: Literal["multiplicative", "additive", "none"]


class TranslateHead:
    """What `TranslateNetwork` computes; ValueError if the weights are of another network."""

    def __init__(self, weights: Mapping[str, Array], codec: PairCodec, settings: Any) -> None:
        s = settings
        require_shapes(weights, _shapes(codec, s))
        self.size = sum(w.size for w in weights.values())
        self.target = weights["target.weight"]
        self._source = weights.get("source.weight", self.target)
        self._reader = Recurrent(weights, "reader", s.cell)
        self._bridge, self._joined = Linear(weights, "bridge"), Linear(weights, "joined")
        ends = [("below", "" if s.input_feeding else "_l0")]
        ends += [("above", f"_l{k}") for k in range(s.layers - 1)]
        kinds = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        self.layers = [
            CELLS[s.cell].Step(*(weights[f"{name}.{kind}{end}"] for kind in kinds))
            for name, end in ends
        ]
        self.attention = None if s.attention == "none" else Attention(weights, "attention")
        self._matrix = np.ascontiguousarray(weights.get("output.weight", self.target).T)
        self._bias, self.feeds, self._hidden = weights["bias"], s.input_feeding, s.hidden
        self._states = 2 if s.cell == "lstm" else 1
        alike = codec.source.units.kind == codec.target.units.kind
        self._fewest_at_most = 0 if alike else codec.longest + 1

    def __call__(self, arrays: tuple[Numbers, Numbers, Numbers]) -> Array:
        """Scores `[T, B, V]` of what follows each unit that is written.

        arrays: what is read `[S, B]`, its lengths `[B]`, and what is written `[T, B]`.
        """
        source, lengths, written = arrays
        text = Text(self, source, lengths)
        return np.stack([text.step(units)[0] for units in written])

    def read(self, source: Numbers, lengths: Numbers) -> tuple[Array, Array]:
        """What was read `[B, S, M]`, and its end `[B, M]`."""
        m, last = self._reader.sequence(self._source[source], None, lengths)
        return np.ascontiguousarray(m.swapaxes(0, 1)), np.concatenate(last[0][-2:], -1)

    def begins(self, end: Array) -> list[list[Array]]:
        """Of each layer that writes, the state with which it begins."""
        a = self._bridge(end).reshape(len(end), len(self.layers), -1)
        parts = [np.ascontiguousarray(a[:, k]) for k in range(len(self.layers))]
        return [[np.tanh(part), part][: self._states] for part in parts]

    def scores(self, h: Array, c: Array) -> Array:
        """Of units `[B, V]`, from the last state and what was found."""
        o = np.tanh(self._joined(np.concatenate((h, c), -1)))
        found: Array = o @ self._matrix + self._bias
        return found

    def most(self, lengths: Numbers) -> Numbers:
        """Of sources of these lengths, how many units are written at most: twice as many and some
        more or, where units of another kind are written, as many as training allows.
        """
        return np.maximum(2 * lengths + 10, self._fewest_at_most)

    def translated(
        self, sources: Sequence[Numbers], how: Beam, copy: bool = True
    ) -> list[list[Written]]:
        """Of each source the likeliest texts, the best first; those of a length together.

        copy: whether units that training has never seen may be written, for who can copy them.
        """
        never = [PADDING] if copy and self.attention else [PADDING, NEVER_SEEN]
        order = np.argsort([len(one) for one in sources], kind="stable")
        found: dict[int, list[Written]] = {}
        at_once = max(1, min(_AT_ONCE, _SCORES // (how.width * len(self._bias))))
        for start in range(0, len(order), at_once):
            some = [int(i) for i in order[start : start + at_once]]
            x, lengths = side_by_side([sources[i] for i in some])
            inside = np.arange(len(x)) < lengths[:, None]
            text = Text(self, x, lengths)
            most = self.most(lengths)
            texts = search(text, inside, most, how, end=END, never=never)
            found |= dict(zip(some, texts, strict=True))
        return [found[i] for i in range(len(sources))]


class Text:
    """Texts that are being written: a row each."""

    def __init__(self, head: TranslateHead, source: Numbers, lengths: Numbers) -> None:
        self._head = head
        self._memory, self._end = head.read(source, lengths)
        self._inside = np.arange(len(source)) < lengths[:, None]
        self._keys = None if head.attention is None else head.attention.keys(self._memory)
        self._layers = head.begins(self._end)
        self._found = np.zeros_like(self._end)

    def step(self, numbers: Numbers) -> tuple[Array, Array]:
        """Scores `[R, V]` of what follows numbers `[R]`, and the attention `[R, S]`."""
        head = self._head
        x = head.target[numbers]
        if head.feeds:
            x = np.concatenate((x, self._found), -1)
        c, weights = self._end, None
        for k, (layer, state) in enumerate(zip(head.layers, self._layers, strict=True)):
            layer.step(x, *state)
            h = state[0]
            if k == 0:
                c, weights = self._look(h)
            x = np.concatenate((h, c), -1)
        self._found = c
        assert weights is not None
        return head.scores(h, c), weights

    def _look(self, h: Array) -> tuple[Array, Array]:
        B, attention = len(self._memory), self._head.attention
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


def side_by_side(texts: Sequence[Numbers]) -> tuple[Numbers, Numbers]:
    """`[T, B]`, padding behind their ends, and their lengths `[B]`."""
    lengths = np.array([len(one) for one in texts])
    found = np.full((int(lengths.max()), len(texts)), PADDING, np.int64)
    for i, one in enumerate(texts):
        found[: len(one), i] = one
    return found, lengths


def _shapes(codec: PairCodec, s: Any) -> Shapes:
    H, M, E, V = s.hidden, 2 * s.hidden, s.embedding, codec.target.size
    of_units: dict[str, tuple[int, ...]] = {"target.weight": (V, E), "bias": (V,)}
    if not codec.shared:
        of_units["source.weight"] = (codec.source.size, E)
    if not s.tied:
        of_units["output.weight"] = (V, E)
    below = recurrent_shapes("below", s.cell, E + M if s.input_feeding else E, H)
    if s.input_feeding:
        below = {name.removesuffix("_l0"): shape for name, shape in below.items()}
    return {
        **of_units,
        **recurrent_shapes("reader", s.cell, E, H, s.layers, 2),
        **linear_shapes("bridge", M, s.layers * H),
        **below,
        **(recurrent_shapes("above", s.cell, H + M, H, s.layers - 1) if s.layers > 1 else {}),
        **({} if s.attention == "none" else attention_shapes("attention", s.attention, H, M, H)),
        **linear_shapes("joined", H + M, E),
    }


def head_of(parts: Parts[PairCodec]) -> TranslateHead:
    """Of a run or a model file."""
    return TranslateHead(parts.weights, parts.codec, parts.settings)


def units_of(codec: PairCodec) -> Mapping[str, str]:
    """What is read, and what is written."""
    kinds = {"read": codec.source.units.kind, "written": codec.target.units.kind}
    return {"input": "text", **kinds, "output": "text"}


DOOR: Door[PairCodec] = Door(PairCodec, Architecture, head_of, units_of)
