"""An Excel file's columns, by calamine, which reads cells and runs nothing."""

import logging
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from gruta.data.columns import empty_rows, require_size
from gruta.data.compound import MAGIC, last_cell
from gruta.errors import InputError
from gruta.extras import remedy
from gruta.locale import translate as _
from gruta.reading import AUTO, Guess, Reading

_HEADER_WITHIN = 20
_BYTES_A_CELL = 32
_PIECE = 2**20
_PLACE = rb"""\s*=\s*["']"""
_ROW = re.compile(rb"<(?:\w+:)?row\b(?:[^>]*?\sr" + _PLACE + rb"([0-9]{1,9}))?")
_CELL = re.compile(
    rb"<(?:\w+:)?c(?=[\s/>])(?:[^>]*?\sr" + _PLACE + rb"([A-Za-z]{1,6})([0-9]{1,9}))?"
)


class Sheet:
    """A sheet as a source of columns, typed as its cells are; text where they are of several types.

    The header is the first row with most of the names wanted, else the first with anything.
    """

    separator = ""
    unnamed_is = "first column"

    def __init__(self, path: Path, how: Reading, wanted: Sequence[str]) -> None:
        try:
            import fastexcel
        except ModuleNotFoundError as error:
            raise InputError(
                _("{path}: {remedy}, or save the file as CSV UTF-8").format(
                    path=path, remedy=remedy(error)
                )
            ) from None

        # It would warn of each column in which there is nothing.
        logging.getLogger("fastexcel.types.dtype").setLevel(logging.ERROR)
        _require_fits(path)
        self.path = path
        self._book = _whole(path, lambda: fastexcel.read_excel(path))
        sheets = self._book.sheet_names
        if how.sheet != AUTO and how.sheet not in sheets:
            raise InputError(
                sheet=_("{path} has no sheet {sheet!r}, but {sheets}").format(
                    path=path, sheet=how.sheet, sheets=", ".join(map(repr, sheets))
                )
            )
        tops = {n: self._top(n) for n in (sheets if how.sheet == AUTO else [how.sheet])}
        tops = {name: rows for name, rows in tops.items() if rows}
        if not tops:
            raise InputError(
                _("{path}: expected a row of column names first, found none").format(path=path)
            )
        places = [(n, i) for n, rows in tops.items() for i in range(len(rows))]
        known = [len(set(wanted) & set(tops[n][i])) for n, i in places]
        self.name, self._header = places[known.index(max(known))]
        self.names: Sequence[str] = tops[self.name][self._header]
        guessed = how.sheet == AUTO and len(sheets) > 1
        self.guesses: Sequence[Guess] = [Guess("sheet", self.name, "sheet")] if guessed else []
        self._cells: pl.DataFrame | None = None

    @property
    def unnamed(self) -> int | None:
        """The first column, where it has no name."""
        return 0 if self.names[0] in ("", "Unnamed: 0") else None

    def first(self, place: int) -> pl.Series:
        """The first cells of a column."""
        return self._table().to_series(place)

    def load(self, places: Sequence[int]) -> tuple[list[pl.Series], NDArray[np.int64]]:
        """The columns at these places, and which rows were left out as there is nothing in them."""
        table = self._table()
        empty = empty_rows(table)
        kept = table.filter(pl.Series(~empty))
        return [kept.to_series(place) for place in places], np.flatnonzero(empty)

    def others(self, places: Sequence[int]) -> Iterator[pl.DataFrame]:
        """The other columns of text."""
        table = self._table()
        rest = [c for i, c in enumerate(table) if i not in places and c.dtype == pl.String]
        yield pl.DataFrame(rest)

    def _top(self, name: str) -> list[list[str]]:
        """The first rows of a sheet, as text; none where it holds nothing."""

        def load() -> pl.DataFrame:
            found: pl.DataFrame = self._book.load_sheet(
                name, header_row=None, skip_rows=0, n_rows=_HEADER_WITHIN, dtypes="string"
            ).to_polars()
            return found

        rows = _whole(self.path, load).rows()
        return [["" if cell is None else cell.strip() for cell in row] for row in rows]

    def _table(self) -> pl.DataFrame:
        """What is below the header, with all rows; columns are called by their places."""
        if self._cells is None:
            how = {"header_row": None, "skip_rows": self._header + 1, "schema_sample_rows": None}
            sheet = _whole(self.path, lambda: self._book.load_sheet(self.name, **how).to_polars())
            sheet.columns = [str(i) for i in range(sheet.width)]
            self._cells = sheet
        return self._cells


def _whole(path: Path, read: Any) -> Any:
    """What `read` gives; InputError where the file is not as Excel writes it."""
    try:
        return read()
    except BaseException as error:
        # A panic of the reader on a damaged file is no Exception.
        if not (isinstance(error, Exception) or type(error).__name__ == "PanicException"):
            raise
        reason = " ".join(str(error).split())[:200]
        problem = _("{path}: not a whole Excel file ({reason}); save it again, or as CSV UTF-8")
        raise InputError(problem.format(path=path, reason=reason)) from None


def _require_fits(path: Path) -> None:
    """InputError where the file would not fit once it is unpacked, or its cells laid out.

    The reader lays out a rectangle down to the last cell, with all that are empty.
    """
    size = 0
    try:
        with open(path, "rb") as file:
            if file.read(len(MAGIC)) == MAGIC:
                rows, columns = last_cell(path.read_bytes())
                require_size(path, rows * columns * _BYTES_A_CELL)
                return
        with zipfile.ZipFile(path) as packed, open(path, "rb") as raw:
            for member in packed.infolist():
                seen = _Reach()
                for piece in _unpacked(raw, member):
                    size += len(piece)
                    require_size(path, size)
                    seen.look(piece)
                    require_size(path, seen.rows * seen.columns * _BYTES_A_CELL)
    except InputError:
        raise
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, ValueError) as error:
        problem = _("{path}: not a whole Excel file ({error}); save it again, or as CSV UTF-8")
        raise InputError(problem.format(path=path, error=error)) from None


def _unpacked(raw: Any, member: zipfile.ZipInfo) -> Iterator[bytes]:
    """What a member holds, whatever size its directory claims."""
    raw.seek(member.header_offset)
    header = raw.read(30)
    if header[:4] != b"PK\x03\x04":
        raise zipfile.BadZipFile(_("a member is not where the directory says"))
    names, extra = (int.from_bytes(header[i : i + 2], "little") for i in (26, 28))
    raw.seek(names + extra, 1)
    left = member.compress_size
    inflate = zlib.decompressobj(-15)
    while left > 0 and (packed := raw.read(min(left, _PIECE))):
        left -= len(packed)
        if member.compress_type == zipfile.ZIP_STORED:
            yield packed
            continue
        if member.compress_type != zipfile.ZIP_DEFLATED:
            raise zipfile.BadZipFile(_("packed in a way that Excel does not use"))
        while packed:
            yield inflate.decompress(packed, _PIECE)
            packed = inflate.unconsumed_tail


class _Reach:
    """How far the cells of a sheet reach, as its pieces come: by their names, else by counting."""

    def __init__(self) -> None:
        self.rows = self.columns = self._cells = 0
        self._rest = b""

    def look(self, piece: bytes) -> None:
        """Take the next piece."""
        piece = self._rest + piece
        cut = piece.rfind(b"<")
        self._rest = piece[cut:] if 0 <= len(piece) - cut < _PIECE else b""  # a tag cut in two
        start = 0
        for row in _ROW.finditer(piece, 0, cut if self._rest else len(piece)):
            self._look_at_cells(piece[start : row.start()])
            self.rows, self._cells, start = max(self.rows + 1, int(row[1] or 0)), 0, row.end()
        self._look_at_cells(piece[start : cut if self._rest else len(piece)])

    def _look_at_cells(self, piece: bytes) -> None:
        for letters, row in _CELL.findall(piece):
            self._cells += 1
            column = 0
            for letter in letters.upper():
                column = 26 * column + letter - 64
            self.columns = max(self.columns, column, self._cells)
            self.rows = max(self.rows, int(row or 0))
