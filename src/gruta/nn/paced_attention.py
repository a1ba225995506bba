"""Attention that only moves forward, at a pace that text and sound agree on.

    d_s = softplus(w · m_s + a)              how long a character is meant to last, in steps
    τ_s = d_1 + … + d_{s−1} + d_s / 2        where its middle lies
    Δ_t = ½ + σ(u · h_t + b)                 how far a step goes, by what was heard: ½ to 1½
    μ_t = Δ_1 + … + Δ_t − Δ_t / 2
    weights_t = softmax over s of −(τ_s − μ_t)² / 2σ_s² − ln σ_s,  σ_s = softplus(v · m_s + e) + ¼

Bells over places of which the attention passes one after the other, as in Graves 2013
(arXiv:1308.0850), that stand where the text itself says, as in Shen et al. 2020 (arXiv:2010.04301):
it can neither skip back nor stand still, so that it holds on texts longer than those of training.
As neither d nor Δ waits for what attention finds, all steps of a sequence are one call of each
layer. In training places are stretched so that the text ends when the sound does; how much they
were off is a loss.

Letters in shapes: T steps, S places that are read, B sequences, M and H numbers of each.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gruta.nn.dense import Linear

BEYOND = -1e9
"""The score of a place that is not there; finite, as all might be."""


class PacedAttention(nn.Module):
    """What steps `[T, B, H]` find in a memory `[B, S, M]`.

    lasts: steps of a character, at first.
    """

    def __init__(
        self, query_size: int, memory_size: int, lasts: float, dtype: torch.dtype | None = None
    ) -> None:
        super().__init__()
        self.place = Linear(memory_size, 2, dtype=dtype)
        self.step = Linear(query_size, 1, dtype=dtype)
        with torch.no_grad():
            self.place.weight.mul_(0.1)
            self.step.weight.mul_(0.1)
            self.step.bias.zero_()
            self.place.bias[0] = math.log(math.expm1(lasts))
            self.place.bias[1] = math.log(math.expm1(lasts))

    def forward(
        self, h: Tensor, m: Tensor, lengths: Tensor, steps: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """What is found `[T, B, M]`, the weights `[T, B, S]`, and by which factor each row's places
        were stretched `[B]`.

        lengths: of the memory's rows `[B]`. steps: of each row `[B]`, for places to be
        stretched so that both end together; None for places as they are.
        """
        inside = torch.arange(m.shape[1], device=m.device) < lengths[:, None]
        lasts, width = self.place(m).unbind(-1)
        d = F.softplus(lasts) * inside
        at = self.middles(d)
        to = self.middles((0.5 + torch.sigmoid(self.step(h)[..., 0])).T)
        stretch = d.new_ones(len(d))
        if steps is not None:
            ends = to.gather(1, (steps - 1)[:, None])[:, 0] + 0.5
            stretch = ends / d.sum(1)
            at = at * stretch[:, None]
        sigma = F.softplus(width) + 0.25
        off = (at[:, None] - to[:, :, None]) / sigma[:, None]
        scores = -0.5 * off**2 - sigma.log()[:, None]
        weights = scores.masked_fill(~inside[:, None], BEYOND).softmax(-1)
        found = torch.bmm(weights, m)
        return found.transpose(0, 1), weights.transpose(0, 1), stretch

    @staticmethod
    def middles(lasting: Tensor) -> Tensor:
        """`[B, N]` of stretches that follow each other."""
        return lasting.cumsum(1) - lasting / 2
