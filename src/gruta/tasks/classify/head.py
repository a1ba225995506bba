"""The classifier's network on NumPy arrays: whole cases, or a step at a time."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.codec.classes import ClassCodec
from gruta.codec.text.vocabulary import Vocabulary
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.runtime.blocks import (
    Array,
    Linear,
    Recurrent,
    Shapes,
    linear_shapes,
    recurrent_shapes,
    require_shapes,
)
from gruta.tasks.classify.settings import ClassifySettings

_AT_ONCE = 256


class ClassifyHead:
    """What `ClassifyNetwork` computes; ValueError if the weights are of another network."""

    def __init__(
        self, weights: Mapping[str, Array], codec: ClassCodec, settings: ClassifySettings
    ) -> None:
        require_shapes(weights, _shapes(codec, settings))
        self.size = sum(w.size for w in weights.values())
        self.bayes_size = sum(w.size for n, w in weights.items() if n.startswith("bayes."))
        self._embedding = weights.get("embedding.weight")
        self._layer = Recurrent(weights, "layer", settings.cell)
        attends = settings.pooling == "attention"
        self._attention = Linear(weights, "attention") if attends else None
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
        if self._layer.directions == 2:
            raise InputError(
                bidirectional=_(
                    "a prediction after every step needs a network that reads in one direction; "
                    "train with bidirectional=False"
                )
            )
        state, total, weights = None, np.float32(0), np.float32(0)
        largest, top = np.float32(-np.inf), np.float32(-np.inf)
        likely = self._prior
        for x, units in zip(self.read(case), case, strict=True):
            h, state = self._layer.sequence(x[None, None], state)
            h = h[0, 0]
            largest = np.maximum(largest, h)
            weight = np.float32(1)
            if self._attention is not None:  # the sums so far are kept in units of the top weight
                score = self._attention(h)[0]
                higher = max(top, score)
                total, weights = total * np.exp(top - higher), weights * np.exp(top - higher)
                top, weight = higher, np.exp(score - higher)
            total, weights = total + weight * h, weights + weight
            mean = total / weights
            pooled = {"last": h, "max": largest, "mean+max": np.concatenate([mean, largest])}
            scores = self._output(pooled.get(self._pooling, mean))
            if self._likely is not None:
                likely = likely + self._likely[np.atleast_1d(units)].sum(0)
                scores = scores + np.float32(self._mix) * likely
            yield scores

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


def _shapes(codec: ClassCodec, settings: ClassifySettings) -> Shapes:
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
