"""What a trained forecaster says of a series, without PyTorch."""

import numpy as np
from numpy.typing import NDArray

from gruta.codec.series.codec import ForecastCodec
from gruta.codec.series.features import Rows, Table
from gruta.codec.series.intervals import Values, levels, misses, rows_before, stretch
from gruta.codec.series.series import Series
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
