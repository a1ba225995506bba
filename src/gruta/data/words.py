"""Columns of names: which of them each row has."""

import numpy as np
import polars as pl
from numpy.typing import NDArray


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
    return codes.to_numpy(), found
