"""The language model's network: a unit becomes a vector, recurrent layers, a score a unit.

x_t = E u_t;  h_t = layers(x_t);  logits = E (P h_t) + a    (tied; P where sizes differ)
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gruta.nn.dense import Embedding, Linear
from gruta.tasks.generate.layers import DTYPE, Layers
from gruta.tasks.generate.settings import GenerateSettings
from gruta.train import State


class GenerateNetwork(nn.Module):
    """Logits `[T, B, V]` of the unit that follows each of `[T, B]`, and the state behind them."""

    def __init__(self, size: int, settings: GenerateSettings) -> None:
        super().__init__()
        s = settings
        self.embedding = Embedding(size, s.embedding, dtype=DTYPE)
        with torch.no_grad():
            self.embedding.weight.mul_(s.embedding**-0.5)
        self.layers = Layers(s.embedding, s)
        self.projection = None
        if s.tied and s.hidden != s.embedding:
            self.projection = Linear(s.hidden, s.embedding, bias=False, dtype=DTYPE)
        self.output = None if s.tied else Linear(s.hidden, size, bias=False, dtype=DTYPE)
        self.bias = nn.Parameter(torch.zeros(size, dtype=DTYPE))

    def forward(self, units: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """state: h of each layer `[1, B, H]`, and c behind each in the LSTM."""
        x, last = self.read(units, state)
        return F.linear(x, self.matrix, self.bias), last

    def read(self, units: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """What the scores are made of, as wide as a row of `matrix`, and the state."""
        x, last = self.layers(self.embedding(units), state)
        return (x if self.projection is None else self.projection(x)), last

    @property
    def matrix(self) -> Tensor:
        """A row a unit, by which what was read becomes its score."""
        weight: Tensor = (self.embedding if self.output is None else self.output).weight
        return weight


def loss(logits: Tensor, units: Tensor) -> Tensor:
    """Mean nats a unit."""
    return F.cross_entropy(logits.flatten(0, 1), units.flatten())
