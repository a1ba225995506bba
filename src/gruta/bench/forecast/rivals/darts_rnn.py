"""darts' RNNModel, as a GRU."""

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import torch
from darts import TimeSeries
from darts.dataprocessing.transformers import Scaler
from darts.models import RNNModel
from darts.utils.likelihood_models import QuantileRegression

from gruta.bench.forecast.contestants import CONTESTANTS, DEFAULT
from gruta.bench.forecast.rivals import LEVELS, Stage
from gruta.bench.forecast.rivals.lightning import Budget, Weights, trainer_settings
from gruta.bench.forecast.rivals.stamps import PANDAS_STEPS, covariates
from gruta.bench.forecast.sets import Exam, Values

UNLIMITED = 10**6
"""Epochs, where time is the limit."""

SAMPLES, FEWER_SAMPLES = 100, 40
"""Of each forecast: what it feeds back to itself is drawn, and quantiles are those of the draws.
Fewer on the way, as they take seconds.
"""


class DartsRNN:
    """As its documentation has it: series brought to the range from 0 to 1, a model, `fit`."""

    def train(self, exam: Exam, way: str, seed: int, seconds: float) -> list[Stage]:
        """At its defaults a hundred epochs; else until time is over."""
        budget, given = Budget(seconds), dict(CONTESTANTS["darts"].ways[way])
        columns = covariates(exam.set, given.pop("calendar", False))
        step = PANDAS_STEPS[exam.set.step]
        stamps = pd.DatetimeIndex(exam.set.frame["ds"], freq=step)
        scaler = Scaler()
        target = scaler.fit_transform(_series(stamps[: exam.rows], exam.y[: exam.rows, None]))
        whole = scaler.transform(_series(stamps, exam.y[:, None]))
        known = None
        if columns:
            table = np.stack(list(columns.values()), -1)
            of_known = Scaler()
            of_known.fit(_series(stamps[: exam.rows], table[: exam.rows]))
            known = of_known.transform(_series(stamps, table))
        rows = exam.set.lookback
        if rate := given.pop("lr", None):
            given["optimizer_kwargs"] = {"lr": rate}
        if way != DEFAULT:
            given["n_epochs"] = UNLIMITED
            if not given.pop("points", False):
                given["likelihood"] = QuantileRegression()
        model = RNNModel(
            input_chunk_length=rows,
            training_length=rows + exam.set.horizon,
            model="GRU",
            random_state=seed,
            pl_trainer_kwargs=trainer_settings(budget),
            **given,
        )
        model.fit(target, future_covariates=known)
        return [
            Stage(at, partial(self._forecast, model, weights, exam, whole, known, scaler, samples))
            for (at, weights), samples in zip(
                budget.kept, [FEWER_SAMPLES] * (len(budget.kept) - 1) + [SAMPLES], strict=True
            )
        ]

    def _forecast(
        self,
        model: Any,
        weights: Weights,
        exam: Exam,
        whole: TimeSeries,
        known: TimeSeries | None,
        scaler: Scaler,
        samples: int,
    ) -> Values:
        """All origins at once."""
        model.model.load_state_dict(weights)
        model.trainer_params["callbacks"] = []
        torch.manual_seed(0)
        found = model.predict(
            exam.set.horizon,
            series=[
                whole[: o + 1][-2 * model.input_chunk_length :] for o in map(int, exam.origins)
            ],
            future_covariates=None if known is None else [known] * len(exam.origins),
            num_samples=samples if model.likelihood is not None else 1,
        )
        values = np.stack([scaler.inverse_transform(one).all_values()[:, 0] for one in found])
        return np.moveaxis(np.quantile(values, LEVELS, axis=-1), 0, -1)


def _series(stamps: pd.DatetimeIndex, values: Values) -> TimeSeries:
    return TimeSeries.from_times_and_values(stamps, values.astype(np.float32))


def start(name: str) -> DartsRNN:
    """Ready to train."""
    return DartsRNN()
