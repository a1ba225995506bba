"""From a file or a frame to a series that can be relied on: even steps, numbers where they must be.

What does not fit is refused with its row, counted from 1 below the header, and its column.
"""

from pathlib import Path

import numpy as np
from narwhals.typing import IntoDataFrame
from numpy.typing import NDArray

from gruta.codec.series.frequency import Frequency, Stamps, infer
from gruta.codec.series.series import Columns, Series
from gruta.data.columns import Origin, refuse
from gruta.data.table import read_table
from gruta.errors import InputError
from gruta.reading import Reading

_FEWEST_ROWS = 3


def read_series(
    source: str | Path | IntoDataFrame, columns: Columns, how: Reading | None = None
) -> Series:
    """The series in a file or in a pandas or polars frame, checked throughout.

    Stamps with a zone or an offset are converted to UTC. Rows at the end with an empty target are
    the rows to come. InputError says what does not fit, and where.
    """
    table = read_table(source, columns.names, how or Reading(), time=columns.time)
    label = table.origin
    if len(table) < _FEWEST_ROWS:
        raise InputError(f"{label}: expected at least {_FEWEST_ROWS} rows, found {len(table)}")
    moments = table.moments(columns.time)
    times = moments.times
    frequency = _even_steps(label, columns.time, times)
    target = table.numbers(columns.target)
    observed = _require_target(label, columns.target, target)
    known = [table.numbers(name) for name in columns.known]
    for name, values in zip(columns.known, known, strict=True):
        _require_finite(label, name, values, "correct it or fill it in, for the rows to come too")
    past = [table.numbers(name) for name in columns.past]
    for name, values in zip(columns.past, past, strict=True):
        _require_finite(label, name, values[:observed], "correct it or fill it in")
    return Series(
        times=times,
        target=target,
        known=_side_by_side(known, len(table)),
        past=_side_by_side(past, len(table)),
        columns=columns,
        frequency=frequency,
        source=str(label),
        zone=moments.zone,
        guesses=table.guesses,
    )


def _even_steps(label: Origin, name: str, times: Stamps) -> Frequency:
    """The frequency of `times`; InputError where one does not follow its neighbour."""
    ahead = np.diff(times).astype(np.int64)
    if (ahead <= 0).any():
        row = int((ahead <= 0).argmax()) + 1
        problem = (
            f"the stamp {_show(times[row])} is that of the row before; keep one of the two"
            if ahead[row - 1] == 0
            else f"{_show(times[row])} comes after {_show(times[row - 1])}; sort the rows by time, "
            "and put each series in a file of its own"
        )
        refuse(label, name, problem, row)
    frequency = infer(times)
    expected = frequency.shift(times[:-1], 1)
    if (expected != times[1:]).any():
        row = int((expected != times[1:]).argmax()) + 1
        remedy = (
            "insert the rows that are missing"
            if times[row] > expected[row - 1]
            else "remove the row or move its stamp"
        )
        refuse(
            label,
            name,
            f"expected {_show(expected[row - 1])}, as most steps are {frequency.name}, found "
            f"{_show(times[row])}; {remedy}",
            row,
        )
    return frequency


def _require_target(label: Origin, name: str, target: NDArray[np.float64]) -> int:
    """How many rows have a target; InputError unless they come first, are finite, and vary."""
    given = np.flatnonzero(~np.isnan(target))
    observed = int(given[-1]) + 1 if len(given) else 0
    if observed < _FEWEST_ROWS:
        refuse(label, name, f"expected at least {_FEWEST_ROWS} rows with a value, found {observed}")
    _require_finite(
        label,
        name,
        target[:observed],
        "correct it or fill it in; only the last rows may lack a target",
    )
    if (target[:observed] == target[0]).all():
        refuse(label, name, f"expected a target that varies, found {target[0]} in every row")
    return observed


def _require_finite(label: Origin, name: str, values: NDArray[np.float64], remedy: str) -> None:
    wrong = ~np.isfinite(values)
    if wrong.any():
        row = int(wrong.argmax())
        found = "none" if np.isnan(values[row]) else str(values[row])
        refuse(label, name, f"expected a number, found {found}; {remedy}", row)


def _side_by_side(columns: list[NDArray[np.float64]], rows: int) -> NDArray[np.float64]:
    """Columns of `rows` values as one array [rows, columns], also where there are none."""
    return np.column_stack([np.empty((rows, 0)), *columns])


def _show(stamp: np.datetime64) -> str:
    return str(np.datetime_as_string(stamp, unit="auto")).replace("T", " ")
