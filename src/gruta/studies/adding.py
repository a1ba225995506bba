"""The adding problem (Hochreiter and Schmidhuber 1997): add two marked numbers of a long sequence.

Nothing between the marks matters, so a network has to keep the first number for many steps.
"""

import torch
from torch import Tensor, nn

CONSTANT = 1 / 6
"""The mean squared error of always answering 1, the variance of the sum: the simple baseline."""


def adding(T: int, B: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """x `[T, B, 2]`, a number from 0 to 1 and a mark, and the sums y `[B]`.

    One mark in the first half, one in the second.
    """
    numbers, marks = torch.rand(T, B, generator=generator), torch.zeros(T, B)
    rows, half = torch.arange(B), max(1, T // 2)
    for start, stop in ((0, half), (half, max(T, half + 1))):
        place = torch.randint(start, min(stop, T), (B,), generator=generator)
        marks[place, rows] = 1.0
    return torch.stack([numbers, marks], dim=2), (numbers * marks).sum(0)


class Adder(nn.Module):
    """A recurrent layer, and a linear one that reads its last state."""

    def __init__(self, layer: nn.Module, hidden: int) -> None:
        super().__init__()
        self.layer = layer
        self.head = nn.Linear(hidden, 1)

    def forward(self, x: Tensor) -> Tensor:
        """x `[T, B, 2]` to the sums `[B]`."""
        out, _ = self.layer(x)
        y: Tensor = self.head(out[-1])[:, 0]
        return y
