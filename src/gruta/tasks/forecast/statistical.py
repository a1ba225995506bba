"""Statistical models beside the network, by statsforecast: AutoETS, AutoARIMA and MSTL.

They learn no weights once and for all: each is fitted anew before every origin, which takes long.
"""

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.codec.series.features import Rows
from gruta.locale import translate as _
from gruta.locale.numbers import number

Values = NDArray[np.float64]
Fit = Callable[[Values, int], Values]
"""From a stretch of history `[N]` and a horizon to a forecast `[K]`."""

BUDGET = 60.0
"""Seconds, unless told otherwise."""

FEWEST_ORIGINS = 8
"""A model that is too slow for so many within the budget is left out."""

SEASONS_OF_HISTORY, LEAST_HISTORY, MOST_HISTORY = 10, 100, 2000
"""Models are fitted on the last ten of the shortest season, four of the longest, in rows at least
and at most so many.
"""

LONGEST_SEASON = 24
"""Beyond it a seasonal ARIMA takes half a minute a forecast: the season is left to STL."""


@dataclass(frozen=True, eq=False)
class Statistical:
    """Forecasts by model `[S, K]` from the origins at places `[S]` of those that were asked for."""

    places: Rows
    forecasts: Mapping[str, Values]
    notes: Sequence[str]


def fit_at_origins(
    y: Values,
    origins: Rows,
    horizon: int,
    seasons: Sequence[int],
    seconds: float = BUDGET,
    *,
    firsts: Rows | None = None,
) -> Statistical:
    """Forecasts after rows `origins [M]` of y `[N]`, each model fitted on what precedes the origin.

    Nothing begins after so many `seconds`: the origins that were forecast from by then, which lie
    all over those asked for, are the places; notes say what was left out. y may lack values, which
    are drawn straight then, so that seasons stay in phase. firsts: `[M]` where the series of each
    origin begins in y; at 0 if not given.
    """
    end = time.monotonic() + seconds
    models, order = _models(seasons), _spread_out(len(origins))
    found: dict[str, list[Values]] = {name: [] for name in models}
    notes: list[str] = []

    def leave_out(name: str, why: str) -> None:
        notes.append(_("{model} was left out: {why}").format(model=name, why=why))
        del models[name], found[name]

    def forecast_from(place: int) -> dict[str, float]:
        """With every model, which takes so many seconds each."""
        took = {}
        for name, (fit, rows) in list(models.items()):
            began = time.monotonic()
            after = origins[place] + 1
            begin = max(0 if firsts is None else firsts[place], after - rows)
            forecast, problem = _forecast(fit, y[begin:after], horizon)
            if forecast is None:
                leave_out(name, problem)
            else:
                found[name].append(forecast)
                took[name] = time.monotonic() - began
        return took

    took = forecast_from(order[0])
    while models and sum(took.values()) * min(FEWEST_ORIGINS, len(origins)) > seconds:
        slowest = max(took, key=took.__getitem__)
        why = _("one forecast takes it {seconds} seconds.")
        leave_out(slowest, why.format(seconds=number(took.pop(slowest), 1)))
    done = 1
    while models and done < len(origins) and time.monotonic() < end:
        forecast_from(order[done])
        done += 1
    if not models:
        return Statistical(np.arange(len(origins)), {}, notes)
    in_time = np.argsort(order[:done])
    if done < len(origins):
        notes.append(
            _(
                "Scored are {some} of the {all} forecasts, from all over them: the statistical "
                "models managed no more in {seconds} seconds."
            ).format(some=number(done), all=number(len(origins)), seconds=number(seconds))
        )
    forecasts = {name: np.array(rows)[in_time] for name, rows in found.items()}
    return Statistical(order[:done][in_time], forecasts, notes)


def _models(seasons: Sequence[int]) -> dict[str, tuple[Fit, int]]:
    """How each forecasts, and how many rows of history it is fitted on."""
    from statsforecast.models import MSTL, AutoARIMA, AutoETS

    seasons = [season for season in seasons if 2 * season <= MOST_HISTORY]
    short, long = (seasons[0], seasons[-1]) if seasons else (1, 1)
    few = max(LEAST_HISTORY, SEASONS_OF_HISTORY * short)
    many = min(max(few, 4 * long), MOST_HISTORY)
    if not seasons:
        return {"AutoETS": (_by(AutoETS()), few), "AutoARIMA": (_by(AutoARIMA()), few)}
    by_stl = {"MSTL": (_by(MSTL(season_length=list(seasons))), many)}
    if short > LONGEST_SEASON:
        remainder = MSTL(season_length=list(seasons), trend_forecaster=AutoARIMA())
        return {"AutoARIMA": (_by(remainder), many)} | by_stl
    # Approximated, as in R where the season or the history is long: a tenth of the time.
    arima = AutoARIMA(season_length=short, approximation=True)
    ets = AutoETS(season_length=short)
    return {"AutoETS": (_by(ets), few), "AutoARIMA": (_by(arima), few)} | by_stl


def _by(model: Any) -> Fit:
    def fit(history: Values, horizon: int) -> Values:
        found: Values = np.asarray(model.forecast(y=history, h=horizon)["mean"], np.float64)
        return found

    return fit


def _forecast(fit: Fit, history: Values, horizon: int) -> tuple[Values | None, str]:
    """The forecast, or None and why there is none."""
    try:
        history = _without_gaps(history)
        # The models tell of every search that did not converge; what counts here is the forecast.
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            forecast = fit(history, horizon)
    except Exception as error:  # a library's, of any kind: one model less, not one report less
        return None, str(error)
    if not np.isfinite(forecast).all():
        return None, _("its forecast is not finite.")
    return forecast, ""


def _without_gaps(history: Values) -> Values:
    """With what it lacks between values drawn straight, before and after them level."""
    known = np.isfinite(history)
    return np.interp(np.arange(len(history)), np.flatnonzero(known), history[known])


def _spread_out(count: int) -> Rows:
    """The places 0 … count − 1 in an order of which each beginning lies all over them."""
    bits = max(1, (count - 1).bit_length())
    reversed_bits = [int(f"{i:0{bits}b}"[::-1], 2) for i in range(2**bits)]
    return np.array([place for place in reversed_bits if place < count], np.int64)
