"""The forecaster as a task for the training loop."""

import functools

import numpy as np
import torch
from torch import Tensor

from gruta.errors import InputError
from gruta.settings import ForecastSettings
from gruta.tasks.forecast.features import Table, past_features, windows
from gruta.tasks.forecast.network import ForecastNetwork, pinball
from gruta.tasks.forecast.split import Split
from gruta.train import Batch, State

MOST_ORIGINS = 96
"""More places in a window are not taken of themselves: a batch grows with them and the lookback."""

VALIDATION_ORIGINS = 256
"""About this many origins, evenly spaced, are scored in a validation."""


class ForecastTask:
    """Batches, loss and validation for `gruta.train.train`."""

    own_draws = True

    def __init__(
        self, network: ForecastNetwork, table: Table, split: Split, settings: ForecastSettings
    ) -> None:
        self.model = network
        self.table, self.split, self.settings = table, split, settings
        self.past = past_features(table)
        self.origins = settings.origins or min(
            MOST_ORIGINS, max(4, table.lookback // table.horizon)
        )
        self.streams = min(settings.batch_size, len(split.train) // max(settings.tbptt, 1))
        if settings.tbptt and not self.streams:
            raise InputError(
                f"tbptt: expected at most the {len(split.train)} rows that there are to train on, "
                f"got {settings.tbptt}"
            )

    def batch(self, step: int) -> Batch:
        """Random windows, or with tbptt the next piece of each stream along the series."""
        length = self.settings.tbptt or self.table.lookback
        fresh = True
        if self.settings.tbptt:
            last, fresh = self._stream_ends(step, length)
        else:
            size = self.settings.batch_size
            last = self.split.train[
                _shuffled(self.settings.seed, len(self.split.train), step * size, size)
            ]
        draw = np.random.default_rng((self.settings.seed, step))
        shape = (len(last), self.origins)
        positions = torch.from_numpy(draw.integers(length // 4, length, shape))
        positions[:, -1] = length - 1
        before_first = self.split.train[0] - (last - length + 1)
        positions = torch.maximum(positions, before_first.unsqueeze(-1))
        batch = windows(self.table, self.past, last, positions, length)
        return batch | {"fresh": torch.tensor(fresh)}

    def _stream_ends(self, step: int, length: int) -> tuple[Tensor, bool]:
        """The last row of each stream's piece, and whether the streams start anew with it.

        The training part is cut into as many streams as a batch has rows; each epoch starts them at
        another offset, so that the pieces' borders move.
        """
        rows = len(self.split.train) // self.streams
        pieces = rows // length
        epoch, piece = divmod(step, pieces)
        draw = np.random.default_rng((self.settings.seed, epoch))
        offset = int(draw.integers(0, rows - pieces * length + 1))
        starts = self.split.train[0] + torch.arange(self.streams) * rows + offset
        return starts + (piece + 1) * length - 1, piece == 0

    def loss(self, batch: Batch, state: State | None) -> tuple[Tensor, State | None]:
        """Pinball loss in units of the linear path's error; the state is carried with tbptt."""
        forecast, last = self.model(batch, None if batch["fresh"] else state)
        return self._loss(forecast, batch["target"]), last if self.settings.tbptt else None

    def _loss(self, forecast: Tensor, target: Tensor) -> Tensor:
        unit = self.model.linear.error.mean().to(forecast.device)
        return pinball(forecast / unit, target / unit, self.settings.quantiles)

    def validate(self) -> dict[str, float]:
        """The same loss over the validation part."""
        origins = self.split.validation
        some = origins[:: max(1, len(origins) // VALIDATION_ORIGINS)]
        forecast = forecast_changes(self.model, self.table, self.past, some)
        return {"validation_loss": float(self._loss(forecast, self.table.changes(some)))}


@torch.no_grad()
def forecast_changes(
    network: ForecastNetwork, table: Table, past: Tensor, origins: Tensor
) -> Tensor:
    """Quantiles of the change from the value at each of `origins [M]`: `[M, K, Q]`, scaled."""
    network.eval()
    device = network.head.weight.device
    forecasts = []
    for some in torch.split(origins, 256):
        newest = torch.full((len(some), 1), table.lookback - 1)
        batch = windows(table, past, some, newest, table.lookback)
        forecast, _ = network({k: v.to(device) for k, v in batch.items()})
        forecasts.append(forecast.squeeze(1).cpu())
    return torch.cat(forecasts)


def _shuffled(seed: int, n: int, start: int, count: int) -> Tensor:
    """Places `start` … of an endless run of epochs, each of which shuffles 0 … n−1 anew."""
    epochs = range(start // n, (start + count - 1) // n + 1)
    orders = torch.cat([_order(seed, epoch, n) for epoch in epochs])
    return orders[start % n : start % n + count]


@functools.lru_cache(maxsize=2)
def _order(seed: int, epoch: int, n: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng((seed, epoch)).permutation(n))
