"""Recurrent layers one behind the other, thinned in training.

In training whole units of a layer's input and of the last output are missing from a stretch of
steps, the same at all of them (variational dropout, Gal and Ghahramani 2016, arXiv:1512.05287), and
single weights from state to state too (weight drop, Merity et al. 2018, arXiv:1708.02182).
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from gruta.nn import CELLS
from gruta.nn.draws import generator
from gruta.train import State

DTYPE = torch.float32
_RECURRENT = "weight_hh_l0"


class Layers(nn.ModuleList):
    """As many as the settings say, of their cell and size, that read vectors of `width` numbers.

    whole: whether nothing is missing from these vectors, where each number is a fact.
    """

    def __init__(self, width: int, settings: Any, *, whole: bool = False) -> None:
        s = settings
        how: dict[str, Any] = {"init": s.init, "dtype": DTYPE}
        if s.init == "chrono":
            how["longest_lag"] = max(3, s.tbptt)
        widths = [width, *[s.hidden] * (s.layers - 1)]
        super().__init__(CELLS[s.cell](wide, s.hidden, **how) for wide in widths)
        self.dropout, self.weight_drop, self.whole = s.dropout, s.weight_drop, whole

    def forward(
        self, x: Tensor, state: State | None = None, resets: Tensor | None = None
    ) -> tuple[Tensor, State]:
        """The last layer's states `[T, B, H]`, and where they end: h of each layer `[1, B, H]`, in
        the LSTM c behind each. resets: `[T, B]`, where a sequence starts anew.
        """
        ends: list[Tensor] = []
        n = 0 if state is None else len(state) // len(self)
        for k, layer in enumerate(self):
            own = None if state is None else state[n * k : n * (k + 1)]
            read = x if self.whole and k == 0 else self._thinned(x)
            x, last = self._through(layer, read, own, resets)
            ends += last if isinstance(last, tuple) else [last]
        return self._thinned(x), tuple(ends)

    def _through(
        self, layer: nn.Module, x: Tensor, state: State | None, resets: Tensor | None
    ) -> tuple[Tensor, Any]:
        initial = state[0] if state is not None and len(state) == 1 else state
        given = (x, initial) if resets is None else (x, initial, None, resets)
        if not (self.training and self.weight_drop):
            return layer(*given)  # type: ignore[no-any-return]
        weight = getattr(layer, _RECURRENT)
        kept = {_RECURRENT: weight * _mask(weight.shape, self.weight_drop, weight)}
        return functional_call(layer, kept, given)  # type: ignore[no-any-return]

    def _thinned(self, x: Tensor) -> Tensor:
        if not (self.training and self.dropout):
            return x
        return x * _mask((1, *x.shape[1:]), self.dropout, x)


def _mask(shape: Any, share: float, like: Tensor) -> Tensor:
    """0 with probability `share`, and else what keeps the mean."""
    draws = torch.rand(shape, generator=generator(like.device), device=like.device)
    return (draws >= share).to(like.dtype) / (1 - share)
