"""A trained forecaster against what came, with the simple baselines beside it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gruta.codec.series.codec import ForecastCodec
from gruta.codec.series.encoding import Encoding
from gruta.codec.series.features import Rows
from gruta.codec.series.frequency import Stamps
from gruta.codec.series.series import Series
from gruta.errors import InputError
from gruta.extras import need
from gruta.locale import translate as _
from gruta.tasks.forecast.baselines import baselines
from gruta.tasks.forecast.forecasts import quantiles
from gruta.tasks.forecast.scores import (
    METRICS,
    Difference,
    coverage,
    crps,
    difference,
    mase,
    point_scores,
    standard_error,
)
from gruta.tasks.forecast.statistical import fit_at_origins
from gruta.tasks.scores import Scores, lost_to
from gruta.tasks.trained import Trained

Values = NDArray[np.float64]

_ZONE = re.compile(r"[T ].*(Z|[+-]\d\d(:?\d\d)?)\s*$")


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

    origins `[M]` are the series' rows that were forecast from; times `[M, K]` the stamps that were
    forecast; quantiles `[M, K, Q]`; truth `[M, K]`; baselines by name, each `[M, K]`. The network's
    score comes first.
    """

    origins: Rows
    times: Stamps
    truth: Values
    quantiles: Values
    levels: tuple[float, ...]
    baselines: dict[str, Values]
    scores: list[Scores]
    notes: list[str]

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
        inside = (found[..., low] <= self.truth) & (self.truth <= found[..., high])
        errors, _blocks = standard_error(inside.astype(float), self.overlap)
        nominal = self.levels[high] - self.levels[low]
        return Band(low, high, nominal, float(inside.mean()), inside.mean(axis=0), errors)


def origins_from(series: Series, encoding: Encoding, start: np.datetime64, stride: int) -> Rows:
    """Rows from which to forecast: every `stride`-th, the first step of the first at `start`."""
    if stride < 1:
        raise InputError(stride=f"expected a positive number of steps, got {stride}")
    first = max(int(np.searchsorted(series.times, start)), encoding.history) - 1
    origins = np.arange(first, series.observed - encoding.horizon, stride)
    if not len(origins):
        raise InputError(
            f"{series.source}: no forecast to score from {start} on: that needs {encoding.horizon} "
            f"rows with a target from there, and {encoding.history} rows before them; the file has "
            f"{series.observed} rows with a target, the last of {series.times[series.observed - 1]}"
        )
    return origins


def first_stamp(codec: ForecastCodec, start: str | np.datetime64 | None) -> np.datetime64:
    """`start`, or the first stamp that training did not see."""
    if start is None:
        start = codec.encoding.frequency.after(codec.until, 1)[0]
    return as_stamp(start)


def as_stamp(start: str | np.datetime64) -> np.datetime64:
    """A stamp as a person writes it; InputError if it is none, or has a zone."""
    try:
        # NumPy would take a zone with a warning; filters of warnings are the whole process's.
        if not _ZONE.search(str(start)):
            stamp = np.datetime64(str(start), "us")
            if not np.isnat(stamp):
                return stamp
    except ValueError:
        pass
    raise InputError(
        start="expected a stamp such as 2024-03-31 or 2024-03-31T13:30, without a zone (UTC "
        f"where the data has one), got {str(start)!r}"
    )


def evaluate(
    trained: Trained[ForecastCodec], series: Series, origins: Rows, *, statistical: bool = False
) -> Evaluation:
    """Forecast after `origins [M]` and score it, with the baselines beside it.

    statistical: statsforecast's models are beside it too, and only as many of the origins are
    scored as these have time for.
    """
    codec, levels, name = trained.codec, trained.settings.quantiles, trained.settings.cell
    encoding, line = codec.encoding, trained.head.linear
    notes: list[str] = []
    fitted: Mapping[str, Values] = {}
    if statistical:
        need("statsforecast")
        done = fit_at_origins(series.target, origins, encoding.horizon, encoding.seasons)
        origins, fitted, notes = origins[done.places], done.forecasts, [*done.notes]
    at = origins[:, None] + np.arange(1, encoding.horizon + 1)
    truth, found = series.target[at], quantiles(trained, series, origins)
    simple = {**baselines(series, codec, origins, line), **fitted}
    points = point_scores(truth, {name: found[..., levels.index(0.5)]} | simple)
    no_interval = dict[str, float | None](crps=None, coverage=None)
    interval = no_interval
    if len(levels) > 1:
        inside = coverage(truth, found[..., 0], found[..., -1])
        interval = {"crps": crps(truth, found, levels), "coverage": inside}
    sizes = {name: trained.head.size + line.size, "linear": line.size}
    scores = [
        Scores(
            model,
            sizes.get(model, 0),
            values
            | {"mase": mase(values["mae"], codec.seasonal_error)}
            | (interval if model == name else no_interval),
        )
        for model, values in points.items()
    ]
    times = series.times[at]
    seen = _("Some of these values were seen in training.")
    notes += [seen] if times[0, 0] <= codec.until else []
    return Evaluation(origins, times, truth, found, levels, simple, scores, notes)
