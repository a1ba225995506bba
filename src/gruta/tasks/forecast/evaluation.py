"""A trained forecaster against what came, with the simple baselines beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from gruta.codec.series.codec import ForecastCodec
from gruta.codec.series.encoding import Encoding
from gruta.codec.series.features import Rows
from gruta.codec.series.frequency import Stamps
from gruta.codec.series.series import Series
from gruta.codec.series.stamps import as_stamp
from gruta.errors import InputError
from gruta.extras import need
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.reading import Repair
from gruta.tasks.forecast.baselines import baselines
from gruta.tasks.forecast.explain.importance import Importances
from gruta.tasks.forecast.forecasts import quantiles
from gruta.tasks.forecast.records import names_beside, records
from gruta.tasks.forecast.scores import (
    METRICS,
    Difference,
    coverage,
    crps,
    difference,
    mase,
    mase_of_several,
    point_scores,
    seasonal_errors,
    standard_error,
)
from gruta.tasks.forecast.split import steps_before
from gruta.tasks.forecast.statistical import fit_at_origins
from gruta.tasks.scores import Scores, lost_to
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
    were forecast, by the data's clock; quantiles `[M, K, Q]`; truth `[M, K]`; baselines by name,
    each `[M, K]`. The network's score comes first. importances: of the inputs, over the validation
    part, where that was asked for.
    """

    series: Series
    origins: Rows
    times: Stamps
    truth: Values
    quantiles: Values
    levels: tuple[float, ...]
    baselines: dict[str, Values]
    scores: list[Scores]
    notes: list[str]
    importances: Importances | None = None

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
        """The baselines whose sMAPE or MAE is lower than the network's, be it by chance."""
        return lost_to(self.scores, METRICS)

    @property
    def overlap(self) -> int:
        """How many forecasts, the first among them, begin before the first has ended."""
        apart = int(np.diff(self.origins).min()) if len(self.origins) > 1 else 1
        horizon: int = self.truth.shape[1]
        return -(-horizon // apart)

    @cached_property
    def differences(self) -> dict[str, Difference]:
        """By how much the network's mean absolute error is above each baseline's."""
        missed = np.abs(self.median - self.truth)
        return {
            name: difference(missed, np.abs(values - self.truth), self.overlap)
            for name, values in self.baselines.items()
        }

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
        errors, _blocks = standard_error(filled, self.overlap)
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
        newest = series.times_at(series.ends[longest : longest + 1] - 1)[0]
        problem = _(
            "{source}: no forecast to score from {start} on: that needs {horizon} rows with a "
            "target from there, and {history} rows before them; the file has {observed} rows with "
            "a target, the last of {newest}"
        )
        raise InputError(
            problem.format(
                source=series.source,
                start=start,
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
) -> Evaluation:
    """Forecast after `origins [M]` and score it, with the baselines beside it.

    statistical: statsforecast's models are beside it too, and only as many of the origins are
    scored as these have time for. carry: see `quantiles`.
    """
    codec, levels, name = trained.codec, trained.settings.quantiles, trained.settings.cell
    encoding, line = codec.encoding, trained.head.linear
    notes: list[str] = []
    fitted: Mapping[str, Values] = {}
    if statistical:
        need("statsforecast")
        firsts = series.starts[series.of(origins)]
        y = series.target.astype(np.float64)
        done = fit_at_origins(y, origins, encoding.horizon, encoding.seasons, firsts=firsts)
        origins, fitted, notes = origins[done.places], done.forecasts, [*done.notes]
    at = origins[:, None] + np.arange(1, encoding.horizon + 1)
    truth = series.target[at].astype(np.float64)
    found = quantiles(trained, series, origins, carry=carry)
    simple = {**baselines(series, codec, origins, line), **fitted}
    sizes = {name: trained.head.size + line.size, "linear": line.size}
    medians = {name: found[..., levels.index(0.5)]} | simple
    scaled = {m: _mase(codec, series, origins, truth, values) for m, values in medians.items()}
    scores = scores_of(truth, found, levels, medians, scaled, sizes)
    moments = series.times_at(at)
    times = series.frequency.local(moments)
    seen = _("Some of these values were seen in training.")
    notes += [seen] if moments.min() <= codec.until else []
    return Evaluation(series, origins, times, truth, found, levels, simple, scores, notes)


def scores_of(
    truth: Values,
    found: Values,
    levels: Sequence[float],
    medians: Mapping[str, Values],
    scaled: Mapping[str, float | None],
    sizes: Mapping[str, int],
) -> list[Scores]:
    """Of medians `[M, K]` by model, the network's first, whose quantiles are found `[M, K, Q]`.

    scaled: the MASE of each. sizes: how many numbers were learned, where some were.
    """
    of_intervals = dict[str, float | None](crps=None, coverage=None)
    own = of_intervals
    if len(levels) > 1:
        inside = coverage(truth, found[..., 0], found[..., -1])
        own = {"crps": crps(truth, found, levels), "coverage": inside}
    network = next(iter(medians))
    return [
        Scores(
            model,
            sizes.get(model, 0),
            points | {"mase": scaled[model]} | (own if model == network else of_intervals),
        )
        for model, points in point_scores(truth, medians).items()
    ]


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
