"""From rows as they come to series of even steps: sorted, each stamp once, gaps where rows lack.

What is found is counted and told; what is done about it, policies say.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, NoReturn

import numpy as np
from numpy.typing import NDArray

from gruta.codec.series.frequency import Frequency, Stamps, show
from gruta.codec.series.infer import fitting, infer, parse, rows
from gruta.codec.series.rows import Rows
from gruta.codec.series.zones import Zone
from gruta.data.columns import Origin, refuse
from gruta.data.places import Places, composed, kind_of
from gruta.data.table import MANY
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.reading import Repair

Values = NDArray[np.floating]
Starts = NDArray[np.int64]
Duplicates = Literal["mean", "first", "last", "error"]
Gaps = Literal["mask", "interpolate", "seasonal", "error"]

FEWEST_FITTING = 0.5
"""Of the steps between neighbours so many at least are of one length, or no step is even."""

MOST_BETWEEN = 0.2
"""Where more stamps than that lie between the steps, and they are not few, the step is the next
row: a clock that is never quite right, or third Fridays.
"""
_FEW = 10

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
    """Rows, those of a series behind each other: of which one each is `[M]`, and its stamp `[M]`.

    at: `[N]` at which of them each row of the file stands; None: where it came. zone: whose clock
    the stamps, in UTC, show, or `Rows` where these are numbers; None: none is known. label, name:
    of the file and its column of stamps, for messages. ids: what the series are called.
    """

    own: NDArray[np.integer]
    times: Stamps
    ids: tuple[str, ...]
    zone: Zone | Rows | None
    label: Origin
    name: str
    at: Places | None = None

    def by_time(self) -> "Raw":
        """In each series by time, rows of one stamp as they came; in these very arrays, as each is
        as large as a column.
        """
        goes = np.arange(len(self.times), dtype=kind_of(len(self.times)))
        for first, end in itertools.pairwise(_starts(self).tolist()):
            own = self.times[first:end]
            if (own[1:] < own[:-1]).any():
                order = np.argsort(own, kind="stable")
                own[:] = own[order]
                goes[first + order] = np.arange(first, end)
        return replace(self, at=composed(self.at, goes))

    def once(self, again: NDArray[np.bool_]) -> "Raw":
        """Without the rows `again [M]`, each of which has the stamp of the one before."""
        kept = ~again
        step = np.cumsum(kept, dtype=kind_of(len(kept))) - 1
        at = composed(self.at, step)
        return replace(self, own=self.own[kept], times=self.times[kept], at=at)

    def place(self, i: int, stamp: np.datetime64 | None = None) -> str:
        """What people call a row: its stamp, or another; its series where there are several."""
        shown = show(self.times[i] if stamp is None else stamp, self.zone)
        return f"{shown} ({self.ids[self.own[i]]})" if len(self.ids) > 1 else shown

    def refuse(self, i: int, problem: str) -> NoReturn:
        """InputError that names the row."""
        which = self.ids[self.own[i]]
        of = _(" (series {name!r})").format(name=which) if len(self.ids) > 1 else ""
        row = i if self.at is None else int((self.at == i).argmax())
        refuse(self.label, self.name, problem + of, row)


@dataclass(frozen=True, eq=False)
class Even:
    """Where rows as they come stand among even steps.

    at: `[N]` at which step each row of the file stands; None: each where it came. Where rows are
    doubled several are of one step, and `duplicates` says which is kept. rows: the steps of all
    series together. starts: where each begins. stamps: of steps that are not even.
    """

    at: Places | None
    rows: int
    starts: Starts
    begins: Stamps
    frequency: Frequency
    stamps: Stamps | None
    repairs: tuple[Repair, ...]
    doubled: bool
    duplicates: Duplicates

    def laid(self, column: Values, words: bool = False) -> Values:
        """The column's values `[rows]` in their places, NaN where none stands; beyond two million
        in single precision. words: they stand for texts, which have no mean; the last one is kept.
        """
        kind = np.float32 if self.rows > MANY else np.float64
        if self.at is None:
            alike: Values = np.asarray(column, kind)
            return alike
        if self.doubled and self.duplicates == "mean" and not words:
            mean: Values = _means(column, self.at, self.rows).astype(kind, copy=False)
            return mean
        found: Values = np.full(self.rows, np.nan, kind)
        if self.duplicates == "first":
            found[self.at[::-1]] = column[::-1]
        else:
            found[self.at] = column
        return found


def evened(raw: Raw, policies: Policies) -> Even:
    """The places of rows among even steps; InputError for what policies refuse."""
    found: list[Repair] = []
    raw = _by_time(raw, found)
    if policies.zone and raw.zone is None:
        raw = _in_zone(raw, Zone(policies.zone))
    again = _again(raw, policies, found)
    raw = raw if again is None else raw.once(again)
    frequency = _frequency(raw, policies)
    starts, stamps = _starts(raw), None
    if isinstance(frequency, Rows) and not frequency.numbered:
        step, begins, stamps = None, raw.times[starts[:-1]], raw.times
    else:
        step, starts, begins = _on_grid(raw, starts, frequency, found)
    at = raw.at
    del raw  # as large as several columns
    return Even(
        at=at if step is None else composed(at, step),
        rows=int(starts[-1]),
        starts=starts,
        begins=begins,
        frequency=frequency,
        stamps=stamps,
        repairs=tuple(found),
        doubled=again is not None,
        duplicates=policies.duplicates,
    )


def _starts(raw: Raw) -> Starts:
    """The first row of each series, and the number of rows."""
    names = np.arange(len(raw.ids) + 1, dtype=raw.own.dtype)  # of another type all rows were cast
    return np.searchsorted(raw.own, names)


def _by_time(raw: Raw, found: list[Repair]) -> Raw:
    """The same by time in each series, and rows of one stamp in the order in which they came."""
    late = (raw.times[1:] < raw.times[:-1]) & (raw.own[1:] == raw.own[:-1])
    if not late.any():
        return raw
    at = np.flatnonzero(late)
    at += 1
    found.append(_repair(_("rows out of order"), raw, at, _("sorted")))
    del late, at  # as large as columns
    return raw.by_time()


def _repair(kind: str, raw: Raw, at: Places, done: str) -> Repair:
    return Repair(kind, len(at), tuple(raw.place(int(i)) for i in at[:SHOWN]), done)


def _in_zone(raw: Raw, zone: Zone) -> Raw:
    """Stamps of the zone's clock as moments; of an hour that it shows twice, the second rows are
    those of the second.
    """
    again = np.concatenate([[False], _same_as_before(raw)])
    return replace(raw, times=zone.utc(raw.times, again), zone=zone).by_time()


def _same_as_before(raw: Raw) -> NDArray[np.bool_]:
    """Which rows but the first have the stamp, and the series, of the row before."""
    same: NDArray[np.bool_] = (raw.times[1:] == raw.times[:-1]) & (raw.own[1:] == raw.own[:-1])
    return same


def _again(raw: Raw, policies: Policies, found: list[Repair]) -> NDArray[np.bool_] | None:
    """Which rows `[N]` have the stamp of the row before; None where none has."""
    again = np.concatenate([[False], _same_as_before(raw)])
    at = np.flatnonzero(again)
    if not len(at):
        return None
    if policies.duplicates == "error":
        stamp = show(raw.times[at[0]], raw.zone)
        raw.refuse(
            int(at[0]),
            _("the stamp {stamp} is there twice; keep one of the two").format(stamp=stamp),
        )
    if len(at) >= _SEVERAL * len(raw.own):
        raw.refuse(
            int(at[0]),
            _(
                "{count} of {rows} rows have a stamp that another row has, such as {stamp}: there "
                "seem to be several series; name the column that tells them apart with the setting "
                "series"
            ).format(
                count=number(len(at)),
                rows=number(len(raw.own)),
                stamp=show(raw.times[at[0]], raw.zone),
            ),
        )
    by_clock = _set_back(raw, at)
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
    return again


def _means(values: Values, at: Places, rows: int) -> Values:
    """Mean of the values `[N]` that are there, by their place `at [N]`; NaN where none is."""
    there = ~np.isnan(values)
    sums = np.bincount(at[there], values[there], rows)
    counts = np.bincount(at[there], minlength=rows)
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
    given = policies.frequency
    if not len(longest) and not isinstance(given, Frequency):
        problem = _(
            "{label}: expected a series of two rows or more, found one row of each; if each row is "
            "of one series, leave out the column that says which"
        )
        raise InputError(problem.format(label=raw.label))
    pieces = [raw.times[starts[i] : starts[i + 1]] for i in longest]
    if isinstance(given, Frequency):
        return _of_model(given, pieces, raw)
    if isinstance(raw.zone, Rows):
        return rows(pieces[0], numbered=True)
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
        problem = _(
            "{label}: column {column!r}: no even step: of {steps} steps {even} are {step}, the "
            "most frequent; say which step it is with the setting frequency, or 'row' to take each "
            "row as a step"
        )
        raise InputError(
            problem.format(
                label=raw.label,
                column=raw.name,
                steps=number(steps),
                even=number(fits[best.key]),
                step=best.name,
            )
        )
    uneven = len(pieces[0]) > _FEW and _between(best, pieces[0]) > MOST_BETWEEN
    return rows(pieces[0]) if uneven else best


def _between(frequency: Frequency, times: Stamps) -> float:
    """The share of stamps that lie between its steps."""
    begin = _anchor(times, frequency)
    place = frequency.place(times, begin)
    return float((frequency.shift(np.asarray(begin), place) != times).mean())


def _own_step(times: Stamps, raw: Raw) -> Frequency:
    return rows(times, True) if isinstance(raw.zone, Rows) else infer(times, raw.zone)


def _of_model(frequency: Frequency, pieces: Sequence[Stamps], raw: Raw) -> Frequency:
    """The trained model's; InputError where these stamps have another."""
    steps = sum(len(piece) - 1 for piece in pieces)
    even = not isinstance(frequency, Rows) or frequency.numbered
    if even and sum(fitting(frequency, piece) for piece in pieces) < FEWEST_FITTING * steps:
        problem = _("{label}: expected a step of {expected}, the trained model's, found {found}")
        raise InputError(
            problem.format(
                label=raw.label, expected=frequency.key, found=_own_step(pieces[0], raw).key
            )
        )
    return frequency


def _on_grid(
    raw: Raw, starts: Starts, frequency: Frequency, found: list[Repair]
) -> tuple[Places | None, Starts, Stamps]:
    """The place `[N]` of each row among even steps, None where no step lacks; where each series
    begins, and its first stamp. InputError for rows between steps.
    """
    begins, lengths = np.empty(len(starts) - 1, "M8[us]"), np.empty(len(starts) - 1, np.int64)

    def placed(first: int, end: int) -> Places:
        times = raw.times[first:end]
        begin = _anchor(times, frequency)
        place = frequency.place(times, begin)
        off = frequency.shift(np.asarray(begin), place) != times
        off |= np.diff(place, prepend=place[0] - 1) < 1
        if off.any():
            _refuse_between(raw, first + int(off.argmax()), begin, frequency)
        from_first: Places = place - place[0]
        return from_first

    for i, (first, end) in enumerate(itertools.pairwise(starts.tolist())):
        begins[i], lengths[i] = raw.times[first], placed(first, end)[-1] + 1
    new = np.concatenate([[0], lengths.cumsum()])
    if new[-1] == len(raw.own):
        return None, new, begins
    at, jumps = np.empty(len(raw.own), kind_of(int(new[-1]))), list[int]()
    for i, (first, end) in enumerate(itertools.pairwise(starts.tolist())):
        own = placed(first, end)
        at[first:end] = new[i] + own
        if len(jumps) < SHOWN:
            jumps += (first + np.flatnonzero(np.diff(own) > 1)).tolist()
    jumps = jumps[:SHOWN]
    after = [frequency.after(raw.times[i], 1)[0] for i in jumps]
    where = tuple(raw.place(i, stamp) for i, stamp in zip(jumps, after, strict=True))
    missing = int(new[-1]) - len(at)
    found.append(Repair(_("rows that are missing"), missing, where, _("left as gaps")))
    return at, new, begins


def _refuse_between(raw: Raw, i: int, begin: np.datetime64, frequency: Frequency) -> NoReturn:
    """InputError for a row that lies between two steps."""
    (place,) = frequency.place(raw.times[i : i + 1], begin)
    near = frequency.shift(np.asarray(begin), np.array([place, place + 1]))
    either = _(" or ").join(show(stamp, raw.zone) for stamp in near)
    raw.refuse(
        i,
        _(
            "expected {either}, as most steps are {step}, found {stamp}; remove the row or move "
            "its stamp, or say with the setting frequency which step it is, row to take each row "
            "as a step"
        ).format(either=either, step=frequency.name, stamp=show(raw.times[i], raw.zone)),
    )


def _anchor(times: Stamps, frequency: Frequency) -> np.datetime64:
    """The one of the first stamps by which most others have a place of their own."""

    some, found, most = times[:1000], times[0], -1
    for begin in times[:5]:
        place = frequency.place(some, begin)
        even = int((frequency.shift(np.asarray(begin), place) == some).sum())
        if even > most:
            found, most = begin, even
        if even == len(some):
            break
    best: np.datetime64 = found
    return best
