"""A language model that writes: units drawn and taken in, one after the other."""

from dataclasses import astuple

import numpy as np
from numpy.typing import NDArray

from gruta import kernels
from gruta.cells.arrays import Storage
from gruta.codec.text.mixture import Mixture
from gruta.codec.text.ngram import Order
from gruta.codec.text.sampling import Sampling, drawn, odds
from gruta.runtime.blocks import Array, State
from gruta.runtime.steps import Steps

Units = NDArray[np.int64]


class LanguageModel:
    """Layers that read units by their numbers, and scores of each of V units by the last one's h.

    steps: with a table `[V, I]`. matrix, bias: `[H, V]` and `[V]`, which make the scores. storage:
    "float16" or "bfloat16" keeps the matrix in 16 bits. mixture: counts that are asked as well.
    Where there are kernels no Python stands between a unit and the next: it would take as long as a
    step, and drive the weights out of the cache.
    """

    def __init__(
        self,
        steps: Steps,
        matrix: Array,
        bias: Array,
        storage: Storage | None = None,
        mixture: Mixture | None = None,
    ) -> None:
        self._steps, self._matrix, self._bias, self._mixture = steps, matrix, bias, mixture
        self._native: kernels.LanguageModel | None = None
        if (natives := steps.natives()) is not None:
            first, others = natives
            weight = np.ascontiguousarray(matrix.T)
            self._native = kernels.LanguageModel(first, others, weight, bias, storage or "float32")
            if mixture is not None:
                orders = [_single(order) for order in mixture.ngram.orders]
                self._native.count(orders, mixture.share)

    def write(
        self,
        state: list[State],
        logits: Array,
        uniform: NDArray[np.float64],
        how: Sampling,
        said: NDArray[np.bool_] | None = None,
        places: Units | None = None,
    ) -> Units:
        """Units `[T, B]`, each drawn by a number of `uniform` `[T, B]` and then taken in.

        The state, the scores `[B, V]` of the next unit, what was said `[B, V]`, for the penalty,
        and where the texts stand in the counts `[B, N]`, if there are any, are brought forward in
        place.
        """
        units = np.empty(uniform.shape, np.int64)
        if self._native is not None:
            seen = None if said is None else said.view(np.uint8)
            self._native.write(state, logits, uniform, seen, places, astuple(how), units)
            return units
        rows = np.arange(len(logits))
        for own, draws in zip(units, uniform, strict=True):
            scores: NDArray[np.floating] = logits
            if self._mixture is not None and places is not None:
                scores = self._mixture.scores(logits, places)
            own[:] = drawn(odds(scores, how, said), draws)
            if self._mixture is not None and places is not None:
                places[:] = self._mixture.ngram.moved(places, own)
            if said is not None:
                said[rows, own] = True
            logits[:] = self._steps.step(own, state) @ self._matrix + self._bias
        return units


def _single(order: Order) -> tuple[Units, Units, Array, Array]:
    """As the kernel reads it."""
    kept, left = (np.ascontiguousarray(one, np.float32) for one in (order.kept, order.left))
    return order.runs, order.first, kept, left
