"""Where a table's cells came from, and how what does not fit is refused."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import numpy as np
import polars as pl
from numpy.typing import NDArray

from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number

_SHOWN = 20
_LIMIT_BYTES = 4 * 2**30


@dataclass(frozen=True, eq=False)
class Origin:
    """A file or frame as messages name it, and which of its rows were empty and left out.

    skipped: [M] ascending, counted from 0 below the header.
    """

    name: str
    skipped: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))

    def __str__(self) -> str:
        return self.name

    def row(self, kept: int) -> int:
        """The file's own number, from 1 below the header, of the row read as number `kept`."""
        before = self.skipped - np.arange(len(self.skipped))
        return kept + 1 + int(np.searchsorted(before, kept, "right"))


def refuse(
    origin: Origin, column: str, problem: str, row: int | None = None, **settings: str
) -> NoReturn:
    """InputError that names the file, the row (counted from 1 below the header) and the column.

    settings: what one of these would do about it.
    """
    told = _("column {column!r}: {problem}").format(column=column, problem=problem)
    if row is not None:
        told = _("row {row}, {problem}").format(row=origin.row(row), problem=told)
    raise InputError(f"{origin}: {told}", **settings)


def empty_rows(table: pl.DataFrame) -> NDArray[np.bool_]:
    """Which rows hold nothing, or blanks alone: [N]."""
    text = [name for name, kind in table.schema.items() if kind == pl.String]
    blank = [pl.col(name).is_null() for name in table.columns if name not in text]
    blank += [pl.col(name).str.strip_chars().fill_null("") == "" for name in text]
    nothing = pl.all_horizontal(blank)
    return np.asarray(table.select(nothing).to_series().to_numpy(), bool)


def require_size(path: Path | str, size: int) -> None:
    """InputError where data of so many bytes would not fit."""
    if size > _LIMIT_BYTES:
        problem = _(
            "{path}: {size} bytes of data, the limit is {limit}; split the file, or keep only the "
            "columns needed"
        )
        raise InputError(problem.format(path=path, size=number(size), limit=number(_LIMIT_BYTES)))


def few(names: Sequence[str]) -> str:
    """In quotes, of very many the first ones."""
    more = len(names) - _SHOWN
    shown = list(map(repr, names[:_SHOWN] if more > 0 else names))
    return ", ".join([*shown, *([_("and {count} more").format(count=more)] if more > 0 else [])])


def nearest(name: str, present: Sequence[str]) -> list[str]:
    """The column that is called nearly so, whatever its capitals; none if there is none."""
    by_small = {str(one).lower(): str(one) for one in present}
    found = difflib.get_close_matches(name.lower(), list(by_small), n=1)
    return [by_small[small] for small in found]


def require(names: Sequence[str], present: Sequence[str], label: str) -> None:
    """InputError unless each of `names` is there, once."""
    for name in names:
        if name not in present:
            near = nearest(name, present)
            raise InputError(
                _("{label}: expected a column {name!r}, found {present}").format(
                    label=label, name=name, present=few(present)
                )
                + (_("; did you mean {name!r}?").format(name=near[0]) if near else "")
            )
        if list(present).count(name) > 1:
            raise InputError(
                _("{label}: the column {name!r} is there twice; rename one").format(
                    label=label, name=name
                )
            )
