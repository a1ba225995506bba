"""One forecast, taken apart into what each source of its inputs adds to it.

    forecast(k) = baseline(k) + Σ_sources linear(k) + Σ_sources network(k)

The baseline is what would be forecast if all that is read were at its mean in training. The linear
path's part of a source is exact: weights times deviations from those means. What the network
corrects is shared out by Shapley values over the sources, which sum to it.

Letters in shapes: K steps, G sources, N lags.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.codec.series.codec import ForecastCodec
from gruta.codec.series.features import Rows, Table
from gruta.codec.series.frequency import Stamps, as_shown, show
from gruta.codec.series.linear import LinearModel
from gruta.codec.series.series import Series
from gruta.codec.series.stamps import as_stamp
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.tasks.forecast.coming import with_rows_to_come
from gruta.tasks.forecast.explain.shapley import shapley
from gruta.tasks.forecast.explain.sources import Inputs, Parts, Source, batch, inputs_at, sources
from gruta.tasks.forecast.explain.sources import ranges as ranges_of
from gruta.tasks.forecast.forecasts import unreconciled
from gruta.tasks.forecast.head import ForecastHead
from gruta.tasks.forecast.split import steps_before
from gruta.tasks.trained import Trained

Values = NDArray[np.float64]

_AT_ONCE = 64
_HISTORY, _LEAST_HISTORY = 2, 24
"""So many horizons before the forecast are kept for the picture, and so many rows at least."""


@dataclass(frozen=True, eq=False)
class Explanation:
    """Of one forecast, in the target's unit.

    times `[K]`; quantiles `[K, Q]` of `levels`; baseline `[K]`; linear, network `[G, K]`: what each
    source adds by the linear path, and to the network's correction. by_lag `[K, N]`: what each of
    the target's values adds by the linear path, the newest first. held `[K]`: what keeping the
    forecast at 0 or above adds. before: the stamps and values up to the origin. truth `[K]`: what
    came, NaN where that is not known.
    """

    target: str
    series: str
    sources: Sequence[Source]
    times: Stamps
    levels: tuple[float, ...]
    quantiles: Values
    baseline: Values
    linear: Values
    network: Values
    by_lag: Values
    held: Values
    before: tuple[Stamps, Values]
    truth: Values

    @property
    def forecast(self) -> Values:
        """`[K]`: the median."""
        return self.quantiles[:, self.levels.index(0.5)]

    @property
    def added(self) -> Values:
        """`[G, K]`: by each source, in both ways."""
        return self.linear + self.network

    @property
    def correction(self) -> Values:
        """`[K]`: the network's, beyond what it would correct at the baseline."""
        total: Values = self.network.sum(0)
        return total

    @cached_property
    def shares(self) -> Values:
        """`[G]`: of all that the sources move the forecast by, up or down; 0 if nothing does."""
        return _shares(np.abs(self.added).mean(1))

    @property
    def ranges(self) -> list[tuple[int, int]]:
        """Stretches of lags, up to the oldest value that is read."""
        return ranges_of(self.by_lag.shape[1] - 1)

    @cached_property
    def shares_by_range(self) -> Values:
        """For each of `ranges` the share of what the target's own values move the forecast by.

        A season's part of the correction counts where the season's value lies.
        """
        lags = np.arange(self.by_lag.shape[1])
        steps = np.arange(1, len(self.times) + 1)
        sizes = []
        for first, last in self.ranges:
            moved = self.by_lag[:, (first <= lags) & (lags <= last)].sum(1)
            for source, part in zip(self.sources, self.network, strict=True):
                if source.kind == "own" and first == source.first:
                    moved = moved + part
                elif source.kind == "season":
                    lag = _season_lag(source.first, steps)
                    moved = moved + np.where((first <= lag) & (lag <= last), part, 0.0)
            sizes.append(np.abs(moved).mean())
        return _shares(np.array(sizes))

    def change_from(self, earlier: "Explanation") -> "Change":
        """What changed the forecast of the stamps that both forecast; InputError if none are.

        Both must be of one forecaster.
        """
        if self.sources != earlier.sources or self.levels != earlier.levels:
            problem = _("the two forecasts to compare are of different forecasters; take one")
            raise InputError(problem)
        shared, own, other = np.intersect1d(self.times, earlier.times, return_indices=True)
        if not len(shared):
            raise InputError(
                against=_(
                    "no step in common: one forecast is of {one}, the other of {other}; take two "
                    "that are less than a horizon apart"
                ).format(one=_span(self.times), other=_span(earlier.times))
            )
        return Change(
            self.target,
            self.sources,
            shared,
            (earlier.forecast[other], self.forecast[own]),
            self.linear[:, own] - earlier.linear[:, other],
            self.network[:, own] - earlier.network[:, other],
            self.baseline[own] - earlier.baseline[other],
            self.held[own] - earlier.held[other],
        )

    def to_json(self) -> dict[str, Any]:
        """For a program."""
        parts = zip(self.sources, self.linear, self.network, self.shares, strict=True)
        stretches = zip(self.ranges, self.shares_by_range, strict=True)
        return {
            "target": self.target,
            "series": self.series,
            "times": self.times.astype(str).tolist(),
            "forecast": self.forecast.tolist(),
            "quantiles": {str(q): self.quantiles[:, i].tolist() for i, q in enumerate(self.levels)},
            "baseline": self.baseline.tolist(),
            "sources": [
                source.to_json()
                | {"linear": linear.tolist(), "network": network.tolist(), "share": float(share)}
                for source, linear, network, share in parts
            ],
            "held_at_zero": self.held.tolist(),
            "by_lag": np.abs(self.by_lag).mean(0).tolist(),
            "by_range": [{"lags": list(lags), "share": float(share)} for lags, share in stretches],
        }


@dataclass(frozen=True, eq=False)
class Change:
    """What changed between two forecasts of the same stamps `[K]`, in the target's unit.

    forecasts: the earlier and the later. linear, network `[G, K]`: by source. baseline: since the
    stamps may be another number of steps ahead; held: since one was kept at 0. All sum to the
    difference.
    """

    target: str
    sources: Sequence[Source]
    times: Stamps
    forecasts: tuple[Values, Values]
    linear: Values
    network: Values
    baseline: Values
    held: Values

    @property
    def difference(self) -> Values:
        """`[K]`: the later forecast less the earlier."""
        earlier, later = self.forecasts
        return later - earlier

    @property
    def added(self) -> Values:
        """`[G, K]`: by each source, in both ways."""
        return self.linear + self.network

    def to_json(self) -> dict[str, Any]:
        """For a program."""
        earlier, later = self.forecasts
        parts = zip(self.sources, self.linear, self.network, strict=True)
        return {
            "times": self.times.astype(str).tolist(),
            "earlier": earlier.tolist(),
            "later": later.tolist(),
            "sources": [
                source.to_json() | {"linear": linear.tolist(), "network": network.tolist()}
                for source, linear, network in parts
            ],
            "baseline": self.baseline.tolist(),
            "held_at_zero": self.held.tolist(),
        }


def explain(
    trained: Trained[ForecastCodec],
    series: Series,
    at: str | np.datetime64 | None = None,
    name: str | None = None,
    *,
    called: str = "at",
    missing_known: str | None = None,
) -> Explanation:
    """The forecast whose first step is at `at`, by default the one after the last value.

    name: of the series, in a file of several. called: what messages call `at`. missing_known: a
    policy in place of the run's.
    InputError where there is no such series, or not enough of it for such a forecast.
    """
    codec, levels = trained.codec, trained.settings.quantiles
    encoding, head = codec.encoding, trained.head
    if encoding.transformed:
        raise InputError(
            transform=_(
                "parts add up to a forecast where the target is learned as it is; this one was "
                "trained with a transform: train one with transform none to explain it"
            )
        )
    if trained.settings.strategy != "direct":
        raise InputError(
            strategy=_(
                "parts add up to a forecast where all steps are forecast at once; this one reads "
                "its own forecasts back: train one with strategy direct to explain it"
            )
        )
    policy = missing_known or trained.settings.missing_known
    series, origin = _placed(_chosen(series, name), codec, at, called, policy)
    table, origins = encoding.table(series), np.array([origin])
    every = sources(encoding)
    inputs = inputs_at(table, origins)
    parts = Parts(table, inputs, every, head.means)
    scale = float(encoding.scales(series).scale[0])
    nothing = parts.reference
    base = nothing["now"][0] + head.median(batch(nothing))[0]
    found = unreconciled(trained, series, origins)[0]
    median = table.y[origins][:, None] + head.median(batch(inputs))
    free, kept = encoding.decode(median, series, origins)[0], found[:, levels.index(0.5)]
    at_rows = origin + 1 + np.arange(encoding.horizon)
    first = max(0, origin + 1 - max(_LEAST_HISTORY, _HISTORY * encoding.horizon))
    return Explanation(
        target=encoding.columns.target,
        series=series.ids[0],
        sources=every,
        times=as_shown(series.times_at(at_rows), series.frequency),
        levels=levels,
        quantiles=found,
        baseline=encoding.decode(base[None], series, origins)[0],
        linear=scale * linear_parts(head.linear, parts.parts)[:, 0],
        network=scale * _network_parts(head, parts),
        by_lag=scale * _by_lag(head.linear, table, origin),
        held=np.where((free < 0) & (kept >= 0), kept - free, 0.0),
        before=(
            as_shown(series.times_at(np.arange(first, origin + 1)), series.frequency),
            series.target[first : origin + 1].astype(np.float64),
        ),
        truth=series.target[at_rows].astype(np.float64),
    )


def linear_parts(line: LinearModel, parts: Inputs) -> Values:
    """`[G, M, K]`: what each part of the inputs adds to the linear path's forecast, scaled."""
    wide: dict[str, Any] = {name: x.astype(np.float64) for name, x in parts.items()}
    change = line(wide["lags"], wide["recent"], wide["future"]) - line.bias
    found: Values = wide["now"][..., None] + change
    return found


def _network_parts(head: ForecastHead, parts: Parts) -> Values:
    """`[G, K]`: Shapley values of the network's correction."""
    count, steps = len(parts.parts["now"]), parts.reference["future"].shape[1]
    if not head.trust:
        return np.zeros((count, steps))

    def corrections(chosen: NDArray[np.bool_]) -> Values:
        blocks = np.split(chosen, np.arange(_AT_ONCE, len(chosen), _AT_ONCE))
        return np.concatenate([head.correction(batch(parts.together(b))) for b in blocks])

    return shapley(count, corrections)


def _by_lag(line: LinearModel, table: Table, origin: int) -> Values:
    """`[K, N]`: each value of the target times all of its weights in the linear path."""
    K, L = table.horizon, table.lookback
    steps = np.arange(1, K + 1)
    before = [_season_lag(season, steps) for season in table.seasons]
    depth = max([L, *(int(lag.max()) + 3 for lag in before)])
    weights = np.zeros((K, depth))
    weights[:, :L] = line.on_lags[:, ::-1]
    weights[:, 0] = 1.0 - line.on_lags[:, :-1].sum(1)
    place = 2 * table.known.shape[1] + table.calendar.shape[1]
    weights[:, 0] += line.on_future[:, place]
    place += 1
    for lag in before:
        value, change, earlier = (line.on_future[:, place + i] for i in range(3))
        weights[:, 0] -= value
        for further, weight in enumerate((value + change, earlier - change, -earlier)):
            np.add.at(weights, (steps - 1, lag + further), weight)
        place += 3 + table.known.shape[1] + (table.absent is not None)
    first = table.firsts(np.array([origin]))
    y = table.y[np.maximum(origin - np.arange(depth), first)].astype(np.float64)
    return weights * y


def _season_lag(season: int, steps: Rows) -> Rows:
    """How many rows before the origin the same phase of each step lies, a season before."""
    found: Rows = season * ((steps - 1) // season + 1) - steps
    return found


def _chosen(series: Series, name: str | None) -> Series:
    """The one of that name."""
    if name is None and series.count == 1:
        return series
    if name not in series.ids:
        some = ", ".join(series.ids[:10]) + (", …" if series.count > 10 else "")
        got = _("none was named") if name is None else _("got {name!r}").format(name=name)
        raise InputError(
            series=_("expected one of those in {source}, {some}; {got}").format(
                source=series.source, some=some, got=got
            )
        )
    return series.one(series.ids.index(name))


def _placed(
    series: Series,
    codec: ForecastCodec,
    at: str | np.datetime64 | None,
    called: str,
    missing_known: str,
) -> tuple[Series, int]:
    """The series with rows for the whole horizon, and the row to forecast from."""
    encoding = codec.encoding
    if at is None:
        series = with_rows_to_come(series, encoding, missing_known)
        return series, series.observed - 1
    numbered = encoding.frequency.numbered
    first = as_stamp(at, called, numbered)
    origin = int(steps_before(series, first)[0]) - 1
    newest = series.observed - 1
    if not encoding.history - 1 <= origin <= newest:
        stamps = series.times_at(np.array([max(encoding.history - 1, 0), newest]))
        if newest < encoding.history - 1:
            stamps = stamps[1:]
        after = map(show, as_shown(encoding.frequency.shift(stamps, 1), encoding.frequency))
        given = show(first.astype(np.int64) if numbered else first)
        problem = _(
            "expected the first stamp of a forecast, with {history} rows before it: {source} has "
            "those from {span}, got {first}"
        ).format(
            history=encoding.history, source=series.source, span=_(" to ").join(after), first=given
        )
        raise InputError(**{called: problem})
    if origin + encoding.horizon > newest:
        series = with_rows_to_come(series, encoding, missing_known)
    return series, origin


def _shares(sizes: Values) -> Values:
    total = sizes.sum()
    found: Values = sizes / total if total else np.zeros_like(sizes)
    return found


def _span(times: Stamps) -> str:
    return _(" to ").join(map(str, times[[0, -1]]))
