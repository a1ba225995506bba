"""A trained forecaster against what came, with the simple baselines beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from gruta.codec.series.codec import ForecastCodec
from gruta.codec.series.encoding import Encoding
from gruta.codec.series.features import Rows
from gruta.codec.series.frequency import as_shown, show
from gruta.codec.series.series import Series
from gruta.codec.series.stamps import as_stamp
from gruta.errors import InputError
from gruta.extras import need
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.reading import Repair
from gruta.tasks.forecast.around import around, past_values
from gruta.tasks.forecast.baselines import baselines
from gruta.tasks.forecast.ensemble import members_of
from gruta.tasks.forecast.explain.importance import Importances
from gruta.tasks.forecast.forecasts import quantiles, unreconciled
from gruta.tasks.forecast.reconcile import Reconciled, notes_of, reconciled
from gruta.tasks.forecast.records import names_beside, records
from gruta.tasks.forecast.scores import (
    METRICS,
    OF_ZEROS,
    Difference,
    coverage,
    crps,
    difference,
    mase,
    mase_of_several,
    overlapping,
    point_scores,
    quantile_losses,
    seasonal_errors,
    standard_error,
)
from gruta.tasks.forecast.split import steps_before
from gruta.tasks.forecast.statistical import fit_at_origins
from gruta.tasks.scores import Metric, Scores, lost_to
from gruta.tasks.trained import Trained

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Band:
    """Between two quantiles: the share of the truth that should be inside, and what was.

    low, high: the quantiles' places. by_step `[K]`: the share inside at each step; errors `[K]`:
    the standard errors of that, NaN of too few forecasts.
    """

    low: int
    high: int
    nominal: float
    inside: float
    by_step: Values
    errors: Values


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Forecasts from M origins, in the target's unit, and their scores.

    origins `[M]` are the rows of `series` that were forecast from; times `[M, K]` the stamps that
    were forecast, by the data's clock, or rows' numbers; quantiles `[M, K, Q]`; truth `[M, K]`;
    baselines by name, each `[M, K]`. The network's score comes first. importances: of the inputs,
    over the validation part, where that was asked for. members: the score of each network of an
    ensemble alone. baseline_quantiles: each `[M, K, Q]`, where many values are 0; zeros: the share
    of those that training saw. reconciled: the forecasts of a hierarchy before and after.
    """

    series: Series
    origins: Rows
    times: NDArray[Any]
    truth: Values
    quantiles: Values
    levels: tuple[float, ...]
    baselines: dict[str, Values]
    scores: list[Scores]
    notes: list[str]
    importances: Importances | None = None
    members: Sequence[Scores] = ()
    baseline_quantiles: Mapping[str, Values] = field(default_factory=dict)
    zeros: float = 0.0
    reconciled: Reconciled | None = None

    @property
    def metrics(self) -> Sequence[Metric]:
        """The columns of its scores; the first that is judged tells who is better."""
        return OF_ZEROS if self.baseline_quantiles else METRICS

    @property
    def judged(self) -> Literal["crps", "mae"]:
        """The score that tells by how much one is better."""
        return "crps" if self.baseline_quantiles else "mae"

    @property
    def repairs(self) -> Sequence[Repair]:
        """What was found amiss in the file."""
        return self.series.repairs

    def frame(self) -> pl.DataFrame:
        """A row for each value that was forecast, with what came and all forecasts of it.

        Our columns have a suffix where the data have one of that name: `renamed` tells.
        """
        return records(self)

    @property
    def renamed(self) -> Mapping[str, str]:
        """Of our columns of `frame` those that are called otherwise, and how."""
        return {name: own for name, own in names_beside(self).items() if name != own}

    @property
    def median(self) -> Values:
        """`[M, K]`: the point forecast."""
        return self.quantiles[..., self.levels.index(0.5)]

    @property
    def lost_to(self) -> list[str]:
        """The baselines whose sMAPE or MAE is lower than the network's, or of values with many
        zeros the CRPS, be it by chance.
        """
        return lost_to(self.scores, self.metrics)

    @cached_property
    def moments(self) -> NDArray[Any]:
        """`[M]`: what each forecast begins with; of several series often the same."""
        found: NDArray[Any] = self.times[:, 0]
        return found

    @cached_property
    def overlap(self) -> int:
        """At how many moments forecasts begin before one that began first has ended."""
        return overlapping(self.moments, self.times[:, -1])

    @property
    def missed(self) -> Values:
        """`[M, K]`: what the network loses at each value, by the score that decides."""
        if self.judged == "crps":
            return self._crps(self.quantiles)
        found: Values = np.abs(self.median - self.truth)
        return found

    @cached_property
    def differences(self) -> dict[str, Difference]:
        """By how much the network's mean absolute error, or CRPS, is above each baseline's."""
        if self.judged == "crps":
            of_simple = {n: self._crps(values) for n, values in self.baseline_quantiles.items()}
        else:
            of_simple = {n: np.abs(v - self.truth) for n, v in self.baselines.items()}
        return {
            name: difference(self.missed, own, self.overlap, self.moments, self.judged)
            for name, own in of_simple.items()
        }

    def _crps(self, quantiles: Values) -> Values:
        """`[M, K]`: of each value."""
        found: Values = 2 * quantile_losses(self.truth, quantiles, self.levels).mean(-1)
        return found

    @property
    def bands(self) -> list[Band]:
        """The widest, and those within it whose quantiles lie evenly about the median."""
        levels, last = self.levels, len(self.levels) - 1
        pairs = [(0, last)] if last else []
        pairs += [
            (i, j)
            for i in range(last)
            for j in range(i + 1, last + 1)
            if (i, j) != (0, last) and abs(levels[i] + levels[j] - 1) < 1e-9
        ]
        return [self._band(i, j) for i, j in pairs]

    def _band(self, low: int, high: int) -> Band:
        found = self.quantiles
        inside = ((found[..., low] <= self.truth) & (self.truth <= found[..., high])).astype(float)
        inside[np.isnan(self.truth)] = np.nan
        by_step = np.nanmean(inside, axis=0)
        filled = np.where(np.isnan(inside), by_step, inside)
        errors, _blocks = standard_error(filled, self.overlap, self.moments)
        nominal = self.levels[high] - self.levels[low]
        return Band(low, high, nominal, float(np.nanmean(inside)), by_step, errors)


def origins_from(series: Series, encoding: Encoding, start: np.datetime64, stride: int) -> Rows:
    """Rows from which to forecast: every `stride`-th, the first step of the first at `start`."""
    if stride < 1:
        raise InputError(
            stride=_("expected a positive number of steps, got {stride}").format(stride=stride)
        )
    before = np.maximum(steps_before(series, start), encoding.history)
    firsts, ends = series.starts[:-1] + before - 1, series.ends - encoding.horizon
    origins = [np.arange(*run, stride) for run in zip(firsts, ends, strict=True)]
    found = np.concatenate(origins)
    if not len(found):
        longest = int((series.ends - series.starts[:-1]).argmax())
        observed = int(series.ends[longest] - series.starts[longest])
        newest = show(series.times_at(series.ends[longest : longest + 1] - 1)[0], series.frequency)
        first = show(start.astype(np.int64) if series.frequency.numbered else start)
        problem = _(
            "{source}: no forecast to score from {start} on: that needs {horizon} rows with a "
            "target from there, and {history} rows before them; the file has {observed} rows with "
            "a target, the last of {newest}"
        )
        raise InputError(
            problem.format(
                source=series.source,
                start=first,
                horizon=encoding.horizon,
                history=encoding.history,
                observed=number(observed),
                newest=newest,
            )
        )
    return found


def first_stamp(codec: ForecastCodec, start: str | np.datetime64 | None) -> np.datetime64:
    """`start`, or the first stamp that training did not see, as the clock shows it."""
    if start is None:
        frequency = codec.encoding.frequency
        return frequency.local(frequency.after(codec.until, 1))[0]  # type: ignore[no-any-return]
    numbered = codec.encoding.frequency.numbered
    return as_stamp(start, numbered=numbered)


def evaluate(
    trained: Trained[ForecastCodec],
    series: Series,
    origins: Rows,
    *,
    statistical: bool = False,
    carry: bool = False,
    like: Evaluation | None = None,
) -> Evaluation:
    """Forecast after `origins [M]` and score it, with the baselines beside it.

    statistical: statsforecast's models are beside it too, and only as many of the origins are
    scored as these have time for. carry: see `quantiles`. like: of another network, trained on the
    same and scored from the same origins; its simple forecasts are taken as they are.
    """
    codec, levels, name = trained.codec, trained.settings.quantiles, trained.settings.cell
    encoding, line = codec.encoding, trained.head.linear
    notes: list[str] = []
    fitted: Mapping[str, Values] = {}
    if like is not None:
        origins = like.origins
    elif statistical:
        need("statsforecast")
        firsts = series.starts[series.of(origins)]
        y = encoding.read(series).target.astype(np.float64)
        done = fit_at_origins(y, origins, encoding.horizon, encoding.seasons, firsts=firsts)
        origins, fitted, notes = origins[done.places], done.forecasts, [*done.notes]
    at = origins[:, None] + np.arange(1, encoding.horizon + 1)
    truth = series.target[at].astype(np.float64)
    summed = None
    if codec.hierarchy is None:
        found = unreconciled(trained, series, origins, carry=carry)
    else:
        summed = reconciled(trained, series, origins, carry=carry)
        found, notes = summed.after, [*notes, *notes_of(summed, codec.hierarchy.method)]
    if like is None:
        simple = {**baselines(series, codec, origins, line), **fitted}
        spread = _spread(simple, series, trained, origins) if codec.intermittent else {}
        simple = {**{m: q[..., levels.index(0.5)] for m, q in spread.items()}, **simple}
    else:
        simple, spread = dict(like.baselines), like.baseline_quantiles
    sizes = {name: trained.head.size + line.size, "linear": line.size}
    medians = {name: found[..., levels.index(0.5)]} | simple
    scaled = {m: _mase(codec, series, origins, truth, values) for m, values in medians.items()}
    scores = scores_of(truth, {name: found, **spread}, levels, medians, scaled, sizes)
    moments = series.times_at(at)
    times = as_shown(moments, series.frequency)
    seen = _("Some of these values were seen in training.")
    notes += [seen] if moments.min() <= codec.until else []
    members: list[Scores] = []
    for one, alone in members_of(trained).items():
        own = quantiles(alone, series, origins, carry=carry)
        middle = own[..., levels.index(0.5)]
        unit = {one: _mase(codec, series, origins, truth, middle)}
        size = {one: alone.head.size + alone.head.linear.size}
        members += scores_of(truth, {one: own}, levels, {one: middle}, unit, size)
    return Evaluation(
        series,
        origins,
        times,
        truth,
        found,
        levels,
        simple,
        scores,
        notes,
        members=members,
        baseline_quantiles=spread,
        zeros=codec.zeros,
        reconciled=summed,
    )


def _spread(
    simple: Mapping[str, Values], series: Series, trained: Trained[ForecastCodec], origins: Rows
) -> Mapping[str, Values]:
    """`[M, K, Q]`: quantiles of simple forecasts, and those of all past values, a model too."""
    codec, levels = trained.codec, trained.settings.quantiles
    if len(levels) == 1:
        return {}
    found = around(simple, series, codec, origins, trained.head.linear, levels)
    usual = past_values(series, origins, levels)[:, None]
    return found | {"past values": np.repeat(usual, codec.encoding.horizon, 1)}


def scores_of(
    truth: Values,
    quantiles: Mapping[str, Values],
    levels: Sequence[float],
    medians: Mapping[str, Values],
    scaled: Mapping[str, float | None],
    sizes: Mapping[str, int],
) -> list[Scores]:
    """Of medians `[M, K]` by model, the network's first, and of the quantiles `[M, K, Q]` of those
    that have some.

    scaled: the MASE of each. sizes: how many numbers were learned, where some were.
    """
    found = []
    for model, points in point_scores(truth, medians).items():
        of_intervals = dict[str, float | None](crps=None, coverage=None)
        if model in quantiles and len(levels) > 1:
            own = quantiles[model]
            inside = coverage(truth, own[..., 0], own[..., -1])
            of_intervals = {"crps": crps(truth, own, levels), "coverage": inside}
        values = points | {"mase": scaled[model]} | of_intervals
        found.append(Scores(model, sizes.get(model, 0), values))
    return found


def _mase(
    codec: ForecastCodec, series: Series, origins: Rows, truth: Values, forecast: Values
) -> float | None:
    """In the unit of each series; of one that training did not see, that of its own past."""
    known = dict(zip(codec.encoding.ids, codec.seasonal_errors, strict=True))
    if series.count == 1 and series.ids[0] in known:
        missed = np.abs(forecast - truth)
        return mase(float(missed[~np.isnan(missed)].mean()), known[series.ids[0]])
    own, season = series.of(origins), next(iter(codec.encoding.seasons), 1)
    before = np.zeros(series.count, np.int64)
    firsts, where = np.unique(own, return_index=True)
    before[firsts] = origins[where] + 1 - series.starts[firsts]
    past = seasonal_errors(series.until(before), season)
    units = np.array([known.get(name, unit) for name, unit in zip(series.ids, past, strict=True)])
    return mase_of_several(truth, forecast, units[own])
