"""Columns of a table as numbers, and how one that does not fit is refused."""

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import numpy as np
import polars as pl
from numpy.typing import NDArray

from gruta.errors import InputError

_LIMIT_BYTES = 4 * 2**30


def numbers(label: str, column: pl.Series) -> NDArray[np.float64]:
    """The values [N] of a column of numbers, booleans or text; NaN where there is none."""
    kind = column.dtype
    if kind == pl.String:
        text = column.str.strip_chars().str.to_lowercase()
        text = text.replace(["", "true", "false"], [None, "1", "0"])
        values = text.cast(pl.Float64, strict=False)
        wrong = text.is_not_null() & values.is_null()
        if wrong.any():
            row = int(wrong.arg_max() or 0)
            refuse(
                label,
                column.name,
                f"expected a number, found {column[row]!r}; correct it, or leave the column out",
                row,
            )
    elif kind.is_numeric() or kind == pl.Boolean:
        values = column.cast(pl.Float64)
    else:
        refuse(label, column.name, f"expected numbers, found {kind}; leave the column out")
    found = values.fill_null(np.nan).to_numpy(writable=True)
    # One NaN for all: a file can hold others, which would change the fingerprint.
    found[np.isnan(found)] = np.nan
    return found


def refuse(label: str, column: str, problem: str, row: int | None = None) -> NoReturn:
    """InputError that names the file, the row (counted from 1 below the header) and the column."""
    place = "" if row is None else f"row {row + 1}, "
    raise InputError(f"{label}: {place}column {column!r}: {problem}")


def require_size(path: Path, size: int) -> None:
    """InputError where data of so many bytes would not fit."""
    if size > _LIMIT_BYTES:
        raise InputError(
            f"{path}: {size} bytes of data, the limit is {_LIMIT_BYTES}; split the file, or keep "
            "only the columns needed"
        )


def require(names: Sequence[str], present: Sequence[str], label: str) -> None:
    """InputError unless each of `names` is there, once."""
    for name in names:
        if name not in present:
            near = difflib.get_close_matches(name, map(str, present), n=1)
            raise InputError(
                f"{label}: expected a column {name!r}, found {', '.join(map(repr, present))}"
                + (f"; did you mean {near[0]!r}?" if near else "")
            )
        if list(present).count(name) > 1:
            raise InputError(f"{label}: the column {name!r} is there twice; rename one")
