"""A Parquet file's columns, by pyarrow; apart, since it takes time to load."""

import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from gruta.data.columns import require, require_size
from gruta.data.frames import as_polars, starts_of_periods
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.reading import Guess

_TEXT = (pa.string(), pa.large_string())
_AT_ONCE = 2**18


class Parquet:
    """A Parquet file as a source of columns, typed as it has them."""

    separator = ""
    unnamed_is = "index"
    guesses: Sequence[Guess] = ()

    def __init__(self, path: Path) -> None:
        self.path = path
        with whole(path):
            self._schema = pq.read_schema(path)
        self.names: Sequence[str] = [str(name) for name in self._schema.names]

    @property
    def unnamed(self) -> int | None:
        """The index that pandas wrote along, where it had no name."""
        found = [i for i, name in enumerate(self.names) if name.startswith("__index_level_")]
        return found[0] if len(found) == 1 else None

    def first(self, place: int) -> pl.Series:
        """The first cells of a column; none of one of decimals, whose kind tells all."""
        if pa.types.is_floating(self._schema.field(place).type):
            return pl.Series(self.names[place], dtype=pl.Float64)
        some = (part for part in self.parts(place) if len(part))
        found = next(some, None)
        return self.load([place])[0][0] if found is None else found.head(1)

    def load(self, places: Sequence[int]) -> tuple[list[pl.Series], NDArray[np.int64]]:
        """The columns at these places; no row is left out."""
        names = [self.names[place] for place in places]
        table = open_parquet(self.path, names)
        return [_column(table[name], table.field(name)) for name in names], np.empty(0, np.int64)

    def parts(self, place: int) -> Iterator[pl.Series]:
        """A column, some rows at a time."""
        name = self.names[place]
        with _opened(self.path, [name]) as file:
            for group in range(file.num_row_groups):  # over several it keeps what it has read
                for batch in file.iter_batches(_AT_ONCE, row_groups=[group], columns=[name]):
                    table = _spelt_out(self.path, pa.Table.from_batches([batch]))
                    yield _column(table[name], table.field(name))

    def size(self, places: Sequence[int]) -> int:
        """How many rows; InputError where these columns of them together would not fit."""
        with open(self.path, "rb") as content, whole(self.path):
            file = pq.ParquetFile(content)
            _weigh(self.path, file, [self.names[place] for place in places])
            rows: int = file.metadata.num_rows
            return rows

    def codes(self, place: int) -> tuple[NDArray[np.integer], list[str | None]]:
        """Of a column of names, which of them each row has `[N]`, and the names; not spelt out."""
        number: dict[str | None, int] = {}
        with _opened(self.path, [self.names[place]]) as file:
            codes, row = np.empty(file.metadata.num_rows, np.int32), 0
            for group in range(file.num_row_groups):
                (column,) = file.read_row_group(group, [self.names[place]]).itercolumns()
                for chunk in column.chunks:
                    own, known = _coded(chunk)
                    numbers = [number.setdefault(one, len(number)) for one in known]
                    codes[row : row + len(own)] = np.array(numbers, np.int32)[own]
                    row += len(own)
        return codes[:row], list(number)

    def release(self) -> None:
        """Give the memory of columns that are gone back to the system."""
        pa.default_memory_pool().release_unused()

    def others(self, places: Sequence[int]) -> Iterator[pl.DataFrame]:
        """The other columns of text."""
        schema = pq.read_schema(self.path)
        rest = [i for i, f in enumerate(schema) if i not in places and f.type in _TEXT]
        columns, _ = self.load(rest)
        yield pl.DataFrame([c.alias(str(i)) for i, c in zip(rest, columns, strict=True)])


class Names(NamedTuple):
    """The names in a column, in the order of their first rows; of each group of rows which of them
    it has, by their places `[M]`, and how many rows of each `[M]`.
    """

    names: tuple[str | None, ...]
    groups: list[tuple[NDArray[np.int32], NDArray[np.int64]]]


def names_by_group(content: IO[bytes], label: str, column: str) -> Names:
    """Of an open file; InputError where it is damaged or lacks the column."""
    with whole(label):
        file = _with_dictionaries(content, label, [column])
        number: dict[str | None, int] = {}
        groups = []
        for group in range(file.num_row_groups):
            counts: dict[int, int] = {}
            for batch in file.iter_batches(_AT_ONCE, row_groups=[group], columns=[column]):
                codes, known = _coded(batch.column(0))
                for code, rows in enumerate(np.bincount(codes, minlength=len(known)).tolist()):
                    if rows:
                        place = number.setdefault(known[code], len(number))
                        counts[place] = counts.get(place, 0) + rows
            size = len(counts)
            places = np.fromiter(counts.keys(), np.int32, size)
            groups.append((places, np.fromiter(counts.values(), np.int64, size)))
        return Names(tuple(number), groups)


def read_rows(
    content: IO[bytes],
    label: str,
    names: Sequence[str],
    groups: Sequence[int] | None = None,
    of: tuple[str, Collection[str | None]] | None = None,
) -> pl.DataFrame:
    """The columns `names` of an open file, as `Parquet` has them; those of them that are there.

    groups: the groups of rows that are read, None for all. of: a column, and the names in it whose
    rows are kept; no more is held than these, and some rows at a time.
    """
    with whole(label):
        schema = pq.ParquetFile(content).schema_arrow
        there = [name for name in names if name in schema.names]
        file = _with_dictionaries(content, label, there)
        which = range(file.num_row_groups) if groups is None else groups
        kept, wanted = [], None if of is None else frozenset(of[1])
        for group in which:
            for batch in file.iter_batches(_AT_ONCE, row_groups=[group], columns=there):
                if of is not None and wanted is not None:
                    codes, known = _coded(batch.column(there.index(of[0])))
                    batch = batch.filter(pa.array(np.array([n in wanted for n in known])[codes]))
                if len(batch):
                    kept.append(_spelt_out(label, pa.Table.from_batches([batch])))
        table = (
            pa.concat_tables(kept)
            if kept
            else _spelt_out(label, file.schema_arrow.empty_table().select(there))
        )
    return pl.DataFrame([_column(table[name], table.field(name)).alias(name) for name in there])


def columns_of(content: IO[bytes], label: str) -> list[str]:
    """What the columns of an open file are called; InputError where it is damaged."""
    with whole(label):
        return [str(name) for name in pq.read_schema(content).names]


def _with_dictionaries(content: IO[bytes], label: str, names: Sequence[str]) -> pq.ParquetFile:
    """The open file, whose columns `names` are there and flat, text as dictionaries."""
    file = pq.ParquetFile(content)
    schema = file.schema_arrow
    require(names, schema.names, label)
    for name in names:
        _require_flat(label, schema.field(name))
    return pq.ParquetFile(content, metadata=file.metadata, read_dictionary=list(names))


def _coded(column: pa.Array) -> tuple[NDArray[np.integer], list[str | None]]:
    """Which of its names each row has, and the names."""
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    known: list[str | None] = column.dictionary.cast(pa.string()).to_pylist()
    own = column.indices
    if own.null_count:
        own, known = own.fill_null(len(known)), [*known, None]
    codes: NDArray[np.integer] = own.to_numpy()
    return codes, known


def open_parquet(path: Path, names: Sequence[str]) -> pa.Table:
    """The columns `names`, text spelt out; InputError if they are not there or not whole."""
    return _spelt_out(path, _read(path, names))


def _read(path: Path, names: Sequence[str]) -> pa.Table:
    """The columns `names`, text as dictionaries."""
    with _opened(path, names) as file:
        return file.read(columns=list(names))


@contextmanager
def _opened(path: Path, names: Sequence[str]) -> Iterator[pq.ParquetFile]:
    """The file, whose columns `names` are there and fit, text as dictionaries."""
    # pyarrow, as polars panics on some damaged files.
    with open(path, "rb") as content, whole(path):
        file = pq.ParquetFile(content)
        schema = file.schema_arrow
        require(names, schema.names, str(path))
        for name in names:
            _require_flat(path, schema.field(name))
        _weigh(path, file, names)
        # Text as a dictionary: a few bytes of Parquet can stand for any number of long cells.
        yield pq.ParquetFile(content, metadata=file.metadata, read_dictionary=list(names))


@contextmanager
def whole(path: Path | str) -> Iterator[None]:
    """InputError where pyarrow finds that a file is damaged."""
    try:
        yield
    except InputError:
        raise
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        problem = _("{path}: not a whole Parquet file ({reason}); write or copy it again")
        raise InputError(problem.format(path=path, reason=reason)) from None


def _weigh(path: Path, file: pq.ParquetFile, names: Sequence[str]) -> None:
    require_size(path, max(file.metadata.num_rows * len(names) * 8, _stored(file, names)))


def _require_flat(path: Path | str, field: pa.Field) -> None:
    """InputError for a kind whose cells may be of any size, unless it is text."""
    kind = getattr(field.type, "storage_type", field.type)
    if pa.types.is_nested(kind) or pa.types.is_fixed_size_binary(kind):
        problem = _(
            "{path}: column {name!r}: expected numbers, stamps or text, found {kind}; leave the "
            "column out"
        )
        raise InputError(problem.format(path=path, name=field.name, kind=field.type))


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


def _spelt_out(path: Path | str, table: pa.Table) -> pa.Table:
    """Text in the place of dictionaries; InputError where it would not fit."""
    require_size(path, sum(map(_text_size, table.itercolumns())))
    columns = (c.cast(c.type.value_type) if _is_text(c.type) else c for c in table.itercolumns())
    return pa.table(dict(zip(table.column_names, columns, strict=True)))


def _column(column: pa.ChunkedArray, field: pa.Field) -> pl.Series:
    """In polars; pandas' periods, which are stored as whole numbers, by their start."""
    about = {**(field.metadata or {})}
    if isinstance(field.type, pa.BaseExtensionType):
        about[b"ARROW:extension:name"] = field.type.extension_name.encode()
        about[b"ARROW:extension:metadata"] = field.type.__arrow_ext_serialize__()
        column = pa.chunked_array(
            [chunk.storage for chunk in column.chunks], field.type.storage_type
        )
    if about.get(b"ARROW:extension:name") == b"pandas.period":
        freq = json.loads(about[b"ARROW:extension:metadata"])["freq"]
        return starts_of_periods(column.to_numpy(), freq).alias(field.name)
    return as_polars(column).alias(field.name)
