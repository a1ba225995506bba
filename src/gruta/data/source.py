"""Where a table's columns come from, and a column whose cells are read a part at a time."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from gruta.reading import Guess

_AT_ONCE = 500_000


class Source(Protocol):
    """Where columns are: at places, counted from 0, with names.

    separator: of a text file, else "". unnamed: the place of a column without a name that may hold
    the time, and what that is called.
    """

    names: Sequence[Any]
    separator: str
    guesses: Sequence[Guess]
    unnamed_is: str

    @property
    def unnamed(self) -> int | None:
        """A place."""

    def first(self, place: int) -> pl.Series:
        """The first cells of a column, at least one where there is one and its type leaves open
        what it holds.
        """

    def load(self, places: Sequence[int]) -> tuple[list[pl.Series], NDArray[np.int64]]:
        """Columns, and which rows, counted from 0, were left out as there is nothing in them."""

    def others(self, places: Sequence[int]) -> Iterator[pl.DataFrame]:
        """The columns of text that are not at these places, in blocks of rows."""


@runtime_checkable
class Columnar(Protocol):
    """A source of which a column can be read without the others."""

    def size(self, places: Sequence[int]) -> int:
        """How many rows; InputError where these columns of them together would not fit."""

    def codes(self, place: int) -> tuple[NDArray[np.integer], list[str | None]]:
        """Of a column of names, which of them each row has `[N]`, and the names."""

    def release(self) -> None:
        """Give back the memory of columns that are gone."""


@runtime_checkable
class InParts(Protocol):
    """A source of which some rows of a column can be read without the others."""

    def parts(self, place: int) -> Iterator[pl.Series]:
        """A column, some rows at a time."""


class Parted:
    """A column that is nowhere as a whole: some rows of it at a time, each time they are asked for.

    parts: gives all of its rows. dtype: what its cells are. rows: how many there are.
    """

    def __init__(
        self, name: str, dtype: pl.DataType, rows: int, parts: Callable[[], Iterator[pl.Series]]
    ) -> None:
        self.name, self.dtype, self.parts, self._rows = name, dtype, parts, rows

    def __len__(self) -> int:
        return self._rows

    def __getitem__(self, row: int) -> Any:
        return next(part[row - start] for start, part in parts_of(self) if row < start + len(part))


Cells = pl.Series | Parted
"""A column of a table: its name, its dtype, its length, and a cell by its row."""


def parts_of(cells: Cells) -> Iterator[tuple[int, pl.Series]]:
    """Some rows at a time and the first one's number, so that what is made of them takes little
    memory.
    """
    if isinstance(cells, pl.Series):
        for start in range(0, len(cells), _AT_ONCE):
            yield start, cells.slice(start, _AT_ONCE)
        return
    end = 0
    for part in cells.parts():
        yield end, part
        end += len(part)


def sample_of(cells: Cells, count: int) -> pl.Series:
    """About so many cells from all over a column."""
    every = max(1, len(cells) // count)
    found = []
    for start, part in parts_of(cells):  # copied, as a cell of polars keeps alive all of its part
        found += part.gather_every(every, -start % every).to_list()
    return pl.Series(cells.name, found, pl.String)
