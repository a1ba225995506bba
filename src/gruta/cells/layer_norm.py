"""Layer normalisation of what enters the gates (Ba et al. 2016, arXiv:1607.06450), in NumPy.

The cells' README.md derives the backward pass.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Norm = tuple[Array, Array, Array, Array]  # gain and bias of W_ih x, gain and bias of W_hh h

EPSILON = 1e-5
"""Added to the variance, as torch.nn.LayerNorm does."""


class LayerNorm(NamedTuple):
    """LN(p) = gain ⊙ p̂ + bias for p `[..., G·H]`, gate by gate; the identity without a gain.

    p̂ = (p − mean) / √(variance + ε), the mean and variance being those of a gate's H numbers.
    gain, bias: `[G·H]` or None; width: H.
    """

    gain: Array | None
    bias: Array | None
    width: int

    def __call__(self, p: Array) -> Array:
        """LN(p)."""
        if self.gain is None:
            return p
        p_hat, _ = self._standardised(p)
        return self.gain * p_hat + self.bias

    def back(self, d: Array, p: Array) -> Array:
        """∂L/∂p from d = ∂L/∂LN(p)."""
        if self.gain is None:
            return d
        p_hat, deviation = self._standardised(p)
        d_hat: Array = d * self.gain
        d_p: Array = d_hat - self._mean(d_hat) - p_hat * self._mean(d_hat * p_hat)
        return d_p / deviation

    def forth(self, w: Array, p: Array) -> Array:
        """∂LN(p)/∂v for p = W v: `[..., G·H, size]` from w `[G·H, size]` and p `[..., G·H]`.

        Without a gain it is W itself, for all steps: `[1, ..., G·H, size]`.
        """
        if self.gain is None:
            return w.reshape((1,) * (p.ndim - 1) + w.shape)
        p_hat, deviation = self._standardised(p)
        along = p_hat[..., None]
        d: Array = w - self._mean_of_rows(w) - along * self._mean_of_rows(along * w)
        return (self.gain / deviation)[..., None] * d

    def back_to_parameters(self, d: Array, p: Array) -> tuple[Array | None, Array | None]:
        """∂L/∂gain and ∂L/∂bias `[G·H]` from d = ∂L/∂LN(p), or None for each."""
        if self.gain is None:
            return None, None
        p_hat, _ = self._standardised(p)
        axes = tuple(range(d.ndim - 1))
        return (d * p_hat).sum(axes), d.sum(axes)

    def gates(self, G: int) -> "list[LayerNorm]":
        """The norm of each of G gates."""
        if self.gain is None or self.bias is None:
            return [self] * G
        parts = zip(np.split(self.gain, G), np.split(self.bias, G), strict=True)
        return [LayerNorm(gain, bias, self.width) for gain, bias in parts]

    def _standardised(self, p: Array) -> tuple[Array, Array]:
        """p̂ and √(variance + ε)."""
        centred = p - self._mean(p)
        deviation = np.sqrt(self._mean(centred**2) + EPSILON)
        return centred / deviation, deviation

    def _mean_of_rows(self, m: Array) -> Array:
        """Each gate's mean over the rows of `[..., G·H, size]`, in all of the gate's places."""
        means = m.reshape(*m.shape[:-2], -1, self.width, m.shape[-1]).mean(axis=-2)
        return np.repeat(means, self.width, axis=-2)

    def _mean(self, p: Array) -> Array:
        """Each gate's mean, in all of the gate's places."""
        means = p.reshape(*p.shape[:-1], -1, self.width).mean(axis=-1)
        return np.repeat(means, self.width, axis=-1)


def norms(given: Norm | None, H: int) -> tuple[LayerNorm, LayerNorm]:
    """LN of W_ih x and of W_hh h from their four parameters `[G·H]`."""
    if given is None:
        return LayerNorm(None, None, H), LayerNorm(None, None, H)
    return LayerNorm(*given[:2], H), LayerNorm(*given[2:], H)
