"""Forecasts of more steps than a model forecasts at once: it reads its own forecast back.

This is the recursive, or iterated, strategy; with more than one step at once recursive multi-output
(Green et al. 2024, arXiv:2412.20510). What is read back are the medians, and the calendar and known
covariates of their rows; past covariates stay as they are at the origin.

Letters in shapes: M origins, K steps at once, N steps in all, Q quantiles.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from gruta.codec.series.features import Columns, Rows, Table, Values

Forecast = Callable[[Table, Rows], Values]
"""Changes `[M, K, Q]` after rows `[M]` of a table, asked for block after block."""


def rolled(table: Table, origins: Rows, steps: int, forecast: Forecast, median: int = 0) -> Values:
    """`[M, N, Q]`: the changes from the value at each of `origins [M]` over so many steps.

    median: which of the quantiles is read back.
    """
    table, first = unrolled(table, origins, steps)
    at, found = first, list[Values]()
    for _block in range(-(-steps // table.horizon)):
        changes = forecast(table, at)
        found.append(changes + (table.y[at] - table.y[first])[:, None, None])
        rows = at[:, None] + np.arange(1, table.horizon + 1)
        table.y[rows] = table.y[at][:, None] + changes[..., median]
        at = at + table.horizon
    return np.concatenate(found, axis=1)[:, :steps]


def unrolled(table: Table, origins: Rows, steps: int) -> tuple[Table, Rows]:
    """For each of `origins [M]` a series of its own, with all that a forecast from there reads and
    rows for so many whole blocks to come, whose target is open; and where the origins lie in it.
    """
    firsts = np.maximum(np.broadcast_to(table.firsts(origins), origins.shape), 0)
    begins = np.maximum(firsts, origins - table.first_origin)
    coming = -(-steps // table.horizon) * table.horizon
    starts = np.concatenate([[0], (origins + 1 + coming - begins).cumsum()])
    own = np.repeat(np.arange(len(origins)), np.diff(starts))
    rows = np.arange(starts[-1]) - starts[own] + begins[own]
    now = origins[own]
    seen = np.minimum(rows, now)
    # The last block may reach further than is forecast; nobody reads what it says of these rows.
    rows = np.minimum(rows, np.minimum(now + steps, _ends(table, origins)[own] - 1))
    y = np.where(rows <= now, table.y[seen], np.float32(np.nan))
    apart = replace(
        table,
        y=y,
        known=table.known[rows],
        past=table.past[seen],
        calendar=_Chosen(table.calendar, rows),
        starts=starts,
        own=None if table.own is None else table.vector(origins),
        absent=None if table.absent is None else table.absent[seen] & (rows <= now),
    )
    return apart, starts[:-1] + origins - begins


def _ends(table: Table, origins: Rows) -> Rows:
    """`[M]`: the row after the last one of the series that each origin is of."""
    if table.starts is None:
        return np.full(len(origins), len(table.y))
    return table.starts[np.searchsorted(table.starts, origins, side="right")]


@dataclass(frozen=True, eq=False)
class _Chosen:
    """Rows of columns, in any order."""

    columns: Columns
    rows: Rows

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns."""
        return (len(self.rows), *self.columns.shape[1:])

    def take(self, rows: Rows, axis: int) -> Values:
        """`[..., C]` of rows `[...]`."""
        return self.columns.take(self.rows[rows], axis)
