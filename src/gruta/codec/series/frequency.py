"""How far apart the stamps of a series lie: what every frequency knows, and the fixed step.

Stamps are `datetime64[us]` without a zone. Every frequency knows the stamps to come, how many steps
lie between two, the seasons that such a series may have, and where in the shortest of them a stamp
lies. Weeks with days left out are in `weeks`, months in `months`, clocks that are changed in
`local`, rows without an even step in `rows`; `infer` finds out which it is.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

Stamps = NDArray[np.datetime64]

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY
UNITS = {
    "w": WEEK,
    "d": DAY,
    "h": HOUR,
    "min": MINUTE,
    "s": SECOND,
    "ms": 1_000,
    "us": 1,
}
A_MONDAY = np.datetime64("1970-01-05", "us")


class Frequency(ABC):
    """The step between neighbouring stamps."""

    @property
    @abstractmethod
    def name(self) -> str:
        """For people."""

    @property
    def key(self) -> str:
        """For JSON: the name and, where one is known, the zone; `parse` reads it back."""
        return self.name

    @property
    def within_day(self) -> bool:
        """Whether a step is shorter than a day."""
        return False

    @property
    def numbered(self) -> bool:
        """Whether numbers stand in the place of stamps."""
        return False

    @property
    def beyond_day(self) -> bool:
        """Whether a step is longer than a day."""
        return False

    def is_natural(self, season: int) -> bool:
        """Whether people and weather go by a season of so many steps, not only clocks."""
        return True

    @abstractmethod
    def shift(self, times: Stamps, steps: ArrayLike) -> Stamps:
        """The stamps `steps` steps after `times`; the two broadcast."""

    @abstractmethod
    def place(self, times: Stamps, start: np.datetime64) -> NDArray[np.int64]:
        """How many steps after `start`, a stamp of its own, each stamp lies; between two of its
        stamps the number of either.
        """

    @abstractmethod
    def seasons(self) -> tuple[int, ...]:
        """Lengths in steps of the seasons to expect, shortest first."""

    @abstractmethod
    def phase(self, times: Stamps) -> NDArray[np.int64]:
        """Place of each stamp in the shortest season, from 0; all 0 where there is no season."""

    def local(self, times: Stamps) -> Stamps:
        """What the clock shows: as the stamps have it, unless a zone is known."""
        return times

    def moment(self, local: Stamps) -> Stamps:
        """When the clock shows this."""
        return local

    def after(self, last: np.datetime64, count: int) -> Stamps:
        """The `count` stamps that follow `last`."""
        return self.shift(np.asarray(last), np.arange(1, count + 1))


@dataclass(frozen=True)
class FixedStep(Frequency):
    """Always the same time, from microseconds to weeks."""

    microseconds: int

    @property
    def name(self) -> str:
        """Count and unit: 30min, 1h, 1d, 1w."""
        unit = next(unit for unit, size in UNITS.items() if self.microseconds % size == 0)
        return f"{self.microseconds // UNITS[unit]}{unit}"

    @property
    def within_day(self) -> bool:
        """Whether a step is shorter than a day."""
        return self.microseconds < DAY

    @property
    def beyond_day(self) -> bool:
        """Whether a step is longer than a day."""
        return self.microseconds > DAY

    def is_natural(self, season: int) -> bool:
        """Days and longer ones."""
        return bool(season * self.microseconds >= DAY)

    def shift(self, times: Stamps, steps: ArrayLike) -> Stamps:
        """The stamps `steps` steps after `times`; the two broadcast."""
        distance = np.asarray(steps, np.int64) * self.microseconds
        return np.asarray(times + distance.astype("m8[us]"))

    def place(self, times: Stamps, start: np.datetime64) -> NDArray[np.int64]:
        """How many whole steps after `start` each stamp lies."""
        found: NDArray[np.int64] = (times - start).astype(np.int64) // self.microseconds
        return found

    def seasons(self) -> tuple[int, ...]:
        """Day and week; for finer steps the shorter cycles; for whole weeks the year."""
        step = self.microseconds
        if step % WEEK == 0:
            weeks = step // WEEK
            return (52 // weeks,) if 52 % weeks == 0 and weeks < 52 else ()
        if step >= MINUTE:
            cycles = (DAY, WEEK)
        elif step >= SECOND:
            cycles = (HOUR, DAY)
        else:
            cycles = (MINUTE, HOUR)
        return tuple(cycle // step for cycle in cycles if cycle > step and cycle % step == 0)

    def phase(self, times: Stamps) -> NDArray[np.int64]:
        """Steps since the cycle began, weeks on Monday; for whole weeks by ISO week."""
        season = next(iter(self.seasons()), 1)
        if self.microseconds % WEEK == 0:
            # Week 53 of a long year joins week 52: it is no season of its own.
            return np.minimum(_iso_week(times) * season // 52, season - 1)
        passed = (times - A_MONDAY).astype(np.int64) % (season * self.microseconds)
        return passed // self.microseconds


def weekday(times: Stamps) -> NDArray[np.int64]:
    """Day of the week of each stamp: Monday is 0, Sunday 6."""
    days: NDArray[np.int64] = (times - A_MONDAY).astype(np.int64) // DAY
    return days % 7


def _iso_week(times: Stamps) -> NDArray[np.int64]:
    """ISO 8601 week of each stamp, from 0: the week belongs to the year of its Thursday."""
    thursday = times.astype("M8[D]") - weekday(times) + 3
    new_year = thursday.astype("M8[Y]").astype("M8[D]")
    passed: NDArray[np.int64] = (thursday - new_year).astype(np.int64)
    return passed // 7


class Clock(Protocol):
    """A frequency or a zone: what its clock shows."""

    def local(self, times: Stamps) -> Stamps:
        """At these moments."""


def as_shown(times: Stamps, frequency: Frequency) -> NDArray[Any]:
    """What people see of moments: what the clock shows, or where rows are numbered the numbers."""
    return times.astype(np.int64) if frequency.numbered else frequency.local(times)


def show(stamp: np.datetime64 | np.int64, clock: Clock | None = None) -> str:
    """A stamp for people, as short as it may be, by a clock; of numbered rows the number."""
    if isinstance(stamp, np.integer) or getattr(clock, "numbered", False):
        return str(stamp.astype(np.int64))
    local = stamp if clock is None else clock.local(np.array([stamp]))[0]
    return str(np.datetime_as_string(local, unit="auto")).replace("T", " ")
