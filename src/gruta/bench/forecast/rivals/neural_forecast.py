"""neuralforecast's GRU."""

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from neuralforecast import NeuralForecast
from neuralforecast.losses.pytorch import MQLoss
from neuralforecast.models import GRU

from gruta.bench.forecast.contestants import CONTESTANTS, DEFAULT
from gruta.bench.forecast.rivals import LEVELS, MEDIAN, Stage
from gruta.bench.forecast.rivals.lightning import Budget, Weights, trainer_settings
from gruta.bench.forecast.rivals.stamps import PANDAS_STEPS, covariates
from gruta.bench.forecast.sets import Exam, Values

UNLIMITED = 10**6
"""Steps, where time is the limit."""


class NeuralForecastGRU:
    """As its documentation has it: a model, frames in long form, `fit` and `predict`."""

    def train(self, exam: Exam, way: str, seed: int, seconds: float) -> list[Stage]:
        """At its defaults a thousand steps and points; else until time is over, and quantiles."""
        budget, given = Budget(seconds), dict(CONTESTANTS["neuralforecast"].ways[way])
        columns = covariates(exam.set, given.pop("calendar", False))
        frame = pd.DataFrame({"unique_id": 0, "ds": exam.set.frame["ds"], "y": exam.y, **columns})
        horizon = exam.set.horizon
        inputs = {"lookback": exam.set.lookback, "short": max(1, horizon - 1)}
        if kind := given.pop("input", ""):
            given["input_size"] = inputs[kind]
        if given.get("recurrent"):
            given["h_train"] = horizon  # by default it learns from one step of each window
        if way != DEFAULT:
            given |= {"loss": MQLoss(quantiles=list(LEVELS)), "max_steps": UNLIMITED}
        model = GRU(
            h=horizon,
            futr_exog_list=list(columns),
            random_seed=seed + 1,
            **given,
            **trainer_settings(budget),
        )
        network = NeuralForecast([model], freq=PANDAS_STEPS[exam.set.step])
        network.fit(frame[: exam.rows])
        return [
            Stage(at, partial(self._forecast, network, weights, exam, frame))
            for at, weights in budget.kept
        ]

    def _forecast(
        self, network: NeuralForecast, weights: Weights, exam: Exam, frame: pd.DataFrame
    ) -> Values:
        """All origins at once, each with its history as a series of its own."""
        model: Any = network.models[0]
        model.load_state_dict(weights)
        model.trainer_kwargs["callbacks"] = []
        rows, horizon = model.input_size, exam.set.horizon
        before = pd.concat(
            [frame[o + 1 - rows : o + 1].assign(unique_id=i) for i, o in enumerate(exam.origins)]
        )
        coming = pd.concat(
            [
                frame[o + 1 : o + 1 + horizon].assign(unique_id=i).drop(columns="y")
                for i, o in enumerate(exam.origins)
            ]
        )
        found = network.predict(before, futr_df=coming)
        found = found.drop(columns=["unique_id", "ds"], errors="ignore")
        values: Values = found.to_numpy(float).reshape(len(exam.origins), horizon, -1)
        if values.shape[-1] == 1:
            return np.repeat(values, len(LEVELS), axis=-1)
        assert "median" in found.columns[MEDIAN], found.columns
        return values


def start(name: str) -> NeuralForecastGRU:
    """Ready to train."""
    return NeuralForecastGRU()
