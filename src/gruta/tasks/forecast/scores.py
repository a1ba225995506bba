"""Scores of forecasts against what came: the definitions that were published, to the letter.

The README beside says by which factor other libraries' numbers of the same names differ.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from utilsforecast import losses

from gruta.codec.series.frequency import Stamps
from gruta.codec.series.series import Series
from gruta.tasks.scores import Metric

Values = NDArray[np.float64]


METRICS = (
    Metric("smape", "sMAPE (%)", best="lowest", judged=True),
    Metric("mae", "MAE", best="lowest", judged=True, in_unit=True),
    Metric("rmse", "RMSE", best="lowest", in_unit=True),
    Metric("mase", "MASE", best="lowest"),
    Metric("coverage", "coverage (%)", digits=1, factor=100.0),
)
"""MAE and RMSE are in the target's unit. With F the forecast and A what came:

smape: mean of 200·|F − A| / (|F| + |A|), 0 where both are 0 (Makridakis, Spiliotis and
Assimakopoulos 2020, the M4 competition's). mase: MAE over the mean absolute error of the seasonal
naive forecast within the training part (Hyndman and Koehler 2006); None where that is 0.
coverage: share of the values inside the outermost quantiles; None for a model without them.
"""


OF_ZEROS = (
    Metric("crps", "CRPS", best="lowest", judged=True, in_unit=True),
    *(replace(metric, judged=False, best=None) for metric in METRICS),
)
"""Of values many of which are 0: a forecast of nothing has a low absolute error there, and sMAPE is
200 for all but nothing wherever nothing comes, so the score of all quantiles decides.
"""


def point_scores(truth: Values, forecasts: Mapping[str, Values]) -> dict[str, dict[str, float]]:
    """smape, mae and rmse of each forecast `[M, K]` against truth `[M, K]`, by model."""
    frame, models = _frame(truth, forecasts), list(forecasts)
    found = {
        name: loss(frame, models)
        for name, loss in (("smape", losses.smape), ("mae", losses.mae), ("rmse", losses.rmse))
    }
    # utilsforecast's sMAPE is half of the definition, as a share.
    factor = {"smape": 200.0, "mae": 1.0, "rmse": 1.0}
    return {
        model: {name: factor[name] * float(found[name][model][0]) for name in found}
        for model in models
    }


def coverage(truth: Values, low: Values, high: Values) -> float:
    """Share of truth that lies within [low, high]."""
    frame = _frame(truth, {"m": low, "m-lo-80": low, "m-hi-80": high})
    return float(losses.coverage(frame, ["m"], level=80)["m"][0])


def quantile_losses(truth: Values, quantiles: Values, levels: Sequence[float]) -> Values:
    """`[..., Q]`: the pinball loss of each quantile against truth `[...]`.

    τ·(y − q) where y ≥ q, (1 − τ)·(q − y) elsewhere (Koenker and Bassett 1978), without the
    factor 2 with which the median's would be its absolute error.
    """
    level, missed = np.asarray(levels), truth[..., None] - quantiles
    found: Values = np.where(missed >= 0, level * missed, (level - 1) * missed)
    return found


def pinball(truth: Values, quantiles: Values, levels: Sequence[float]) -> Values:
    """`[Q]`: the mean pinball loss of each quantile of `[..., Q]` against truth `[...]`."""
    losses = quantile_losses(truth, quantiles, levels)
    found: Values = np.nanmean(losses.reshape(-1, len(levels)), axis=0)
    return found


def crps(truth: Values, quantiles: Values, levels: Sequence[float]) -> float:
    """Twice the mean pinball loss over the levels, in the target's unit.

    The continuous ranked probability score is twice the integral of the pinball loss over all
    levels from 0 to 1 (Gneiting and Raftery 2007; as an integral of this kind, Laio and Tamea
    2007). On few levels, equally weighted, this approximates it: numbers compare between forecasts
    of the same levels alone. Of levels that lie evenly about 0.5, a forecast whose quantiles are
    all one value has its absolute error as its score.
    """
    return 2 * float(pinball(truth, quantiles, levels).mean())


def seasonal_error(train: Values, season: int) -> float:
    """Mean absolute error of the seasonal naive forecast within the training part `[N]`."""
    return float(np.abs(train[season:] - train[:-season]).mean())


def seasonal_errors(train: Series, season: int) -> tuple[float, ...]:
    """The same of each series, over the values that are there; 0 where it is too short."""
    found = []
    for first, end in itertools.pairwise(train.starts):
        own = train.target[first:end].astype(np.float64)
        if not np.isnan(own).any() and len(own) > season:
            found.append(seasonal_error(own, season))
            continue
        missed = np.abs(own[season:] - own[:-season]) if len(own) > season else own[:0]
        there = missed[~np.isnan(missed)]
        found.append(float(there.mean()) if len(there) else 0.0)
    return tuple(found)


def mase(mae: float, seasonal_error: float) -> float | None:
    """MAE in units of the seasonal naive forecast's; None where that made no error."""
    return mae / seasonal_error if seasonal_error else None


def mase_of_several(truth: Values, forecast: Values, units: Values) -> float | None:
    """Mean over `[M, K]` of absolute errors, each in the unit `[M]` of its series; None where no
    series has one.
    """
    scaled = np.abs(forecast - truth)[units > 0] / units[units > 0, None]
    there = scaled[~np.isnan(scaled)]
    return float(there.mean()) if len(there) else None


@dataclass(frozen=True)
class Difference:
    """By how much the network's mean score is above a simple forecast's; below 0: better.

    error: the standard error of the mean of the paired differences; None of too few forecasts.
    blocks: of how many stretches that was estimated. score: which one, mae or crps.
    """

    value: float
    error: float | None
    blocks: int
    score: str = "mae"

    @property
    def beyond_chance(self) -> bool:
        """Whether it is unlike 0 by a two-sided t test at the level of 5 %."""
        return self.error is not None and abs(self.value) > _students(self.blocks - 1) * self.error

    def to_json(self) -> dict[str, Any]:
        """For a program."""
        return {
            f"{self.score}_above": self.value,
            "standard_error": self.error,
            "beyond_chance": self.beyond_chance,
        }


FEWEST_BLOCKS = 5
"""Of fewer stretches no standard error is told."""


def difference(
    network: Values,
    simple: Values,
    overlap: int,
    moments: Stamps | None = None,
    score: str = "mae",
) -> Difference:
    """Of absolute errors or other losses, both `[M, K]`, of forecasts that begin at `moments [M]`.

    Compare Diebold and Mariano 1995; the error is that of `standard_error`.
    """
    apart = network - simple
    some = ~np.isnan(apart).all(axis=1)
    means = mean_of_rows(apart)
    error, blocks = standard_error(means, overlap, None if moments is None else moments[some])
    known = None if math.isnan(error) else float(error)
    return Difference(float(means.mean()), known, blocks, score)


def standard_error(values: Values, overlap: int, moments: Stamps | None = None) -> tuple[Any, int]:
    """Of the mean over the first axis of `[M, …]`, by stretches, and how many; NaN of too few.

    moments: `[M]` what each forecast begins with; one after the other if not given. A forecast
    shares its time with those of the `overlap` next moments, and neighbours err alike, as series of
    one panel do at the same moment. So all that was forecast in a stretch of time, as long as an
    overlap and at least the cube root of the number of moments, counts as one (Carlstein 1986),
    with the weight of its size (Liang and Zeger 1986).
    """
    places = np.arange(len(values))
    if moments is not None:
        places = np.unique(moments, return_inverse=True)[1]
    count = int(places.max(initial=-1)) + 1
    length = max(overlap, round(count ** (1 / 3)), 1)
    blocks = count // length
    if blocks < FEWEST_BLOCKS:
        return np.full(values.shape[1:], np.nan)[()], blocks
    sizes = [len(part) for part in np.array_split(np.arange(count), blocks)]
    stretch = np.repeat(np.arange(blocks), sizes)[places]
    sums = np.zeros((blocks, *values.shape[1:]))
    np.add.at(sums, stretch, values - values.mean(axis=0))
    return np.sqrt(np.square(sums).sum(0) * blocks / (blocks - 1)) / len(values), blocks


def overlapping(begins: Stamps, ends: Stamps) -> int:
    """At how many moments, each one's own among them, forecasts begin before one is over.

    begins, ends: `[M]`, the first and the last stamp of each forecast.
    """
    moments = np.unique(begins)
    over = np.searchsorted(moments, ends, side="right") - np.searchsorted(moments, begins)
    return max(1, int(over.max(initial=1)))


def _students(freedom: int) -> float:
    """The 97.5th percentile of Student's t, to 2 %, of at least four degrees of freedom."""
    z = 1.959964
    return z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)


def mean_of_rows(values: Values) -> Values:
    """Mean of what is there in each row of `[M, K]`; rows with nothing are left out."""
    there = ~np.isnan(values)
    some = there.any(axis=1)
    found: Values = np.where(there, values, 0.0)[some].sum(axis=1) / there[some].sum(axis=1)
    return found


def _frame(truth: Values, columns: Mapping[str, Values]) -> pl.DataFrame:
    """Where there is something to compare with."""
    there = ~np.isnan(truth.ravel())
    flat: dict[str, Any] = {name: values.ravel()[there] for name, values in columns.items()}
    ids = np.zeros(there.sum(), int)
    return pl.DataFrame({"unique_id": ids, "y": truth.ravel()[there]} | flat)
