"""The copying problem (Hochreiter and Schmidhuber 1997): repeat some symbols after a long silence.

What has to be kept is not one number but a list, in its order.
"""

import math
from dataclasses import dataclass
from string import ascii_uppercase as LETTERS

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from gruta.studies.problems.problem import DTYPE
from gruta.studies.problems.reader import Reader

SYMBOLS, LENGTH = 8, 5
CHANCE = 1 / SYMBOLS
CONSTANT = math.log(SYMBOLS)
"""The cross-entropy of who has forgotten all: the simple baseline."""


@dataclass(frozen=True)
class Copying:
    """Symbols, a silence of `delay` steps whose last says go, and as many steps to repeat them."""

    delay: int
    inputs = SYMBOLS + 2
    signs = (*LETTERS[:SYMBOLS], "·", "→")
    baseline = CONSTANT
    score_name = "cross_entropy"

    @property
    def name(self) -> str:
        """Its name."""
        return f"copying-{self.delay}"

    @property
    def longest_lag(self) -> int:
        """From a symbol to its repetition."""
        return self.delay + LENGTH

    def draw(self, B: int, generator: Generator) -> tuple[Tensor, Tensor]:
        """x `[LENGTH + delay + LENGTH, B, SYMBOLS + 2]`, one-hot, and y `[LENGTH, B]`."""
        symbols = torch.randint(0, SYMBOLS, (LENGTH, B), generator=generator)
        shown = torch.full((2 * LENGTH + self.delay, B), SYMBOLS)
        shown[:LENGTH] = symbols
        shown[LENGTH + self.delay - 1] = SYMBOLS + 1
        return F.one_hot(shown, self.inputs).to(DTYPE), symbols

    def network(self, layer: nn.Module, hidden: int) -> Reader:
        """The symbols' scores, read from the last states."""
        return Reader(layer, hidden, SYMBOLS, LENGTH)

    def loss(self, answer: Tensor, y: Tensor) -> Tensor:
        """The mean cross-entropy of the symbols, in nats."""
        return F.cross_entropy(answer.flatten(0, 1), y.flatten())

    def scores(self, answer: Tensor, y: Tensor) -> dict[str, float]:
        """The cross-entropy, and the share of the symbols that are right."""
        right = (answer.argmax(-1) == y).float().mean()
        return {"cross_entropy": float(self.loss(answer, y)), "accuracy": float(right)}
