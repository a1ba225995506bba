"""What the text generator learns from: streams of text side by side, a piece at a time."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gruta.codec.text.sampling import Sampling
from gruta.codec.text.units import Units
from gruta.data.order import pieces
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.tasks.generate.generation import written
from gruta.tasks.generate.head import GenerateHead
from gruta.tasks.generate.names import kind_name
from gruta.tasks.generate.network import GenerateNetwork, loss
from gruta.tasks.generate.sampled import Noise
from gruta.tasks.generate.settings import GenerateSettings
from gruta.train import Batch, Progress, Share, State, Validation, by_rows, cut

FEWEST = 16
"""Units to learn from, and to validate on: with fewer nothing can be said."""

_STREAMS = 32
_WARM = 128
"""Units that a stream of the validation reads before those that are scored."""

_SAMPLE = 120
_SAMPLED = Sampling(temperature=0.8)


class GenerateLesson:
    """Batches, loss and validation for `gruta.train.train`.

    A text that is too short for as many streams, or for pieces as long, as the settings ask for is
    read in fewer and shorter ones.
    """

    own_draws = True

    def __init__(
        self,
        network: GenerateNetwork,
        codec: Units,
        train: NDArray[np.int64],
        validation: NDArray[np.int64],
        settings: GenerateSettings,
    ) -> None:
        for units, why in ((train, _("to learn from")), (validation, _("to validate on"))):
            if len(units) <= FEWEST:
                problem = _("expected {least} or more {units} {why}, got {count}; give more text")
                told = {"units": kind_name(codec.kind), "why": why, "count": number(len(units) - 1)}
                raise InputError(problem.format(least=FEWEST, **told))
        self.model, self.settings, self._codec = network, settings, codec
        self.train, self.validation = train, validation
        self._size = min(settings.tbptt, len(train) - 1)
        self._streams = min(settings.batch_size, (len(train) - 1) // self._size)
        self._noise = None
        if 0 < settings.sampled < codec.size:
            self._noise = Noise(np.bincount(train, minlength=codec.size), settings.sampled)
        self._streams_of_validation, self._warm = _side_by_side(validation)

    def prepare(self, progress: Progress) -> None:
        """Nothing has to be known before."""

    def batch(self, step: int) -> Batch:
        """The next piece of each stream; each epoch starts them at another place."""
        seed, size = self.settings.seed, self._size
        starts, fresh = pieces(seed, len(self.train) - 1, self._streams, size, step)
        units = self.train[starts + np.arange(size + 1)[:, None]]
        return {"units": torch.from_numpy(units), "fresh": torch.tensor(fresh)}

    def shares(self, batch: Batch, count: int) -> Sequence[Share]:
        """Some streams each."""
        return cut(batch, {"units": 1}, count, by_rows("units", 1))

    def loss(self, batch: Batch, state: State | None) -> tuple[Tensor, State | None]:
        """Nats a unit; the state is carried from piece to piece."""
        units = batch["units"]
        before, after = units[:-1], units[1:]
        state = None if batch["fresh"] else state
        if self._noise is None:
            logits, last = self.model(before, state)
            return loss(logits, after), last
        x, last = self.model.read(before, state)
        return self._noise.loss(x, after, self.model.matrix, self.model.bias), last

    def validate(self) -> Validation:
        """Nats a unit of the validation part."""
        device = self.model.bias.device
        state, found, weight = None, 0.0, 0
        for start in range(0, len(self._streams_of_validation) - 1, self._warm):
            units = self._streams_of_validation[start : start + self._warm + 1].to(device)
            logits, state = self.model(units[:-1], state)
            if start:
                found += float(loss(logits, units[1:])) * (len(units) - 1)
                weight += len(units) - 1
        return Validation(found / weight)

    def samples(self, step: int) -> Mapping[str, str]:
        """What the network writes by now; always from the same draws."""
        weights = {name: w.cpu().numpy() for name, w in self.model.state_dict().items()}
        head = GenerateHead(weights, self._codec.size, self.settings)
        (text,) = written(head, self._codec, "", _SAMPLED, length=_SAMPLE, seed=self.settings.seed)
        return {_("it writes"): text}


def _side_by_side(units: NDArray[np.int64]) -> tuple[Tensor, int]:
    """`[T, B]`: a long text as streams, each of which begins with the end of the one before, and
    how many units of each are not scored.
    """
    warm = min(_WARM, len(units) // 4)
    streams = min(_STREAMS, max(1, (len(units) - warm - 1) // (2 * _WARM)))
    rows = (len(units) - warm - 1) // streams
    starts = np.arange(streams) * rows
    return torch.from_numpy(units[starts + np.arange(rows + warm + 1)[:, None]]), warm
