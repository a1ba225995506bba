"""The random masks of a pass in training: which units are dropped, and which are held."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


def drop(B: int, size: int, p: float, dtype: Any, device: torch.device) -> Tensor:
    """`[B, size]`: 0 with probability p, else 1/(1 - p).

    One mask serves all steps of a sequence (Gal and Ghahramani 2016, arXiv:1512.05287).
    """
    return F.dropout(torch.ones(B, size, dtype=dtype, device=device), p)


def hold(
    T: int, B: int, sizes: Sequence[int], p: float, device: torch.device
) -> tuple[Tensor, ...]:
    """For each state `[T, B, size]` bool: true with probability p, where a unit keeps its value.

    Zoneout (Krueger et al. 2016, arXiv:1606.01305).
    """
    shapes = ((T, B, size) for size in sizes)
    return tuple(torch.rand(s, dtype=torch.float32, device=device) < p for s in shapes)
