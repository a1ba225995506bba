"""A CSV or Parquet file, or a frame, as polars columns: found and loaded, not yet looked into."""

import csv
import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import narwhals as nw
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from narwhals.typing import IntoDataFrame

from gruta.errors import InputError

_LIMIT_BYTES = 4 * 2**30
_LONGEST_HEADER = 2**20
_NOT_UTF8 = "expected UTF-8 text; save the file as CSV UTF-8"
_THOUSANDS = r"^\s*[+-]?[0-9]{1,3}(\.[0-9]{3})+(,[0-9]*)?\s*$"


def column_names(source: str | Path | IntoDataFrame) -> list[str]:
    """What the columns of a file or frame are called; InputError if it cannot be read."""
    if not isinstance(source, str | Path):
        return [str(name) for name in nw.from_native(source, eager_only=True).columns]
    path = _found(Path(source))
    try:
        if path.suffix.lower() == ".parquet":
            return list(pq.read_schema(path).names)
        return _header(path)[1]
    except UnicodeDecodeError:
        raise InputError(f"{path}: {_NOT_UTF8}") from None
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path}: cannot be read: {str(error).partition(chr(10))[0]}") from None


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
    _require(names, table.columns, label)
    return label, pl.DataFrame([_column(table[name]) for name in names])


def _open(path: Path, names: Sequence[str], text: bool) -> pl.DataFrame | pa.Table:
    try:
        _require_size(path, _found(path).stat().st_size)
        if path.suffix.lower() == ".csv":
            return _open_csv(path, names, text)
        return _open_parquet(path, names)
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
        _require(names, present, str(path))
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


def _open_parquet(path: Path, names: Sequence[str]) -> pa.Table:
    # pyarrow, as polars panics on some damaged files.
    with open(path, "rb") as content:
        try:
            file = pq.ParquetFile(content)
            _require(names, file.schema_arrow.names, str(path))
            for name in names:
                _require_flat(path, file.schema_arrow.field(name))
            _require_size(path, max(file.metadata.num_rows * len(names) * 8, _stored(file, names)))
            # Text as a dictionary: a few bytes of Parquet can stand for any number of long cells.
            file = pq.ParquetFile(content, metadata=file.metadata, read_dictionary=list(names))
            table = file.read(columns=list(names))
            _require_size(path, sum(map(_text_size, table.itercolumns())))
            return pa.table({name: _spelt_out(table[name]) for name in names})
        except InputError:
            raise
        except (pa.ArrowException, OSError, ValueError) as error:
            reason = str(error).partition("\n")[0]
            raise InputError(
                f"{path}: not a whole Parquet file ({reason}); write or copy it again"
            ) from None


def _require_flat(path: Path, field: pa.Field) -> None:
    """InputError for a kind whose cells may be of any size, unless it is text."""
    kind = getattr(field.type, "storage_type", field.type)
    if pa.types.is_nested(kind) or pa.types.is_fixed_size_binary(kind):
        raise InputError(
            f"{path}: column {field.name!r}: expected numbers, stamps or text, found {field.type}; "
            "leave the column out"
        )


def _stored(file: pq.ParquetFile, names: Sequence[str]) -> int:
    """Bytes of these columns once they are decompressed, each different cell at least once."""
    groups = [file.metadata.row_group(i) for i in range(file.metadata.num_row_groups)]
    chunks = [group.column(i) for group in groups for i in range(group.num_columns)]
    return sum(c.total_uncompressed_size for c in chunks if c.path_in_schema in names)


def _is_text(kind: pa.DataType) -> bool:
    """Whether this is a dictionary of text or bytes."""
    text = (pa.string(), pa.large_string(), pa.binary(), pa.large_binary())
    return pa.types.is_dictionary(kind) and kind.value_type in text


def _text_size(column: pa.ChunkedArray) -> int:
    """Bytes that a column's text takes with every cell spelt out; 0 where it holds none."""
    if not _is_text(column.type):
        return 0
    lengths = (pc.binary_length(chunk.dictionary).take(chunk.indices) for chunk in column.chunks)
    return sum(pc.sum(length).as_py() or 0 for length in lengths)


def _spelt_out(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(column.type.value_type) if _is_text(column.type) else column


def _require_size(path: Path, size: int) -> None:
    if size > _LIMIT_BYTES:
        raise InputError(
            f"{path}: {size} bytes of data, the limit is {_LIMIT_BYTES}; split the file, or keep "
            "only the columns needed"
        )


def _require(names: Sequence[str], present: Sequence[str], label: str) -> None:
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


def _column(column: "nw.Series[Any]") -> pl.Series:
    kind = column.dtype
    if kind.is_numeric() or kind.is_temporal() or kind in (nw.Boolean, nw.String):
        return column.to_polars()
    # Categories, periods and Python objects of any kind: what they look like says what they are.
    text = [None if value is None else str(value) for value in column.to_list()]
    return pl.Series(column.name, text, dtype=pl.String)
