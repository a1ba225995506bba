"""The forecaster's network: a linear path solved in closed form, and a recurrent pair beside it.

    forecast(t, k) = y_t + linear(t, k) + decoder(h_t, what is known of steps 1 … k)

The encoder reads the window. Its state at an origin t starts the decoder, which reads one row for
each step to come: every step is decoded from the newest state. The linear path (compare the highway
of LSTNet, Lai et al. 2018, arXiv:1703.07015) is where training starts, so what the recurrent part
adds is what a linear model on the same inputs cannot say.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from gruta.codec.series.features import Past, Table, future_features
from gruta.codec.series.linear import LinearModel
from gruta.nn import CELLS
from gruta.nn.dense import Linear, Mix
from gruta.tasks.forecast.linear import Note, solve_twice
from gruta.tasks.forecast.settings import ForecastSettings
from gruta.tasks.forecast.split import Split
from gruta.train import State

_SAMPLE = 2**17
"""From so many rows the scales of what the encoder reads are taken, at least, if there are."""

DTYPE = torch.float32
"""Of all numbers of a network, whatever torch's default is."""


class Standardise(nn.Module):
    """(x − mean) / deviation by column, from sample rows `[..., C]`; a constant column gives 0."""

    mean: Tensor
    inverse: Tensor

    def __init__(self, columns: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(columns, dtype=DTYPE))
        self.register_buffer("inverse", torch.zeros(columns, dtype=DTYPE))

    def fit(self, parts: Iterable[Tensor]) -> None:
        """Take mean and deviation from the rows of these parts."""
        count, total, squares = 0, torch.zeros(()), torch.zeros(())
        for rows in parts:
            flat = rows.reshape(-1, rows.shape[-1]).double()
            count += len(flat)
            total, squares = total + flat.sum(0), squares + flat.square().sum(0)
        mean = total / count
        deviation = ((squares / count - mean.square()) * (count / (count - 1))).clamp_min(0).sqrt()
        self.mean.copy_(mean)
        self.inverse.copy_(torch.where(deviation > 1e-4, 1 / deviation, 0))

    def forward(self, x: Tensor) -> Tensor:
        """x `[..., C]`, standardised."""
        return (x - self.mean).mul_(self.inverse)


class LinearPath(nn.Module):
    """A linear model for each step of the horizon, from lags and the step's own features."""

    on_lags: Tensor
    on_recent: Tensor | None
    on_future: Tensor
    bias: Tensor
    error: Tensor

    def __init__(self, horizon: int, lookback: int, recent: int, features: int) -> None:
        super().__init__()
        self.register_buffer("on_lags", torch.zeros(horizon, lookback, dtype=DTYPE))
        past = torch.zeros(horizon, recent, dtype=DTYPE) if recent else None
        self.register_buffer("on_recent", past)
        self.register_buffer("on_future", torch.zeros(horizon, features, dtype=DTYPE))
        self.register_buffer("bias", torch.zeros(horizon, dtype=DTYPE))
        self.register_buffer("error", torch.ones(horizon, dtype=DTYPE))

    def forward(self, lags: Tensor, recent: Tensor, future: Tensor) -> Tensor:
        """`[..., K]`, the change from the origin's value.

        From lags `[..., L]`, past covariates `[..., R]` and features `[..., K, F]`.
        """
        change = lags @ self.on_lags.T
        if self.on_recent is not None:
            change = change + recent @ self.on_recent.T
        return change + (future * self.on_future).sum(-1) + self.bias

    def _load_from_state_dict(self, found: dict[str, Any], prefix: str, *how: Any) -> None:
        """Version 0.1.0's linear path did not read past covariates."""
        if self.on_recent is not None:
            unread = torch.zeros_like(self.on_recent, device="cpu")
            found.setdefault(f"{prefix}on_recent", unread)
        super()._load_from_state_dict(found, prefix, *how)

    def take(self, model: LinearModel) -> None:
        """Be this model."""
        for name, buffer in self.named_buffers():
            buffer.copy_(torch.from_numpy(getattr(model, name)))

    @property
    def weights(self) -> dict[str, Tensor]:
        """All but the error."""
        return {name: buffer for name, buffer in self.named_buffers() if name != "error"}

    def solved(self) -> LinearModel:
        """The model that it is."""
        K = len(self.bias)
        found = {"on_recent": np.zeros((K, 0), np.float32)}
        return LinearModel(**found | {n: b.numpy(force=True) for n, b in self.named_buffers()})

    def miss_by(self, error: NDArray[np.floating]) -> None:
        """The mean absolute error `[K]`, if it is not that of the rows that it was solved on."""
        self.error.copy_(torch.from_numpy(error).clamp_min(1e-4))


class _Vectors(nn.Module):
    """A learned vector for each series; that of none, the first, is 0 and stays so."""

    def __init__(self, count: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(count, width, dtype=DTYPE))

    def forward(self, series: Tensor, x: Tensor) -> Tensor:
        """x `[B, ..., C]` with the vector of series `[B]` behind each row."""
        own = self.weight[series] * (series > 0).unsqueeze(-1)
        own = own.view(len(x), *[1] * (x.dim() - 2), -1).expand(*x.shape[:-1], -1)
        return torch.cat([x, own], -1)


def _starting(init: str, steps: int) -> dict[str, Any]:
    """The arguments that let a layer's weights start so, if it runs over so many steps."""
    if init == "torch":
        return {}
    return {"init": init} | ({"longest_lag": max(3, steps)} if init == "chrono" else {})


class ForecastNetwork(nn.Module):
    """Quantiles of the change from the origin's value, `[B, P, K, Q]`.

    cell: gru, lstm or rnn. past, features: columns of the window and of a step to come; recent: of
    past covariates in the linear path. quantiles: increasing, with 0.5 among them. init: of the
    recurrent layers. layers: their classes, by cell. trust: how much of its correction of the
    linear path counts; all does while it learns. vectors: how many of series are learned, and how
    wide. `prepare` must be called once before training.
    """

    def __init__(
        self,
        cell: str,
        past: int,
        features: int,
        horizon: int,
        lookback: int,
        recent: int,
        hidden: int,
        quantiles: Sequence[float],
        init: str = "torch",
        layers: Mapping[str, type[Any]] = CELLS,
        trust: float = 1.0,
        vectors: tuple[int, int] = (0, 0),
    ) -> None:
        super().__init__()
        self.cell, self.trust = cell, trust
        self.embedding = _Vectors(*vectors) if vectors[1] else None
        self.median = list(quantiles).index(0.5)
        self.linear = LinearPath(horizon, lookback, recent, features)
        self.scale_past, self.scale_future = Standardise(past), Standardise(features)
        width = features + 1 + vectors[1]  # and the linear path's own forecast
        kind, how = layers[cell], {"batch_first": True, "dtype": DTYPE}
        self.encoder = kind(past + vectors[1], hidden, **how, **_starting(init, lookback))
        self.decoder = kind(width, hidden, **how, **_starting(init, horizon))
        self.mix = Mix(2 * hidden + width, 2 * hidden, dtype=DTYPE)
        self.head = Linear(2 * hidden, len(quantiles), dtype=DTYPE)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    @classmethod
    def of(
        cls,
        table: Table,
        settings: ForecastSettings,
        layers: Mapping[str, type[Any]] = CELLS,
        trust: float = 1.0,
    ) -> "ForecastNetwork":
        """The untrained network that reads this table."""
        return cls(
            settings.cell,
            past=table.past_width,
            features=table.future_width,
            horizon=table.horizon,
            lookback=table.lookback,
            recent=table.recent_width,
            hidden=settings.hidden,
            quantiles=settings.quantiles,
            init=settings.init,
            layers=layers,
            trust=trust,
            vectors=table.vectors,
        )

    def prepare(
        self, table: Table, past: Past, split: Split, ridge: float, note: Note | None = None
    ) -> LinearModel:
        """Solve the linear path and set the scales, from the training part; the answer is the path
        of the validation part too, for when nothing is left to choose there.
        """
        first, last = solve_twice(table, split, ridge, note)
        self.linear.take(first)
        origins, steps = split.train, np.arange(1, table.horizon + 1)
        read = origins[:: max(1, len(origins) // _SAMPLE)]
        rows = (read[i : i + 512] for i in range(0, len(read), 512))
        firsts = table.firsts
        self.scale_past.fit(torch.from_numpy(past(some, firsts(some))) for some in rows)
        sample = np.array_split(origins[:: max(1, len(origins) // 512)], 32)
        ahead = (future_features(table, some, steps) for some in sample)
        self.scale_future.fit(torch.from_numpy(features) for features in ahead)
        return last

    def forward(self, batch: dict[str, Tensor], state: State | None = None) -> tuple[Tensor, State]:
        """The quantiles, in units of the scaled series, and the encoder's last state.

        batch: as `features.windows` gives it, with a base or without. state: the encoder's before
        the window.
        """
        unit = self.linear.error.unsqueeze(-1)
        base = self.base(batch).unsqueeze(-1)
        future = torch.cat([self.scale_future(batch["future"]), base / unit.mean()], -1)
        past = self.scale_past(batch["past"])
        if self.embedding is not None:
            past, future = (self.embedding(batch["series"], x) for x in (past, future))
        b, p, k, f = future.shape
        states, last = self.encoder(past, _unless_lone(state))
        at = batch["positions"].unsqueeze(-1).expand(-1, -1, states.shape[-1])
        h = states.gather(1, at)
        decoded, _ = self.decoder(future.reshape(b * p, k, f), self._start(h.reshape(1, b * p, -1)))
        decoded = decoded.reshape(b, p, k, -1)
        raw = self.head(F.silu(self.mix(decoded, h.unsqueeze(2), future)))
        return self._quantiles(base, unit, raw), last if isinstance(last, tuple) else (last,)

    def base(self, batch: dict[str, Tensor]) -> Tensor:
        """`[B, P, K]`: what is corrected. The linear path's forecast, unless the batch has one.

        A batch that has all of them may lack what that path reads.
        """
        given = batch.get("base")
        if given is not None and "lags" not in batch:
            return given
        own = self.linear(batch["lags"], batch["recent"], batch["future"])
        return own if given is None else torch.where(given.isnan(), own, given)

    def _start(self, h: Tensor) -> Tensor | State:
        """The decoder's initial state; an LSTM's cell state starts at zero."""
        return (h, torch.zeros_like(h)) if self.cell == "lstm" else h

    def _quantiles(self, base: Tensor, unit: Tensor, raw: Tensor) -> Tensor:
        """The median corrects the linear path; the others lie beyond their inner neighbours."""
        below, median, above = torch.split(
            raw, [self.median, 1, raw.shape[-1] - self.median - 1], -1
        )
        middle = base + self.trust * unit * median
        lower = F.softplus(below).flip(-1).cumsum(-1).flip(-1)
        upper = F.softplus(above).cumsum(-1)
        return torch.cat([middle - unit * lower, middle, middle + unit * upper], -1)


def _unless_lone(state: State | None) -> Tensor | State | None:
    return state[0] if state is not None and len(state) == 1 else state


def pinball(forecast: Tensor, target: Tensor, quantiles: Sequence[float]) -> Tensor:
    """Mean pinball loss of `[..., Q]` against `[...]`; the median counts twice."""
    level = forecast.new_tensor(quantiles)
    weight = torch.where(level == 0.5, torch.ones_like(level), 0.5)
    error = target.unsqueeze(-1) - forecast
    return (torch.maximum(level * error, (level - 1) * error) * weight).mean()
