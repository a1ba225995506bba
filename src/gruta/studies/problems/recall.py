"""Long and short memory in one state: repeat each symbol a step later, and recall a marked one.

A network has to write the marked symbol down, guard it while others pass through, answer with it
when asked, and let go of it for the next one.
"""

import math
from dataclasses import dataclass
from string import ascii_uppercase as LETTERS

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from gruta.studies.problems.problem import DTYPE
from gruta.studies.problems.reader import Reader

SYMBOLS = 8
CHANCE = 1 / SYMBOLS

STORED, ASKED = (0.1, 0.6), (0.4, 0.9)
"""About when each of the two facts is marked, and asked for, as a share of the sequence."""


@dataclass(frozen=True)
class Recall:
    """Over T steps. jitter: whether the times vary from sequence to sequence."""

    T: int
    jitter: bool = True
    inputs = SYMBOLS + 2
    signs = (*LETTERS[:SYMBOLS], "!", "?")
    baseline = math.log(SYMBOLS)
    score_name = "cross_entropy"

    @property
    def name(self) -> str:
        """Its name."""
        return f"recall-{self.T}"

    @property
    def longest_lag(self) -> int:
        """From the mark to the question, at most."""
        return int((ASKED[0] - STORED[0]) * self.T) + 2 * self._margin

    @property
    def times(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """When each fact is marked and asked for, without jitter."""
        first, second = (
            (int(s * self.T), int(a * self.T)) for s, a in zip(STORED, ASKED, strict=True)
        )
        return first, second

    @property
    def _margin(self) -> int:
        return max(1, self.T // 16)

    def draw(self, B: int, generator: Generator) -> tuple[Tensor, Tensor]:
        """x `[T, B, SYMBOLS + 2]`: a symbol, one-hot, a mark and a question; y `[T, B, 2]`: what to
        answer, and 1 where it is a fact that was asked for.
        """
        symbols = torch.randint(0, SYMBOLS, (self.T, B), generator=generator)
        flags = torch.zeros(self.T, B, 2, dtype=DTYPE)
        y = torch.stack([symbols.roll(1, 0), torch.zeros_like(symbols)], dim=2)
        rows = torch.arange(B)
        for times in self.times:
            marked, asked = (time + self._shift(B, generator) for time in times)
            flags[marked, rows, 0] = 1.0
            flags[asked, rows, 1] = 1.0
            y[asked, rows, 0] = symbols[marked, rows]
            y[asked, rows, 1] = 1
        return torch.cat([F.one_hot(symbols, SYMBOLS), flags], dim=2), y

    def _shift(self, B: int, generator: Generator) -> Tensor:
        margin = self._margin if self.jitter else 0
        return torch.randint(-margin, margin + 1, (B,), generator=generator)

    def network(self, layer: nn.Module, hidden: int) -> Reader:
        """The answers, read from every state."""
        return Reader(layer, hidden, SYMBOLS, 0)

    def loss(self, answer: Tensor, y: Tensor) -> Tensor:
        """The mean cross-entropy of the facts and that of the repetitions together, in nats."""
        asked, every = y[1:, :, 1].bool(), (answer[1:].flatten(0, 1), y[1:, :, 0].flatten())
        losses = F.cross_entropy(*every, reduction="none").view_as(asked)
        return losses[asked].mean() + losses[~asked].mean()

    def scores(self, answer: Tensor, y: Tensor) -> dict[str, float]:
        """The loss, and the share of the facts, and of the repetitions, that are right."""
        asked, right = y[1:, :, 1].bool(), (answer.argmax(-1) == y[..., 0])[1:].float()
        return {
            "cross_entropy": float(self.loss(answer, y)),
            "accuracy": float(right[asked].mean()),
            "accuracy_of_repetitions": float(right[~asked].mean()),
        }
