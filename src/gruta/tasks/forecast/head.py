"""The forecaster's network on NumPy arrays: the same forecasts without PyTorch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from gruta.cells import CellName
from gruta.codec.series.codec import ForecastCodec
from gruta.codec.series.features import Past, Rows, Table, Values, ahead, windows
from gruta.codec.series.intervals import grown
from gruta.codec.series.linear import LinearModel
from gruta.locale import translate as _
from gruta.runtime.architecture import Count, Positive
from gruta.runtime.blocks import (
    Linear,
    Recurrent,
    Shapes,
    State,
    linear_shapes,
    recurrent_shapes,
    require_shapes,
    silu,
    softplus,
)
from gruta.runtime.door import Door, Parts
from gruta.runtime.weights import like
from gruta.tasks.forecast.names import members_of
from gruta.tasks.forecast.rollout import rolled
from gruta.tasks.members import of_member

if TYPE_CHECKING:
    from gruta.tasks.forecast.ensemble import Ensemble

_AT_ONCE = 256
"""So many origins are forecast from at a time."""

_ROWS_AT_ONCE = 4096
"""So many rows are read at a time where the state is carried."""

_FIXED = ("linear.", "scale_")
"""What is computed before training begins is not counted among the parameters."""

MOST_STEPS = 2**20
"""Of a horizon, a lookback or a season in a model file."""

MOST_SERIES = 2**14
"""Of a hierarchy in a model file: its sums take memory by their square."""


@dataclass(frozen=True)
class Architecture:
    """The settings that the head and its answers go by."""

    cell: CellName
    hidden: Positive
    quantiles: tuple[float, ...]
    strategy: Literal["direct", "recursive", "both"]
    ensemble: Count
    seed: int
    missing_known: Literal["error", "hold", "season"]


class ForecastHead:
    """What `ForecastNetwork` computes, from its weights by name; ValueError if they are of another.

    table: one of the width that the network reads, with or without rows. trust, growth: the
    codec's.
    """

    def __init__(
        self,
        weights: Mapping[str, Values],
        table: Table,
        settings: Any,
        trust: float = 1.0,
        growth: Sequence[float] = (),
    ) -> None:
        # Version 0.1.0's linear path did not read past covariates.
        unread = np.zeros((table.horizon, table.recent_width), np.float32)
        weights = like(weights, {"linear.on_recent": unread} | dict(weights))
        require_shapes(weights, _shapes(table, settings))
        fields = ("on_lags", "on_recent", "on_future", "bias", "error")
        self.linear = LinearModel(*(weights[f"linear.{field}"] for field in fields))
        self.size = sum(w.size for name, w in weights.items() if not name.startswith(_FIXED))
        self._past, self._future = (_Scale(weights, f"scale_{k}") for k in ("past", "future"))
        self._encoder, self._decoder = (
            Recurrent(weights, name, settings.cell) for name in ("encoder", "decoder")
        )
        self._mix, self._head = Linear(weights, "mix"), Linear(weights, "head")
        self.levels, self._median = settings.quantiles, settings.quantiles.index(0.5)
        self.trust, self._growth = trust, growth
        self._vectors = weights["embedding.weight"] if table.vectors[1] else None

    def changes(self, table: Table, origins: Rows, steps: int, *, carry: bool = False) -> Values:
        """Quantiles of the change from the value at each of `origins [M]`: `[M, N, Q]`, scaled.

        Of more steps than the network forecasts at once it reads its own back. carry: the state at
        an origin is that of who has read the whole series up to it, not a window.
        """
        table = replace(table, horizon=self.linear.horizon)
        if steps <= table.horizon:
            return forecast_changes(self, table, origins, carry=carry)[:, :steps]
        states = carried_states(self, table, Past(table), origins) if carry else None
        found = []
        for start in range(0, len(origins), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            own = None if states is None else tuple(s[None, part] for s in states)
            reader = _Reader(self, own)
            found.append(rolled(table, origins[part], steps, reader, self._median))
        return grown(np.concatenate(found), self._growth, self.levels, table.horizon)

    def __call__(self, batch: Mapping[str, NDArray[Any]]) -> Values:
        """Quantiles of the change from the origin's value, `[B, P, K, Q]`, in the scaled unit.

        batch: as `features.windows` gives it.
        """
        states, _ = self.read(batch["past"], series=batch.get("series"))
        rows = np.arange(states.shape[1])[:, None]
        return self.from_states(states[batch["positions"], rows], batch)

    def read(
        self,
        past: Values,
        state: State | None = None,
        series: NDArray[Any] | None = None,
    ) -> tuple[Values, State]:
        """The encoder's states `[T, B, H]` along rows `[B, T, C]` after `state`, and its last."""
        rows = self.standardised(past, series)
        return self._encoder.sequence(rows.swapaxes(0, 1), state)

    def standardised(self, past: Values, series: NDArray[Any] | None = None) -> Values:
        """Rows `[B, T, C]` as the encoder's layer reads them."""
        return self._told_apart(self._past(past), series)

    def from_states(self, h: Values, batch: Mapping[str, NDArray[Any]]) -> Values:
        """The quantiles from the encoder's states h `[B, P, H]` at the origins."""
        unit = self.linear.error[:, None]
        base = self.linear(batch["lags"], batch["recent"], batch["future"])[..., None]
        future = np.concatenate([self._future(batch["future"]), base / unit.mean()], -1)
        future = self._told_apart(future, batch.get("series"))
        decoded = self._decode(h, future)
        repeated = np.broadcast_to(h[:, :, None], decoded.shape)
        mixed = self._mix(np.concatenate([decoded, repeated, future], -1))
        return self._quantiles(base, unit, self._head(silu(mixed)))

    def median(self, batch: Mapping[str, NDArray[Any]]) -> Values:
        """Of a lone origin a window, `[B, K]`."""
        found: Values = self(batch)[:, 0, :, self._median]
        return found

    def correction(self, batch: Mapping[str, NDArray[Any]]) -> Values:
        """What the network adds to the linear model's forecast, of the same, `[B, K]`."""
        line = self.linear(batch["lags"], batch["recent"], batch["future"])
        found: Values = self.median(batch) - line[:, 0]
        return found

    @property
    def nothing_read(self) -> State:
        """The encoder's state before the first row of a lone sequence."""
        return self._encoder.start(1)

    @property
    def means(self) -> tuple[Values, Values]:
        """In training, of the columns of a row of the window, and of those of a step to come."""
        return self._past.mean, self._future.mean

    def _told_apart(self, x: Values, series: NDArray[Any] | None) -> Values:
        """x `[B, ..., C]` with the vector of series `[B]` behind each row, if there are any."""
        if self._vectors is None:
            return x
        assert series is not None
        which = series.astype(np.int64)
        own = self._vectors[which] * (which > 0)[:, None]
        own = own.reshape(len(x), *[1] * (x.ndim - 2), -1)
        return np.concatenate([x, np.broadcast_to(own, (*x.shape[:-1], own.shape[-1]))], -1)

    def _decode(self, h: Values, future: Values) -> Values:
        """The decoder's states `[B, P, K, H]`, from h at the origins and the steps to come."""
        B, P, K, F = future.shape
        start: State = (h.reshape(1, B * P, -1),)
        if len(self._decoder.start(1)) > 1:  # an LSTM's cell state starts at zero
            start = (*start, np.zeros_like(start[0]))
        steps = future.reshape(B * P, K, F).swapaxes(0, 1)
        decoded, _ = self._decoder.sequence(steps, start)
        return decoded.swapaxes(0, 1).reshape(B, P, K, -1)

    def _quantiles(self, base: Values, unit: Values, raw: Values) -> Values:
        """The median corrects the linear model; the others lie beyond their inner neighbours."""
        i = self._median
        middle = base + self.trust * unit * raw[..., i : i + 1]
        lower = softplus(raw[..., :i])[..., ::-1].cumsum(-1)[..., ::-1]
        upper = softplus(raw[..., i + 1 :]).cumsum(-1)
        return np.concatenate([middle - unit * lower, middle, middle + unit * upper], -1)


def _shapes(table: Table, settings: Any) -> Shapes:
    """Of the weights of the network that reads this table."""
    K, L, C, F = table.horizon, table.lookback, table.past_width, table.future_width
    count, N = table.vectors
    cell, H, width = settings.cell, settings.hidden, table.future_width + 1 + N
    by_column = {"on_lags": L, "on_recent": table.recent_width, "on_future": F}
    linear = {name: (K, n) for name, n in by_column.items()} | {"bias": (K,), "error": (K,)}
    scales = {"past": C, "future": F}
    return {
        **{f"linear.{name}": shape for name, shape in linear.items()},
        **{f"scale_{k}.{part}": (n,) for k, n in scales.items() for part in ("mean", "inverse")},
        **({"embedding.weight": (count, N)} if N else {}),
        **recurrent_shapes("encoder", cell, C + N, H),
        **recurrent_shapes("decoder", cell, width, H),
        **linear_shapes("mix", 2 * H + width, 2 * H),
        **linear_shapes("head", 2 * H, len(settings.quantiles)),
    }


class _Scale:
    """As the network's `Standardise` of this name."""

    def __init__(self, weights: Mapping[str, Values], name: str) -> None:
        self.mean, self._inverse = weights[f"{name}.mean"], weights[f"{name}.inverse"]

    def __call__(self, x: Values) -> Values:
        return (x - self.mean) * self._inverse


def forecast_changes(
    head: ForecastHead, table: Table, origins: Rows, *, carry: bool = False
) -> Values:
    """Quantiles of the change from the value at each of `origins [M]`: `[M, K, Q]`, scaled.

    carry: the state at an origin is that of who has read the whole series up to it, not a window.
    """
    past, forecasts = Past(table, keep=carry or len(origins) > _AT_ONCE), []
    states = carried_states(head, table, past, origins) if carry else None
    for start in range(0, len(origins), _AT_ONCE):
        some = origins[start : start + _AT_ONCE]
        if states is not None:
            batch = ahead(table, some[:, None])
            found = head.from_states(states[0][start : start + _AT_ONCE, None], batch)
        else:
            newest = np.full((len(some), 1), table.lookback - 1)
            found = head(windows(table, past, some, newest, table.lookback))
        forecasts.append(found[:, 0])
    return np.concatenate(forecasts)


class _Reader:
    """Forecasts from rows that lie a block apart, each time from the state of who has read on to
    it: from `state`, that at the first of them, or else from a window before it.
    """

    def __init__(self, head: ForecastHead, state: State | None = None) -> None:
        self._head, self._state = head, state
        self._unread = head.linear.on_lags.shape[1] if state is None else 0

    def __call__(self, table: Table, at: Rows) -> Values:
        """`[M, K, Q]` after rows `at [M]`."""
        rows = at[:, None] + np.arange(1 - self._unread, 1)
        if self._unread:
            firsts = np.broadcast_to(table.firsts(at), at.shape)[:, None]
            past = Past(table, keep=False)(rows, firsts)
            which = None if table.own is None else table.vector(at)
            _, self._state = self._head.read(past, self._state, which)
        assert self._state is not None
        self._unread = table.horizon
        h = self._state[0][-1]
        found: Values = self._head.from_states(h[:, None], ahead(table, at[:, None]))[:, 0]
        return found


def carried_states(head: ForecastHead, table: Table, past: Past, origins: Rows) -> State:
    """`[M, H]` each: the encoder's state at each of `origins [M]`, carried from the first row of
    its series that can be read, which is read once.
    """
    found: list[State] = [()] * len(origins)
    starts = np.array([0, len(table.y)]) if table.starts is None else table.starts
    skipped = table.first_origin - table.lookback if table.absent is None else 0
    for first, end in pairwise(starts):
        places = np.flatnonzero((origins >= first) & (origins < end))
        state, unread = head.nothing_read, first + skipped
        for place in places[np.argsort(origins[places], kind="stable")]:
            while unread <= origins[place]:
                rows = np.arange(unread, min(unread + _ROWS_AT_ONCE, origins[place] + 1))
                _, state = head.read(past(rows, first)[None], state)
                unread += len(rows)
            found[place] = state
    return tuple(np.concatenate(parts, axis=1)[0] for parts in zip(*found, strict=True))


def head_of(parts: Parts[ForecastCodec]) -> "ForecastHead | Ensemble":
    """Of a run or a model file; of an ensemble all."""
    if parts.codec.members:
        from gruta.tasks.forecast.ensemble import Ensemble

        pairs = zip(members_of(parts.settings), parts.codec.members, strict=True)
        own = [(codec, of_member(name, parts.weights)) for name, codec in pairs]
        return Ensemble([_one(codec, weights, parts.settings) for codec, weights in own])
    return _one(parts.codec, parts.weights, parts.settings)


def _one(codec: ForecastCodec, weights: Mapping[str, Values], settings: Any) -> ForecastHead:
    table = codec.encoding.empty_table()
    return ForecastHead(weights, table, settings, codec.trust, codec.growth)


def units_of(codec: ForecastCodec) -> Mapping[str, str]:
    """What is read, and what is said of it."""
    encoding = codec.encoding
    columns = encoding.columns
    return {
        "input": columns.target,
        "step": encoding.frequency.key,
        "known": ", ".join(columns.known),
        "past": ", ".join(columns.past),
        "static": ", ".join(columns.static),
        "output": "quantiles",
        "steps": str(encoding.horizon),
    }


def _limit(content: Mapping[str, Any]) -> None:
    """ValueError for numbers whose memory no weights pay for."""
    for one in (content, *content.get("members", ())):
        encoding = one["encoding"]
        sizes = [encoding["lookback"], encoding["horizon"], encoding.get("apart", 0)]
        for size in (*sizes, *encoding["seasons"]):
            if not 0 <= int(size) <= MOST_STEPS:
                problem = _("expected at most {most} steps, found {size}")
                raise ValueError(problem.format(most=MOST_STEPS, size=size))
    names = (content.get("hierarchy") or {}).get("names", ())
    if len(names) > MOST_SERIES:
        problem = _("expected a hierarchy of at most {most} series, found {size}")
        raise ValueError(problem.format(most=MOST_SERIES, size=len(names)))


DOOR: Door[ForecastCodec] = Door(
    ForecastCodec, Architecture, head_of, units_of, exact=_FIXED, limit=_limit
)
