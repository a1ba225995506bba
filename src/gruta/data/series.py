"""From a file or a frame to a series that can be relied on: even steps, numbers where they must be.

What does not fit is refused with its row, counted from 1 below the header, and its column.
"""

from pathlib import Path

import numpy as np
import polars as pl
from narwhals.typing import IntoDataFrame
from numpy.typing import NDArray

from gruta.codec.series.series import Columns, Series
from gruta.codec.series.zones import Zone
from gruta.data.columns import Origin, refuse
from gruta.data.gaps import mended
from gruta.data.repair import Policies, Raw, evened
from gruta.data.table import Table, read_table
from gruta.errors import InputError
from gruta.reading import Reading

Values = NDArray[np.floating]
_FEWEST_ROWS = 3


def read_series(
    source: str | Path | IntoDataFrame,
    columns: Columns,
    how: Reading | None = None,
    policies: Policies | None = None,
) -> Series:
    """The series in a file or in a pandas or polars frame, in even steps.

    Stamps with a zone or an offset are converted to UTC. Rows at the end of a series with an empty
    target are the rows to come. What is mended is told in `repairs`. InputError says what does not
    fit, and where.
    """
    policies = policies or Policies()
    table = read_table(source, columns.names, how or Reading(), time=columns.time)
    label = table.origin
    if len(table) < _FEWEST_ROWS:
        raise InputError(f"{label}: expected at least {_FEWEST_ROWS} rows, found {len(table)}")
    own, ids = _series_of(table, columns.series)
    found = table.moments(columns.time)
    zone = Zone(found.zone) if found.zone not in ("", "UTC") else None
    raw = Raw(own, found.times, ids, zone, label, columns.time)
    del own, found  # as large as a column each
    even = evened(raw, policies)
    del raw

    def laid(name: str) -> Values:
        values = table.numbers(name)
        _require_finite(label, name, values)
        return even.laid(values)

    target = laid(columns.target)
    known, past = (
        np.column_stack([np.empty((even.rows, 0), target.dtype), *map(laid, names)])
        for names in (columns.known, columns.past)
    )
    series = Series(
        target=target,
        known=known,
        past=past,
        starts=even.starts,
        begins=even.begins,
        ids=ids,
        columns=columns,
        frequency=even.frequency,
        source=str(label),
        stamps=even.stamps,
        repairs=even.repairs,
        guesses=table.guesses,
    )
    _require_target(series)
    return mended(series, policies)


def _series_of(table: Table, name: str) -> tuple[NDArray[np.integer], tuple[str, ...]]:
    """Which series each row is of, and what they are called, in the order of their names."""
    if not name:
        return np.zeros(len(table), np.int8), ("",)
    names = table.words(name).cast(pl.String)
    if names.null_count():
        row = int(names.is_null().arg_max() or 0)
        refuse(table.origin, name, "expected the name of a series, found none", row)
    ids = names.unique().sort()
    own = names.cast(pl.Enum(ids)).to_physical().to_numpy().astype(np.int32)
    return own, tuple(ids.to_list())


def _require_finite(label: Origin, name: str, values: NDArray[np.float64]) -> None:
    infinite = np.isinf(values)
    if infinite.any():
        row = int(infinite.argmax())
        refuse(label, name, f"expected a number, found {values[row]}; correct it", row)


def _require_target(series: Series) -> None:
    """InputError unless there are enough values to learn from, and they vary."""
    label, name, target = Origin(series.source), series.columns.target, series.target
    observed = int((series.ends - series.starts[:-1]).max())
    if observed < _FEWEST_ROWS:
        refuse(label, name, f"expected at least {_FEWEST_ROWS} rows with a value, found {observed}")
    there = target[~np.isnan(target)]
    if (there == there[0]).all():
        refuse(label, name, f"expected a target that varies, found {there[0]} in every row")
