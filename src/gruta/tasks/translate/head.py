"""The translator's network on NumPy arrays: whole texts, or unit by unit as they are written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gruta.cells import CellName
from gruta.codec.text.beam import Beam, Written, search
from gruta.codec.text.pairs import END, NEVER_SEEN, PADDING, PairCodec, side_by_side
from gruta.runtime.architecture import Count, Positive
from gruta.runtime.blocks import Array, Recurrent, Shapes, recurrent_shapes, require_shapes
from gruta.runtime.door import Door, Parts
from gruta.runtime.writing import Text, Writer, Writing

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
        what = writing_of(codec, s)
        require_shapes(weights, _shapes(codec, s, what))
        self.size = sum(w.size for w in weights.values())
        self._writer = Writer(weights, what)
        self._source = weights.get("source.weight", self._writer.target)
        self._reader = Recurrent(weights, "reader", s.cell)
        alike = codec.source.units.kind == codec.target.units.kind
        self._fewest_at_most = 0 if alike else codec.longest + 1

    def __call__(self, arrays: tuple[Numbers, Numbers, Numbers]) -> Array:
        """Scores `[T, B, V]` of what follows each unit that is written.

        arrays: what is read `[S, B]`, its lengths `[B]`, and what is written `[T, B]`.
        """
        source, lengths, written = arrays
        text = self._text(source, lengths)
        return np.stack([text.step(units)[0] for units in written])

    def _text(self, source: Numbers, lengths: Numbers) -> Text:
        """What was read, and nothing that was written yet."""
        m, last = self._reader.sequence(self._source[source], None, lengths)
        inside = np.arange(len(source)) < lengths[:, None]
        end = np.concatenate(last[0][-2:], -1)
        return Text(self._writer, np.ascontiguousarray(m.swapaxes(0, 1)), inside, end)

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
        never = [PADDING] if copy and self._writer.attention else [PADDING, NEVER_SEEN]
        order = np.argsort([len(one) for one in sources], kind="stable")
        found: dict[int, list[Written]] = {}
        at_once = max(1, min(_AT_ONCE, _SCORES // (how.width * self._writer.what.units)))
        for start in range(0, len(order), at_once):
            some = [int(i) for i in order[start : start + at_once]]
            x, lengths = side_by_side([sources[i] for i in some])
            inside = np.arange(len(x)) < lengths[:, None]
            text = self._text(x, lengths)
            most = self.most(lengths)
            texts = search(text, inside, most, how, end=END, never=never)
            found |= dict(zip(some, texts, strict=True))
        return [found[i] for i in range(len(sources))]


def writing_of(codec: PairCodec, settings: Any) -> Writing:
    """What writes in a network of these settings: its memory and the end of it are read in both
    directions.
    """
    s, read = settings, 2 * settings.hidden
    return Writing(
        s.cell,
        s.layers,
        s.hidden,
        codec.target.size,
        s.embedding,
        read,
        read,
        s.attention,
        s.input_feeding,
        s.tied,
    )


def _shapes(codec: PairCodec, s: Any, what: Writing) -> Shapes:
    E = s.embedding
    source = {} if codec.shared else {"source.weight": (codec.source.size, E)}
    return {
        **source,
        **recurrent_shapes("reader", s.cell, E, s.hidden, s.layers, 2),
        **what.shapes(),
    }


def head_of(parts: Parts[PairCodec]) -> TranslateHead:
    """Of a run or a model file."""
    return TranslateHead(parts.weights, parts.codec, parts.settings)


def units_of(codec: PairCodec) -> Mapping[str, str]:
    """What is read, and what is written."""
    kinds = {"read": codec.source.units.kind, "written": codec.target.units.kind}
    return {"input": "text", **kinds, "output": "text"}


DOOR: Door[PairCodec] = Door(PairCodec, Architecture, head_of, units_of)
