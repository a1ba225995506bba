"""What came since training beside what training saw: the errors, and what the network reads."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.arithmetic import as_usual
from gruta.codec.series.codec import ForecastCodec
from gruta.codec.series.frequency import as_shown, show
from gruta.codec.series.series import Rows, Series
from gruta.codec.series.stamps import as_stamp
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.tasks.forecast.evaluation import Evaluation, evaluate, first_stamp
from gruta.tasks.forecast.scores import Difference, mean_of_rows, standard_error
from gruta.tasks.forecast.split import steps_before
from gruta.tasks.trained import Trained

Values = NDArray[np.float64]

MOST_ORIGINS = 2000
"""About so many forecasts at most are scored on either side."""


@dataclass(frozen=True)
class ErrorDrift:
    """A model's mean absolute error on the validation part and since training.

    change: by how much the latter is larger, with its standard error.
    """

    model: str
    before: float
    since: float
    change: Difference


@dataclass(frozen=True)
class InputDrift:
    """A column in training and since, in its unit.

    shift: of the mean, in training's deviations; of several series each in its own. outside: share
    of the values since that no value of training reaches; None where the file has none of these.
    """

    column: str
    mean: float
    mean_since: float
    deviation: float
    deviation_since: float
    shift: float
    outside: float | None


@dataclass(frozen=True)
class Drift:
    """What changed since training, which saw rows up to `until`.

    rows: how many have come since. errors: the network's first; none where the rows since, or those
    of the validation part in the file, are fewer than a horizon.
    """

    until: np.datetime64 | np.int64
    rows: int
    errors: Sequence[ErrorDrift]
    inputs: Sequence[InputDrift]

    def to_json(self) -> dict[str, Any]:
        """For a program."""
        errors = [
            {
                "model": e.model,
                "mae_validation": e.before,
                "mae_since": e.since,
                "difference": e.change.value,
                "standard_error": e.change.error,
                "beyond_chance": e.change.beyond_chance,
            }
            for e in self.errors
        ]
        inputs = [vars(one) for one in self.inputs]
        return {
            "trained_until": show(self.until),
            "rows_since": self.rows,
            "errors": errors,
            "inputs": inputs,
        }


@as_usual()
def drift(trained: Trained[ForecastCodec], series: Series) -> Drift:
    """Of the rows that came since training; InputError where there are none."""
    frequency = trained.codec.encoding.frequency
    until = as_shown(np.array([trained.codec.until]), frequency)[0]
    observed = series.ends - series.starts[:-1]
    seen = np.clip(steps_before(series, first_stamp(trained.codec, None)), 0, observed)
    rows = int((observed - seen).sum())
    if not rows:
        problem = _(
            "{source}: expected rows that came since training, which saw those up to {until}, "
            "found none"
        )
        raise InputError(problem.format(source=series.source, until=show(until)))
    train = _validated_from(trained, series, seen)
    before = _origins(trained, series, train, seen)
    since = _origins(trained, series, seen, observed)
    errors: list[ErrorDrift] = []
    if len(before) and len(since):
        earlier, later = (evaluate(trained, series, origins) for origins in (before, since))
        larger = trained.codec.optimism_at(series.times_at(before))
        errors = list(_errors(earlier, later, larger, trained.settings.cell))
    return Drift(until, rows, errors, list(_inputs(trained, series, train, seen)))


def _validated_from(trained: Trained[ForecastCodec], series: Series, seen: Rows) -> Rows:
    """`[S]`: about where the validation part began; a run does not tell it to the row."""
    s = trained.settings
    if s.validation_from:
        first = steps_before(series, as_stamp(s.validation_from, "validation_from"))
        return np.minimum(first, seen)
    whole = seen.max() / (1 - (0.0 if s.test_from else s.test_share))
    found: Rows = np.maximum(seen - max(round(s.validation_share * whole), s.horizon), 0)
    return found


def _origins(trained: Trained[ForecastCodec], series: Series, firsts: Rows, ends: Rows) -> Rows:
    """Rows whose whole horizon lies between `firsts [S]` and `ends [S]`, counted in each series."""
    encoding = trained.codec.encoding
    begins = series.starts[:-1] + np.maximum(firsts, encoding.history) - 1
    lasts = series.starts[:-1] + ends - encoding.horizon
    stride = max(1, int(np.maximum(lasts - begins, 0).sum()) // MOST_ORIGINS)
    runs = [np.arange(*run, stride) for run in zip(begins, lasts, strict=True)]
    return np.concatenate(runs)


def _errors(
    before: Evaluation, since: Evaluation, larger: Values, cell: str
) -> Iterator[ErrorDrift]:
    """larger: by how much those of before are, `[M]`, by who has not seen what came."""
    shared = [name for name in before.baselines if name in since.baselines]
    for model in (cell, *shared):
        means, errors, blocks = [], [], []
        for found in (before, since):
            forecast = found.median if model == cell else found.baselines[model]
            apart = np.abs(forecast - found.truth)
            if found is before and model in (cell, "linear"):
                apart = apart * larger[:, None]
            missed, some = mean_of_rows(apart), ~np.isnan(apart).all(1)
            error, count = standard_error(missed, found.overlap, found.moments[some])
            means.append(float(missed.mean()))
            errors.append(float(error))
            blocks.append(count)
        # The two lie apart in time, so their errors are taken to be independent.
        error = math.hypot(*errors)
        known = None if math.isnan(error) else error
        change = Difference(means[1] - means[0], known, min(blocks))
        yield ErrorDrift(model, means[0], means[1], change)


def _inputs(
    trained: Trained[ForecastCodec], series: Series, train: Rows, seen: Rows
) -> Iterator[InputDrift]:
    encoding, columns = trained.codec.encoding, series.columns
    own = series.of(np.arange(len(series)))
    place = np.arange(len(series)) - series.starts[own]
    old, new = place < train[own], (place >= seen[own]) & series.inside
    scales = encoding.scales(series)
    target = encoding.learned(series).target
    found = [(encoding.label, target, scales.mean[own], scales.scale[own])]
    one = np.ones(len(own))
    covariates = (
        (columns.known, series.known, encoding.known),
        (columns.past, series.past, encoding.past),
    )
    for names, values, own_columns in covariates:
        scaler = own_columns.scaler
        numeric = [i for i, name in enumerate(names) if name not in own_columns.levels]
        each = zip(numeric, scaler.mean, scaler.scale, strict=True)
        found += [(names[i], values[:, i], mean * one, scale * one) for i, mean, scale in each]
    for name, values, mean, scale in found:
        there = new & ~np.isnan(values)
        if not there.any():
            continue
        z = (values - mean) / scale
        known = z[old & ~np.isnan(values)]
        outside = None
        if len(known):
            outside = float(((z[there] < known.min()) | (z[there] > known.max())).mean())
        usual = float(np.sqrt(np.square(scale[there]).mean()))
        yield InputDrift(
            name,
            float(mean[there].mean()),
            float(values[there].mean(dtype=np.float64)),
            usual,
            usual * float(z[there].std(dtype=np.float64)),
            float(z[there].mean(dtype=np.float64)),
            outside,
        )
