"""Holidays as days, and what a model is told of those near a stamp."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.codec.series.frequency import Frequency, Stamps
from gruta.errors import InputError
from gruta.locale import translate as _

Days = NDArray[np.datetime64]
Values = NDArray[np.float32]

_DAY = np.timedelta64(1, "D")


@dataclass(frozen=True, eq=False)
class Holidays:
    """Of places such as BR-SP: those by law, and those that are optional.

    days: by place, two arrays of increasing datetime64[D]. first, last: between them all are known.
    """

    days: Mapping[str, tuple[Days, Days]]
    first: np.datetime64
    last: np.datetime64

    @property
    def _kinds(self) -> list[tuple[str, bool, Days]]:
        """Place, whether optional, and days, of those that there are."""
        pairs = self.days.items()
        return [
            (place, i > 0, own) for place, kinds in pairs for i, own in enumerate(kinds) if len(own)
        ]

    def features(self, pieces: Iterable[Stamps], frequency: Frequency, source: str) -> Values:
        """`[N, F]` of stamps `[N]`, which come in pieces; InputError for one whose year is unknown.

        For each place and kind whether the stamp's day is one, the next is, and the one before was;
        of steps beyond a day how many lie in the step that ends at the stamp, and in its own.
        """
        found = [np.empty((0, len(self.names(frequency))), np.float32)]
        for times in pieces:
            self._require_known(frequency.local(times).astype("M8[D]"), source)
            columns: list[NDArray[Any]] = []
            for _place, _optional, own in self._kinds:
                columns += (
                    _counts(own, times, frequency)
                    if frequency.beyond_day
                    else _near(own, times, frequency)
                )
            found.append(np.column_stack(columns).astype(np.float32))
        return np.concatenate(found)

    def names(self, frequency: Frequency) -> list[str]:
        """What the features are called, in their order."""
        names: list[str] = []
        for place, optional, _days in self._kinds:
            names += [text.format(place=place) for text in _texts(frequency.beyond_day, optional)]
        return names

    def _require_known(self, days: Days, source: str) -> None:
        outside = (days < self.first) | (days > self.last)
        if outside.any():
            problem = _(
                "{source}: expected stamps from {first} to {last}, the years whose holidays the "
                "trained model knows, found {day}; leave them out, or train again"
            )
            raise InputError(
                problem.format(
                    source=source, first=self.first, last=self.last, day=days[outside.argmax()]
                )
            )

    def to_json(self) -> dict[str, Any]:
        """Plain values; days are counted from 1970."""
        days = {
            place: [own.astype(np.int64).tolist() for own in kinds]
            for place, kinds in self.days.items()
        }
        return {"first": str(self.first), "last": str(self.last), "days": days}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Holidays":
        """What `to_json` gave; KeyError, TypeError or ValueError if it is anything else."""
        days = {}
        for place, (public, optional) in content["days"].items():
            days[str(place)] = (_as_days(public), _as_days(optional))
        return cls(days, np.datetime64(content["first"], "D"), np.datetime64(content["last"], "D"))


def _texts(beyond_day: bool, optional: bool) -> list[str]:
    if beyond_day and optional:
        return [
            _("optional holidays of {place} in the step before"),
            _("optional holidays of {place}"),
        ]
    if beyond_day:
        return [_("holidays of {place} in the step before"), _("holidays of {place}")]
    if optional:
        return [
            _("optional holiday of {place}"),
            _("day before an optional holiday of {place}"),
            _("day after an optional holiday of {place}"),
        ]
    return [
        _("holiday of {place}"),
        _("day before a holiday of {place}"),
        _("day after a holiday of {place}"),
    ]


def _as_days(numbers: Sequence[int]) -> Days:
    found = np.array(numbers, np.int64)
    if found.ndim != 1 or (np.diff(found) <= 0).any():
        raise ValueError(_("expected increasing days, got {numbers}").format(numbers=numbers))
    return found.astype("M8[D]")


def _near(own: Days, times: Stamps, frequency: Frequency) -> list[NDArray[np.bool_]]:
    day = frequency.local(times).astype("M8[D]")
    return [np.isin(near, own) for near in (day, day + _DAY, day - _DAY)]


def _counts(own: Days, times: Stamps, frequency: Frequency) -> list[NDArray[np.int64]]:
    """Of a stamp some hold that its step ends there, others that it begins: both are counted."""
    before, now, after = (
        frequency.local(frequency.shift(times, steps)).astype("M8[D]") for steps in (-1, 0, 1)
    )
    ended = np.searchsorted(own, now + _DAY) - np.searchsorted(own, before + _DAY)
    return [ended, np.searchsorted(own, after) - np.searchsorted(own, now)]
