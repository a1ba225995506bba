"""A network that goes on learning from the very text that it is scored on: dynamic evaluation.

A stretch is scored first and learned from afterwards: no unit's cost knows of that unit or of what
follows (Mikolov et al. 2010, "Recurrent neural network based language model"; Krause et al. 2018,
arXiv:1709.07432). Counts of n-grams, which it is compared with, learn in the same way.
"""

import copy
import time
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from gruta.codec.text.along import counted_along, weighed_along
from gruta.codec.text.mixture import Mixture
from gruta.codec.text.units import Numbers, Units
from gruta.locale import translate as _
from gruta.locale.numbers import number, percent
from gruta.surroundings import threads, undisturbed
from gruta.tasks.generate.network import GenerateNetwork
from gruta.tasks.trained import Trained
from gruta.train import Progress, State

Costs = NDArray[np.float64]

STRETCH = 64
"""Units that are scored, then learned from."""

_BETAS = 0.0, 0.999
"""Of Adam: a stretch's own gradient alone moves the weights, over what gradients are like."""

_STEADY = 1e-6
_LONGEST_GRADIENT = 1.0

_NOVEL = 0.05
"""How much the counts of the text itself weigh before anything is known."""

_NOTES = 10
"""Lines that tell how far it is."""


class Learner:
    """Reads texts of so many `units` together, at Adam's learning `rate`."""

    def __init__(
        self, trained: Trained[Units], rate: float, units: int, progress: Progress
    ) -> None:
        self._trained, self._rate = trained, rate
        self._units, self._progress = max(1, units), progress
        self._read, self._nats, self._began = 0, 0.0, time.perf_counter()

    def nats(self, text: Numbers) -> Costs:
        """-log P of each unit of a text `[T]` but the first `[T - 1]`; each text begins with the
        weights that training left.
        """
        found: list[Tensor] = []
        with undisturbed(), threads(self._trained.settings.threads):
            units = torch.from_numpy(text.astype(np.int64))
            network = cast(GenerateNetwork, copy.deepcopy(self._trained.network))
            weights = list(network.parameters())
            optimizer = torch.optim.Adam(weights, self._rate, _BETAS, _STEADY)
            state: State | None = None
            for start in range(0, len(units) - 1, STRETCH):
                some = units[start : start + STRETCH + 1]
                logits, last = network(some[:-1, None], state)
                costs = F.cross_entropy(logits[:, 0], some[1:], reduction="none")
                optimizer.zero_grad()
                costs.mean().backward()  # type: ignore[no-untyped-call]
                norm = nn.utils.clip_grad_norm_(weights, _LONGEST_GRADIENT)
                optimizer.step()
                state = tuple(one.detach() for one in last)
                found.append(costs.detach())
                self._tell(found[-1], float(norm))
        return torch.cat(found).double().numpy() if found else np.zeros(0)

    def _tell(self, costs: Tensor, norm: float) -> None:
        before = self._read * _NOTES // self._units
        self._read += len(costs)
        self._nats += float(costs.sum())
        mean = self._nats / self._read
        self._progress.step(
            {
                "step": self._read,
                "loss": mean,
                "gradient_norm_before_clipping": norm,
                "seconds": time.perf_counter() - self._began,
            }
        )
        if self._read * _NOTES // self._units > before:
            told = _("{share} read, {nats} nats a unit by the network alone")
            share = percent(self._read / self._units, 0)
            self._progress.note(told.format(share=share, nats=number(mean, 3)))


def with_counts(nats: Costs, text: Numbers, mixture: Mixture) -> tuple[Costs, Costs]:
    """Of a network that went on learning beside the counts, and of counts that do so too.

    nats: `[T - 1]`, by the network, of all units of a text `[T]` but the first.
    """
    counted = mixture.ngram.probabilities(text)[1:]
    both = weighed_along([np.exp(-nats), counted], [mixture.share, 1 - mixture.share])
    along = counted_along(text, mixture.ngram.size)
    return -np.log(both), -np.log(weighed_along([counted, along], [1 - _NOVEL, _NOVEL]))
