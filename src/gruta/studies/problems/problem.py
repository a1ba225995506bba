"""What a problem has to tell, for a network to be trained on it."""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Generator, Tensor, nn

DTYPE = torch.float32
"""Of all numbers of a study, whatever torch's default is."""


class Problem(Protocol):
    """Sequences and their answers. What is drawn follows from the generator alone."""

    @property
    def name(self) -> str:
        """Short, fixed: part of the name of a run."""

    @property
    def inputs(self) -> int:
        """Numbers in a step of a sequence: the recurrent layer's input size."""

    @property
    def signs(self) -> Sequence[str]:
        """Of each input, the same in all languages; none where words are read."""

    @property
    def longest_lag(self) -> int:
        """Over how many steps something has to be remembered."""

    @property
    def baseline(self) -> float:
        """The loss of who has forgotten the earliest of what is to be remembered."""

    @property
    def score_name(self) -> str:
        """Which of the scores is to be held against `baseline`."""

    def draw(self, B: int, generator: Generator) -> tuple[Tensor, Tensor]:
        """Sequences x, their second axis of size B, and answers y."""

    def network(self, layer: nn.Module, hidden: int) -> nn.Module:
        """A network from x to what `loss` compares with y, around a recurrent layer."""

    def loss(self, answer: Tensor, y: Tensor) -> Tensor:
        """What training lowers, a mean."""

    def scores(self, answer: Tensor, y: Tensor) -> dict[str, float]:
        """What people compare, by name."""
