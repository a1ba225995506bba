"""How far apart the stamps of a series lie: a fixed step, business days, or calendar months.

Stamps are `datetime64[us]` without a zone. Every frequency knows the stamps to come, the seasons
that such a series may have, and where in the shortest of them a stamp lies.
"""

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gruta.errors import InputError

Stamps = NDArray[np.datetime64]

_SECOND = 1_000_000
_MINUTE = 60 * _SECOND
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR
_WEEK = 7 * _DAY
_UNITS = {
    "w": _WEEK,
    "d": _DAY,
    "h": _HOUR,
    "min": _MINUTE,
    "s": _SECOND,
    "ms": 1_000,
    "us": 1,
}
_A_MONDAY = np.datetime64("1970-01-05", "us")
_END_OF_MONTH = 31
_LONGEST_STEP = 100 * 366 * _DAY


class Frequency(ABC):
    """The step between neighbouring stamps."""

    @property
    @abstractmethod
    def name(self) -> str:
        """For people and for JSON; `parse` reads it back."""

    @property
    def within_day(self) -> bool:
        """Whether a step is shorter than a day."""
        return False

    def is_natural(self, season: int) -> bool:
        """Whether people and weather go by a season of so many steps, not only clocks."""
        return True

    @abstractmethod
    def shift(self, times: Stamps, steps: ArrayLike) -> Stamps:
        """The stamps `steps` steps after `times`; the two broadcast."""

    @abstractmethod
    def seasons(self) -> tuple[int, ...]:
        """Lengths in steps of the seasons to expect, shortest first."""

    @abstractmethod
    def phase(self, times: Stamps) -> NDArray[np.int64]:
        """Place of each stamp in the shortest season, from 0; all 0 where there is no season."""

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
        unit = next(unit for unit, size in _UNITS.items() if self.microseconds % size == 0)
        return f"{self.microseconds // _UNITS[unit]}{unit}"

    @property
    def within_day(self) -> bool:
        """Whether a step is shorter than a day."""
        return self.microseconds < _DAY

    def is_natural(self, season: int) -> bool:
        """Days and longer ones."""
        return season * self.microseconds >= _DAY

    def shift(self, times: Stamps, steps: ArrayLike) -> Stamps:
        """The stamps `steps` steps after `times`; the two broadcast."""
        distance = np.asarray(steps, np.int64) * self.microseconds
        return np.asarray(times + distance.astype("m8[us]"))

    def seasons(self) -> tuple[int, ...]:
        """Day and week; for finer steps the shorter cycles; for whole weeks the year."""
        step = self.microseconds
        if step % _WEEK == 0:
            weeks = step // _WEEK
            return (52 // weeks,) if 52 % weeks == 0 and weeks < 52 else ()
        if step >= _MINUTE:
            cycles = (_DAY, _WEEK)
        elif step >= _SECOND:
            cycles = (_HOUR, _DAY)
        else:
            cycles = (_MINUTE, _HOUR)
        return tuple(cycle // step for cycle in cycles if cycle > step and cycle % step == 0)

    def phase(self, times: Stamps) -> NDArray[np.int64]:
        """Steps since the cycle began, weeks on Monday; for whole weeks by ISO week."""
        season = next(iter(self.seasons()), 1)
        if self.microseconds % _WEEK == 0:
            # Week 53 of a long year joins week 52: it is no season of its own.
            return np.minimum(_iso_week(times) * season // 52, season - 1)
        passed = (times - _A_MONDAY).astype(np.int64) % (season * self.microseconds)
        return passed // self.microseconds


@dataclass(frozen=True)
class BusinessDays(Frequency):
    """Monday to Friday."""

    @property
    def name(self) -> str:
        """Always the same."""
        return "business day"

    def shift(self, times: Stamps, steps: ArrayLike) -> Stamps:
        """The stamps `steps` steps after `times`; the two broadcast."""
        dates = times.astype("M8[D]")
        moved = np.busday_offset(dates, np.asarray(steps, np.int64), roll="forward")
        return np.asarray(moved + (times - dates))

    def seasons(self) -> tuple[int, ...]:
        """The working week."""
        return (5,)

    def phase(self, times: Stamps) -> NDArray[np.int64]:
        """Monday is 0, Friday 4; a day of the weekend counts as Friday."""
        return np.minimum(weekday(times), 4)


@dataclass(frozen=True)
class Months(Frequency):
    """Whole months, on one day of the month or, in a shorter month, on its last; 31 is the end."""

    count: int
    day: int = 1

    @property
    def name(self) -> str:
        """Such as 1 month, 3 months (end) or 12 months (day 15)."""
        where = {1: "", _END_OF_MONTH: " (end)"}.get(self.day, f" (day {self.day})")
        return f"{self.count} month{'s' if self.count > 1 else ''}{where}"

    def shift(self, times: Stamps, steps: ArrayLike) -> Stamps:
        """The stamps `steps` steps after `times`; the two broadcast."""
        months = times.astype("M8[M]") + np.asarray(steps, np.int64) * self.count
        first = months.astype("M8[D]")
        length = ((months + 1).astype("M8[D]") - first).astype(np.int64)
        clock = times - times.astype("M8[D]")
        return np.asarray(first + (np.minimum(self.day, length) - 1).astype("m8[D]") + clock)

    def seasons(self) -> tuple[int, ...]:
        """The year."""
        return (12 // self.count,) if 12 % self.count == 0 and self.count < 12 else ()

    def phase(self, times: Stamps) -> NDArray[np.int64]:
        """By month of the year, January first."""
        season = next(iter(self.seasons()), 1)
        return _month(times) % 12 * season // 12


def infer(times: Stamps) -> Frequency:
    """The frequency that most neighbours in `times` [N ≥ 2], which ascend, agree on.

    A few missing or surplus stamps do not change it: they show as steps that do not fit.
    """
    step = _most_common(np.diff(times).astype(np.int64))
    candidates: list[Frequency] = [FixedStep(step)]
    if step == _DAY:
        candidates.append(BusinessDays())
    if step >= 28 * _DAY:
        count = max(1, _most_common(np.diff(_month(times))))
        days = (times.astype("M8[D]") - times.astype("M8[M]")).astype(np.int64) + 1
        # The day of February tells little: look at the end of the month, then at the others' day.
        likely = (_END_OF_MONTH, _most_common(days), int(days.max()))
        candidates = [*(Months(count, day) for day in likely), *candidates]
    # Of candidates that fit alike the first is taken: January and July firsts are months, and the
    # days of one week are days.
    return max(candidates, key=lambda f: int((f.shift(times[:-1], 1) == times[1:]).sum()))


def parse(name: str) -> Frequency:
    """The frequency of this `name`; InputError if there is none."""
    fixed = re.fullmatch(rf"([1-9][0-9]{{0,15}})({'|'.join(_UNITS)})", name)
    months = re.fullmatch(
        r"([1-9][0-9]{0,2}) months?(?: \((end|day ([2-9]|[12][0-9]|30))\))?", name
    )
    frequency: Frequency | None = None
    if fixed and int(fixed[1]) * _UNITS[fixed[2]] <= _LONGEST_STEP:
        frequency = FixedStep(int(fixed[1]) * _UNITS[fixed[2]])
    elif name == "business day":
        frequency = BusinessDays()
    elif months:
        day = _END_OF_MONTH if months[2] == "end" else int(months[3] or 1)
        frequency = Months(int(months[1]), day)
    # One name a frequency: 60min is 1h.
    if frequency is None or frequency.name != name:
        raise InputError(
            f"frequency: expected a name such as 30min, 1h, 1d, 1w, business day, 1 month or "
            f"3 months (end), got {name!r}"
        )
    return frequency


def weekday(times: Stamps) -> NDArray[np.int64]:
    """Day of the week of each stamp: Monday is 0, Sunday 6."""
    days: NDArray[np.int64] = (times - _A_MONDAY).astype(np.int64) // _DAY
    return days % 7


def _iso_week(times: Stamps) -> NDArray[np.int64]:
    """ISO 8601 week of each stamp, from 0: the week belongs to the year of its Thursday."""
    thursday = times.astype("M8[D]") - weekday(times) + 3
    new_year = thursday.astype("M8[Y]").astype("M8[D]")
    passed: NDArray[np.int64] = (thursday - new_year).astype(np.int64)
    return passed // 7


def _month(times: Stamps) -> NDArray[np.int64]:
    """Months since January 1970."""
    return times.astype("M8[M]").astype(np.int64)


def _most_common(values: NDArray[np.int64]) -> int:
    """The value that occurs most often, of several the smallest."""
    found, counts = np.unique(values, return_counts=True)
    return int(found[counts.argmax()])
