"""The language model's network: a unit becomes a vector, recurrent layers, a score a unit.

    x_t = E u_t;  h_t = layers(x_t);  logits = E (P h_t) + a    (tied; P where sizes differ)

In training whole numbers of a layer's input and of the last output are missing from a stretch of
text, the same at all its steps (variational dropout, Gal and Ghahramani 2016, arXiv:1512.05287),
and single weights from state to state too (weight drop, Merity et al. 2018, arXiv:1708.02182).
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from gruta.nn import CELLS
from gruta.nn.dense import Embedding, Linear
from gruta.nn.draws import generator
from gruta.tasks.generate.settings import GenerateSettings
from gruta.train import State

DTYPE = torch.float32


class GenerateNetwork(nn.Module):
    """Logits `[T, B, V]` of the unit that follows each of `[T, B]`, and the state behind them."""

    def __init__(self, size: int, settings: GenerateSettings) -> None:
        super().__init__()
        s = settings
        self.embedding = Embedding(size, s.embedding, dtype=DTYPE)
        with torch.no_grad():
            self.embedding.weight.mul_(s.embedding**-0.5)
        widths = [s.embedding, *[s.hidden] * s.layers]
        how: dict[str, Any] = {"init": s.init, "dtype": DTYPE}
        if s.init == "chrono":
            how["longest_lag"] = max(3, s.tbptt)
        self.layers = nn.ModuleList(CELLS[s.cell](width, s.hidden, **how) for width in widths[:-1])
        self.projection = None
        if s.tied and s.hidden != s.embedding:
            self.projection = Linear(s.hidden, s.embedding, bias=False, dtype=DTYPE)
        self.output = None if s.tied else Linear(s.hidden, size, bias=False, dtype=DTYPE)
        self.bias = nn.Parameter(torch.zeros(size, dtype=DTYPE))
        self.dropout, self.weight_drop = s.dropout, s.weight_drop

    def forward(self, units: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """state: h of each layer `[1, B, H]`, and c behind each in the LSTM."""
        x = self.embedding(units)
        ends: list[Tensor] = []
        n = 0 if state is None else len(state) // len(self.layers)
        for k, layer in enumerate(self.layers):
            own = None if state is None else state[n * k : n * (k + 1)]
            x, last = self._through(layer, self._dropped(x), own)
            ends += last if isinstance(last, tuple) else [last]
        x = self._dropped(x)
        if self.projection is not None:
            x = self.projection(x)
        matrix = self.embedding.weight if self.output is None else self.output.weight
        return F.linear(x, matrix, self.bias), tuple(ends)

    def _through(self, layer: nn.Module, x: Tensor, state: State | None) -> tuple[Tensor, Any]:
        initial = state[0] if state is not None and len(state) == 1 else state
        if not (self.training and self.weight_drop):
            return layer(x, initial)  # type: ignore[no-any-return]
        name = "weight_hh_l0"
        weight = getattr(layer, name)
        thinned = {name: weight * _mask(weight.shape, self.weight_drop, weight)}
        return functional_call(layer, thinned, (x, initial))  # type: ignore[no-any-return]

    def _dropped(self, x: Tensor) -> Tensor:
        """Without some units of each sequence, the same at all steps."""
        if not (self.training and self.dropout):
            return x
        return x * _mask((1, *x.shape[1:]), self.dropout, x)


def _mask(shape: Any, share: float, like: Tensor) -> Tensor:
    """0 with probability `share`, and else what keeps the mean."""
    draws = torch.rand(shape, generator=generator(like.device), device=like.device)
    return (draws >= share).to(like.dtype) / (1 - share)


def loss(logits: Tensor, units: Tensor) -> Tensor:
    """Mean nats a unit."""
    return F.cross_entropy(logits.flatten(0, 1), units.flatten())
