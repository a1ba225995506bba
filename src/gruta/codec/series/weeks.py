"""Weeks in which some days or hours have no rows: business days, opening hours, sessions."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gruta.codec.series.frequency import (
    A_MONDAY,
    DAY,
    MINUTE,
    WEEK,
    FixedStep,
    Frequency,
    Stamps,
    weekday,
)


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

    def place(self, times: Stamps, start: np.datetime64) -> NDArray[np.int64]:
        """Business days from `start` up to each stamp's day."""
        found = np.busday_count(np.asarray(start).astype("M8[D]"), times.astype("M8[D]"))
        return np.asarray(found, np.int64)

    def seasons(self) -> tuple[int, ...]:
        """The working week."""
        return (5,)

    def phase(self, times: Stamps) -> NDArray[np.int64]:
        """Monday is 0, Friday 4; a day of the weekend counts as Friday."""
        return np.minimum(weekday(times), 4)


@dataclass(frozen=True)
class WeekPattern(Frequency):
    """A step that divides the week, of which some slots alone have rows: Monday to Saturday, or
    the hours of a session.

    slots: which of the week's steps have rows, counted from Monday 0:00, increasing.
    """

    microseconds: int
    slots: tuple[int, ...]

    @property
    def name(self) -> str:
        """The step, and the slots in ranges: 1d (0-5 of the week)."""
        return f"{FixedStep(self.microseconds).name} ({_ranges(self.slots)} of the week)"

    @property
    def within_day(self) -> bool:
        """Whether a step is shorter than a day."""
        return self.microseconds < DAY

    @property
    def beyond_day(self) -> bool:
        """Whether a step is longer than a day."""
        return self.microseconds > DAY

    @cached_property
    def _slots(self) -> NDArray[np.int64]:
        return np.array(self.slots, np.int64)

    def _count(self, times: Stamps) -> NDArray[np.int64]:
        """Slots with rows since a Monday long ago; a stamp in none counts as the next."""
        week, passed = np.divmod((times - A_MONDAY).astype(np.int64), WEEK)
        within = np.searchsorted(self._slots, passed // self.microseconds)
        found: NDArray[np.int64] = week * len(self.slots) + within
        return found

    def shift(self, times: Stamps, steps: ArrayLike) -> Stamps:
        """The stamps `steps` steps after `times`; the two broadcast."""
        week, within = np.divmod(self._count(times) + np.asarray(steps, np.int64), len(self.slots))
        rest = (times - A_MONDAY).astype(np.int64) % self.microseconds
        passed = week * WEEK + self._slots[within] * self.microseconds + rest
        return np.asarray(A_MONDAY + passed.astype("m8[us]"))

    def place(self, times: Stamps, start: np.datetime64) -> NDArray[np.int64]:
        """How many slots with rows lie from `start` up to each stamp."""
        found: NDArray[np.int64] = self._count(times) - self._count(np.asarray(start))
        return found

    @cached_property
    def _in_a_day(self) -> int:
        """How many slots a day with rows has, if all have as many and more than one; else 0."""
        _, counts = np.unique(self._slots * self.microseconds // DAY, return_counts=True)
        return int(counts[0]) if counts[0] > 1 and (counts == counts[0]).all() else 0

    def seasons(self) -> tuple[int, ...]:
        """The day's slots, where all days with rows have as many, and the week's."""
        week = len(self.slots)
        return tuple(s for s in (self._in_a_day, week) if s > 1)

    def phase(self, times: Stamps) -> NDArray[np.int64]:
        """Place in the shortest season; a stamp in no slot counts as the next."""
        found: NDArray[np.int64] = self._count(times) % self.seasons()[0]
        return found


def week_pattern(times: Stamps, step: int) -> WeekPattern | None:
    """The pattern that stamps of this step show: slots with rows in half of the weeks or more, and
    the others without any; None where the weeks are too few, or show no such pattern.
    """
    span = (times[-1] - times[0]).astype(np.int64)
    if not MINUTE <= step < WEEK or WEEK % step or span < 2 * WEEK:
        return None
    week, passed = np.divmod((times - A_MONDAY).astype(np.int64), WEEK)
    slots, weeks = np.unique(passed // step, return_counts=True)
    half = (int(week[-1] - week[0]) + 1) / 2
    if len(slots) == WEEK // step or len(slots) < 2 or weeks.min() < half:
        return None
    return WeekPattern(step, tuple(slots.tolist()))


def _ranges(numbers: Iterable[int]) -> str:
    """0, 1, 2, 5 as 0-2,5."""
    runs = []
    for _, run in itertools.groupby(enumerate(numbers), lambda pair: pair[1] - pair[0]):
        own = [number for _, number in run]
        runs.append(f"{own[0]}-{own[-1]}" if len(own) > 1 else str(own[0]))
    return ",".join(runs)


def from_ranges(text: str, most: int) -> tuple[int, ...]:
    """What `_ranges` wrote, up to `most`; ValueError for what is no such text."""
    found: list[int] = []
    for run in text.split(","):
        first, _, last = run.partition("-")
        found += range(int(first), min(int(last or first), most) + 1)
    return tuple(found)
