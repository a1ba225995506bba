"""What the forecaster learns from: windows of the training part."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gruta.codec.series.features import Past, Rows, Table, Values, ahead, windows
from gruta.codec.series.intervals import Forecasts, rolling
from gruta.codec.series.linear import LinearModel
from gruta.codec.series.series import Series
from gruta.data.order import shuffled
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.tasks.forecast.folds import unlearned
from gruta.tasks.forecast.head import ForecastHead
from gruta.tasks.forecast.network import ForecastNetwork, pinball
from gruta.tasks.forecast.scores import difference, overlapping
from gruta.tasks.forecast.settings import ForecastSettings
from gruta.tasks.forecast.split import Split
from gruta.train import Batch, Progress, Share, State, Validation, cut

MOST_ORIGINS = 96
"""More places in a window are not taken of themselves: a batch grows with them and the lookback."""

OFTEN = 10
"""After so many steps at most a network of a short training part is validated."""

VALIDATION_ORIGINS = 256
"""About this many origins, evenly spaced, are scored in a validation."""


MOST_READY = 2**22
"""So many numbers that the network corrects are kept ready at most."""

MASKED = 0.25
"""Of so many windows the network is not told the series: it learns to do without its vector."""


_LAST = "last/"
"""Before the names of its weights in a checkpoint."""

MOST_SCORED = 2**14
"""Of a longer validation part about so many origins tell how far to trust the network."""


class ForecastLesson:
    """Batches, loss and validation for `gruta.train.train`.

    steps: those of the forecasts that settle trust and intervals; where they are more than the
    network forecasts at once it reads its own back, though it learns from what came. seen: the
    series of the table. base: of a short training part, what the network is to correct, see
    `folds`; last: the weights of the linear path on training and validation part, which is the
    model's when all is chosen. Both None before `prepare`, and in a run that was begun without, as
    those of 0.1.0 were.
    """

    own_draws = True

    def __init__(
        self,
        network: ForecastNetwork,
        table: Table,
        split: Split,
        settings: ForecastSettings,
        *,
        steps: int | None = None,
        seen: Series | None = None,
    ) -> None:
        self.model, self.seen = network, seen
        self.table, self.split, self.settings = table, split, settings
        self.past, self._steps = Past(table), steps or table.horizon
        self.base: Values | None = None
        self.last: Mapping[str, Tensor] | None = None
        self._first: Mapping[str, Tensor] = {}
        self._ready: Values | None = None
        self.origins = settings.origins or min(
            MOST_ORIGINS, max(4, table.lookback // table.horizon)
        )
        self.streams = min(settings.batch_size, len(split.train) // max(settings.tbptt, 1))
        if settings.tbptt and table.absent is not None:
            raise InputError(
                tbptt=_(
                    "a carried state needs one series without gaps; leave it out, or fill the gaps "
                    "with the setting gaps"
                )
            )
        if settings.tbptt and table.own is not None:
            raise InputError(tbptt=_("expected none where series have vectors; leave one out"))
        if settings.tbptt and not self.streams:
            problem = _("expected at most the {rows} rows that there are to train on, got {given}")
            raise InputError(tbptt=problem.format(rows=len(split.train), given=settings.tbptt))

    @property
    def validate_every(self) -> int:
        """Of a short training part a network soon knows too much."""
        return self.settings.validate_every if self.base is None else OFTEN

    def prepare(self, progress: Progress) -> None:
        """Solve the linear path, which is where training starts."""
        table, split, ridge = self.table, self.split, self.settings.ridge
        last = self.model.prepare(table, self.past, split, ridge, progress.note)
        self.measure()
        self.end_with(last)

    def end_with(self, last: LinearModel) -> None:
        """Let this be the linear path once all is chosen by the one that there is."""
        path, self._ready = self.model.linear.weights, None
        self._first = {name: weight.clone() for name, weight in path.items()}
        self.last = {name: torch.from_numpy(getattr(last, name)) for name in path}

    def conclude(self) -> None:
        """Take the linear path that knows the validation part; what the network adds stays."""
        if self.last is not None:
            self._take(self.last)

    @contextmanager
    def as_chosen(self) -> Iterator[None]:
        """The linear path is meanwhile the one that does not know the validation part."""
        before = {name: weight.clone() for name, weight in self.model.linear.weights.items()}
        self._take(self._first)
        try:
            yield
        finally:
            self._take(before)

    def _take(self, path: Mapping[str, Tensor]) -> None:
        own, self._ready = self.model.linear.weights, None
        for name, weight in path.items():
            own[name].copy_(weight)

    def measure(self) -> None:
        """Tell the linear path by how much it misses what it has not seen."""
        self.base = unlearned(self.table, self.split, self.settings.ridge)
        if self.base is not None:
            rows = self.split.train[:]
            missed = np.abs(self.table.changes(rows) - self.base[rows])
            self.model.linear.miss_by(np.nanmean(missed, axis=0))

    def kept(self) -> Mapping[str, Tensor]:
        """What the network corrects, and the linear path that it ends with."""
        base = {} if self.base is None else {"base": torch.from_numpy(self.base)}
        return base | {f"{_LAST}{name}": weight for name, weight in (self.last or {}).items()}

    def restored(self, kept: Mapping[str, Tensor]) -> None:
        """The same, as the checkpoint has it, whose weights the model has."""
        self.base = kept["base"].numpy() if "base" in kept else None
        path, self._ready = self.model.linear.weights, None
        self._first = {name: weight.clone() for name, weight in path.items()}
        if f"{_LAST}bias" in kept:
            self.last = {name: kept[f"{_LAST}{name}"] for name in path}

    def _corrected(self) -> Values | None:
        """`[N, K]`: what the network corrects after each training origin, NaN after other rows.

        The linear path does not learn, so it is asked once about origins that batches come back to
        again and again. Where there are too many of them it is asked by the network, but for
        `base`.
        """
        table, rows, settings = self.table, self.split.train, self.settings
        read = settings.steps * settings.batch_size * self.origins
        if len(rows) > read or len(table.y) * table.horizon > MOST_READY:
            return self.base
        if self._ready is None:
            path, every = self.model.linear.solved(), rows[:]
            found: Values = np.full((len(table.y), table.horizon), np.nan, np.float32)
            for some in np.array_split(every, -(-len(every) // 1024)):
                seen = ahead(table, some[None])
                found[some] = path(seen["lags"], seen["recent"], seen["future"])[0]
            if self.base is not None:
                found = np.where(np.isnan(self.base), found, self.base)
            self._ready = found
        return self._ready

    def _windows(
        self, last: Rows, positions: Rows, length: int, base: Values | None
    ) -> dict[str, NDArray[Any]]:
        origin = last[:, None] - (length - 1) + positions
        if base is None:
            return windows(self.table, self.past, last, positions, length)
        own = base[origin]
        by_path = bool(np.isnan(own).any())  # the network asks its linear path there
        return windows(self.table, self.past, last, positions, length, by_path) | {"base": own}

    def batch(self, step: int) -> Batch:
        """Random windows, or with tbptt the next piece of each stream along the series."""
        length = self.settings.tbptt or self.table.lookback
        fresh = True
        if self.settings.tbptt:
            last, fresh = self._stream_ends(step, length)
        else:
            size = self.settings.batch_size
            places = shuffled(self.settings.seed, len(self.split.train), step * size, size)
            last = self.split.train[places]
        draw = np.random.default_rng((self.settings.seed, step))
        positions = draw.integers(length // 4, length, (len(last), self.origins))
        positions[:, -1] = length - 1
        before_first = self.split.train.first(last) - (last - length + 1)
        positions = np.maximum(positions, before_first[:, None])
        batch = self._windows(last, positions, length, self._corrected())
        if "series" in batch:
            batch["series"] = np.where(draw.random(len(last)) < MASKED, 0, batch["series"])
        return _tensors(batch) | {"fresh": torch.tensor(fresh)}

    def _stream_ends(self, step: int, length: int) -> tuple[Rows, bool]:
        """The last row of each stream's piece, and whether the streams start anew with it.

        The training part is cut into as many streams as a batch has rows; each epoch starts them at
        another offset, so that the pieces' borders move.
        """
        rows = len(self.split.train) // self.streams
        pieces = rows // length
        epoch, piece = divmod(step, pieces)
        draw = np.random.default_rng((self.settings.seed, epoch))
        offset = int(draw.integers(0, rows - pieces * length + 1))
        starts = self.split.train[0] + np.arange(self.streams) * rows + offset
        return starts + (piece + 1) * length - 1, piece == 0

    def shares(self, batch: Batch, count: int) -> Sequence[Share]:
        """Some windows each; a loss is a mean over the values that there are."""
        rows = {name: 0 for name in batch if name != "fresh"}
        return cut(batch, rows, count, lambda some: float((~torch.isnan(some["target"])).sum()))

    def loss(self, batch: Batch, state: State | None) -> tuple[Tensor, State | None]:
        """Pinball loss in units of the linear path's error; the state is carried with tbptt."""
        forecast, last = self.model(batch, None if batch["fresh"] else state)
        return self._loss(forecast, batch["target"]), last if self.settings.tbptt else None

    def _loss(self, forecast: Tensor, target: Tensor) -> Tensor:
        unit = self.model.linear.error.mean().to(forecast.device)
        if self.table.absent is not None:
            there = ~torch.isnan(target)
            forecast, target = forecast[there], target[there]
        return pinball(forecast / unit, target / unit, self.settings.quantiles)

    def validate(self) -> Validation:
        """The same loss over the validation part."""
        origins = self.split.validation
        some = origins[:: max(1, len(origins) // VALIDATION_ORIGINS)]
        forecast, target = self.forecast(some), torch.from_numpy(self.table.changes(some))
        return Validation(float(self._loss(torch.from_numpy(forecast), target)))

    def samples(self, step: int) -> Mapping[str, str]:
        """None: what a forecast is worth, its loss tells."""
        return {}

    def on_validation(self) -> Forecasts:
        """Of the validation part; of a long one from all over it."""
        scored = self._scored.validation
        most = VALIDATION_ORIGINS if self._reads_back else MOST_SCORED
        apart = max(1, len(scored) // most)
        origins = scored[::apart]
        return self._forecasts(origins, scored.first(origins), apart)

    def gains(self) -> bool:
        """Whether the validation part is forecast better, by more than chance, by who is told the
        series; else from now on it is not.
        """
        assert self.table.own is not None
        assert self.seen is not None
        every = self.split.validation
        origins = every[:: max(1, len(every) // MOST_SCORED)]
        target, middle, table = self.table.changes(origins), self.model.median, self.table
        told = np.abs(self.forecast(origins)[..., middle] - target)
        self.table = replace(table, own=np.zeros_like(table.own))
        untold = np.abs(self.forecast(origins)[..., middle] - target)
        begins, ends = (self.seen.times_at(origins + k) for k in (1, table.horizon))
        apart = difference(told, untold, overlapping(begins, ends), begins)
        if apart.error is None or apart.value > -apart.error:
            return False
        self.table = table
        return True

    def rolled(self) -> Forecasts:
        """From rolling origins up to the end of the validation part."""
        return self._forecasts(*rolling(*self._scored.ends, self._steps), base=self._base_at_once)

    def learned(self) -> Forecasts | None:
        """Of those origins the ones that were learned from, by the linear path that has seen them;
        None where `rolled` has the same.
        """
        if self._base_at_once is None:
            return None
        origins, firsts = rolling(*self.split.ends, self.table.horizon)
        some = ~np.isnan(self._base_at_once[origins, 0])
        return self._forecasts(origins[some], firsts[some])

    def known(self) -> Forecasts | None:
        """Of those origins the ones of the validation part, by the linear path that knows it; None
        where there is none.
        """
        if self.last is None:
            return None
        origins, firsts = rolling(*self._scored.ends, self._steps)
        some = self.split.validation.has(origins)
        return self._forecasts(origins[some], firsts[some])

    @property
    def _reads_back(self) -> bool:
        return self._steps > self.table.horizon

    @property
    def _scored(self) -> Split:
        return self.split.with_more(self._steps - self.table.horizon)

    @property
    def _base_at_once(self) -> Values | None:
        """What is corrected by a network that forecasts all steps at once."""
        return None if self._reads_back else self.base

    def _forecasts(
        self, origins: Rows, firsts: Rows, apart: int = 1, *, base: Values | None = None
    ) -> Forecasts:
        at = self._read_back(origins) if self._reads_back else self._at_once(origins, base)
        target = self.table.changes(origins, np.arange(1, self._steps + 1))
        return Forecasts(origins, firsts, at, target, apart)

    def _at_once(self, origins: Rows, base: Values | None) -> Callable[[float], Values]:
        linear, forecast = self._over(origins, self.model.base, base), self.forecast(origins, base)
        correction = forecast[..., self.model.median] - linear
        return lambda share: forecast - (1 - share) * correction[..., None]

    def _read_back(self, origins: Rows) -> Callable[[float], Values]:
        state = self.model.state_dict().items()
        weights = {name: w.detach().cpu().numpy().copy() for name, w in state}

        def at(share: float) -> Values:
            head = ForecastHead(weights, self.table, self.settings, share)
            return head.changes(self.table, origins, self._steps)

        return at

    def forecast(self, origins: Rows, base: Values | None = None) -> Values:
        """Quantiles of the change from the value at each of `origins [M]`: `[M, K, Q]`, scaled.

        base: what is corrected where it isn't NaN, in place of the linear path's own forecast.
        """
        network = self.model.eval()
        return self._over(origins, lambda batch: network(batch)[0], base)

    @torch.no_grad()
    def _over(
        self, origins: Rows, forecast: Callable[[Batch], Tensor], base: Values | None
    ) -> Values:
        """What `forecast` gives at the end of the window that ends at each of `origins [M]`."""
        network, table = self.model, self.table
        device = network.head.weight.device
        forecasts = []
        for start in range(0, len(origins), 256):
            some = origins[start : start + 256]
            newest = np.full((len(some), 1), table.lookback - 1)
            batch = _tensors(self._windows(some, newest, table.lookback, base))
            found = forecast({k: v.to(device) for k, v in batch.items()})
            forecasts.append(found.squeeze(1).cpu().numpy())
        return np.concatenate(forecasts)


def _tensors(arrays: Mapping[str, NDArray[Any]]) -> Batch:
    return {name: torch.from_numpy(values) for name, values in arrays.items()}
