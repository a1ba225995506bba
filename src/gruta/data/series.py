"""From a file or a frame to a series that can be relied on: even steps, numbers where they must be.

What does not fit is refused with its row, counted from 1 below the header, and its column.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from narwhals.typing import IntoDataFrame
from numpy.typing import NDArray

from gruta.codec.series.frequency import Frequency, Stamps
from gruta.codec.series.rows import Rows as NextRow
from gruta.codec.series.series import Columns, Series
from gruta.codec.series.zones import Zone
from gruta.data.columns import Origin, nearest, refuse
from gruta.data.gaps import mended
from gruta.data.repair import Even, Policies, Raw, evened
from gruta.data.table import Table, open_table
from gruta.data.words import counted
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.reading import Guess, Reading

Values = NDArray[np.floating]
_FEWEST_ROWS = 3
_USUAL = "unique_id"


def read_series(
    source: str | Path | IntoDataFrame,
    columns: Columns,
    how: Reading | None = None,
    policies: Policies | None = None,
    words: Collection[str] | None = None,
) -> Series:
    """The series in a file or in a pandas or polars frame, in even steps.

    Stamps with a zone or an offset are converted to UTC. Rows at the end of a series with an empty
    target are the rows to come. What is mended is told in `repairs`. InputError says what does not
    fit, and where. words: the columns of texts, where those of a trained model are read; else a
    covariate is one if most of its cells are no numbers.
    """
    policies = policies or Policies()
    how = how or Reading()
    table = open_table(source, how, wanted=columns.names, time=columns.time)
    columns, guesses = _with_series(_split(columns, table), table, policies)
    _require_columns(table, columns)
    if columns.static and not columns.series:
        raise InputError(
            static=_("expected several series, whose names a column has; name it with series")
        )
    table.prepare(columns.names)
    own: NDArray[np.integer] = np.zeros(1, np.int8)
    names = [""]
    if columns.series:
        own, names = table.codes(columns.series)
    ids, cells = tuple(names), _Cells(table, columns, words)
    static = [_one_each(table, name, cells.of(name), own, ids) for name in columns.static]
    table.turn_to(columns.time)
    label = table.origin
    if len(table) < _FEWEST_ROWS:
        raise InputError(
            _("{label}: expected at least {least} rows, found {count}").format(
                label=label, least=_FEWEST_ROWS, count=len(table)
            )
        )
    times, clock = _when(table, columns.time)
    own = own if columns.series else np.zeros(len(table), np.int8)
    table.turn_to(columns.target)
    raw = Raw(own, times, ids, clock, label, columns.time)
    del own, times  # as large as a column each
    even = evened(raw, policies)
    del raw

    def laid(name: str) -> Values:
        values = cells.of(name)
        return even.laid(values, words=name in cells.words)

    target = laid(columns.target)
    known, past = (
        np.column_stack([np.empty((even.rows, 0), target.dtype), *map(laid, names)])
        for names in (columns.known, columns.past)
    )
    series = Series(
        target=target,
        known=known,
        past=past,
        starts=even.starts,
        begins=even.begins,
        ids=ids,
        columns=columns,
        frequency=even.frequency,
        source=str(label),
        stamps=even.stamps,
        static=np.column_stack(static) if static else None,
        words=cells.words,
        repairs=even.repairs,
        guesses=(*table.guesses, *guesses, *_step_found(even, policies)),
    )
    _require_target(series)
    return mended(series, policies)


class _Cells:
    """Columns as values, NaN where there is none; in `words` those of texts, which are counted.

    texts: which ones they are; None: the covariates that look so.
    """

    def __init__(self, table: Table, columns: Columns, texts: Collection[str] | None) -> None:
        self._table, self._target, self._texts = table, columns.target, texts
        self.words: dict[str, tuple[str, ...]] = {}

    def of(self, name: str) -> Values:
        """`[N]`, a value a row of the table."""
        self._table.turn_to(name)
        looks = self._texts is None and name != self._target and self._table.holds_words(name)
        if looks or name in (self._texts or ()):
            places, self.words[name] = counted(self._table.words(name))
            return places
        values: Values = self._table.numbers(name)
        _require_finite(self._table.origin, name, values)
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
    )


def _with_series(
    columns: Columns, table: Table, policies: Policies
) -> tuple[Columns, tuple[Guess, ...]]:
    """Columns with the one that usually names series, where it is there and nothing is said."""
    trained = isinstance(policies.frequency, Frequency)
    if columns.series or trained or _USUAL not in table.names or _USUAL in columns.names:
        return columns, ()
    return replace(columns, series=_USUAL), (Guess("series column", _USUAL, "series"),)


def _step_found(even: Even, policies: Policies) -> tuple[Guess, ...]:
    found = Guess("step", even.frequency.name, "frequency")
    return () if policies.frequency else (found,)


def _require_columns(table: Table, columns: Columns) -> None:
    """InputError that names the setting of a column that is not there, and likely ones."""
    roles = [("time", columns.time), ("target", columns.target), ("series", columns.series)]
    roles += [
        (setting, name)
        for setting in ("known", "past", "static")
        for name in getattr(columns, setting)
    ]
    for setting, name in roles:
        if not name or name in table.names:
            continue
        likely = nearest(name, table.names)
        if not likely and setting in ("time", "target"):
            likely = [n for n in table.likely(time=setting == "time") if n not in columns.names]
        question = (
            _("; is it {names}?").format(names=_(" or ").join(map(repr, likely[:3])))
            if likely
            else ""
        )
        problem = _(
            "{origin}: expected a column {name!r}, found {found}; name it with the setting "
            "{setting}{question}"
        )
        raise InputError(
            problem.format(
                origin=table.origin,
                name=name,
                found=", ".join(map(repr, table.names)),
                setting=setting,
                question=question,
            )
        )


def _when(table: Table, name: str) -> tuple[Stamps, Zone | NextRow | None]:
    """When each row is, in UTC, and the zone whose clock that shows; or the numbers of rows, where
    the column holds whole numbers that are neither years nor times since 1970.
    """
    try:
        found = table.moments(name)
    except InputError:
        numbers = table.whole_numbers(name)
        if numbers is None:
            raise
        return numbers.view("M8[us]"), NextRow(1, numbered=True)
    return found.times, Zone(found.zone) if found.zone not in ("", "UTC") else None


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
    there = target[~np.isnan(target)]
    if (there == there[0]).all():
        refuse(
            label,
            name,
            _("expected a target that varies, found {value} in every row").format(
                value=number(float(there[0]))
            ),
        )
