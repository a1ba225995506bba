"""Rows that become longer steps by the clock: hours to days, weeks and months."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gruta.codec.series.frequency import DAY, HOUR, MINUTE, WEEK, FixedStep, Frequency, Stamps, show
from gruta.codec.series.frequency import weekday as weekday_of
from gruta.codec.series.infer import fitting
from gruta.codec.series.local import Local
from gruta.codec.series.months import Months
from gruta.codec.series.series import Rows, Series
from gruta.codec.series.zones import Zone
from gruta.data.columns import Origin
from gruta.data.gaps import mended
from gruta.data.repair import SHOWN, Policies, Raw, evened
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.reading import Guess, Repair

Values = NDArray[np.floating]
Flags = NDArray[np.bool_]

_NAME = re.compile(r"([1-9][0-9]?) ?(min|h|d|w|mo|months?|q|y)")
_MONTHS = {"mo": 1, "month": 1, "months": 1, "q": 3, "y": 12}
_MINUTES_A_HOUR, _MONTHS_A_YEAR = 60, 12
_ENOUGH = 0.5
"""A step of which fewer of the values are there, as a share, has none."""


@dataclass(frozen=True)
class Every:
    """Which steps rows become; InputError for a name that says none.

    how: mean, sum, or auto, which is the mean, and told. keep: first and last steps that are not
    whole too, as they are. frequency: of the steps, where a trained model knows it.
    """

    name: str
    how: str = "auto"
    keep: bool = False
    frequency: Frequency | None = None

    def __post_init__(self) -> None:
        _ = self.step

    @property
    def step(self) -> FixedStep | Months:
        """The step without a zone. Minutes are parts of an hour, months parts of a year."""
        found = _NAME.fullmatch(self.name)
        count, unit = (int(found[1]), found[2]) if found else (0, "")
        months = count * _MONTHS.get(unit, 0)
        if months and _MONTHS_A_YEAR % months == 0:
            return Months(months)
        if unit == "min" and _MINUTES_A_HOUR % count == 0:
            return FixedStep(count * MINUTE)
        if count == 1 and unit in ("h", "d", "w"):
            return FixedStep({"h": HOUR, "d": DAY, "w": WEEK}[unit])
        raise InputError(every=_expected(self.name))

    def begins(self, times: Stamps, frequency: Frequency) -> Stamps:
        """The moment at which each one's step begins by the clock; weeks begin on Mondays."""
        local, step = frequency.local(times), self.step
        if isinstance(step, Months):
            months = local.astype("M8[M]").astype(np.int64) // step.count * step.count
            return frequency.moment(months.astype("M8[M]").astype("M8[us]"))
        if step.within_day:  # an hour that the clock shows twice is two
            passed = local.astype(np.int64) % step.microseconds
            return np.asarray(times - passed.astype("m8[us]"))
        days = local.astype("M8[D]")
        days = days - weekday_of(local) if step.microseconds == WEEK else days
        return frequency.moment(days.astype("M8[us]"))


def _expected(name: str) -> str:
    return _("expected a step such as 15min, 1h, 1d, 1w, 1mo, 3mo or 1y, got {value}").format(
        value=repr(name)
    )


def in_steps(series: Series, every: Every, policies: Policies) -> Series:
    """Series of longer steps: of the target the mean or the sum of a step's rows; of covariates the
    mean, of texts the most frequent one.

    A first or last step that is not whole is left out, also one that is not over yet: with rows to
    come it is the first of these. For values that lack, the mean of the others in their step
    stands, or gaps are filled as policies say before. InputError for numbered rows.
    """
    if series.frequency.numbered:
        raise InputError(every=_("expected stamps with dates, found numbered rows; leave it out"))
    if policies.gaps != "mask":
        series = mended(series, policies)
    steps = _Steps.of(series, every)
    target, partial = steps.of_target(series, every)
    kept = np.ones(len(partial), bool) if every.keep else ~steps.cut
    some = np.isin(np.arange(series.count), steps.own[kept])
    if not some.any():
        text = _("expected rows of a whole step of {every} at least, found none")
        raise InputError(every=text.format(every=every.name))
    target[partial & (not every.keep)] = np.nan
    repairs = [*series.repairs, *steps.told(series, every, partial | steps.cut)]
    own = (some.cumsum() - 1)[steps.own[kept]]
    zone = series.frequency.zone if isinstance(series.frequency, Local) else None
    ids = tuple(name for name, there in zip(series.ids, some, strict=True) if there)
    label, begins = Origin(series.source), steps.begins[kept]
    raw = Raw(own, begins, ids, zone, label, series.columns.time)
    frequency = every.frequency or _frequency(raw, steps, every)
    even = evened(raw, replace(policies, frequency=frequency, zone=""))

    def laid(names: Sequence[str], values: Values, there: Flags) -> Values:
        columns = [
            even.laid(steps.of_covariate(values[:, i], there, words=name in series.words)[kept])
            for i, name in enumerate(names)
        ]
        return np.column_stack([np.empty((even.rows, 0), values.dtype), *columns])

    columns = series.columns
    told = (Guess("rows of each step", "their mean", "aggregate"),) if every.how == "auto" else ()
    return replace(
        series,
        target=even.laid(target[kept]),
        known=laid(columns.known, series.known, np.ones(len(series), bool)),
        past=laid(columns.past, series.past, series.inside),
        starts=even.starts,
        begins=even.begins,
        ids=ids,
        frequency=even.frequency,
        stamps=even.stamps,
        static=None if series.static is None else series.static[some],
        repairs=(*repairs, *even.repairs),
        guesses=(*series.guesses, *told),
    )


@dataclass(frozen=True, eq=False)
class _Steps:
    """P steps, by series and time.

    of_row: `[N]` which one each row is of. own, begins: `[P]` of which series, and its moment. cut:
    `[P]` which are a series' first or last one, and reach beyond its rows.
    """

    of_row: Rows
    own: Rows
    begins: Stamps
    cut: Flags

    @classmethod
    def of(cls, series: Series, every: Every) -> "_Steps":
        """Of these rows; a step has all rows of its time, wherever they stand."""
        frequency, rows = series.frequency, np.arange(len(series))
        own, begins = series.of(rows), every.begins(series.times, frequency)
        order = np.lexsort((begins, own))
        new = np.ones(len(series), bool)
        new[1:] = (np.diff(own[order]) > 0) | (begins[order][1:] != begins[order][:-1])
        of_row = np.empty(len(series), np.int64)
        of_row[order] = new.cumsum() - 1
        cut = np.zeros(int(new.sum()), bool)
        for at, beside in ((series.starts[:-1], -1), (series.starts[1:] - 1, 1)):
            next_one = frequency.shift(series.times_at(at), beside)
            cut[of_row[at]] |= every.begins(next_one, frequency) == begins[at]
        return cls(of_row, own[order][new], begins[order][new], cut)

    def sums(self, values: Values | Flags) -> Values:
        """`[P]` of values `[N]` without NaN."""
        return np.asarray(np.bincount(self.of_row, values, len(self.own)), np.float64)

    def of_target(self, series: Series, every: Every) -> tuple[Values, Flags]:
        """`[P]`: the target, NaN where too little of it is there, and of which steps some rows are
        yet to come.
        """
        there, inside = ~np.isnan(series.target), self.sums(series.inside)
        mean, count = self._means(series.target, there)
        few = (count < _ENOUGH * inside) | (count == 0)
        found = mean
        if every.how == "sum":
            sums = self.sums(np.where(there, series.target, 0.0))
            found = np.where(count == inside, sums, mean * inside)
        found[few] = np.nan
        partial = (inside > 0) & (inside < self.sums(np.ones(len(series))))
        return found, partial

    def of_covariate(self, values: Values, there: Flags, *, words: bool) -> Values:
        """`[P]` of values `[N]`, of the rows `there`; NaN where there is none."""
        there = there & ~np.isnan(values)
        return self._commonest(values, there) if words else self._means(values, there)[0]

    def _means(self, values: Values, there: Flags) -> tuple[Values, Values]:
        count = self.sums(there)
        sums = self.sums(np.where(there, values, 0.0))
        return np.divide(sums, count, out=np.full(len(count), np.nan), where=count > 0), count

    def _commonest(self, values: Values, there: Flags) -> Values:
        """Of several as frequent ones the first of the texts."""
        found = np.full(len(self.own), np.nan)
        pairs = np.column_stack([self.of_row[there], values[there]])
        pairs, counts = np.unique(pairs, axis=0, return_counts=True)
        order = np.lexsort((-pairs[:, 1], counts))
        found[pairs[order, 0].astype(np.int64)] = pairs[order, 1]
        return found

    def told(self, series: Series, every: Every, not_whole: Flags) -> list[Repair]:
        """Which steps are not whole, and how many values lack within others."""
        found, at = [], np.flatnonzero(not_whole)
        if len(at):
            done = _("kept as they are") if every.keep else _("left out")
            kind = _("first and last steps of {every} that are not whole").format(every=every.name)
            found.append(self._repair(series, kind, len(at), at, done))
        lacking = series.inside & np.isnan(series.target)
        lack = self.sums(lacking)
        some = np.flatnonzero((lack > 0) & (lack <= (1 - _ENOUGH) * self.sums(series.inside)))
        if len(some):
            kind = _("values of {name} that are missing within a step").format(
                name=series.columns.target
            )
            done = _("the mean of the others in it stands for them")
            found.append(self._repair(series, kind, int(lack[some].sum()), some, done))
        return found

    def _repair(self, series: Series, kind: str, count: int, at: Rows, done: str) -> Repair:
        """places: the first of the steps `at`."""

        def place(i: int) -> str:
            stamp, name = show(self.begins[i], series.frequency), series.ids[self.own[i]]
            return f"{stamp} ({name})" if name else stamp

        return Repair(kind, count, tuple(place(int(i)) for i in at[:SHOWN]), done)


def _frequency(raw: Raw, steps: _Steps, every: Every) -> Frequency | str:
    """The step that was asked for, or where days have no rows at all the one that is found out;
    InputError where the rows' own step is longer.
    """
    nominal: Frequency = every.step
    nominal = Local(nominal, raw.zone) if isinstance(raw.zone, Zone) else nominal
    ends = np.flatnonzero(np.diff(raw.own)) + 1
    pieces = np.split(raw.times, ends)
    fit = sum(fitting(nominal, piece) for piece in pieces)
    if fit == len(raw.own) - len(pieces):
        return nominal
    if not fit and len(steps.of_row) == len(steps.own):
        text = _("the rows are farther apart than {every}; leave it out, or take a longer step")
        raise InputError(every=text.format(every=every.name))
    return ""
