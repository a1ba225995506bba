"""The random masks of a pass in training: which units are dropped, and which are held."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from gruta.nn.draws import generator


def dropout(x: Tensor, p: float, training: bool) -> Tensor:
    """As torch.nn.functional's: in training, a number is 0 with probability p, else x/(1 - p)."""
    draws = generator(x.device) if training and 0 < p < 1 else None
    if draws is None:
        return F.dropout(x, p, training)
    kept = torch.empty_like(x).bernoulli_(1 - p, generator=draws)
    return x * kept.div_(1 - p)


def drop(
    B: int, size: int, p: float, dtype: Any, device: torch.device, draw: bool = True
) -> Tensor:
    """`[B, size]`: 0 with probability p, else 1/(1 - p); any numbers where nothing is drawn.

    One mask serves all steps of a sequence (Gal and Ghahramani 2016, arXiv:1512.05287).
    """
    if not draw:
        return torch.empty(B, size, dtype=dtype, device=device)
    return dropout(torch.ones(B, size, dtype=dtype, device=device), p, training=True)


def hold(
    T: int, B: int, sizes: Sequence[int], p: float, device: torch.device, draw: bool = True
) -> tuple[Tensor, ...]:
    """For each state `[T, B, size]` bool: true with probability p, where a unit keeps its value;
    anything where nothing is drawn.

    Zoneout (Krueger et al. 2016, arXiv:1606.01305).
    """
    if not draw:
        return tuple(torch.empty(T, B, size, dtype=torch.bool, device=device) for size in sizes)
    draws = generator(device)
    # Not generator=None, which calls another op of torch's, one that fewer tools know.
    source: dict[str, Any] = {} if draws is None else {"generator": draws}
    shapes = ((T, B, size) for size in sizes)
    return tuple(torch.rand(s, dtype=torch.float32, device=device, **source) < p for s in shapes)
