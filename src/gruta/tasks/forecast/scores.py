"""Scores of forecasts against what came, by utilsforecast's losses."""

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from utilsforecast import losses

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
"""MAE and RMSE are in the target's unit.

smape: mean of 200·|F − A| / (|F| + |A|), 0 where both are 0. mase: MAE over the mean absolute error
of the seasonal naive forecast within the training part; None where that is 0. coverage: share of
the values inside the outermost quantiles; None for a model without them.
"""


def point_scores(truth: Values, forecasts: Mapping[str, Values]) -> dict[str, dict[str, float]]:
    """smape, mae and rmse of each forecast `[M, K]` against truth `[M, K]`, by model."""
    frame, models = _frame(truth, forecasts), list(forecasts)
    found = {
        name: loss(frame, models)
        for name, loss in (("smape", losses.smape), ("mae", losses.mae), ("rmse", losses.rmse))
    }
    factor = {"smape": 200.0, "mae": 1.0, "rmse": 1.0}
    return {
        model: {name: factor[name] * float(found[name][model][0]) for name in found}
        for model in models
    }


def coverage(truth: Values, low: Values, high: Values) -> float:
    """Share of truth that lies within [low, high]."""
    frame = _frame(truth, {"m": low, "m-lo-80": low, "m-hi-80": high})
    return float(losses.coverage(frame, ["m"], level=80)["m"][0])


def seasonal_errors(train: Series, season: int) -> tuple[float, ...]:
    """Mean absolute error of the seasonal naive forecast within each series; 0 where it is too
    short to have one.
    """
    found = []
    for first, end in itertools.pairwise(train.starts):
        own = train.target[first:end]
        missed = np.abs(own[season:] - own[:-season]) if len(own) > season else own[:0]
        there = missed[~np.isnan(missed)]
        found.append(float(there.mean()) if len(there) else 0.0)
    return tuple(found)


def mase(mae: float, seasonal_error: float) -> float | None:
    """MAE in units of the seasonal naive forecast's; None where that made no error."""
    return mae / seasonal_error if seasonal_error else None


def _frame(truth: Values, columns: Mapping[str, Values]) -> pl.DataFrame:
    flat: dict[str, Any] = {name: values.ravel() for name, values in columns.items()}
    return pl.DataFrame({"unique_id": np.zeros(truth.size, int), "y": truth.ravel()} | flat)
