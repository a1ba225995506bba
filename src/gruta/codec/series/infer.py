"""Which frequency stamps have, and which one a name says."""

import re

import numpy as np
from numpy.typing import NDArray

from gruta.codec.series.frequency import DAY, UNITS, WEEK, FixedStep, Frequency, Stamps
from gruta.codec.series.local import Local
from gruta.codec.series.months import END_OF_MONTH, BusinessMonths, Months, month
from gruta.codec.series.rows import Rows
from gruta.codec.series.weeks import BusinessDays, WeekPattern, from_ranges, week_pattern
from gruta.codec.series.zones import Zone
from gruta.errors import InputError
from gruta.locale import translate as _

_LONGEST_STEP = 100 * 366 * DAY
_EXAMPLES = "30min, 1h, 1d, 1w, business day, 1 month, 3 months (end) or row (1d)"


def infer(times: Stamps, zone: Zone | None = None) -> Frequency:
    """The frequency that most neighbours in `times` [N ≥ 2], which ascend, agree on.

    zone: where the clock shows the local time of these moments in UTC. A few missing or surplus
    stamps do not change the frequency: they show as steps that do not fit.
    """
    candidates = _candidates(times if zone is None else zone.nominal(times))
    if zone is not None:
        candidates = [Local(step, zone) for step in candidates]
    # Of candidates that fit alike the first is taken: January and July firsts are months, and the
    # days of one week are days.
    return max(candidates, key=lambda f: fitting(f, times))


def fitting(frequency: Frequency, times: Stamps) -> int:
    """How many neighbours are one step apart."""
    return int((frequency.shift(times[:-1], 1) == times[1:]).sum())


def _candidates(times: Stamps) -> list[Frequency]:
    steps = np.diff(times).astype(np.int64)
    step = _most_common(steps)
    candidates: list[Frequency] = [FixedStep(step)]
    if step == DAY:
        candidates.append(BusinessDays())
    # Monday, Wednesday, Friday: most are two days apart, and none lies off the days.
    pattern = week_pattern(times, int(np.gcd.reduce(steps)))
    if pattern is not None:
        candidates.append(pattern)
    if step >= 28 * DAY:
        count = max(1, _most_common(np.diff(month(times))))
        days = (times.astype("M8[D]") - times.astype("M8[M]")).astype(np.int64) + 1
        # The day of February tells little: look at the end of the month, then at the others' day.
        likely = (END_OF_MONTH, _most_common(days), int(days.max()))
        by_day = [Months(count, day) for day in likely]
        by_business_day = [BusinessMonths(count, last) for last in (True, False)]
        candidates = [*by_day, *by_business_day, *candidates]
    return candidates


def rows(times: Stamps, numbered: bool = False) -> Rows:
    """The next row as the step of `times` [N ≥ 2], which ascend."""
    return Rows(_most_common(np.diff(times).astype(np.int64)), numbered)


def parse(key: str) -> Frequency:
    """The frequency of this `key`; InputError if there is none."""
    frequency = _parsed(key)
    # One name a frequency: 60min is 1h.
    if frequency is None or frequency.key != key:
        raise InputError(
            _("frequency: expected a name such as {examples}, got {key!r}").format(
                examples=_EXAMPLES, key=key
            )
        )
    return frequency


def _parsed(name: str) -> Frequency | None:
    within, _, zone = name.partition(" in ")
    if zone:
        step = _parsed(within)
        return None if step is None else Local(step, Zone(zone))
    if name == "business day":
        return BusinessDays()
    if fixed := re.fullmatch(rf"([1-9][0-9]{{0,15}})({'|'.join(UNITS)})", name):
        size = int(fixed[1]) * UNITS[fixed[2]]
        return FixedStep(size) if size <= _LONGEST_STEP else None
    if week := re.fullmatch(r"([0-9a-z]+) \(([0-9,-]{1,60000}) of the week\)", name):
        return _pattern(_parsed(week[1]), week[2])
    if row := re.fullmatch(r"row \(([0-9a-z]+)\)", name):
        if row[1].isdigit():
            return Rows(int(row[1]), numbered=True) if 0 < int(row[1]) <= _LONGEST_STEP else None
        usual = _parsed(row[1])
        return Rows(usual.microseconds) if isinstance(usual, FixedStep) else None
    months = re.fullmatch(
        r"([1-9][0-9]{0,2}) months?"
        r"(?: \((end|day ([2-9]|[12][0-9]|30)|(first|last) business day)\))?",
        name,
    )
    if not months:
        return None
    count, last = int(months[1]), months[4]
    if last:
        return BusinessMonths(count, last == "last")
    return Months(count, END_OF_MONTH if months[2] == "end" else int(months[3] or 1))


def _pattern(step: Frequency | None, ranges: str) -> WeekPattern | None:
    if not isinstance(step, FixedStep) or WEEK % step.microseconds:
        return None
    most = WEEK // step.microseconds
    try:
        slots = from_ranges(ranges, most)
    except ValueError:
        return None
    sound = 1 < len(slots) < most and slots[-1] < most and list(slots) == sorted(set(slots))
    return WeekPattern(step.microseconds, slots) if sound else None


def _most_common(values: NDArray[np.int64]) -> int:
    """The value that occurs most often, of several the smallest."""
    found, counts = np.unique(values, return_counts=True)
    return int(found[counts.argmax()])
