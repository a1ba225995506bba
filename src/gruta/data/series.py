"""From a file or a frame to a series that can be relied on: even steps, numbers where they must be.

What does not fit is refused with its row, counted from 1 below the header, and its column.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, NoReturn

import numpy as np
from narwhals.typing import IntoDataFrame
from numpy.typing import NDArray

from gruta.codec.series.frequency import Stamps
from gruta.codec.series.rows import Rows as NextRow
from gruta.codec.series.series import Columns, Series
from gruta.codec.series.zones import Zone
from gruta.data.columns import Origin, few, nearest, refuse
from gruta.data.gaps import mended
from gruta.data.hierarchy import parents_of, summed
from gruta.data.padding import unpadded
from gruta.data.periods import Every, in_steps
from gruta.data.places import Places, by_series, placed
from gruta.data.repair import Even, Policies, Raw, evened
from gruta.data.table import Table, open_table
from gruta.data.wide import (
    USUAL,
    as_wide,
    has_stamps_above,
    looks_wide,
    series_columns,
    side_by_side,
)
from gruta.data.words import counted
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.reading import Guess, Reading

Values = NDArray[np.floating]
_FEWEST_ROWS = 3


def read_series(
    source: str | Path | IntoDataFrame,
    columns: Columns,
    how: Reading | None = None,
    policies: Policies | None = None,
    words: Collection[str] | None = None,
    *,
    may_be_wide: bool = False,
    every: Every | None = None,
    label: str = "",
    part: bool = False,
) -> Series:
    """The series in a file or in a pandas or polars frame, in even steps.

    Stamps with a zone or an offset are converted to UTC. Rows at the end of a series with an empty
    target are the rows to come. What is mended is told in `repairs`. InputError says what does not
    fit, and where. words: the columns of texts, where those of a trained model are read; else a
    covariate is one if most of its cells are no numbers. may_be_wide: a table is read as wide
    where that is clear. every: the longer steps that rows become. label: what messages call the
    source. part: these are some of very many series, of which nothing is learned: they may be
    short, and their values all the same.
    """
    policies, trained = policies or Policies(), words is not None
    table = open_table(
        source, how or Reading(), wanted=columns.names, time=columns.time, label=label
    )
    given = columns
    columns, guesses = _roles(columns, table, trained, may_be_wide)
    abreast = series_columns(columns, table)
    table.prepare((*columns.shared, *abreast) if abreast else columns.names)
    cells = _Cells(table, columns, words)
    if not part:
        _require_rows(table)
    rows = _rows(cells, policies, several=bool(columns.series) and not abreast)
    guesses = (*guesses, *_step_found(rows.even, policies))
    series = _laid(rows, cells, guesses, has_target=not abreast)
    if abreast:
        option = "" if trained else "target" if given.wide else "no-wide"
        series = side_by_side(series, abreast, table, cells.numbers, rows.even.laid, option)
    series = unpadded(series)
    if every is not None:
        series = unpadded(in_steps(series, every, policies))
    if not part:
        _require_target(series)
    series = mended(series, policies)
    return summed(series, parents_of(rows.ids, rows.above)) if rows.above else series


def _roles(
    columns: Columns, table: Table, trained: bool, may_be_wide: bool
) -> tuple[Columns, tuple[Guess, ...]]:
    """Which column is what, and what of that was found out; InputError where one is not there."""
    columns, guesses = _split(columns, table), tuple[Guess, ...]()
    if not trained:
        columns, guesses = _with_series(as_wide(columns, table, guess=may_be_wide), table)
    _require_columns(table, columns, trained)
    for setting in ("static", "parent"):
        if getattr(columns, setting) and (columns.wide or not columns.series):
            several = _("expected several series, whose names a column has; name it with series")
            raise InputError(**{setting: several})
    return columns, guesses


def _require_rows(table: Table) -> None:
    """InputError where there are too few to tell a step by."""
    if len(table) < _FEWEST_ROWS:
        raise InputError(
            _("{label}: expected at least {least} rows, found {count}").format(
                label=table.origin, least=_FEWEST_ROWS, count=len(table)
            )
        )


class _Rows(NamedTuple):
    """Where rows stand among even steps, and what is known of each of the series `ids [S]`.

    static: columns `[S]`; above: what its parent is called, the parent's parent, and so on `[S]`.
    """

    even: Even
    ids: tuple[str, ...]
    static: list[Values]
    above: list[list[str]]


def _rows(cells: "_Cells", policies: Policies, several: bool) -> _Rows:
    """By the columns of time and, of several series, of names."""
    table, columns = cells.table, cells.columns
    own: NDArray[np.integer] | None = None
    names, static, above = [""], list[Values](), list[list[str]]()
    if several:
        own, names = table.codes(columns.series)
        static = [_one_each(table, name, cells.of(name), own, names) for name in columns.static]
        above = [_texts_of_each(table, name, own, names) for name in columns.parent]
    ids = tuple(names)
    # What is evened has no name here, which would keep alive what is as large as a column.
    return _Rows(
        evened(_raw(table, columns.time, policies.zone, own, ids), policies), ids, static, above
    )


def _laid(rows: _Rows, cells: "_Cells", guesses: tuple[Guess, ...], has_target: bool) -> Series:
    """The columns in their rows; a wide table's, which share what is here, have no target yet."""
    even, columns = rows.even, cells.columns

    def laid(name: str) -> Values:
        values = cells.of(name)
        cells.table.release()
        return even.laid(values, words=name in cells.words)

    target = laid(columns.target) if has_target else np.full(even.rows, np.nan)
    known, past = (
        np.column_stack([np.empty((even.rows, 0), target.dtype), *map(laid, names)])
        for names in (columns.known, columns.past)
    )
    cells.table.release()
    return Series(
        target=target,
        known=known,
        past=past,
        starts=even.starts,
        begins=even.begins,
        ids=rows.ids,
        columns=columns,
        frequency=even.frequency,
        source=str(cells.table.origin),
        stamps=even.stamps,
        static=np.column_stack(rows.static) if rows.static else None,
        words=cells.words,
        repairs=even.repairs,
        guesses=(*cells.table.guesses, *guesses),
    )


def _raw(
    table: Table, time: str, zone: str, own: NDArray[np.integer] | None, ids: tuple[str, ...]
) -> Raw:
    """The rows with their stamps; own: of which of the series each is, where a column says that."""
    label = table.origin
    at = None if own is None else by_series(own, len(ids))
    times, clock = _when(table, time, zone, at)
    table.release()
    own = np.zeros(len(table), np.int8) if own is None else own if at is None else np.sort(own)
    return Raw(own, times, ids, clock, label, time, at)


class _Cells:
    """Columns as values, NaN where there is none; in `words` those of texts, which are counted.

    texts: which ones they are; None: the covariates that look so.
    """

    def __init__(self, table: Table, columns: Columns, texts: Collection[str] | None) -> None:
        self.table, self.columns, self._texts = table, columns, texts
        self.words: dict[str, tuple[str, ...]] = {}

    def of(self, name: str) -> Values:
        """`[N]`, a value a row of the table."""
        looks = self._texts is None and name != self.columns.target and self.table.holds_words(name)
        if looks or name in (self._texts or ()):
            places, self.words[name] = counted(self.table.words(name))
            return places
        return self.numbers(name)

    def numbers(self, name: str) -> Values:
        """`[N]` of a column that holds no texts."""
        values: Values = self.table.numbers(name)
        _require_finite(self.table.origin, name, values)
        return values


def _one_each(
    table: Table, name: str, values: Values, own: NDArray[np.integer], ids: Sequence[str]
) -> Values:
    """`[S]`: the value that all rows of a series have; InputError where they do not agree."""
    found: Values = np.full(len(ids), np.nan)
    there = ~np.isnan(values)
    found[own[there][::-1]] = values[there][::-1]
    other = there & (values != found[own])
    if other.any():
        row = int(other.argmax())
        cells, which = table.words(name), int(own[row])
        first = cells[int((there & (own == which)).argmax())]
        refuse(
            table.origin,
            name,
            _(
                "expected one value in all rows of the series {series!r}, found {first!r} and "
                "{second!r}; name the column as known or past instead"
            ).format(series=ids[which], first=first, second=cells[row]),
            row,
        )
    return found


def _texts_of_each(
    table: Table, name: str, own: NDArray[np.integer], ids: Sequence[str]
) -> list[str]:
    """`[S]`: the text that all rows of a series have, "" where they have none."""
    places, words = counted(table.words(name))
    each = _one_each(table, name, places, own, ids)
    return ["" if np.isnan(place) else words[int(place)] for place in each]


def _split(columns: Columns, table: Table) -> Columns:
    """Columns with a name such as a,b, which is no column's, as the names of two."""

    def apart(names: tuple[str, ...]) -> tuple[str, ...]:
        found: list[str] = []
        for name in names:
            parts = [part.strip() for part in name.split(",")]
            several = name not in table.names and set(parts) <= set(table.names)
            found += parts if several else [name]
        return tuple(found)

    return replace(
        columns,
        known=apart(columns.known),
        past=apart(columns.past),
        static=apart(columns.static),
        parent=apart(columns.parent),
    )


def _with_series(columns: Columns, table: Table) -> tuple[Columns, tuple[Guess, ...]]:
    """Columns with the one that usually names series, where it is there and nothing is said."""
    if columns.series or USUAL not in table.names or USUAL in columns.names:
        return columns, ()
    return replace(columns, series=USUAL), (Guess("series column", USUAL, "series"),)


def _step_found(even: Even, policies: Policies) -> tuple[Guess, ...]:
    found = Guess("step", even.frequency.name, "frequency")
    return () if policies.frequency else (found,)


def _require_columns(table: Table, columns: Columns, trained: bool) -> None:
    """InputError that names the setting of a column that is not there, and likely ones; where a
    model is trained no setting helps.
    """
    roles = [("time", columns.time), ("target", columns.target), ("series", columns.series)]
    roles = roles[:1] if columns.wide else roles
    roles += [
        (setting, name)
        for setting in ("known", "past", "static", "parent")
        for name in getattr(columns, setting)
    ]
    for setting, name in roles:
        if not name or name in table.names:
            continue
        likely = nearest(name, table.names)
        if not likely and setting in ("time", "target"):
            likely = [n for n in table.likely(time=setting == "time") if n not in columns.names]
        if setting == "time" and has_stamps_above(table):
            _refuse_turned(table)
        question = (
            _("; is it {names}?").format(names=_(" or ").join(map(repr, likely[:3])))
            if likely
            else ""
        )
        wide = looks_wide(columns, table) if setting == "target" else False
        problem = _(
            "{origin}: expected a column {name!r}, found {found}; name it with the setting "
            "{setting}{question}"
        )
        if trained:
            problem = _(
                "{origin}: expected a column {name!r}, as in training, found {found}; rename the "
                "column that it is{question}"
            )
        raise InputError(
            problem.format(
                origin=table.origin,
                name=name,
                found=few(table.names),
                setting=setting,
                question=question,
            ),
            **({"wide": _("says that each column is a series")} if wide and not trained else {}),
        )


def _refuse_turned(table: Table) -> NoReturn:
    """InputError for stamps above the columns."""
    raise InputError(
        f"{table.origin}: "
        + _(
            "the columns are called as stamps are, {names}: each row seems to be a series; turn "
            "the table round, so that each row is a step, and each column a series"
        ).format(names=few(table.names))
    )


def _when(
    table: Table, name: str, zone: str, at: Places | None
) -> tuple[Stamps, Zone | NextRow | None]:
    """When each row is, in UTC, and the zone whose clock that shows, where stamps have no more than
    an offset the one given; or the numbers of rows, where the column holds whole numbers that are
    neither years nor times since 1970. Each row's in the place `at [N]` that it goes to.
    """
    try:
        found = table.moments(name, at)
    except InputError:
        numbers = table.whole_numbers(name)
        if numbers is None:
            raise
        return placed(numbers.view("M8[us]"), at), NextRow(1, numbered=True)
    shown = zone if found.zone == "UTC" else found.zone
    return found.times, Zone(shown) if shown else None


def _require_finite(label: Origin, name: str, values: Values) -> None:
    infinite = np.isinf(values)
    if infinite.any():
        row = int(infinite.argmax())
        refuse(
            label,
            name,
            _("expected a number, found {value}; correct it").format(value=values[row]),
            row,
        )


def _require_target(series: Series) -> None:
    """InputError unless there are enough values to learn from, and they vary."""
    label, name, target = Origin(series.source), series.columns.target, series.target
    observed = int((series.ends - series.starts[:-1]).max())
    if observed < _FEWEST_ROWS:
        refuse(
            label,
            name,
            _("expected at least {least} rows with a value, found {count}").format(
                least=_FEWEST_ROWS, count=observed
            ),
        )
    least, most = np.nanmin(target), np.nanmax(target)
    if least == most:
        refuse(
            label,
            name,
            _("expected a target that varies, found {value} in every row").format(
                value=number(float(least))
            ),
        )
