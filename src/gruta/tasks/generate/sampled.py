"""Sampled softmax: a unit is told from a few others, drawn by how often they come, not from all.

The scores of true unit and noise are lowered by the logarithm of how often each would be among the
noise, so that the gradient tends to that of the whole softmax as more are drawn (Jean et al. 2015,
arXiv:1412.2007).
"""

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from gruta.nn.draws import generator


class Noise:
    """Units drawn `count` times by their counts `[V]` in the training part.

    The same ones are noise to all steps and streams of a batch; one drawn twice counts once.
    """

    def __init__(self, counts: NDArray[np.int64], count: int) -> None:
        likely = torch.from_numpy(counts + 1.0)  # what the part lacks is drawn too
        self._sums = (likely / likely.sum()).cumsum(0)
        self._count = count
        # log of the probability that a unit is among the noise
        among = -torch.expm1(count * torch.log1p(-likely / likely.sum()))
        self._log_among = among.log().float()

    def draw(self, device: torch.device) -> Tensor:
        """The units of a batch's noise, in order."""
        uniform = torch.rand(
            self._count, dtype=torch.float64, generator=generator(device), device=device
        )
        found = torch.searchsorted(self._sums.to(device), uniform)
        noise: Tensor = torch.unique(found.clamp_(max=len(self._sums) - 1))
        return noise

    def loss(self, x: Tensor, units: Tensor, matrix: Tensor, bias: Tensor) -> Tensor:
        """Mean nats by which units `[T, B]` are told from noise, from what was read `[T, B, E]`.

        matrix, bias: `[V, E]` and `[V]`, which make scores of it.
        """
        x, units = x.flatten(0, 1), units.flatten()
        noise = self.draw(x.device)
        among = self._log_among.to(x.device)
        true = (x * F.embedding(units, matrix)).sum(-1) + bias[units] - among[units]
        others = F.linear(x, F.embedding(noise, matrix), bias[noise] - among[noise])
        others = others.masked_fill(units[:, None] == noise, -torch.inf)
        return (torch.logaddexp(true, others.logsumexp(-1)) - true).mean()
