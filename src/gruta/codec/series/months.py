"""Calendar months: on a day of the month, on its end, or on its first or last business day."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gruta.codec.series.frequency import Frequency, Stamps

END_OF_MONTH = 31


@dataclass(frozen=True)
class Months(Frequency):
    """Whole months, on one day of the month or, in a shorter month, on its last; 31 is the end."""

    count: int
    day: int = 1

    @property
    def name(self) -> str:
        """Such as 1 month, 3 months (end) or 12 months (day 15)."""
        where = {1: "", END_OF_MONTH: " (end)"}.get(self.day, f" (day {self.day})")
        return f"{self.count} month{'s' if self.count > 1 else ''}{where}"

    @property
    def beyond_day(self) -> bool:
        """Always."""
        return True

    def shift(self, times: Stamps, steps: ArrayLike) -> Stamps:
        """The stamps `steps` steps after `times`; the two broadcast."""
        months = times.astype("M8[M]") + np.asarray(steps, np.int64) * self.count
        first = months.astype("M8[D]")
        length = ((months + 1).astype("M8[D]") - first).astype(np.int64)
        clock = times - times.astype("M8[D]")
        return np.asarray(first + (np.minimum(self.day, length) - 1).astype("m8[D]") + clock)

    def place(self, times: Stamps, start: np.datetime64) -> NDArray[np.int64]:
        """By months alone, whatever the day."""
        found: NDArray[np.int64] = (month(times) - month(np.asarray(start))) // self.count
        return found

    def seasons(self) -> tuple[int, ...]:
        """The year."""
        return (12 // self.count,) if 12 % self.count == 0 and self.count < 12 else ()

    def phase(self, times: Stamps) -> NDArray[np.int64]:
        """By month of the year, January first."""
        season = next(iter(self.seasons()), 1)
        return month(times) % 12 * season // 12


@dataclass(frozen=True)
class BusinessMonths(Frequency):
    """Whole months, on the first or the last day of the month from Monday to Friday."""

    count: int
    last: bool

    @property
    def name(self) -> str:
        """Such as 1 month (last business day)."""
        which = "last" if self.last else "first"
        return f"{self.count} month{'s' if self.count > 1 else ''} ({which} business day)"

    @property
    def beyond_day(self) -> bool:
        """Always."""
        return True

    def shift(self, times: Stamps, steps: ArrayLike) -> Stamps:
        """The stamps `steps` steps after `times`; the two broadcast."""
        months = times.astype("M8[M]") + np.asarray(steps, np.int64) * self.count
        edge = (months + 1).astype("M8[D]") - 1 if self.last else months.astype("M8[D]")
        day = np.busday_offset(edge, 0, roll="backward" if self.last else "forward")
        return np.asarray(day + (times - times.astype("M8[D]")))

    def place(self, times: Stamps, start: np.datetime64) -> NDArray[np.int64]:
        """By months alone, whatever the day."""
        return Months(self.count).place(times, start)

    def seasons(self) -> tuple[int, ...]:
        """The year."""
        return Months(self.count).seasons()

    def phase(self, times: Stamps) -> NDArray[np.int64]:
        """By month of the year, January first."""
        return Months(self.count).phase(times)


def month(times: Stamps) -> NDArray[np.int64]:
    """Months since January 1970."""
    return times.astype("M8[M]").astype(np.int64)
