"""A CSV or Parquet file, or a frame, as polars columns: found and loaded, not yet looked into."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import narwhals as nw
import polars as pl
from narwhals.typing import IntoDataFrame

from gruta.data.columns import require, require_size
from gruta.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

_LONGEST_HEADER = 2**20
_NOT_UTF8 = "expected UTF-8 text; save the file as CSV UTF-8"
_THOUSANDS = r"^\s*[+-]?[0-9]{1,3}(\.[0-9]{3})+(,[0-9]*)?\s*$"


def column_names(source: str | Path | IntoDataFrame) -> list[str]:
    """What the columns of a file or frame are called; InputError if it cannot be read."""
    if not isinstance(source, str | Path):
        return [str(name) for name in nw.from_native(source, eager_only=True).columns]
    path = _found(Path(source))
    if path.suffix.lower() == ".parquet":
        from gruta.data.parquet import names_in

        return names_in(path)
    try:
        return _header(path)[1]
    except UnicodeDecodeError:
        raise InputError(f"{path}: {_NOT_UTF8}") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None


def read_table(
    source: str | Path | IntoDataFrame, names: Sequence[str], text: bool = False
) -> tuple[str, pl.DataFrame]:
    """The columns `names` of a file or frame, and what messages call it.

    A column holds numbers, booleans, dates or date-times as the source had them, else text. All of
    a CSV file is text, with a decimal point even where the file separates by semicolon and so
    writes a decimal comma; with `text` it is left as it is. InputError if the source or a column is
    not there or cannot be read.
    """
    if isinstance(source, str | Path):
        label = str(source)
        frame = _open(Path(source), names, text)
    else:
        label = "frame"
        frame = source
    try:
        table = nw.from_native(frame, eager_only=True)
    except TypeError:
        raise InputError(
            f"{label}: expected a path or a pandas or polars DataFrame, got "
            f"{type(frame).__name__}; collect a lazy frame first"
        ) from None
    except ValueError as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{label}: {reason}; give each column its own name") from None
    require(names, table.columns, label)
    return label, pl.DataFrame([_column(table[name]) for name in names])


def _open(path: Path, names: Sequence[str], text: bool) -> "pl.DataFrame | pa.Table":
    try:
        require_size(path, _found(path).stat().st_size)
        if path.suffix.lower() == ".csv":
            return _open_csv(path, names, text)
        from gruta.data.parquet import open_parquet

        return open_parquet(path, names)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None


def _found(path: Path) -> Path:
    """The path; InputError unless it is a file that can be one of a table."""
    if not path.is_file():
        found = "a directory" if path.is_dir() else "no file"
        raise InputError(f"{path}: expected a CSV or Parquet file, found {found}")
    if path.suffix.lower() not in (".csv", ".parquet"):
        suffix = path.suffix.lower()
        raise InputError(
            f"{path}: expected a file that ends in .csv or .parquet, found {suffix!r}; convert or "
            "rename it"
        )
    return path


def _header(path: Path) -> tuple[str, list[str]]:
    """The separator of a CSV file, and what its columns are called."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        header = file.readline(_LONGEST_HEADER)
    separator = ";" if header.count(";") > header.count(",") else ","
    present = next(csv.reader([header], delimiter=separator), [])
    if not present:
        raise InputError(f"{path}: expected a line of column names first, found none")
    return separator, present


def _open_csv(path: Path, names: Sequence[str], text: bool) -> pl.DataFrame:
    try:
        separator, present = _header(path)
        require(names, present, str(path))
        # All of it: polars counts a row's cells only where it reads every column.
        table = pl.read_csv(path, separator=separator, infer_schema=False, glob=False)
        table = table.select(names)
    except UnicodeDecodeError:
        raise InputError(f"{path}: {_NOT_UTF8}") from None
    except (csv.Error, pl.exceptions.PolarsError):
        raise InputError(f"{path}: {_why_malformed(path, separator, len(present))}") from None
    return _decimal_points(path, table) if separator == ";" and not text else table


def _decimal_points(path: Path, table: pl.DataFrame) -> pl.DataFrame:
    """Numbers with a decimal point instead of the comma; points between thousands are refused."""
    for column in table:
        grouped = column.str.contains(_THOUSANDS).fill_null(False)
        if grouped.any():
            row = int(grouped.arg_max() or 0)
            raise InputError(
                f"{path}: row {row + 1}, column {column.name!r}: {column[row]!r} reads as a number "
                "with a point between its thousands; write numbers without such points, and with a "
                "decimal comma, as the file is separated by semicolons"
            )
    return table.with_columns(pl.all().str.replace(",", ".", literal=True))


def _why_malformed(path: Path, separator: str, width: int) -> str:
    """The first thing wrong in a CSV file that polars refused, found line by line."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            for row, cells in enumerate(csv.reader(file, delimiter=separator, strict=True)):
                if len(cells) > width:
                    return (
                        f"row {row}: expected {width} cells as in the header, found {len(cells)}; "
                        "put a cell that holds the separator in quotes"
                    )
    except UnicodeDecodeError:
        return _NOT_UTF8
    except csv.Error as error:
        return f"row {row + 1}: {error}; look for a quote that is not closed"
    return "not a CSV file; look for stray quotes and line ends"


def _column(column: "nw.Series[Any]") -> pl.Series:
    kind = column.dtype
    if kind.is_numeric() or kind.is_temporal() or kind in (nw.Boolean, nw.String):
        return column.to_polars()
    # Categories, periods and Python objects of any kind: what they look like says what they are.
    text = [None if value is None else str(value) for value in column.to_list()]
    return pl.Series(column.name, text, dtype=pl.String)
