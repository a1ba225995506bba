"""What the text generator learns from: streams of text side by side, a piece at a time."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gruta.data.order import pieces
from gruta.tasks.generate.network import GenerateNetwork, loss
from gruta.tasks.generate.settings import GenerateSettings
from gruta.train import Batch, Progress, State, Validation

_STREAMS = 32
_WARM = 128
"""Units that a stream of the validation reads before those that are scored."""


class GenerateLesson:
    """Batches, loss and validation for `gruta.train.train`."""

    own_draws = True

    def __init__(
        self,
        network: GenerateNetwork,
        train: NDArray[np.int64],
        validation: NDArray[np.int64],
        settings: GenerateSettings,
    ) -> None:
        self.model, self.settings = network, settings
        self._train = train
        self._validation = _side_by_side(validation)

    def prepare(self, progress: Progress) -> None:
        """Nothing has to be known before."""

    def batch(self, step: int) -> Batch:
        """The next piece of each stream; each epoch starts them at another place."""
        s = self.settings
        starts, fresh = pieces(s.seed, len(self._train) - 1, s.batch_size, s.tbptt, step)
        units = self._train[starts + np.arange(s.tbptt + 1)[:, None]]
        return {"units": torch.from_numpy(units), "fresh": torch.tensor(fresh)}

    def loss(self, batch: Batch, state: State | None) -> tuple[Tensor, State | None]:
        """Nats a unit; the state is carried from piece to piece."""
        units = batch["units"]
        logits, last = self.model(units[:-1], None if batch["fresh"] else state)
        return loss(logits, units[1:]), last

    def validate(self) -> Validation:
        """Nats a unit of the validation part."""
        device = self.model.bias.device
        state, found, weight = None, 0.0, 0
        for start in range(0, len(self._validation) - 1, _WARM):
            units = self._validation[start : start + _WARM + 1].to(device)
            logits, state = self.model(units[:-1], state)
            if start:
                found += float(loss(logits, units[1:])) * (len(units) - 1)
                weight += len(units) - 1
        return Validation(found / weight)

    def samples(self, step: int) -> Mapping[str, str]:
        """None yet."""
        return {}


def _side_by_side(units: NDArray[np.int64]) -> Tensor:
    """`[T, B]`: a long text as streams, each of which begins with the end of the one before."""
    rows = (len(units) - _WARM - 1) // _STREAMS
    starts = np.arange(_STREAMS) * rows
    return torch.from_numpy(units[starts + np.arange(rows + _WARM + 1)[:, None]])
