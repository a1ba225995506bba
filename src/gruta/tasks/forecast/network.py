"""The forecaster's network: a linear path solved in closed form, and a recurrent pair beside it.

    forecast(t, k) = y_t + linear(t, k) + decoder(h_t, what is known of steps 1 … k)

The encoder reads the window. Its state at an origin t starts the decoder, which reads one row for
each step to come: every step is decoded from the newest state. The linear path (compare the highway
of LSTNet, Lai et al. 2018, arXiv:1703.07015) is where training starts, so what the recurrent part
adds is what a linear model on the same inputs cannot say.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gruta.nn import CELLS
from gruta.nn.dense import Linear
from gruta.settings import ForecastSettings
from gruta.tasks.forecast.features import Table, future_features, lags
from gruta.tasks.forecast.split import Split
from gruta.train import State

DTYPE = torch.float32
"""Of all numbers of a network, whatever torch's default is."""

PENALTIES = (1e-6, 1e-4, 1e-2, 1e-1)
MOST_MOMENTS = 2**23
"""So many sums over products of columns are held at once when the linear path is solved."""


class Standardise(nn.Module):
    """(x − mean) / deviation by column, from sample rows `[..., C]`; a constant column gives 0."""

    mean: Tensor
    inverse: Tensor

    def __init__(self, columns: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(columns, dtype=DTYPE))
        self.register_buffer("inverse", torch.zeros(columns, dtype=DTYPE))

    def fit(self, rows: Tensor) -> None:
        """Take mean and deviation from these rows."""
        flat = rows.reshape(-1, rows.shape[-1])
        deviation = flat.std(0)
        self.mean.copy_(flat.mean(0))
        self.inverse.copy_(torch.where(deviation > 1e-4, 1 / deviation, 0))

    def forward(self, x: Tensor) -> Tensor:
        """x `[..., C]`, standardised."""
        return (x - self.mean) * self.inverse


class LinearPath(nn.Module):
    """A linear model for each step of the horizon, from the lags and the step's own features."""

    on_lags: Tensor
    on_future: Tensor
    bias: Tensor
    error: Tensor

    def __init__(self, horizon: int, lookback: int, features: int) -> None:
        super().__init__()
        self.register_buffer("on_lags", torch.zeros(horizon, lookback, dtype=DTYPE))
        self.register_buffer("on_future", torch.zeros(horizon, features, dtype=DTYPE))
        self.register_buffer("bias", torch.zeros(horizon, dtype=DTYPE))
        self.register_buffer("error", torch.ones(horizon, dtype=DTYPE))

    def forward(self, lags: Tensor, future: Tensor) -> Tensor:
        """`[..., K]`, the change from the origin's value; from `[..., L]` and `[..., K, F]`."""
        return lags @ self.on_lags.T + (future * self.on_future).sum(-1) + self.bias

    @property
    def size(self) -> int:
        """How many numbers were solved for."""
        return self.on_lags.numel() + self.on_future.numel() + self.bias.numel()

    @torch.no_grad()
    def solve(self, table: Table, split: Split, ridge: float) -> None:
        """Ridge regression on standardised columns over the training origins.

        ridge: the penalty, relative to the number of rows; 0 takes the one of `PENALTIES` with the
        lowest mean absolute error in the validation part. `error [K]` becomes that of the training
        part. Only sums over rows are kept, for some steps at a time, so memory grows neither with
        the rows nor with the horizon.
        """
        columns = self.on_lags.shape[1] + self.on_future.shape[1]
        at_once = max(1, MOST_MOMENTS // columns**2)
        for steps in torch.split(torch.arange(table.horizon), at_once):
            weight, bias = _solve(table, split, steps + 1, [ridge] if ridge else PENALTIES)
            error = _error(table, split.train, steps + 1, weight, bias)
            self.error[steps] = error.clamp_min(1e-4).float()
            self.on_lags[steps] = weight[:, : table.lookback].float()
            self.on_future[steps] = weight[:, table.lookback :].float()
            self.bias[steps] = bias[:, 0].float()


def _solve(
    table: Table, split: Split, steps: Tensor, penalties: Sequence[float]
) -> tuple[Tensor, Tensor]:
    """Weights `[K, C]` and bias `[K, 1]` for these steps, by the penalty that validates best."""
    sums = Moments()
    for x, y in _blocks(table, split.train, steps):
        sums.add(x, y)
    candidates = [sums.ridge(strength) for strength in penalties]
    errors = [float(_error(table, split.validation, steps, *found).mean()) for found in candidates]
    return candidates[errors.index(min(errors))]


def _error(table: Table, origins: Tensor, steps: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """`[K]`: the mean absolute error of linear models over about a thousand of these origins."""
    origins = origins[:: max(1, len(origins) // 1024)]
    missed = [
        (y - (x @ weight[..., None])[..., 0] - bias).abs()
        for x, y in _blocks(table, origins, steps)
    ]
    return torch.cat(missed, 1).mean(1)


def _blocks(table: Table, origins: Tensor, steps: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Columns x `[K, M', L + F]` and targets y `[K, M']` in float64, some origins at a time."""
    for some in torch.split(origins, 512):
        future = future_features(table, some, steps).transpose(0, 1)
        before = lags(table, some).expand(len(steps), -1, -1)
        changes = table.changes(some)[:, steps - 1]
        yield torch.cat([before, future], -1).double(), changes.T.double()


class Moments:
    """The sums over rows that a least-squares fit needs, for K fits at once."""

    def __init__(self) -> None:
        self.rows = 0
        self.x: Tensor | float = 0.0  # [K, C]
        self.y: Tensor | float = 0.0  # [K, 1]
        self.xx: Tensor | float = 0.0  # [K, C, C]
        self.xy: Tensor | float = 0.0  # [K, C]

    def add(self, x: Tensor, y: Tensor) -> None:
        """Take in rows x `[K, M, C]` with targets y `[K, M]`."""
        self.rows += x.shape[1]
        self.x = self.x + x.sum(1)
        self.y = self.y + y.sum(1, keepdim=True)
        self.xx = self.xx + x.mT @ x
        self.xy = self.xy + (x.mT @ y[..., None])[..., 0]

    def ridge(self, strength: float) -> tuple[Tensor, Tensor]:
        """Weights `[K, C]` and bias `[K, 1]`; the penalty acts on standardised columns."""
        mean, mean_y = self.x / self.rows, self.y / self.rows
        assert isinstance(mean, Tensor)
        assert isinstance(mean_y, Tensor)
        covariance = self.xx / self.rows - mean[:, :, None] * mean[:, None, :]
        deviation = covariance.diagonal(dim1=-2, dim2=-1).clamp_min(0).sqrt()
        inverse = torch.where(deviation > 1e-6, 1 / deviation, 0)
        correlation = covariance * inverse[:, :, None] * inverse[:, None, :]
        correlation = correlation + strength * torch.eye(mean.shape[1], dtype=mean.dtype)
        toward = (self.xy / self.rows - mean * mean_y) * inverse
        # By Cholesky: torch's batched LU fails where its thread count was set to more than one.
        factor = torch.linalg.cholesky(correlation)
        weight = torch.cholesky_solve(toward[..., None], factor)[..., 0] * inverse
        return weight, mean_y - (mean * weight).sum(1, keepdim=True)


def _starting(init: str, steps: int) -> dict[str, Any]:
    """The arguments that let a layer's weights start so, if it runs over so many steps."""
    if init == "torch":
        return {}
    return {"init": init} | ({"longest_lag": max(3, steps)} if init == "chrono" else {})


class ForecastNetwork(nn.Module):
    """Quantiles of the change from the origin's value, `[B, P, K, Q]`.

    cell: gru, lstm or rnn. past, features: columns of the window and of a step to come. quantiles:
    increasing, with 0.5 among them. init: of the recurrent layers. layers: their classes, by cell.
    `prepare` must be called once before training.
    """

    def __init__(
        self,
        cell: str,
        past: int,
        features: int,
        horizon: int,
        lookback: int,
        hidden: int,
        quantiles: Sequence[float],
        init: str = "torch",
        layers: Mapping[str, type[Any]] = CELLS,
    ) -> None:
        super().__init__()
        self.cell = cell
        self.median = list(quantiles).index(0.5)
        self.linear = LinearPath(horizon, lookback, features)
        self.scale_past, self.scale_future = Standardise(past), Standardise(features)
        width = features + 1  # and the linear path's own forecast
        kind, how = layers[cell], {"batch_first": True, "dtype": DTYPE}
        self.encoder = kind(past, hidden, **how, **_starting(init, lookback))
        self.decoder = kind(width, hidden, **how, **_starting(init, horizon))
        self.mix = Linear(2 * hidden + width, 2 * hidden, dtype=DTYPE)
        self.head = Linear(2 * hidden, len(quantiles), dtype=DTYPE)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    @classmethod
    def of(
        cls, table: Table, settings: ForecastSettings, layers: Mapping[str, type[Any]] = CELLS
    ) -> "ForecastNetwork":
        """The untrained network that reads this table."""
        return cls(
            settings.cell,
            past=table.past_width,
            features=table.future_width,
            horizon=table.horizon,
            lookback=table.lookback,
            hidden=settings.hidden,
            quantiles=settings.quantiles,
            init=settings.init,
            layers=layers,
        )

    def prepare(self, table: Table, past: Tensor, split: Split, ridge: float) -> None:
        """Solve the linear path and set the scales, from the training part."""
        self.linear.solve(table, split, ridge)
        origins = split.train
        sample = origins[:: max(1, len(origins) // 512)]
        self.scale_past.fit(past[origins])
        self.scale_future.fit(future_features(table, sample, torch.arange(1, table.horizon + 1)))

    def forward(self, batch: dict[str, Tensor], state: State | None = None) -> tuple[Tensor, State]:
        """The quantiles, in units of the scaled series, and the encoder's last state.

        batch: as `features.windows` gives it; state: the encoder's state before the window.
        """
        unit = self.linear.error.unsqueeze(-1)
        base = self.linear(batch["lags"], batch["future"]).unsqueeze(-1)
        future = torch.cat([self.scale_future(batch["future"]), base / unit.mean()], -1)
        b, p, k, f = future.shape
        states, last = self.encoder(self.scale_past(batch["past"]), _unless_lone(state))
        at = batch["positions"].unsqueeze(-1).expand(-1, -1, states.shape[-1])
        h = states.gather(1, at)
        decoded, _ = self.decoder(future.reshape(b * p, k, f), self._start(h.reshape(1, b * p, -1)))
        decoded = decoded.reshape(b, p, k, -1)
        mixed = self.mix(torch.cat([decoded, h.unsqueeze(2).expand(-1, -1, k, -1), future], -1))
        raw = self.head(F.silu(mixed))
        return self._quantiles(base, unit, raw), last if isinstance(last, tuple) else (last,)

    def _start(self, h: Tensor) -> Tensor | State:
        """The decoder's initial state; an LSTM's cell state starts at zero."""
        return (h, torch.zeros_like(h)) if self.cell == "lstm" else h

    def _quantiles(self, base: Tensor, unit: Tensor, raw: Tensor) -> Tensor:
        """The median corrects the linear path; the others lie beyond their inner neighbours."""
        below, median, above = torch.split(
            raw, [self.median, 1, raw.shape[-1] - self.median - 1], -1
        )
        middle = base + unit * median
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
