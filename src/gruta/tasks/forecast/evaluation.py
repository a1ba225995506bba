"""A trained forecaster against what came, with the simple baselines beside it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gruta.codec.series.codec import ForecastCodec
from gruta.codec.series.encoding import Encoding
from gruta.codec.series.features import Rows
from gruta.codec.series.frequency import Stamps
from gruta.codec.series.series import Series
from gruta.codec.series.stamps import as_stamp
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.tasks.forecast.baselines import baselines
from gruta.tasks.forecast.forecasts import quantiles
from gruta.tasks.forecast.scores import METRICS, coverage, mase, point_scores
from gruta.tasks.forecast.split import steps_before
from gruta.tasks.scores import Scores, lost_to
from gruta.tasks.trained import Trained

Values = NDArray[np.float64]


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
    before = np.maximum(steps_before(series, start), encoding.history)
    firsts, ends = series.starts[:-1] + before - 1, series.ends - encoding.horizon
    origins = [np.arange(*run, stride) for run in zip(firsts, ends, strict=True)]
    found = np.concatenate(origins)
    if not len(found):
        longest = int((series.ends - series.starts[:-1]).argmax())
        observed = int(series.ends[longest] - series.starts[longest])
        newest = series.times_at(series.ends[longest : longest + 1] - 1)[0]
        raise InputError(
            f"{series.source}: no forecast to score from {start} on: that needs {encoding.horizon} "
            f"rows with a target from there, and {encoding.history} rows before them; the file has "
            f"{observed} rows with a target, the last of {newest}"
        )
    return found


def first_stamp(codec: ForecastCodec, start: str | np.datetime64 | None) -> np.datetime64:
    """`start`, or the first stamp that training did not see."""
    if start is None:
        start = codec.encoding.frequency.after(codec.until, 1)[0]
    return as_stamp(start)


def evaluate(trained: Trained[ForecastCodec], series: Series, origins: Rows) -> Evaluation:
    """Forecast after `origins [M]` and score it, with the baselines beside it."""
    codec, levels, name = trained.codec, trained.settings.quantiles, trained.settings.cell
    encoding, line = codec.encoding, trained.head.linear
    at = origins[:, None] + np.arange(1, encoding.horizon + 1)
    truth = series.target[at].astype(np.float64)
    found = quantiles(trained, series, origins)
    simple = baselines(series, encoding, origins, line)
    points = point_scores(truth, {name: found[..., levels.index(0.5)]} | simple)
    inside = coverage(truth, found[..., 0], found[..., -1]) if len(levels) > 1 else None
    sizes = {name: trained.head.size + line.size, "linear": line.size}
    scores = [
        Scores(
            model,
            sizes.get(model, 0),
            values
            | {
                "mase": mase(values["mae"], codec.seasonal_errors[0]),
                "coverage": inside if model == name else None,
            },
        )
        for model, values in points.items()
    ]
    times = series.times_at(at)
    seen = _("Some of these values were seen in training.")
    notes = [seen] if times[0, 0] <= codec.until else []
    return Evaluation(origins, times, truth, found, levels, simple, scores, notes)
