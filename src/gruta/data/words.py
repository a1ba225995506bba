"""Columns of text that are not meant as numbers: which they are, and which text each row has."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from gruta.data.numbers import NOTHING, TRUTH

_LIKE_A_NUMBER = r"^[+\-.,\u2212]?\s*[0-9]"


def holds_words(column: pl.Series) -> bool:
    """Whether most of what is there is neither a number, nor begins as one, nor true or false.

    What is a number but for a slip stays a column of numbers, whose slips are refused.
    """
    if column.dtype != pl.String:
        return False
    text = _something(column).drop_nulls().str.to_lowercase()
    numbers = text.str.contains(_LIKE_A_NUMBER) | text.is_in(list(TRUTH))
    return 2 * int(numbers.sum()) < len(text)


def counted(column: pl.Series) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """For each cell the place of its text among all, NaN where there is none; and the texts."""
    text = _something(column.cast(pl.String))
    words = text.drop_nulls().unique().sort()
    codes = text.cast(pl.Enum(words)).to_physical().cast(pl.Float64).fill_null(np.nan)
    return codes.to_numpy(writable=True), tuple(words.to_list())


def _something(column: pl.Series) -> pl.Series:
    """Cells without blanks around them; None for words that say that there is nothing."""
    text = column.str.strip_chars()
    nothing = text.str.to_lowercase().is_in(list(NOTHING)).fill_null(True)
    return text.set(nothing, None)


def codes_of(column: pl.Series) -> tuple[NDArray[np.integer], list[str | None]]:
    """Which of the names each row has `[N]`, and the names; None is one where a row has none."""
    text = column.cast(pl.String)
    names = text.unique()
    known = names.drop_nulls()
    codes = text.cast(pl.Enum(known)).to_physical().cast(pl.Int32)
    found: list[str | None] = known.to_list()
    if names.null_count():
        codes = codes.fill_null(len(found))
        found.append(None)
    return codes.to_numpy(writable=True), found
