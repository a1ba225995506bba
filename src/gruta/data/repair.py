"""From rows as they come to series of even steps: sorted, each stamp once, gaps where rows lack.

What is found is counted and told; what is done about it, policies say.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, NoReturn

import numpy as np
from numpy.typing import NDArray

from gruta.codec.series.frequency import Frequency, Stamps
from gruta.codec.series.infer import fitting, infer, parse, rows
from gruta.codec.series.rows import Rows
from gruta.codec.series.series import Repair
from gruta.codec.series.zones import Zone
from gruta.data.columns import refuse
from gruta.errors import InputError
from gruta.locale import translate as _

Values = NDArray[np.float64]
Places = NDArray[np.int64]
Duplicates = Literal["mean", "first", "last", "error"]
Gaps = Literal["mask", "interpolate", "seasonal", "error"]

FEWEST_FITTING = 0.5
"""Of the steps between neighbours so many at least are of one length, or no step is even."""

SHOWN = 3
_SEVERAL = 0.2
"""Where this share of the rows have the stamp of another, they are of several series."""
_VOTERS = 20
_HOUR = np.timedelta64(1, "h").astype("m8[us]")


@dataclass(frozen=True)
class Policies:
    """What is done about rows that are not as they should be.

    frequency: the step, or its name; "" finds it out. zone: of stamps that have none; "" leaves
    them as they are. longest_gap: a longer one, as a share of its series, is refused.
    """

    frequency: str | Frequency = ""
    zone: str = ""
    duplicates: Duplicates = "mean"
    gaps: Gaps = "mask"
    longest_gap: float = 0.1


@dataclass(frozen=True, eq=False)
class Raw:
    """Rows as they come: of which series `[N]`, the stamps `[N]`, values `[N, C]`, their row `[N]`.

    zone: of which the stamps, in UTC, show the local time; None: none is known. label, name: of the
    file and its column of stamps, for messages. ids: what the series are called.
    """

    own: Places
    times: Stamps
    values: Values
    row: Places
    ids: tuple[str, ...]
    zone: Zone | None
    label: str
    name: str

    def pick(self, at: Places | NDArray[np.bool_]) -> "Raw":
        """These rows, in this order."""
        return replace(
            self,
            own=self.own[at],
            times=self.times[at],
            values=self.values[at],
            row=self.row[at],
        )

    def place(self, i: int, stamp: np.datetime64 | None = None) -> str:
        """What people call a row: its stamp, or another; its series where there are several."""
        shown = show(self.times[i] if stamp is None else stamp, self.zone)
        return f"{shown} ({self.ids[self.own[i]]})" if len(self.ids) > 1 else shown

    def refuse(self, i: int, problem: str) -> NoReturn:
        """InputError that names the row."""
        of = f" of {self.ids[self.own[i]]!r}" if len(self.ids) > 1 else ""
        refuse(self.label, self.name, f"{problem}{of and f' (series{of})'}", int(self.row[i]))


@dataclass(frozen=True, eq=False)
class Even:
    """Series in even steps: values `[N, C]` with NaN in gaps, and where each series begins."""

    values: Values
    starts: Places
    begins: Stamps
    frequency: Frequency
    stamps: Stamps | None
    repairs: tuple[Repair, ...]


def evened(raw: Raw, policies: Policies) -> Even:
    """The rows in even steps; InputError for what policies refuse."""
    found: list[Repair] = []
    raw = _sorted(raw, found)
    if policies.zone and raw.zone is None:
        raw = _in_zone(raw, Zone(policies.zone))
    raw = _once(raw, policies, found)
    frequency = _frequency(raw, policies)
    if isinstance(frequency, Rows) and not frequency.numbered:
        starts = _starts(raw)
        return Even(raw.values, starts, raw.times[starts[:-1]], frequency, raw.times, tuple(found))
    return _on_grid(raw, frequency, policies, found)


def show(stamp: np.datetime64, clock: Zone | Frequency | None = None) -> str:
    """A stamp for people, as short as it may be; by the clock of a zone, or of a frequency."""
    local = stamp if clock is None else clock.local(np.array([stamp]))[0]
    return str(np.datetime_as_string(local, unit="auto")).replace("T", " ")


def _starts(raw: Raw) -> Places:
    """The first row of each series, and the number of rows."""
    return np.searchsorted(raw.own, np.arange(len(raw.ids) + 1))


def _sorted(raw: Raw, found: list[Repair]) -> Raw:
    """By series, then by time, and rows of one stamp in the order in which they came."""
    together = raw.pick(np.argsort(raw.own, kind="stable"))
    late = (np.diff(together.times).astype(np.int64) < 0) & (np.diff(together.own) == 0)
    if not late.any():
        return together
    at = np.flatnonzero(late) + 1
    found.append(_repair(_("rows out of order"), together, at, _("sorted")))
    return together.pick(np.lexsort((together.times, together.own)))


def _repair(kind: str, raw: Raw, at: Places, done: str) -> Repair:
    return Repair(kind, len(at), tuple(raw.place(int(i)) for i in at[:SHOWN]), done)


def _in_zone(raw: Raw, zone: Zone) -> Raw:
    """Stamps of the zone's clock as moments; of an hour that it shows twice, the second rows are
    those of the second.
    """
    again = np.concatenate([[False], _same_as_before(raw)])
    moved = replace(raw, times=zone.utc(raw.times, again), zone=zone)
    return moved.pick(np.lexsort((moved.times, moved.own)))


def _same_as_before(raw: Raw) -> NDArray[np.bool_]:
    """Which rows but the first have the stamp, and the series, of the row before."""
    same: NDArray[np.bool_] = (raw.times[1:] == raw.times[:-1]) & (raw.own[1:] == raw.own[:-1])
    return same


def _once(raw: Raw, policies: Policies, found: list[Repair]) -> Raw:
    """Each stamp of a series once."""
    again = np.concatenate([[False], _same_as_before(raw)])
    at = np.flatnonzero(again)
    if not len(at):
        return raw
    if policies.duplicates == "error":
        stamp = show(raw.times[at[0]], raw.zone)
        raw.refuse(int(at[0]), f"the stamp {stamp} is there twice; keep one of the two")
    if len(at) >= _SEVERAL * len(raw.own):
        raw.refuse(
            int(at[0]),
            f"{len(at)} of {len(raw.own)} rows have a stamp that another row has, such as "
            f"{show(raw.times[at[0]], raw.zone)}: there seem to be several series; name the column "
            "that tells them apart with the setting series",
        )
    by_clock = _set_back(raw, at)
    kept = raw.pick(~again)
    group = np.cumsum(~again) - 1
    if policies.duplicates == "mean":
        kept = replace(kept, values=_means(raw.values, group, len(kept.own)))
    elif policies.duplicates == "last":
        kept = replace(
            kept, values=raw.values[np.append(np.flatnonzero(~again)[1:], len(again)) - 1]
        )
    done = {
        "mean": _("their mean is kept"),
        "first": _("the first is kept"),
        "last": _("the last is kept"),
    }[policies.duplicates]
    for kind, some in (
        (_("hours that a clock set back shows twice"), at[by_clock]),
        (_("rows with a stamp that was there before"), at[~by_clock]),
    ):
        if len(some):
            found.append(_repair(kind, raw, some, done))
    return kept


def _means(values: Values, group: Places, count: int) -> Values:
    """Mean of the values `[N, C]` that are there, by group `[N]`; NaN where none is."""
    there = ~np.isnan(values)
    sums, counts = np.zeros((2, count, values.shape[1]))
    np.add.at(sums, group, np.where(there, values, 0.0))
    np.add.at(counts, group, there)
    with np.errstate(invalid="ignore"):
        return sums / np.where(counts, counts, np.nan)


def _set_back(raw: Raw, at: Places) -> NDArray[np.bool_]:
    """Which of the doubled rows `at` are an hour that a clock without a zone shows twice: on a
    weekend, where five to nine months from it an hour is left out.
    """
    if raw.zone is not None:
        return np.zeros(len(at), bool)
    step = np.diff(raw.times)
    usual = np.median(step[step > np.timedelta64(0)].astype(np.int64)).astype("m8[us]")
    left_out = raw.times[:-1][step == usual + _HOUR] if usual <= _HOUR else raw.times[:0]
    if not len(left_out):
        return np.zeros(len(at), bool)
    days = np.abs((raw.times[at][:, None] - left_out).astype("m8[D]").astype(np.int64))
    weekend = (raw.times[at].astype("M8[D]").astype(np.int64) + 3) % 7 >= 5
    found: NDArray[np.bool_] = weekend & ((days >= 150) & (days <= 280)).any(1)
    return found


def _frequency(raw: Raw, policies: Policies) -> Frequency:
    """The one given, or the one that most neighbours of the longest series have."""
    starts = _starts(raw)
    lengths = np.diff(starts)
    longest = np.argsort(-lengths, kind="stable")[:_VOTERS]
    longest = longest[lengths[longest] > 1]
    if not len(longest):
        raise InputError(
            f"{raw.label}: expected a series of two rows or more, found one row of each; if each "
            "row is of one series, leave out the column that says which"
        )
    pieces = [raw.times[starts[i] : starts[i + 1]] for i in longest]
    given = policies.frequency
    if isinstance(given, Frequency):
        return _of_model(given, pieces, raw)
    if given == "row":
        return rows(pieces[0])
    if given:
        return parse(
            given if raw.zone is None or " in " in given else f"{given} in {raw.zone.name}"
        )
    candidates = {f.key: f for f in (infer(piece, raw.zone) for piece in pieces)}
    fits = {name: sum(fitting(f, p) for p in pieces) for name, f in candidates.items()}
    best = candidates[max(fits, key=fits.__getitem__)]
    steps = sum(len(piece) - 1 for piece in pieces)
    if fits[best.key] < FEWEST_FITTING * steps:
        raise InputError(
            f"{raw.label}: column {raw.name!r}: no even step: of {steps} steps {fits[best.key]} "
            f"are {best.name}, the most frequent; say which step it is with the setting frequency, "
            "or 'row' to take each row as a step"
        )
    return best


def _of_model(frequency: Frequency, pieces: Sequence[Stamps], raw: Raw) -> Frequency:
    """The trained model's; InputError where these stamps have another."""
    steps = sum(len(piece) - 1 for piece in pieces)
    even = not isinstance(frequency, Rows) or frequency.numbered
    if even and sum(fitting(frequency, piece) for piece in pieces) < FEWEST_FITTING * steps:
        raise InputError(
            f"{raw.label}: expected a step of {frequency.key}, the trained model's, found "
            f"{infer(pieces[0], raw.zone).key}"
        )
    return frequency


def _on_grid(raw: Raw, frequency: Frequency, policies: Policies, found: list[Repair]) -> Even:
    """Each row in its place, with gaps for those that lack."""
    starts = _starts(raw)
    begins, places = _placed(raw, starts, frequency)
    lengths = np.array([p[-1] + 1 for p in places])
    new = np.concatenate([[0], lengths.cumsum()])
    at = np.concatenate([first + p for first, p in zip(new, places, strict=False)])
    if len(at) == new[-1]:
        return Even(raw.values, new, begins, frequency, None, tuple(found))
    values = np.full((int(new[-1]), raw.values.shape[1]), np.nan)
    values[at] = raw.values
    jumps = np.flatnonzero(np.diff(at) > 1)
    after = [frequency.after(raw.times[i], 1)[0] for i in jumps[:SHOWN]]
    where = [raw.place(int(i), stamp) for i, stamp in zip(jumps, after, strict=False)]
    missing = int(new[-1]) - len(at)
    found.append(Repair(_("rows that are missing"), missing, tuple(where), _("left as gaps")))
    return Even(values, new, begins, frequency, None, tuple(found))


def _placed(raw: Raw, starts: Places, frequency: Frequency) -> tuple[Stamps, list[Places]]:
    """The first stamp of each series, and the place of its rows; InputError for rows between."""
    begins, places = np.empty(len(starts) - 1, "M8[us]"), []
    for i, (first, end) in enumerate(itertools.pairwise(starts)):
        times = raw.times[first:end]
        begin = _anchor(times, frequency)
        place = frequency.place(times, begin)
        at = frequency.shift(np.asarray(begin), place)
        off = (at != times) | (np.diff(place, prepend=place[0] - 1) < 1)
        if off.any():
            _refuse_between(raw, int(first) + int(off.argmax()), begin, frequency)
        begins[i] = at[0]
        places.append(place - place[0])
    return begins, places


def _refuse_between(raw: Raw, i: int, begin: np.datetime64, frequency: Frequency) -> NoReturn:
    """InputError for a row that lies between two steps."""
    (place,) = frequency.place(raw.times[i : i + 1], begin)
    near = frequency.shift(np.asarray(begin), np.array([place, place + 1]))
    either = " or ".join(show(stamp, raw.zone) for stamp in near)
    raw.refuse(
        i,
        f"expected {either}, as most steps are {frequency.name}, found "
        f"{show(raw.times[i], raw.zone)}; remove the row or move its stamp, or say with the "
        "setting frequency which step it is, row to take each row as a step",
    )


def _anchor(times: Stamps, frequency: Frequency) -> np.datetime64:
    """The one of the first stamps by which most others have a place of their own."""

    def on_grid(begin: np.datetime64) -> int:
        some = times[:1000]
        place = frequency.place(some, begin)
        return int((frequency.shift(np.asarray(begin), place) == some).sum())

    best: np.datetime64 = max(times[:5], key=on_grid)
    return best
