"""statsforecast's models, each fitted anew before every origin."""

import time
import warnings
from typing import Any

import numpy as np
from statsforecast.models import MSTL, AutoARIMA, AutoETS, AutoTheta, SeasonalNaive

from gruta.bench.forecast.rivals import LEVELS, Stage
from gruta.bench.forecast.sets import Exam, ForecastSet, Values

LEAST_HISTORY, SEASONS_OF_HISTORY, MOST_HISTORY = 600, 4, 2000
"""They are fitted on so many of the last rows, or on four of the longest season that they know, and
on two thousand at most.
"""

LONGEST_OF_ARIMA = 12
"""A longer season takes it minutes a forecast, and is left to STL."""

BAND = 100 * (LEVELS[-1] - LEVELS[0])
"""In per cent, what lies between the outer quantiles."""


class Statistical:
    """One model. Nothing about it is drawn, and the budget does not bind it."""

    def __init__(self, name: str) -> None:
        self._name = name

    def train(self, exam: Exam, way: str, seed: int, seconds: float) -> list[Stage]:
        """Fit and forecast at every origin."""
        began = time.process_time()
        model, longest, explained = _model(self._name, exam.set)
        rows = min(max(LEAST_HISTORY, SEASONS_OF_HISTORY * longest), MOST_HISTORY)
        known = exam.set.frame.select(exam.set.known).to_numpy().astype(float)
        found = np.empty((*exam.truth.shape, len(LEVELS)))
        for place, origin in enumerate(exam.origins):
            after = origin + 1
            given: dict[str, Any] = {"y": exam.y[max(0, after - rows) : after]}
            before = known[max(0, after - rows) : after]
            varying = np.ptp(before, axis=0) > 0 if explained and exam.set.known else []
            if np.any(varying):  # it refuses a column of one value, such as games out of season
                given["X"] = before[:, varying]
                given["X_future"] = known[after : after + exam.set.horizon, varying]
            found[place] = _quantiles(model, exam.set.horizon, given)
        return [Stage(time.process_time() - began, lambda: found)]


def _quantiles(model: Any, horizon: int, given: dict[str, Any]) -> Values:
    """`[K, Q]`: its mean stands for the median, as the distributions that it knows are normal."""
    # The models tell of every search that did not converge; what counts here is the forecast.
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        told = model.forecast(h=horizon, level=[BAND], **given)
    names = [name for name in told if name.startswith("lo-")]
    low, high = told[names[0]], told[names[0].replace("lo-", "hi-")]
    return np.stack([low, told["mean"], high], -1)


def _model(name: str, of: ForecastSet) -> tuple[Any, int, bool]:
    """The model, the longest season that it knows, and whether covariates explain its forecasts."""
    seasons = [season for season in of.seasons if 2 * season <= MOST_HISTORY]
    short = seasons[0]
    if name == "autoets":
        return AutoETS(season_length=short), short, False
    if name == "autotheta":
        return AutoTheta(season_length=short), short, False
    if name == "mstl":
        return MSTL(season_length=seasons), seasons[-1], False
    if name == "autoarima" and short <= LONGEST_OF_ARIMA:
        # Approximated, as in R where the season or the history is long: a tenth of the time.
        return AutoARIMA(season_length=short, approximation=True), short, True
    if name == "autoarima":
        return MSTL(season_length=seasons, trend_forecaster=AutoARIMA()), seasons[-1], True
    return SeasonalNaive(season_length=short), short, False


def start(name: str) -> Statistical:
    """Ready."""
    return Statistical(name)
