"""A table from a file or a frame: its columns found, loaded, and read as what is asked for."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import gettempdir

import numpy as np
import polars as pl
from narwhals.typing import IntoDataFrame
from numpy.typing import NDArray

from gruta.data.columns import Origin, refuse, require, require_size
from gruta.data.delimited import Delimited
from gruta.data.frames import Frame
from gruta.data.numbers import Mark, Tally, refuse_both, refuse_open, tally, to_numbers
from gruta.data.source import Cells, Columnar, InParts, Parted, Source, parts_of
from gruta.data.stamps import Moments, looks_like_stamps, moments_of, to_moments
from gruta.data.words import codes_of, holds_words
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.reading import AUTO, Guess, Reading

TEXT = (".csv", ".tsv", ".txt")
EXCEL = (".xlsx", ".xls")
_AS_FOUND = Reading()
MANY = 2**21
"""Of more rows numbers are kept in single precision."""
_AT_ONCE = 2**18


class Table:
    """Some columns of a source, as they are there: `numbers`, `moments`, … read each as such.

    guesses: what was found out on the way, as far as columns have been read.
    """

    def __init__(self, source: Source, label: str, how: Reading, time: str) -> None:
        self._source, self._label, self._how = source, label, how
        self._guesses = dict.fromkeys(source.guesses)
        self._names = [None if name is None else str(name) for name in source.names]
        place = source.unnamed
        missing = bool(time) and time not in self._names
        if missing and place is not None and _may_be_time(source.first(place), how):
            self._names[place] = time
            self._guesses[Guess("time column", source.unnamed_is, "time")] = None
        self._columns: dict[str, pl.Series] = {}
        self._tallies: dict[str, Tally] = {}
        self.origin = Origin(label)
        self._rows = 0

    @property
    def names(self) -> list[str]:
        """What the source's columns are called."""
        return [str(name) for name in self._names if name not in (None, "")]

    def likely(self, *, time: bool) -> list[str]:
        """Columns that by their first cells may hold the time, or numbers."""
        found = []
        for place, name in enumerate(self._names):
            if name in (None, ""):
                continue
            cells = self._source.first(place)
            as_time = not cells.dtype.is_integer() and _may_be_time(cells, self._how)
            if as_time if time else _are_numbers(cells) and not as_time:
                found.append(str(name))
        return found

    def seem_numbers(self, names: Sequence[str]) -> bool:
        """Whether by their first cells all of these columns hold numbers."""
        places = [self._names.index(name) for name in names]
        return all(_are_numbers(self._source.first(place)) for place in places)

    @property
    def pivot(self) -> str:
        """What a pivoted frame says that its columns are; "" where nothing does."""
        return str(getattr(self._source, "pivot", ""))

    @property
    def guesses(self) -> tuple[Guess, ...]:
        """One each."""
        return tuple(self._guesses)

    def __len__(self) -> int:
        return self._rows

    def load(self, names: Sequence[str]) -> "Table":
        """Read these columns, and no others; InputError if one is not there or not whole."""
        require(names, [name for name in self._names if name is not None], self._label)
        self._places = [self._names.index(name) for name in names]
        try:
            columns, skipped = self._source.load(self._places)
        except OSError as error:
            raise _unreadable(self._label, error) from None
        self._columns = {n: c.alias(n) for n, c in zip(names, columns, strict=True)}
        self._rows = len(columns[0]) if columns else 0
        self.origin = Origin(self._label, skipped)
        return self

    def prepare(self, names: Sequence[str]) -> "Table":
        """As `load`, but where columns can be read one by one, each when it is asked for."""
        if isinstance(self._source, Delimited) and self._source.is_large:
            self._spool(names)
        if not isinstance(self._source, Columnar):
            return self.load(names)
        require(names, [name for name in self._names if name is not None], self._label)
        self._places = [self._names.index(name) for name in names]
        self._rows = self._source.size(self._places)
        return self

    def _spool(self, names: Sequence[str]) -> None:
        """Put these columns of a text file where each can be read without the others."""
        from gruta.data.spool import Spool

        assert isinstance(self._source, Delimited)
        require(names, [name for name in self._names if name is not None], self._label)
        try:
            self._source = Spool(self._source, [self._names.index(name) for name in names])
        except OSError as error:
            problem = _(
                "{label}: its columns cannot be put into {folder}: {reason}; make room there, or "
                "name another folder by the variable TMPDIR"
            )
            told = {"folder": gettempdir(), "reason": error.strerror or error}
            raise InputError(problem.format(label=self._label, **told)) from None
        self.origin = Origin(self._label, self._source.skipped)

    def turn_to(self, *names: str) -> None:
        """Have these columns; others may be forgotten. InputError where they differ in length."""
        if self._columns.keys() >= set(names):
            return
        rows, places = self._rows, self._places
        self.release()
        self.load(names)
        self._places = places
        self._rows, found = rows, self._rows
        self._require_all(names[0], found)

    def _require_all(self, name: str, rows: int) -> None:
        """InputError where a column has another number of rows than others."""
        if rows != self._rows:
            problem = _(
                "{label}: not a whole file: {count} rows of the column {name!r}, {rows} of others; "
                "write or copy it again"
            )
            raise InputError(
                problem.format(
                    label=self._label, count=number(rows), name=name, rows=number(self._rows)
                )
            )

    def _column(self, name: str) -> pl.Series:
        self.turn_to(name)
        return self._columns[name]

    def _kind(self, name: str) -> pl.DataType:
        """What a column holds; where that can be told by a part, no more of it is read."""
        if name not in self._columns and isinstance(self._source, InParts):
            return self._source.first(self._names.index(name)).dtype
        return self._column(name).dtype

    def _parts(self, name: str) -> Iterator[tuple[slice, pl.Series]]:
        """A column some rows at a time, and which these are; no more is read at once than that."""
        end = 0
        for start, part in parts_of(self._cells(name)):
            end = start + len(part)
            if end > self._rows:
                break
            yield slice(start, end), part
        self._require_all(name, end)

    def _cells(self, name: str) -> Cells:
        """A column, as a whole where it is at hand or the source has it so."""
        if name in self._columns or not isinstance(self._source, InParts):
            return self._column(name)
        place, read = self._names.index(name), self._source.parts
        return Parted(name, self._kind(name), self._rows, lambda: read(place))

    def forget(self, name: str) -> None:
        """Keep a column no longer."""
        self._columns.pop(name, None)

    def release(self) -> None:
        """Let go of the columns that can be read anew, one by one."""
        if isinstance(self._source, Columnar):
            self._columns = {}
            self._source.release()

    def holds_numbers(self, name: str) -> bool:
        """Whether a column is of numbers, true and false, or text that is meant as such."""
        column = self._columns[name]
        if column.dtype != pl.String:
            return column.dtype.is_numeric() or column.dtype == pl.Boolean
        plain = column.cast(pl.Float64, strict=False)  # fast, and mostly enough
        return plain.null_count() == column.null_count() or not self.holds_words(name)

    def words(self, name: str) -> pl.Series:
        """A column as the source has it."""
        return self._column(name)

    def holds_words(self, name: str) -> bool:
        """Whether a column is of texts that are not meant as numbers."""
        return self._kind(name) == pl.String and holds_words(self._column(name))

    def codes(self, name: str) -> tuple[NDArray[np.integer], list[str]]:
        """Of a column of names, which of them, in their order, each row has `[N]`, and the names.

        InputError where a row has none. Of a columnar source the column need not be loaded.
        """
        if isinstance(self._source, Columnar):
            require([name], self.names, self._label)
            codes, names = self._source.codes(self._names.index(name))
            self._require_all(name, len(codes))
        else:
            codes, names = codes_of(self._columns[name])
        if None in names:
            row = int((codes == names.index(None)).argmax())
            refuse(self.origin, name, _("expected the name of a series, found none"), row)
        order = np.argsort(np.array(names, object).astype(str), kind="stable")
        rank = np.empty(len(names), np.int32)
        rank[order] = np.arange(len(names))
        for start in range(0, len(codes), _AT_ONCE):  # in place, as a column of codes is large
            part = codes[start : start + _AT_ONCE]
            part[:] = rank[part]
        if len(names) < np.iinfo(np.uint16).max:
            codes = codes.astype(np.uint16)
        return codes, [str(names[i]) for i in order]

    def numbers(self, name: str) -> NDArray[np.floating]:
        """The values [N] of a column of numbers, booleans or text; NaN where there is none.

        In double precision; of very many in single precision.
        """
        kind, dtype = self._kind(name), np.float32 if self._rows > MANY else np.float64
        if kind == pl.String:
            return to_numbers(self.origin, self._cells(name), self._mark(name), dtype)
        if not (kind.is_numeric() or kind == pl.Boolean):
            refuse(
                self.origin,
                name,
                _("expected numbers, found {kind}; leave the column out").format(kind=kind),
            )
        found: NDArray[np.floating] = np.empty(self._rows, dtype)
        for rows, part in self._parts(name):
            values = part.cast(pl.Float32 if dtype is np.float32 else pl.Float64)
            found[rows] = values.fill_null(np.nan).to_numpy()
        # One NaN for all: a file can hold others, which would change the fingerprint.
        found[np.isnan(found)] = np.nan
        return found

    def whole_numbers(self, name: str) -> NDArray[np.int64] | None:
        """The column as whole numbers [N]; None where a row has something else, or nothing."""
        column = self._column(name)
        found = column.cast(pl.Int64, strict=False)
        if column.dtype.is_temporal() or found.null_count() or not column.len():
            return None
        same = column.cast(pl.Float64, strict=False) == found.cast(pl.Float64)
        return found.to_numpy(writable=True) if same.all() else None

    def moments(self, name: str, at: NDArray[np.integer] | None = None) -> Moments:
        """Where the rows stand in time, by a column of dates, date-times, numbers or text; each in
        the place `at [N]` that it goes to, None for its own.
        """
        kind = self._kind(name)
        if kind == pl.Date or kind == pl.Datetime:
            times = np.empty(self._rows, "M8[us]")
            for rows, part in self._parts(name):
                goes = rows if at is None else at[rows]
                times[goes] = moments_of(self.origin, part, rows.start)
            return Moments(times, getattr(kind, "time_zone", None) or "")
        found = to_moments(self.origin, self._cells(name), self._how.dates, at)
        self._guesses |= dict.fromkeys(found.guesses)
        return found

    def places(self, name: str) -> pl.Series:
        """What tells the order of rows: numbers, or moments; text is one or the other throughout.

        InputError where a row has none.
        """
        column = self._columns[name]
        missing = column.is_null()
        if missing.any():
            row = int(missing.arg_max() or 0)
            refuse(self.origin, name, _("expected a step's place, found none"), row)
        if column.dtype == pl.String:
            numeric = not self._tally(name).other
            column = pl.Series(name, self.numbers(name) if numeric else self.moments(name).times)
        return column

    def _tally(self, name: str) -> Tally:
        if name not in self._tallies:
            self._tallies[name] = tally(self._cells(name))
        return self._tallies[name]

    def _mark(self, name: str) -> Mark:
        """The decimal mark of a column of text; InputError where nothing tells it."""
        if self._how.decimal != AUTO:
            return "," if self._how.decimal == "," else "."
        column, found = self._cells(name), self._tally(name)
        if found.point and found.comma:
            refuse_both(self.origin, column)
        mark = found.mark
        if mark is None:
            if not (found.open_point or found.open_comma):
                return "."
            mark = self._mark_elsewhere(found)
        if mark is None:
            refuse_open(self.origin, column)
        if mark == "," or found.open_comma or not found.point:
            self._guesses[Guess("decimal mark", mark, "decimal")] = None
        return mark

    def _mark_elsewhere(self, found: Tally) -> Mark | None:
        """By the other columns of numbers, else by the separator, which a decimal mark is not."""
        names = [str(self._names[place]) for place in self._places]
        own = [self._tally(name) for name in names if self._kind(name) == pl.String]
        marks = {one.mark for one in own if not one.other} - {None}
        if not marks:
            tallies: dict[str, Tally] = {}
            for block in self._source.others(self._places):
                for column in block:
                    tallies[column.name] = tallies.get(column.name, Tally()) + tally(column)
            marks = {one.mark for one in tallies.values() if not one.other} - {None}
        if marks:
            return marks.pop() if len(marks) == 1 else None
        if found.whole:  # three decimals everywhere, or thousands, which small numbers lack
            return None
        if self._source.separator == "," and not found.open_comma:
            return "."
        return "," if self._source.separator == ";" and not found.open_point else None


def open_table(
    source: str | Path | IntoDataFrame,
    how: Reading = _AS_FOUND,
    *,
    wanted: Sequence[str] = (),
    time: str = "",
    label: str = "",
) -> Table:
    """A file or a frame with its columns found; InputError where it cannot be read.

    wanted: names that help to find separator and sheet. time: the name that a column without one,
    or the index of a frame, answers to if it holds stamps. label: what messages call it.
    """
    if not isinstance(source, str | Path):
        label = label or "frame"
        return Table(Frame(source, label), label, how, time)
    path = _found(Path(source))
    try:
        require_size(path, path.stat().st_size)
        return Table(_opened(path, how, wanted), label or str(source), how, time)
    except OSError as error:
        raise _unreadable(str(path), error) from None


def column_names(
    source: str | Path | IntoDataFrame, how: Reading = _AS_FOUND, *, time: str = ""
) -> list[str]:
    """What the columns of a file or frame are called; InputError if it cannot be read."""
    return open_table(source, how, time=time).names


def read_table(
    source: str | Path | IntoDataFrame,
    names: Sequence[str],
    how: Reading = _AS_FOUND,
    *,
    time: str = "",
) -> Table:
    """The columns `names` of a file or frame; InputError if one is not there or cannot be read."""
    return open_table(source, how, wanted=names, time=time).load(names)


def kind_of(path: Path) -> str:
    """What the end of a name says a table's file is: .csv for all that is text; "" for no table."""
    name = path.name.lower()
    suffix = Path(name.removesuffix(".gz")).suffix
    if suffix in TEXT:
        return ".csv"
    return suffix if suffix in (*EXCEL, ".parquet") and not name.endswith(".gz") else ""


def _opened(path: Path, how: Reading, wanted: Sequence[str]) -> Source:
    match kind_of(path):
        case ".csv":
            return Delimited(path, how, wanted)
        case ".parquet":
            from gruta.data.parquet import Parquet

            return Parquet(path)
        case _:
            from gruta.data.excel import Sheet

            return Sheet(path, how, wanted)


def _found(path: Path) -> Path:
    """The path; InputError unless it is a file that can be one of a table."""
    if not path.is_file():
        found = _("a directory") if path.is_dir() else _("no file")
        raise InputError(
            _("{path}: expected a CSV, Excel or Parquet file, found {found}").format(
                path=path, found=found
            )
        )
    if not kind_of(path):
        problem = _(
            "{path}: expected a file that ends in {endings} or .parquet, or in .csv.gz, found "
            "{found!r}; convert or rename it"
        )
        raise InputError(
            problem.format(path=path, endings=", ".join((*TEXT, *EXCEL)), found=path.suffix.lower())
        )
    return path


def _are_numbers(cells: pl.Series) -> bool:
    if cells.dtype != pl.String:
        return cells.dtype.is_numeric()
    return not tally(cells).other and len(cells.drop_nulls()) > 0


def _may_be_time(cells: pl.Series, how: Reading) -> bool:
    if cells.dtype.is_integer():
        cells = cells.cast(pl.String)
    if cells.dtype == pl.String:
        return looks_like_stamps(cells, how.dates)
    return cells.dtype == pl.Date or cells.dtype == pl.Datetime


def _unreadable(label: str, error: OSError) -> InputError:
    return InputError(
        _("{label}: cannot be read: {reason}").format(label=label, reason=error.strerror or error)
    )
