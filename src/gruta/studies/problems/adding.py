"""The adding problem (Hochreiter and Schmidhuber 1997): add two marked numbers of a long sequence.

Nothing between the marks matters, so a network has to keep the first number for many steps.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from gruta.studies.problems.problem import DTYPE
from gruta.studies.problems.reader import Reader

CONSTANT = 1 / 6
"""The mean squared error of always answering 1, the variance of the sum: without any memory."""

FORGOTTEN = 1 / 12
"""That of the second number plus a half: of who remembers it, and has forgotten the first."""


@dataclass(frozen=True)
class Adding:
    """Over T steps."""

    T: int
    inputs = 2
    signs = ("x", "+")
    baseline = FORGOTTEN
    score_name = "mean_squared_error"

    @property
    def name(self) -> str:
        """Its name."""
        return f"adding-{self.T}"

    @property
    def longest_lag(self) -> int:
        """From the first step to the end."""
        return self.T

    def draw(self, B: int, generator: Generator) -> tuple[Tensor, Tensor]:
        """x `[T, B, 2]`, a number from 0 to 1 and a mark, and the sums y `[B]`.

        One mark in the first half, one in the second.
        """
        T = self.T
        numbers = torch.rand(T, B, generator=generator, dtype=DTYPE)
        marks = torch.zeros(T, B, dtype=DTYPE)
        rows, half = torch.arange(B), max(1, T // 2)
        for start, stop in ((0, half), (half, max(T, half + 1))):
            place = torch.randint(start, min(stop, T), (B,), generator=generator)
            marks[place, rows] = 1.0
        return torch.stack([numbers, marks], dim=2), (numbers * marks).sum(0)

    def network(self, layer: nn.Module, hidden: int) -> Reader:
        """The sum, read from the last state."""
        return Reader(layer, hidden, 1)

    def loss(self, answer: Tensor, y: Tensor) -> Tensor:
        """The mean squared error."""
        return F.mse_loss(answer[0, :, 0], y)

    def scores(self, answer: Tensor, y: Tensor) -> dict[str, float]:
        """The same."""
        return {"mean_squared_error": float(self.loss(answer, y))}
