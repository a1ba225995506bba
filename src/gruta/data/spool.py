"""Columns of a large text file in a Parquet file of their own, so that each is read in parts."""

import shutil
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from gruta.data.delimited import Delimited
from gruta.data.parquet import Parquet


class Spool:
    """Some columns of a text file as a source, those of text in parts: they are written to a file
    in the system's folder for such, which goes with this.

    skipped: rows of the text file that were left out, as there is nothing in them.
    """

    def __init__(self, text: Delimited, places: Sequence[int]) -> None:
        self._text, self.names, self.guesses = text, text.names, text.guesses
        self.separator, self.unnamed, self.unnamed_is = text.separator, text.unnamed, "first column"
        self._places = list(dict.fromkeys(places))
        folder = mkdtemp(prefix="gruta-")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        path = Path(folder, "columns.parquet")
        self.skipped = _written(text, self._places, path)
        self._file = Parquet(path)

    def first(self, place: int) -> pl.Series:
        """The first cells of a column."""
        if place not in self._places:
            return self._text.first(place)
        return self._file.first(self._places.index(place))

    def load(self, places: Sequence[int]) -> tuple[list[pl.Series], NDArray[np.int64]]:
        """The columns at these places, and the rows left out."""
        columns, _none = self._file.load([self._places.index(place) for place in places])
        return columns, self.skipped

    def others(self, places: Sequence[int]) -> Iterator[pl.DataFrame]:
        """The other columns of the text file, block by block."""
        return self._text.others(places)

    def parts(self, place: int) -> Iterator[pl.Series]:
        """A column, some rows at a time."""
        for part in self._file.parts(self._places.index(place)):
            yield part.alias(self.names[place])

    def size(self, places: Sequence[int]) -> int:
        """How many rows; what the text file weighs was looked at as it was read."""
        rows: int = pq.read_metadata(self._file.path).num_rows
        return rows

    def codes(self, place: int) -> tuple[NDArray[np.integer], list[str | None]]:
        """Of a column of names, which of them each row has `[N]`, and the names."""
        return self._file.codes(self._places.index(place))

    def release(self) -> None:
        """Give back the memory of columns that are gone."""
        self._file.release()


def _written(text: Delimited, places: Sequence[int], path: Path) -> NDArray[np.int64]:
    """The rows that were left out."""
    schema, skipped = pa.schema([(str(p), pa.string()) for p in places]), [np.empty(0, np.int64)]
    with pq.ParquetWriter(path, schema) as file:
        for block, empty in text.blocks(places):
            skipped.append(empty)
            columns = [block[name].to_arrow().cast(pa.string()) for name in schema.names]
            file.write_table(pa.table(columns, schema=schema))
    pa.default_memory_pool().release_unused()
    return np.concatenate(skipped)
