"""Attention: which of the states that were read a state that writes looks at.

    weights = softmax over s of score(h_t, m_s);  context_t = Σ_s weights_s m_s
    score(h, m) = h · W m / √A                  multiplicative (Luong et al. 2015, arXiv:1508.04025)
    score(h, m) = v · tanh(U h + W m + b)       additive (Bahdanau et al. 2014, arXiv:1409.0473)

Letters in shapes: T steps of who asks, S states that are read, B sequences, A the size of both.
"""

from typing import Literal

import torch
from torch import Tensor, nn

from gruta.nn.dense import Linear

Score = Literal["multiplicative", "additive"]


class Attention(nn.Module):
    """What queries `[T, B, H]` find in a memory `[S, B, M]`."""

    def __init__(
        self,
        score: Score,
        query_size: int,
        memory_size: int,
        size: int,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.score = score
        additive = score == "additive"
        self.key = Linear(memory_size, size, bias=additive, dtype=dtype)
        self.query = Linear(query_size, size, bias=False, dtype=dtype)
        self.energy = Linear(size, 1, bias=False, dtype=dtype) if additive else None

    def keys(self, memory: Tensor) -> Tensor:
        """`[B, S, A]`: of each state what queries are compared with, once for all of them."""
        found: Tensor = self.key(memory.transpose(0, 1))
        return found

    def forward(
        self, query: Tensor, memory: Tensor, keys: Tensor, inside: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Contexts `[T, B, M]` and weights `[T, B, S]`. inside: `[B, S]`, where the memory is."""
        q = self.query(query).transpose(0, 1)
        if self.energy is None:
            scores = torch.bmm(q, keys.transpose(1, 2)) * keys.shape[2] ** -0.5
        else:
            scores = self.energy(torch.tanh(q[:, :, None] + keys[:, None])).squeeze(3)
        weights = scores.masked_fill(~inside[:, None], -torch.inf).softmax(2)
        context = torch.bmm(weights, memory.transpose(0, 1))
        return context.transpose(0, 1), weights.transpose(0, 1)
