"""An average of the weights over the steps, which is often better than those of any one of them.

At each step a share of the average stays and the rest comes from the weights (Polyak and Juditsky
1992, doi:10.1137/0330046, with a weight that falls off); at first less stays, so that the weights
of the start are soon forgotten.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn


class Averaging:
    """Beside a model the average of its parameters.

    keep: the share that stays at a step; 0: there is no average, and the model is what it is.
    """

    def __init__(self, model: nn.Module, keep: float) -> None:
        self._model, self._keep = model, keep
        own = dict(model.named_parameters()) if keep else {}
        self._average = {name: w.detach().clone() for name, w in own.items()}

    @torch.no_grad()
    def learn(self, step: int) -> None:
        """Let the weights after this step count; step: from 1."""
        if self._average:
            follow = get_ema_multi_avg_fn(min(self._keep, step / (step + 9)))  # type: ignore[no-untyped-call]
            follow(list(self._average.values()), self._weights(), step)

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Meanwhile the model has the average."""
        if not self._average:
            yield
            return
        kept = [w.detach().clone() for w in self._weights()]
        self._fill(self._average.values())
        try:
            yield
        finally:
            self._fill(kept)

    def state_dict(self) -> dict[str, Tensor]:
        """The average, for a checkpoint."""
        return self._average

    @torch.no_grad()
    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """From a checkpoint; KeyError if it lacks a parameter, RuntimeError if one has another
        shape.
        """
        for name, average in self._average.items():
            average.copy_(state[name])

    def _weights(self) -> list[Tensor]:
        own = dict(self._model.named_parameters())
        return [own[name] for name in self._average]

    @torch.no_grad()
    def _fill(self, values: Iterable[Tensor]) -> None:
        for weight, value in zip(self._weights(), values, strict=True):
            weight.copy_(value)
