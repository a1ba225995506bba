"""Tables in wide form: the time in one column, and each series in a column of its own."""

import fnmatch
import re
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from gruta.codec.series.series import Columns, Series
from gruta.data.columns import few, nearest
from gruta.data.stamps import looks_like_stamps
from gruta.data.table import MANY, Table
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.reading import Guess

Values = NDArray[np.floating]
TARGET, USUAL = "y", "unique_id"
"""What answers call the values of a wide table, and its series."""

_SHOWN = 3
_NUMBER = re.compile("[0-9]+")
_FEWEST = 2
_CELLS_AT_ONCE = 2**21


def patterns(target: str) -> tuple[str, ...]:
    """The names between its commas."""
    return tuple(part.strip() for part in target.split(",") if part.strip())


def as_wide(columns: Columns, table: Table, *, guess: bool) -> Columns:
    """Columns for a table in wide form where it is said, or clear from its columns, to be one.

    What answers call the series is what a pivoted frame says that its columns are.
    """
    series = table.pivot if table.pivot not in ("", *columns.names) else USUAL
    clear = guess and not (columns.series or columns.static) and _is_clear(columns, table)
    wide = columns.wide or (("*",) if clear else ())
    return replace(columns, target=TARGET, series=series, wide=wide) if wide else columns


def _is_clear(columns: Columns, table: Table) -> bool:
    """Whether the table has no target, and columns of numbers alone that are called alike but for
    their number, or of which a frame says what they are.
    """
    free = _free(columns, table)
    if {columns.time, *columns.known, *columns.past} - set(table.names) or USUAL in table.names:
        return False
    if columns.target in table.names or len(free) < _FEWEST:
        return False
    stems = {_NUMBER.sub("#", name) for name in free}
    alike = bool(table.pivot) or (len(stems) == 1 and "#" in stems.pop())
    return alike and table.seem_numbers(free)


def _free(columns: Columns, table: Table) -> list[str]:
    """The columns that are nothing else."""
    return [name for name in table.names if name not in columns.shared]


def series_columns(columns: Columns, table: Table) -> list[str]:
    """The names of the columns that are to be a series each, as the table has them in order.

    None of a table that is not wide. InputError where one that is named is not there, or none is.
    """
    if not columns.wide:
        return []
    free = _free(columns, table)
    for name in columns.wide:
        if "*" in name or name in free:
            continue
        near = nearest(name, free)
        problem = _("expected a column {name!r} for each series, found {names}").format(
            name=name, names=few(table.names)
        )
        question = _("; did you mean {name}?").format(name=repr(near[0])) if near else ""
        raise InputError(f"{table.origin}: {problem}{question}")
    found = [n for n in free if any(_is_meant(n, pattern) for pattern in columns.wide)]
    if not found:
        problem = _("expected columns that are a series each, such as {patterns}; found {names}")
        raise InputError(
            f"{table.origin}: "
            + problem.format(patterns=", ".join(columns.wide), names=few(table.names))
        )
    return found


def side_by_side(
    rows: Series,
    names: Sequence[str],
    table: Table,
    values_of: Callable[[str], Values],
    laid: Callable[[Values], Values],
    option: str,
) -> Series:
    """The columns `names` as series one behind the other.

    rows: what they share, without a target. values_of: a column's numbers, by name. laid: values
    in the places of `rows`. option: what overrules that they are series; "" if nothing does.
    Columns of texts or without a value are left out, and told.
    """
    named = [name for name in names if name in rows.columns.wide]
    ids, targets, left_out = list[str](), list[Values](), list[str]()
    kind = np.float32 if len(rows) * len(names) > MANY else np.float64
    at_once = max(1, _CELLS_AT_ONCE // max(1, len(rows)))
    for place, name in enumerate(names):
        if place % at_once == 0:
            table.turn_to(*names[place : place + at_once])
        if name not in named and not table.holds_numbers(name):
            left_out.append(name)
            continue
        target = laid(values_of(name))
        table.forget(name)
        if np.isnan(target).all():
            left_out.append(name)
            continue
        ids.append(name)
        targets.append(target.astype(kind))
    if not ids:
        problem = _("expected columns of numbers, found none among {names}")
        raise InputError(f"{rows.source}: {problem.format(names=few(names))}")
    count = len(ids)
    return replace(
        rows,
        target=np.concatenate(targets),
        known=np.tile(rows.known, (count, 1)),
        past=np.tile(rows.past, (count, 1)),
        starts=np.arange(count + 1) * len(rows),
        begins=np.repeat(rows.begins, count),
        ids=tuple(ids),
        stamps=None if rows.stamps is None else np.tile(rows.stamps, count),
        guesses=(*rows.guesses, *_told(rows.columns, ids, left_out, option)),
    )


def looks_wide(columns: Columns, table: Table) -> bool:
    """Whether all columns but those that are named otherwise seem to hold numbers, and they are
    two or more.
    """
    free = _free(columns, table)
    return len(free) >= _FEWEST and set(free) <= set(table.likely(time=False))


def has_stamps_above(table: Table) -> bool:
    """Whether most columns are called as stamps are: a row is a series there."""
    stamps = [name for name in table.names if looks_like_stamps(pl.Series([name]))]
    return len(stamps) > max(_FEWEST, len(table.names) / 2)


def _is_meant(name: str, pattern: str) -> bool:
    return name == pattern or ("*" in pattern and fnmatch.fnmatchcase(name, _literal(pattern)))


def _literal(pattern: str) -> str:
    """With nothing but * that stands for something else."""
    return pattern.replace("[", "[[]").replace("?", "[?]")


def _told(
    columns: Columns, ids: Sequence[str], left_out: Sequence[str], option: str
) -> list[Guess]:
    """Which columns are series, where patterns said so and they can be overruled, and which are
    not.
    """
    found = []
    if option and any("*" in name for name in columns.wide):
        found.append(Guess("columns that are series", listed(ids), option))
    if left_out:
        about = "columns without numbers, left out"
        found.append(Guess(about, listed(left_out), option and "target"))
    return found


def listed(names: Sequence[str]) -> str:
    """How many, and the first ones and the last."""
    shown = names if len(names) <= _SHOWN + 1 else [*names[:_SHOWN], "…", names[-1]]
    return f"{len(names)} ({', '.join(shown)})"
