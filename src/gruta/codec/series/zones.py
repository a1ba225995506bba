"""Local time: what clocks show in a zone, and back, for arrays of stamps.

A zone's clock is set forward and back; between two such moments it is a fixed offset from UTC.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from gruta.errors import InputError
from gruta.locale import translate as _

Stamps = NDArray[np.datetime64]

_LONG_AGO = np.datetime64(-(2**62), "us")
_WEEK = np.timedelta64(7, "D").astype("m8[us]")
_FIRST, _LAST = np.datetime64("1900-01-01", "us"), np.datetime64("2100-01-01", "us")
_OFFSET = re.compile(r"(?:UTC)?([+-])([0-9]{2}):?([0-9]{2})")


@dataclass(frozen=True)
class Zone:
    """A zone by its name, such as America/Sao_Paulo, or an offset, such as +03:00."""

    name: str

    def __post_init__(self) -> None:
        _changes(self.name)

    def local(self, utc: Stamps) -> Stamps:
        """What the clock shows at moments of any shape."""
        at, offsets = _changes(self.name)
        return np.asarray(utc + offsets[np.searchsorted(at, utc, side="right")])

    def nominal(self, utc: Stamps) -> Stamps:
        """The same, but where the clock is set forward just then, what it showed before: a day
        that begins with such a change begins at the hour that is left out.
        """
        at, offsets = _changes(self.name)
        after = offsets[np.searchsorted(at, utc, side="right")]
        before = offsets[np.searchsorted(at, utc, side="left")]
        return np.asarray(utc + np.minimum(before, after))

    def utc(self, local: Stamps, second: NDArray[np.bool_] | bool = False) -> Stamps:
        """The moments at which the clock shows this; of two the first, or the second. Where the
        clock leaves it out, the moment at which it does.
        """
        at, offsets = _changes(self.name)
        k = np.searchsorted(at + offsets[:-1], local, side="right")
        begins = np.concatenate([[_LONG_AGO], at])
        later = np.minimum(k + 1, len(at))
        twice = second & (local - offsets[later] >= begins[later])
        k = np.where(twice, later, k)
        return np.asarray(np.maximum(local - offsets[k], begins[k]))


@lru_cache(64)
def _changes(name: str) -> tuple[Stamps, NDArray[np.timedelta64]]:
    """When the offset changes `[C]`, and the offsets before, between and after `[C + 1]`."""
    zone = _zone_info(name)
    weeks = np.arange(_FIRST, _LAST, _WEEK).tolist()
    offsets = [_offset(zone, week) for week in weeks]
    changed = [i for i in range(len(weeks) - 1) if offsets[i] != offsets[i + 1]]
    at = [_change_within(zone, weeks[i], weeks[i + 1]) for i in changed]
    kept = [offsets[0], *(offsets[i + 1] for i in changed)]
    return np.array(at, "M8[us]"), np.array(kept, "m8[us]")


def _zone_info(name: str) -> tzinfo:
    fixed = _OFFSET.fullmatch(name)
    if fixed:
        minutes = int(fixed[2]) * 60 + int(fixed[3])
        return timezone(timedelta(minutes=minutes if fixed[1] == "+" else -minutes))
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        problem = _(
            "expected a zone such as America/Sao_Paulo or an offset such as -03:00, got {name!r}"
        )
        raise InputError(zone=problem.format(name=name)) from None


def _offset(zone: tzinfo, moment: datetime) -> timedelta:
    return moment.replace(tzinfo=UTC).astimezone(zone).utcoffset() or timedelta(0)


def _change_within(zone: tzinfo, low: datetime, high: datetime) -> datetime:
    """The first second from which the offset is that of `high`; it changes once in between."""
    new = _offset(zone, high)
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=(high - low).total_seconds() // 2)
        low, high = (low, middle) if _offset(zone, middle) == new else (middle, high)
    return high
