"""`gruta.nn.paced_attention` on NumPy arrays, step by step."""

from collections.abc import Mapping

import numpy as np

from gruta.runtime.blocks import Array, Linear, Shapes, linear_shapes, sigmoid, softplus


def paced_shapes(name: str, query: int, memory: int) -> Shapes:
    """Of the weights of such an attention."""
    return {
        **linear_shapes(f"{name}.place", memory, 2),
        **linear_shapes(f"{name}.step", query, 1),
    }


class PacedAttention:
    """What `gruta.nn.paced_attention.PacedAttention` of this name computes."""

    def __init__(self, weights: Mapping[str, Array], name: str) -> None:
        self._place, self._step = (Linear(weights, f"{name}.{part}") for part in ("place", "step"))

    def over(self, m: Array) -> "Along":
        """One memory `[S, M]`, before the first step."""
        lasts, width = self._place(m).T
        d = softplus(lasts)
        return Along(m, d, softplus(width) + np.float32(0.25), self._step)


class Along:
    """A memory that is passed along.

    end: where its last place ends, in steps. passed: how far attention has come.
    """

    def __init__(self, m: Array, d: Array, sigma: Array, step: Linear) -> None:
        self._m, self._sigma, self._step = m, sigma, step
        self._at, self._log = d.cumsum() - d / 2, np.log(sigma)
        self.end, self.passed = float(d.sum()), 0.0

    def __call__(self, h: Array) -> tuple[Array, Array]:
        """What is found `[1, M]` and the weights `[S]` of the next step, from h `[1, H]`."""
        far = 0.5 + float(sigmoid(self._step(h))[0, 0])
        to = np.float32(self.passed + far / 2)
        self.passed += far
        scores = -0.5 * ((self._at - to) / self._sigma) ** 2 - self._log
        weights = np.exp(scores - scores.max())
        weights /= weights.sum()
        return weights[None] @ self._m, weights
