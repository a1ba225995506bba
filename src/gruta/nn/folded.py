"""Layers over places: torch.nn's Conv2d, drawn where other weights are, and a norm behind it."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn import init

from gruta.nn.draws import generator
from gruta.runtime.folded import groups


class Conv2d(nn.Conv2d):
    """As torch.nn's, with the same weights for the same seed: He et al. 2015, arXiv:1502.01852."""

    def reset_parameters(self) -> None:
        """Draw all weights anew, normal with a variance of 2 / inputs; biases are 0."""
        draws = generator(self.weight.device)
        std = math.sqrt(2 / self.weight[0].numel())
        init.normal_(self.weight, std=std, generator=draws)
        if self.bias is not None:
            init.zeros_(self.bias)


class Folded(nn.Module):
    """Blocks of a convolution of 3 by 3, a norm over groups (Wu and He 2018, arXiv:1803.08494), and
    max(x, 0); a picture's own numbers alone are in a norm, so none depends on its neighbours.

    steps: of each block, by how many places it goes on; what it reads is `inputs` wide, what it
    gives `widths`.
    """

    def __init__(self, inputs: int, widths: tuple[int, ...], steps: tuple[int, ...]) -> None:
        super().__init__()
        for k, (wide, step) in enumerate(zip(widths, steps, strict=True)):
            setattr(self, f"conv{k}", Conv2d(inputs, wide, 3, step, 1, bias=False))
            setattr(self, f"norm{k}", nn.GroupNorm(groups(wide), wide))
            inputs = wide
        self.blocks = len(widths)

    def forward(self, x: Tensor) -> Tensor:
        """`[N, C, h, w]` from `[N, I, H, W]`."""
        x = x.contiguous(memory_format=torch.channels_last)  # a third less time on a CPU
        for k in range(self.blocks):
            x = F.relu(getattr(self, f"norm{k}")(getattr(self, f"conv{k}")(x)))
        return x
