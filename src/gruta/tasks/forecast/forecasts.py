"""What a trained forecaster says of a series, without PyTorch."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gruta.codec.series.codec import ForecastCodec
from gruta.codec.series.features import Rows, Table
from gruta.codec.series.intervals import Values, levels, misses, rows_before, stretch
from gruta.codec.series.series import Series
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.tasks.forecast.head import forecast_changes
from gruta.tasks.trained import Trained


def quantiles(
    trained: Trained[ForecastCodec], series: Series, origins: Rows, *, carry: bool = False
) -> NDArray[np.float64]:
    """`[M, K, Q]` in the target's unit, after rows `origins [M]` of `series`.

    carry: the network has read all of the series up to an origin, and not a window of it alone.
    Of rows after an origin, only what is known beforehand has a part in its forecast.
    """
    codec, table = trained.codec, trained.codec.encoding.table(series)
    changes, level = _changes(trained, table, origins, carry)
    scaled = stretch(changes, codec.spread, trained.settings.quantiles, level)
    values = table.y[origins][:, None, None] + scaled
    return codec.decode(values, series, origins)


def _changes(
    trained: Trained[ForecastCodec], table: Table, origins: Rows, carry: bool
) -> tuple[Values, Values | None]:
    """The network's forecasts `[M, K, Q]`, and how far off it has been lately, `[M]`."""
    usual, levels_of = trained.codec.usual, trained.settings.quantiles
    if usual is None or len(levels_of) == 1:
        return forecast_changes(trained.head, table, origins, carry=carry), None
    firsts = table.firsts(origins) + (0 if table.absent is not None else table.first_origin)
    firsts = np.broadcast_to(firsts, origins.shape)
    rows = origins[:, None] - rows_before(table.horizon)
    before = np.unique(rows[rows >= firsts[:, None]])
    every = np.union1d(origins, before)
    changes = forecast_changes(trained.head, table, every, carry=carry)
    earlier = changes[np.searchsorted(every, before)]
    missed = misses(earlier, table.changes(before), levels_of)
    level = levels(origins, before, missed, usual, firsts)
    return changes[np.searchsorted(every, origins)], level


def with_rows_to_come(series: Series, history: int, horizon: int) -> Series:
    """`series` with `horizon` rows or more after the last one of each that has a target.

    InputError where fewer than `history` have one, or rows to come lack what is known of them.
    """
    observed = series.ends - series.starts[:-1]
    if observed.min() < history:
        problem = _(
            "{source}{which}: {count} rows with a target, but a forecast needs the last {history}; "
            "give a longer history"
        )
        raise InputError(
            problem.format(
                source=series.source,
                which=_of(series, observed),
                count=number(int(observed.min())),
                history=history,
            )
        )
    coming = series.starts[1:] - series.ends
    lacking = np.maximum(horizon - coming, 0)
    if not lacking.any():
        return series
    if series.columns.known:
        problem = _(
            "{source}{which}: expected {horizon} rows after the last one with a target, with the "
            "values of {known} and an empty target; found {found}"
        )
        raise InputError(
            problem.format(
                source=series.source,
                which=_of(series, coming),
                horizon=horizon,
                known=", ".join(series.columns.known),
                found=number(int(coming.min())),
            )
        )
    lengths = np.diff(series.starts)
    starts = np.concatenate([[0], (lengths + lacking).cumsum()])
    at = np.arange(len(series)) + np.repeat(starts[:-1] - series.starts[:-1], lengths)
    return replace(
        series,
        target=_spread(series.target, at, starts[-1]),
        known=np.zeros((starts[-1], 0)),
        past=_spread(series.past, at, starts[-1]),
        starts=starts,
        stamps=None if series.stamps is None else _longer(series, lacking),
    )


def _of(series: Series, sizes: Rows) -> str:
    """Which series is the smallest, for a message; "" for one without a name."""
    name = series.ids[int(sizes.argmin())]
    return _(": series {name!r}").format(name=name) if name else ""


def _spread(values: NDArray[np.floating], at: Rows, rows: int) -> NDArray[np.floating]:
    """Values `[N, …]` in rows `at [N]`, NaN in the others."""
    found = np.full((rows, *values.shape[1:]), np.nan)
    found[at] = values
    return found


def _longer(series: Series, lacking: Rows) -> NDArray[np.datetime64]:
    """The stamps of each series, and behind them so many more."""
    assert series.stamps is not None
    parts = []
    for first, end, more in zip(series.starts, series.starts[1:], lacking, strict=False):
        own = series.stamps[first:end]
        parts += [own, series.frequency.after(own[-1], int(more))]
    return np.concatenate(parts)
