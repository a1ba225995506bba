"""A pandas or polars frame's columns, and frames like it."""

from collections.abc import Iterator, Sequence
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl
from numpy.typing import NDArray

from gruta.data.words import codes_of
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.reading import Guess


class Frame:
    """A frame as a source of columns, typed as it has them, with the levels of pandas' index."""

    separator = ""
    unnamed_is = "index"
    guesses: Sequence[Guess] = ()

    def __init__(self, frame: Any, label: str) -> None:
        try:
            self._table = nw.from_native(frame, eager_only=True)
        except TypeError:
            problem = _(
                "{label}: expected a path or a pandas or polars DataFrame, got {kind}; collect a "
                "lazy frame first"
            )
            raise InputError(problem.format(label=label, kind=type(frame).__name__)) from None
        except ValueError as error:
            reason = " ".join(str(error).split())
            raise InputError(
                _("{label}: {reason}; give each column its own name").format(
                    label=label, reason=reason
                )
            ) from None
        self._columns = list(self._table.columns)
        index: Any = nw.maybe_get_index(self._table)
        self._levels = [index.get_level_values(i) for i in range(getattr(index, "nlevels", 0))]
        levels = [level.name for level in self._levels]
        hidden = [None if name in self._columns else name for name in levels]
        self.names: Sequence[Any] = [*self._columns, *hidden]
        named = getattr(getattr(frame, "columns", None), "name", None)
        self.pivot = named if isinstance(named, str) else ""

    @property
    def unnamed(self) -> int | None:
        """The level of the index that holds moments, if one does."""
        found = [i for i, level in enumerate(self._levels) if _holds_time(level)]
        return len(self._columns) + found[0] if len(found) == 1 else None

    def first(self, place: int) -> pl.Series:
        """The first cells of a column."""
        return self._column(place).head(1)

    def load(self, places: Sequence[int]) -> tuple[list[pl.Series], NDArray[np.int64]]:
        """The columns at these places; no row is left out."""
        return [self._column(place) for place in places], np.empty(0, np.int64)

    def size(self, places: Sequence[int]) -> int:
        """How many rows, which are there already."""
        return len(self._table)

    def codes(self, place: int) -> tuple[NDArray[np.integer], list[str | None]]:
        """Of a column of names, which of them each row has `[N]`, and the names."""
        return codes_of(self._column(place))

    def release(self) -> None:
        """They are the frame's own."""

    def others(self, places: Sequence[int]) -> Iterator[pl.DataFrame]:
        """The other columns of text."""
        rest = [i for i in range(len(self._columns)) if i not in places]
        yield pl.DataFrame(
            [
                self._column(i).alias(str(i))
                for i in rest
                if self._table[self._columns[i]].dtype == nw.String
            ]
        )

    def _column(self, place: int) -> pl.Series:
        if place < len(self._columns):
            return as_polars(self._table[:, place].to_native())
        return as_polars(self._levels[place - len(self._columns)].to_series())


def like(frame: Any, found: pl.DataFrame, time: str) -> Any:
    """What was found as a frame of the kind that `frame` is, with the time as its index where it is
    so there.
    """
    table = nw.from_native(frame, eager_only=True)
    if table.implementation.is_polars():
        return found
    zone = getattr(found[time].dtype, "time_zone", None)
    plain = (
        found.with_columns(pl.col(time).dt.convert_time_zone("UTC").dt.replace_time_zone(None))
        if zone
        else found
    )
    columns = {name: plain[name].to_numpy() for name in plain.columns}
    answer = nw.from_dict(columns, backend=table.implementation)
    if zone:
        moments = nw.col(time).dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
        answer = answer.with_columns(moments)
    native = answer.to_native()
    index = nw.maybe_get_index(table)
    if index is None or time in table.columns:
        return native
    return native.set_index(time).rename_axis(index=index.name)


def _holds_time(level: Any) -> bool:
    """Whether it may: one of text, if it has no name of its own."""
    kind = str(level.dtype)
    text = level.name is None and kind.startswith(("str", "object"))
    return text or kind.startswith(("datetime64", "timestamp", "period["))


def as_polars(column: Any) -> pl.Series:
    """Numbers, booleans, dates, date-times or text; periods by their start."""
    if str(getattr(column, "dtype", "")).startswith("period["):
        column = column.dt.to_timestamp(how="start")
    series = nw.from_native(column, series_only=True)
    try:
        found: pl.Series = series.to_polars()
    except Exception:  # objects that polars has no type for
        found = pl.Series(dtype=pl.Object)
    kind = found.dtype
    if kind.is_numeric() or kind.is_temporal() or kind in (pl.Boolean, pl.String):
        return found
    # Categories and Python objects of any kind: what they look like says what they are.
    text = [None if value is None else str(value) for value in series.to_list()]
    return pl.Series(series.name, text, dtype=pl.String)


def starts_of_periods(ordinals: NDArray[np.int64], freq: str) -> pl.Series:
    """The starts of pandas' periods, from the whole numbers that Parquet has of them."""
    import pandas as pd

    return pl.Series(pd.PeriodIndex.from_ordinals(ordinals, freq=freq).to_timestamp(how="start"))
