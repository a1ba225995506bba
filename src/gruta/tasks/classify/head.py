"""The classifier's network on NumPy arrays: whole cases, or a step at a time."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gruta.cells import CellName
from gruta.codec.classes import ClassCodec
from gruta.codec.text.vocabulary import Vocabulary
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.runtime.architecture import Count, Positive
from gruta.runtime.blocks import (
    Array,
    Linear,
    Recurrent,
    Shapes,
    State,
    linear_shapes,
    recurrent_shapes,
    require_shapes,
)
from gruta.runtime.door import Door, Parts

_AT_ONCE = 256


@dataclass(frozen=True)
class Architecture:
    """The settings that the head goes by."""

    cell: CellName
    hidden: Positive
    layers: Count
    bidirectional: bool
    pooling: Literal["last", "mean", "max", "mean+max", "attention"]
    embedding: int
    bayes: bool


class Read(NamedTuple):
    """What is kept of a case that was read up to some step.

    state: `[L, H]` of each layer, h and in the LSTM c. total: `[H]`, the weighted sum of the last
    layer's h, and weight that of the weights, in units of exp(top), the highest score of an
    attention; without one weights are 1. largest: `[H]`, of each unit.
    """

    state: State
    total: NDArray[np.float64]
    largest: Array
    weight: float
    top: float


class ClassifyHead:
    """What `ClassifyNetwork` computes; ValueError if the weights are of another network."""

    def __init__(self, weights: Mapping[str, Array], codec: ClassCodec, settings: Any) -> None:
        require_shapes(weights, _shapes(codec, settings))
        self.size = sum(w.size for w in weights.values())
        self.bayes_size = sum(w.size for n, w in weights.items() if n.startswith("bayes."))
        self._embedding = weights.get("embedding.weight")
        self._layer = Recurrent(weights, "layer", settings.cell)
        attends = settings.pooling == "attention"
        self._attention = Linear(weights, "attention") if attends else None
        self._weights = weights
        self._output, self._pooling = Linear(weights, "output"), settings.pooling
        self._mix, self._likely = codec.mix, weights.get("bayes.weight")
        self._prior = weights.get("bayes.bias", np.float32(0))

    def __call__(self, cases: Sequence[NDArray[Any]]) -> Array:
        """Scores `[N, K]` of cases as the codec encodes them, those of a length together."""
        order = np.argsort([len(case) for case in cases], kind="stable")
        found: dict[int, Array] = {}
        for start in range(0, len(order), _AT_ONCE):
            some = order[start : start + _AT_ONCE]
            for i, scores in zip(some, self._together([cases[i] for i in some]), strict=True):
                found[int(i)] = scores
        scores = np.stack([found[i] for i in range(len(cases))])
        bayes = self.bayes(cases)
        return scores if bayes is None else scores + np.float32(self._mix) * bayes

    def bayes(self, cases: Sequence[NDArray[Any]]) -> Array | None:
        """What naive Bayes on the units says `[N, K]`; None of series, or where it is left out."""
        if self._likely is None:
            return None
        likely = self._likely
        return np.stack([likely[case.ravel()].sum(0) for case in cases]) + self._prior

    def steps(self, case: NDArray[Any]) -> Iterator[Array]:
        """Scores `[K]` after each step; InputError where the network reads backwards too."""
        found, likely = self.unread(), self._prior
        for x, units in zip(self.read(case), case, strict=True):
            (found,) = self.onward(x[None, None], np.array([1]), [found])
            scores = self.scored(found)
            if self._likely is not None:
                likely = likely + self._likely[np.atleast_1d(units)].sum(0)
                scores = scores + np.float32(self._mix) * likely
            yield scores

    def unread(self) -> "Read":
        """What is kept of a case before its first step; InputError where the network reads
        backwards too.
        """
        layer = self._layer
        if layer.directions == 2:
            raise InputError(
                bidirectional=_(
                    "a prediction after every step needs a network that reads in one direction; "
                    "train with bidirectional=False"
                )
            )
        state = tuple(part[:, 0] for part in layer.start(1))
        none = np.full(layer.hidden, -np.inf, np.float32)
        return Read(state, np.zeros(layer.hidden), none, 0.0, -np.inf)

    def onward(self, x: Array, lengths: NDArray[np.int64], reads: "Sequence[Read]") -> "list[Read]":
        """What is kept of B cases after steps x `[T, B, I]` more, of each as many as lengths
        `[B]` says; reads: what was kept of them before.
        """
        if len(x) == 1 and lengths.all():
            return self.a_step_on(x[0], reads)
        before = _side_by_side(reads)
        h, after = self._layer.sequence(x, before, lengths)
        inside = (np.arange(len(h))[:, None] < lengths)[..., None]
        top, weight = np.array([[r.top] for r in reads]), inside.astype(np.float64)
        higher, less = top, np.ones_like(top)
        if self._attention is not None:  # the sums so far are kept in units of the top weight
            score = np.where(inside, self._scores(h), -np.inf).astype(np.float64)
            higher = np.maximum(top, score.max(0))
            weight, less = np.exp(score - higher), np.exp(top - higher)
        totals = less * np.stack([r.total for r in reads]) + (weight * h).sum(0)
        weights = less * [[r.weight] for r in reads] + weight.sum(0)
        largest = np.maximum(
            np.stack([r.largest for r in reads]), np.where(inside, h, -np.inf).max(0)
        ).astype(np.float32)
        return [
            Read(
                tuple(part[:, b].copy() for part in after),
                totals[b],
                largest[b],
                float(weights[b, 0]),
                float(higher[b, 0]),
            )
            for b in range(len(reads))
        ]

    def _scores(self, h: Array) -> Array:
        """What attention says of h `[T, B, 1]`: sums in one order, as a product of matrices takes
        another one for another number of rows, and a stream is to have the same bits in any batch.
        """
        weight, bias = self._weights["attention.weight"], self._weights["attention.bias"]
        found: Array = (h * weight[0]).sum(-1, keepdims=True) + bias
        return found

    def a_step_on(self, x: Array, reads: "Sequence[Read]") -> "list[Read]":
        """The same after one step x `[B, I]` of each: what streams do most of the time."""
        h, after = self._layer.step(x, _side_by_side(reads))
        scores = None if self._attention is None else self._scores(h)[:, 0].tolist()
        found = []
        for b, read in enumerate(reads):
            own, top = h[b], read.top
            if scores is None:  # all weights are 1
                total, weight = read.total + own, read.weight + 1.0
            else:
                top = max(read.top, scores[b])
                share, less = np.exp((scores[b] - top, read.top - top)).tolist()
                total = less * read.total + share * own.astype(np.float64)
                weight = less * read.weight + share
            # Of several a copy, which does not keep all of them.
            state = tuple(part[:, 0] if len(reads) == 1 else part[:, b].copy() for part in after)
            found.append(Read(state, total, np.maximum(read.largest, own), weight, top))
        return found

    def scored(self, read: "Read") -> Array:
        """Scores `[K]` of what was read, naive Bayes not among them."""
        h, mean = read.state[0][-1], (read.total / read.weight).astype(np.float32)
        both = {"last": h, "max": read.largest, "mean+max": np.concatenate([mean, read.largest])}
        return self._output(both.get(self._pooling, mean))

    def read(self, x: NDArray[Any]) -> Array:
        """`[T, I]`: vectors as they are, units looked up, those of a step's grams summed."""
        if self._embedding is None:
            return x
        found: Array = self._embedding[x]
        return found.sum(1) if x.ndim == 2 else found

    def _together(self, cases: Sequence[NDArray[Any]]) -> Array:
        lengths = np.array([len(case) for case in cases])
        read = [self.read(case) for case in cases]
        x = np.zeros((lengths.max(), len(cases), read[0].shape[1]), np.float32)
        for i, case in enumerate(read):
            x[: len(case), i] = case
        h, last = self._layer.sequence(x, None, lengths)
        return self._output(self._pooled(h, last[0], lengths))

    def _pooled(self, h: Array, h_n: Array, lengths: NDArray[np.int64]) -> Array:
        inside = (np.arange(len(h))[:, None] < lengths)[..., None]
        if self._pooling == "last":
            return np.concatenate(list(h_n[-self._layer.directions :]), -1)
        if self._attention is not None:
            score = np.where(inside, self._attention(h), -np.inf)
            weight = np.exp(score - score.max(0))
            attended: Array = (weight * h).sum(0) / weight.sum(0)
            return attended
        mean = h.sum(0) / lengths[:, None].astype(np.float32)
        largest = np.where(inside, h, -np.inf).max(0)
        both = {"mean": mean, "max": largest, "mean+max": np.concatenate([mean, largest], -1)}
        found: Array = both[self._pooling].astype(np.float32)
        return found


def _side_by_side(reads: Sequence[Read]) -> State:
    """Their states, `[L, B, H]`."""
    if len(reads) == 1:
        return tuple(part[:, None] for part in reads[0].state)
    return tuple(np.stack(parts, 1) for parts in zip(*(r.state for r in reads), strict=True))


def _shapes(codec: ClassCodec, settings: Any) -> Shapes:
    s, reader = settings, codec.reader
    directions = 2 if s.bidirectional else 1
    states = directions * s.hidden
    pooled = 2 * states if s.pooling == "mean+max" else states
    of_units: dict[str, tuple[int, ...]] = {}
    if isinstance(reader, Vocabulary):
        width, of_units["embedding.weight"] = s.embedding, (reader.size, s.embedding)
        if s.bayes:
            classes = len(codec.labels)
            of_units |= {"bayes.weight": (reader.size, classes), "bayes.bias": (classes,)}
    else:
        width = reader.width
    return {
        **of_units,
        **recurrent_shapes("layer", s.cell, width, s.hidden, s.layers, directions),
        **(linear_shapes("attention", states, 1) if s.pooling == "attention" else {}),
        **linear_shapes("output", pooled, len(codec.labels)),
    }


def head_of(parts: Parts[ClassCodec]) -> ClassifyHead:
    """Of a run or a model file."""
    return ClassifyHead(parts.weights, parts.codec, parts.settings)


def units_of(codec: ClassCodec) -> Mapping[str, str]:
    """What is read, and what is said of it."""
    reader = codec.reader
    read = reader.unit if isinstance(reader, Vocabulary) else "steps"
    given = {"input": codec.kind, "read": read, "channels": ", ".join(codec.channels)}
    return given | {"output": "probabilities"}


DOOR: Door[ClassCodec] = Door(ClassCodec, Architecture, head_of, units_of)
