"""A trained forecaster against what came, with the simple baselines beside it."""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gruta.codec.series.codec import ForecastCodec
from gruta.codec.series.encoding import Encoding
from gruta.codec.series.features import Rows
from gruta.codec.series.frequency import Stamps
from gruta.codec.series.series import Series
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.tasks.forecast.baselines import baselines
from gruta.tasks.forecast.forecasts import quantiles
from gruta.tasks.forecast.scores import METRICS, coverage, mase, point_scores
from gruta.tasks.scores import Scores, lost_to
from gruta.tasks.trained import Trained

Values = NDArray[np.float64]

_ZONE = re.compile(r"[T ].*(Z|[+-]\d\d(:?\d\d)?)\s*$")


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
        """The baselines whose sMAPE or MAE is lower than the network's."""
        return lost_to(self.scores, METRICS)


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


def evaluate(trained: Trained[ForecastCodec], series: Series, origins: Rows) -> Evaluation:
    """Forecast after `origins [M]` and score it, with the baselines beside it."""
    codec, levels, name = trained.codec, trained.settings.quantiles, trained.settings.cell
    encoding, line = codec.encoding, trained.head.linear
    at = origins[:, None] + np.arange(1, encoding.horizon + 1)
    truth, found = series.target[at], quantiles(trained, series, origins)
    simple = baselines(series, codec, origins, line)
    points = point_scores(truth, {name: found[..., levels.index(0.5)]} | simple)
    inside = coverage(truth, found[..., 0], found[..., -1]) if len(levels) > 1 else None
    sizes = {name: trained.head.size + line.size, "linear": line.size}
    scores = [
        Scores(
            model,
            sizes.get(model, 0),
            values
            | {
                "mase": mase(values["mae"], codec.seasonal_error),
                "coverage": inside if model == name else None,
            },
        )
        for model, values in points.items()
    ]
    times = series.times[at]
    seen = _("Some of these values were seen in training.")
    notes = [seen] if times[0, 0] <= codec.until else []
    return Evaluation(origins, times, truth, found, levels, simple, scores, notes)
