"""The calendar as columns: gruta reads it from the stamps by itself, others have to be given it."""

import numpy as np

from gruta.bench.forecast.sets import ForecastSet, Values

PANDAS_STEPS = {"30m": "30min", "1h": "h", "1d": "D", "1w": "7D", "1mo": "MS"}
"""A set's step, as pandas writes it."""


def covariates(of: ForecastSet, calendar: bool) -> dict[str, Values]:
    """Columns `[N]` by name: those known ahead, and the calendar's if it is asked for."""
    own: dict[str, Values] = {name: of.frame[name].cast(float).to_numpy() for name in of.known}
    return own | (_calendar(of) if calendar else {})


def _calendar(of: ForecastSet) -> dict[str, Values]:
    """Sine and cosine of the time of day, week and year, as far as the step tells them apart."""
    clock = of.frame["ds"].dt
    hours = clock.hour().to_numpy() + clock.minute().to_numpy() / 60
    days = clock.weekday().to_numpy() - 1.0
    turns = {"year": (clock.ordinal_day().to_numpy() - 1 + hours / 24) / 365.25}
    if of.step in ("30m", "1h", "1d"):
        turns["week"] = (days + hours / 24) / 7
    if of.step in ("30m", "1h"):
        turns["day"] = hours / 24
    waves = {"sin": np.sin, "cos": np.cos}
    return {f"{k}_{w}": wave(2 * np.pi * x) for k, x in turns.items() for w, wave in waves.items()}
