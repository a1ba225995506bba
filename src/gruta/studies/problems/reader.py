"""The network of most problems."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gruta.nn.dense import Linear
from gruta.studies.problems.problem import DTYPE


class Reader(nn.Module):
    """A recurrent layer, and a linear one that reads its last states.

    last: how many of them; 0: all.
    """

    def __init__(self, layer: nn.Module, hidden: int, outputs: int, last: int = 1) -> None:
        super().__init__()
        self.layer = layer
        self.head = Linear(hidden, outputs, dtype=DTYPE)
        self.last = last

    def forward(self, x: Tensor) -> Tensor:
        """x `[T, B, inputs]` to `[last, B, outputs]`."""
        out, _ = self.layer(x)
        y: Tensor = self.head(out[-self.last :])
        return y

    @torch.no_grad()
    def silence(self, units: Sequence[int]) -> None:
        """Make the layer and the head deaf to these units' states."""
        self.layer.get_parameter("weight_hh_l0")[:, units] = 0.0
        self.head.weight[:, units] = 0.0
