"""From a file or a frame to a series that can be relied on: even steps, numbers where they must be.

What does not fit is refused with its row, counted from 1 below the header, and its column.
"""

from pathlib import Path

import numpy as np
import polars as pl
from narwhals.typing import IntoDataFrame
from numpy.typing import NDArray

from gruta.codec.series.frequency import Stamps
from gruta.codec.series.series import Columns, Series
from gruta.codec.series.zones import Zone
from gruta.data.columns import numbers, refuse
from gruta.data.gaps import mended
from gruta.data.repair import Policies, Raw, evened
from gruta.data.table import read_table
from gruta.errors import InputError

Values = NDArray[np.floating]
_FEWEST_ROWS = 3
_STAMP = (
    r"^\s*([0-9]{4}-[0-9]{2})(-[0-9]{2})?"
    r"(?:[T ]([0-9]{2}:[0-9]{2})(:[0-9]{2}(?:\.[0-9]{1,9})?)?\s?(Z|[+-][0-9]{2}:?[0-9]{2})?)?\s*$"
)
_STAMP_EXPECTED = "expected a stamp such as 2024-03-31 or 2024-03-31 13:30"


def read_series(
    source: str | Path | IntoDataFrame, columns: Columns, policies: Policies | None = None
) -> Series:
    """The series in a CSV or Parquet file or in a pandas or polars frame, in even steps.

    Stamps with a zone or an offset are converted to UTC. Rows at the end of a series with an empty
    target are the rows to come. What is mended is told in `repairs`. InputError says what does not
    fit, and where.
    """
    policies = policies or Policies()
    label, table = read_table(source, columns.names)
    if len(table) < _FEWEST_ROWS:
        raise InputError(f"{label}: expected at least {_FEWEST_ROWS} rows, found {len(table)}")
    own, ids = _series_of(label, table, columns)
    times, zone = _stamps(label, table[columns.time])
    raw = Raw(own, times, ids, zone, label, columns.time)
    del own, times  # as large as a column each
    even = evened(raw, policies)
    del raw

    def laid(name: str) -> Values:
        values = numbers(label, table[name])
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
        source=label,
        stamps=even.stamps,
        repairs=even.repairs,
    )
    _require_target(series)
    return mended(series, policies)


def _series_of(
    label: str, table: pl.DataFrame, columns: Columns
) -> tuple[NDArray[np.integer], tuple[str, ...]]:
    """Which series each row is of, and what they are called, in the order of their names."""
    if not columns.series:
        return np.zeros(len(table), np.int8), ("",)
    names = table[columns.series].cast(pl.String)
    if names.null_count():
        row = int(names.is_null().arg_max() or 0)
        refuse(label, columns.series, "expected the name of a series, found none", row)
    ids = names.unique().sort()
    own = names.cast(pl.Enum(ids)).to_physical().to_numpy().astype(np.int32)
    return own, tuple(ids.to_list())


def _stamps(label: str, column: pl.Series) -> tuple[Stamps, Zone | None]:
    """The moments [N] in a column of dates, date-times or text, in UTC where they have a zone, and
    the zone whose clock they show, where that is known by name.
    """
    kind, zone = column.dtype, None
    if isinstance(kind, pl.Datetime) and kind.time_zone not in (None, "UTC"):
        zone = Zone(str(kind.time_zone))
    if kind == pl.String:
        moments = _parse_stamps(label, column)
    elif kind == pl.Date or kind == pl.Datetime:
        moments = column
    else:
        refuse(label, column.name, f"{_STAMP_EXPECTED}, found {kind}; convert the column")
    if moments.null_count():
        row = int(moments.is_null().arg_max() or 0)
        found = "no stamp" if column[row] is None else repr(column[row])
        refuse(label, column.name, f"{_STAMP_EXPECTED}, found {found}; correct or remove it", row)
    # The epoch is counted in UTC, whatever zone a stamp is shown in.
    return moments.dt.epoch("us").to_numpy().astype("M8[us]"), zone


def _parse_stamps(label: str, column: pl.Series) -> pl.Series:
    """The moments of ISO 8601 text, null where the text is something else."""
    parts = column.str.extract_groups(_STAMP).struct.rename_fields(
        ["month", "day", "clock", "second", "zone"]
    )
    zoned = parts.struct.field("zone").is_not_null()
    mixed = (zoned != zoned[0]) & parts.struct.field("month").is_not_null()
    if mixed.any():
        row = int(mixed.arg_max() or 0)
        refuse(
            label,
            column.name,
            f"expected a zone in every stamp or in none, found {column[row]!r} after "
            f"{column[0]!r}; write all of them alike",
            row,
        )
    whole = parts.struct.unnest().select(
        pl.format(
            "{}{}T{}{}{}",
            "month",
            pl.col("day").fill_null("-01"),
            pl.col("clock").fill_null("00:00"),
            pl.col("second").fill_null(":00"),
            pl.col("zone").fill_null("Z").str.replace("Z", "+00:00", literal=True),
        )
    )
    return whole.to_series().str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%z", time_unit="us", strict=False)


def _require_finite(label: str, name: str, values: NDArray[np.float64]) -> None:
    infinite = np.isinf(values)
    if infinite.any():
        row = int(infinite.argmax())
        refuse(label, name, f"expected a number, found {values[row]}; correct it", row)


def _require_target(series: Series) -> None:
    """InputError unless there are enough values to learn from, and they vary."""
    label, name, target = series.source, series.columns.target, series.target
    observed = int((series.ends - series.starts[:-1]).max())
    if observed < _FEWEST_ROWS:
        refuse(label, name, f"expected at least {_FEWEST_ROWS} rows with a value, found {observed}")
    there = target[~np.isnan(target)]
    if (there == there[0]).all():
        refuse(label, name, f"expected a target that varies, found {there[0]} in every row")
