"""A language model that writes: units drawn and taken in, one after the other."""

from dataclasses import astuple

import numpy as np
from numpy.typing import NDArray

from gruta import kernels
from gruta.cells.arrays import Storage
from gruta.codec.text.sampling import Sampling, drawn, odds
from gruta.runtime.blocks import Array, State
from gruta.runtime.steps import Steps

Units = NDArray[np.int64]


class LanguageModel:
    """Layers that read units by their numbers, and scores of each of V units by the last one's h.

    steps: with a table `[V, I]`. matrix, bias: `[H, V]` and `[V]`, which make the scores. storage:
    "float16" or "bfloat16" keeps the matrix in 16 bits. Where there are kernels no Python stands
    between a unit and the next: it would take as long as a step, and drive the weights out of the
    cache.
    """

    def __init__(
        self, steps: Steps, matrix: Array, bias: Array, storage: Storage | None = None
    ) -> None:
        self._steps, self._matrix, self._bias = steps, matrix, bias
        self._native: kernels.LanguageModel | None = None
        if (natives := steps.natives()) is not None:
            first, others = natives
            weight = np.ascontiguousarray(matrix.T)
            self._native = kernels.LanguageModel(first, others, weight, bias, storage or "float32")

    def write(
        self,
        state: list[State],
        logits: Array,
        uniform: NDArray[np.float64],
        how: Sampling,
        said: NDArray[np.bool_] | None = None,
    ) -> Units:
        """Units `[T, B]`, each drawn by a number of `uniform` `[T, B]` and then taken in.

        The state, the scores `[B, V]` of the next unit, and what was said `[B, V]`, for the
        penalty, are brought forward in place.
        """
        units = np.empty(uniform.shape, np.int64)
        if self._native is not None:
            seen = None if said is None else said.view(np.uint8)
            self._native.write(state, logits, uniform, seen, astuple(how), units)
            return units
        rows = np.arange(len(logits))
        for own, draws in zip(units, uniform, strict=True):
            own[:] = drawn(odds(logits, how, said), draws)
            if said is not None:
                said[rows, own] = True
            logits[:] = self._steps.step(own, state) @ self._matrix + self._bias
        return units
