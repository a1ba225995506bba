"""What the stamps of a series tell, in C: the moment of the next row, its place in the season."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gruta.codec.series.frequency import DAY, WEEK, FixedStep, Frequency
from gruta.codec.series.months import Months, month
from gruta.codec.series.rows import Rows
from gruta.codec.series.weeks import BusinessDays
from gruta.errors import InputError
from gruta.locale import translate as _

_MONDAY = 4 * DAY
_MOST_PHASES = 200


@dataclass(frozen=True)
class Clock:
    """name: of the step. told: how the header says of what kind a moment is. flags, values: for the
    templates. calendar: whether the stamp tells something. by_month: whether moments are months.
    """

    name: str
    told: str
    flags: frozenset[str]
    values: Mapping[str, Any] = field(default_factory=dict)
    by_month: bool = False

    @property
    def calendar(self) -> bool:
        """Whether the network reads something of a stamp."""
        return bool(self.flags & {"phases", "waves", "weekday"})

    def at(self, stamp: np.datetime64) -> str:
        """A stamp as C has it."""
        times = np.array([stamp]).astype("M8[us]")
        return f"INT64_C({int((month(times) if self.by_month else times.astype(np.int64))[0])})"


def clock_of(frequency: Frequency) -> Clock:
    """InputError for stamps of which there is no C."""
    season = next(iter(frequency.seasons()), 1)
    flags = {"waves" if season > _MOST_PHASES else "phases"} if season > 1 else {"no_season"}
    flags |= {"weekday"} if frequency.within_day else set()
    values: dict[str, Any] = {"season": season, "day": f"INT64_C({DAY})"}
    told = "in microseconds since 1970"
    if isinstance(frequency, Rows) and frequency.numbered:
        values["step"] = f"INT64_C({frequency.microseconds})"
        return Clock(frequency.name, "its number", frozenset(flags), values)
    if isinstance(frequency, BusinessDays):
        values["step"] = values["day"]
        return Clock(frequency.name, told, frozenset(flags | {"business_days"}), values)
    if isinstance(frequency, Months):
        values["step"] = frequency.count
        flags.add("months")
        return Clock(frequency.name, "in months since January 1970", frozenset(flags), values, True)
    if isinstance(frequency, FixedStep):
        values["step"] = f"INT64_C({frequency.microseconds})"
        values["monday"] = f"INT64_C({_MONDAY})"
        weeks = frequency.microseconds % WEEK == 0
        kind = "no_season" if season == 1 else "weeks" if weeks else "fixed_step"
        return Clock(frequency.name, told, frozenset(flags | {kind}), values)
    problem = _("its step is {step}; C has fixed steps, business days, months, numbered rows")
    raise InputError(problem.format(step=frequency.key))
