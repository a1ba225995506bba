"""A text file's columns, read block by block, so that memory holds the columns asked for alone."""

import csv
import io
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from gruta.data.columns import empty_rows
from gruta.data.dialect import find_dialect
from gruta.data.plain import text_blocks
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.reading import Guess, Reading

_LONGEST_ROW = 2**26
_LARGE = 2**26
_PACKED = 8  # so many times as large a text may be as its gzip file


class Delimited:
    """A CSV file, or one of its kin, as a source of columns of text."""

    def __init__(self, path: Path, how: Reading, wanted: Sequence[str]) -> None:
        self.path, self.dialect = path, find_dialect(path, how, wanted)
        self.guesses: Sequence[Guess] = self.dialect.guesses
        self.names: Sequence[str] = self.dialect.names
        self.separator = self.dialect.separator
        self._called = [str(place) for place in range(len(self.names))]
        self._top: pl.DataFrame | None = None  # kept until columns are loaded

    @property
    def unnamed(self) -> int | None:
        """The first column, where it has no name: an index, as pandas writes it."""
        return 0 if self.names[0] in ("", "Unnamed: 0") else None

    unnamed_is = "first column"

    @property
    def is_large(self) -> bool:
        """Whether its columns may take more memory than is good for them to be there at once."""
        packed = self.path.suffix.lower() == ".gz"
        return self.path.stat().st_size * (_PACKED if packed else 1) > _LARGE

    def first(self, place: int) -> pl.Series:
        """The first cells of a column."""
        if self._top is None:
            with closing(self._tables()) as tables:
                self._top = next(
                    tables, pl.DataFrame(schema=dict.fromkeys(self._called, pl.String))
                )
        return self._top[str(place)]

    def load(self, places: Sequence[int]) -> tuple[list[pl.Series], NDArray[np.int64]]:
        """The columns at these places, and which rows were left out as there is nothing in them."""
        names = [str(place) for place in places]
        parts = [pl.DataFrame(schema=dict.fromkeys(names, pl.String))]
        skipped = [np.empty(0, np.int64)]
        for block, empty in self.blocks(places):
            parts.append(block)
            skipped.append(empty)
        table = pl.concat(parts)
        return [table[name] for name in names], np.concatenate(skipped)

    def blocks(self, places: Sequence[int]) -> Iterator[tuple[pl.DataFrame, NDArray[np.int64]]]:
        """The same columns, called by their places, a block of rows at a time, and which of the
        file's rows were left out there.
        """
        self._top, row, names = None, 0, [str(place) for place in places]
        for block in self._tables():
            empty = _empty_rows(block, names)
            found = block.select(names)
            yield (
                found.filter(pl.Series(~empty)) if empty.any() else found,
                np.flatnonzero(empty) + row,
            )
            row += len(block)

    def others(self, places: Sequence[int]) -> Iterator[pl.DataFrame]:
        """The other columns, block by block."""
        rest = [str(i) for i in range(len(self.names)) if i not in places]
        for block in self._tables():
            yield block.select(rest)

    def _tables(self) -> Generator[pl.DataFrame]:
        """All columns, called by their places, a block of rows at a time."""
        d, row = self.dialect, 0
        header = d.separator.join(self._called) + "\n"
        for block in self._records():
            try:
                # All of it: polars counts a row's cells only where it reads every column.
                table = pl.read_csv(
                    io.BytesIO(header.encode() + block),
                    separator=d.separator,
                    infer_schema=False,
                    glob=False,
                )
            except pl.exceptions.PolarsError:
                raise InputError(f"{self.path}: {self._why_malformed(block, row)}") from None
            row += len(table)
            yield table

    def _records(self) -> Iterator[bytes]:
        """Blocks of whole rows below the header, as UTF-8."""
        above, rest, row = self.dialect.lines, b"", 0
        for text in text_blocks(self.path, self.dialect.encoding):
            block = rest + text.encode()
            while above and (end := block.find(b"\n") + 1):
                block, above = block[end:], above - 1
            if above:
                rest = block
                continue
            end = _last_row_end(block)
            row += block.count(b"\n", 0, end)
            if end:
                yield block[:end]
            rest = block[end:]
            if len(rest) > _LONGEST_ROW:
                problem = _(
                    "{path}: row {row}: longer than {limit} bytes; look for a quote that is not "
                    "closed"
                )
                raise InputError(
                    problem.format(path=self.path, row=row + 1, limit=number(_LONGEST_ROW))
                )
        if rest and not above:
            yield rest

    def _why_malformed(self, block: bytes, row: int) -> str:
        """The first thing wrong in rows that polars refused, found line by line."""
        width = len(self.names)
        try:
            lines = io.StringIO(block.decode(), newline="")
            reader = csv.reader(lines, delimiter=self.dialect.separator, strict=True)
            for row, cells in enumerate(reader, row + 1):  # noqa: B020
                if len(cells) > width:
                    return _(
                        "row {row}: expected {width} cells as in the header, found {count}; put a "
                        "cell that holds the separator in quotes"
                    ).format(row=row, width=width, count=len(cells))
        except csv.Error as error:
            return _("row {row}: {error}; look for a quote that is not closed").format(
                row=row + 1, error=error
            )
        return _("not a CSV file; look for stray quotes and line ends")


def _last_row_end(block: bytes) -> int:
    """Where the last row ends that is whole: at a line end outside of quotes."""
    end = block.rfind(b"\n") + 1
    inside = block.count(b'"', 0, end) % 2
    while end and inside:
        before = block.rfind(b"\n", 0, end - 1) + 1
        inside ^= block.count(b'"', before, end) % 2
        end = before
    return end


def _empty_rows(table: pl.DataFrame, names: Sequence[str]) -> NDArray[np.bool_]:
    """Which rows hold nothing: lines that are blank, or separators alone. `[N]`"""
    # The columns asked for first: where they are blank is rare, and costs little to look at again.
    found = empty_rows(table.select(names)) if names else np.ones(len(table), bool)
    if found.any():
        rows = np.flatnonzero(found)
        found[rows] = empty_rows(table[rows])
    return found
