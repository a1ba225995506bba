"""What a trained forecaster says of a series, without PyTorch."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gruta.codec.series.codec import ForecastCodec
from gruta.codec.series.features import Rows, Table
from gruta.codec.series.intervals import Values, levels, misses, rows_before, stretch
from gruta.codec.series.series import Series
from gruta.errors import InputError
from gruta.tasks.forecast.head import forecast_changes
from gruta.tasks.trained import Trained


def quantiles(
    trained: Trained[ForecastCodec], series: Series, origins: Rows
) -> NDArray[np.float64]:
    """`[M, K, Q]` in the target's unit, after rows `origins [M]` of `series`.

    Of rows after an origin, only what is known beforehand has a part in its forecast.
    """
    codec, table = trained.codec, trained.codec.encoding.table(series)
    changes, level = _changes(trained, table, origins)
    scaled = stretch(changes, codec.spread, trained.settings.quantiles, level)
    values = table.y[origins][:, None, None] + scaled
    return codec.decode(values, series.target, origins)


def _changes(
    trained: Trained[ForecastCodec], table: Table, origins: Rows
) -> tuple[Values, Values | None]:
    """The network's forecasts `[M, K, Q]`, and how far off it has been lately, `[M]`."""
    usual, levels_of = trained.codec.usual, trained.settings.quantiles
    if usual is None or len(levels_of) == 1:
        return forecast_changes(trained.head, table, origins), None
    before = np.unique(origins[:, None] - rows_before(table.horizon))
    before = before[before >= table.first_origin]
    every = np.union1d(origins, before)
    changes = forecast_changes(trained.head, table, every)
    earlier = changes[np.searchsorted(every, before)]
    missed = misses(earlier, table.changes(before), levels_of)
    level = levels(origins, before, missed, usual)
    return changes[np.searchsorted(every, origins)], level


def with_rows_to_come(series: Series, history: int, horizon: int) -> Series:
    """`series` with at least `horizon` rows after the last one that has a target.

    InputError where fewer than `history` have one, or rows to come lack what is known of them.
    """
    if series.observed < history:
        raise InputError(
            f"{series.source}: {series.observed} rows with a target, but a forecast needs the last "
            f"{history}; give a longer history"
        )
    missing = series.observed + horizon - len(series)
    if missing <= 0:
        return series
    if series.columns.known:
        raise InputError(
            f"{series.source}: expected {horizon} rows after the last one with a target, with the "
            f"values of {', '.join(series.columns.known)} and an empty target; found "
            f"{horizon - missing}"
        )
    return replace(
        series,
        times=np.append(series.times, series.frequency.after(series.times[-1], missing)),
        target=np.append(series.target, np.full(missing, np.nan)),
        known=np.zeros((len(series) + missing, 0)),
        past=np.concatenate([series.past, np.full((missing, series.past.shape[1]), np.nan)]),
    )
