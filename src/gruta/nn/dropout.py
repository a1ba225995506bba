"""Dropout that draws from the training's own generators."""

import torch
from torch import Tensor

from gruta.nn.draws import generator


def dropped(x: Tensor, share: float) -> Tensor:
    """x without so large a share of its numbers, 0 to 1; the others are larger by as much."""
    kept = torch.rand(x.shape, generator=generator(x.device), device=x.device) >= share
    return x * kept / (1 - share)
