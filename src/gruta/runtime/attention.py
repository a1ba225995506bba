"""`gruta.nn.attention` on NumPy arrays."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from gruta.runtime.blocks import Array, Shapes


def attention_shapes(name: str, score: str, query: int, memory: int, size: int) -> Shapes:
    """Of the weights of an attention."""
    shapes: dict[str, tuple[int, ...]] = {
        f"{name}.key.weight": (size, memory),
        f"{name}.query.weight": (size, query),
    }
    if score == "additive":
        shapes |= {f"{name}.key.bias": (size,), f"{name}.energy.weight": (1, size)}
    return shapes


class Attention:
    """What `gruta.nn.attention.Attention` of this name computes."""

    def __init__(self, weights: Mapping[str, Array], name: str) -> None:
        self._key, self._query = (weights[f"{name}.{part}.weight"].T for part in ("key", "query"))
        self._bias = weights.get(f"{name}.key.bias")
        self._energy = weights.get(f"{name}.energy.weight")

    def keys(self, memory: Array) -> Array:
        """`[B, S, A]` from a memory `[B, S, M]`."""
        found: Array = memory @ self._key
        return found if self._bias is None else found + self._bias

    def __call__(
        self, query: Array, memory: Array, keys: Array, inside: NDArray[np.bool_]
    ) -> tuple[Array, Array]:
        """Contexts `[B, T, M]` and weights `[B, T, S]` from queries `[B, T, H]`."""
        q = query @ self._query
        if self._energy is None:
            scores = q @ keys.swapaxes(1, 2) * np.float32(keys.shape[2] ** -0.5)
        else:
            scores = np.tanh(q[:, :, None] + keys[:, None]) @ self._energy[0]
        scores = np.where(inside[:, None], scores, np.float32(-np.inf))
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        weights /= weights.sum(-1, keepdims=True)
        return weights @ memory, weights
