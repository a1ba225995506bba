"""What a trained forecaster says of a series, without PyTorch."""

import numpy as np
from numpy.typing import NDArray

from gruta.codec.series.codec import ForecastCodec
from gruta.codec.series.features import Rows, Table
from gruta.codec.series.intervals import Values, levels, misses, rows_before, stretch
from gruta.codec.series.series import Series
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.runtime.door import Asked
from gruta.tasks.forecast.reconcile import reconciled


def quantiles(
    trained: Asked[ForecastCodec],
    series: Series,
    origins: Rows,
    *,
    steps: int | None = None,
    carry: bool = False,
    needed: bool = False,
) -> NDArray[np.float64]:
    """`[M, K, Q]` in the target's unit, after rows `origins [M]` of `series`.

    steps: K, the horizon by default. carry: the network has read all of the series up to an
    origin, and not a window of it alone.
    Of rows after an origin, only what is known beforehand has a part in its forecast. Series of a
    hierarchy are reconciled; needed: InputError where one of them cannot be forecast.
    """
    if trained.codec.hierarchy is None:
        return unreconciled(trained, series, origins, steps=steps, carry=carry)
    found = reconciled(trained, series, origins, steps=steps, carry=carry, needed=needed)
    return found.after


def require_reach(trained: Asked[ForecastCodec], horizon: int | None) -> int:
    """How many steps are forecast, by default those of training; InputError where the network does
    not reach so far.
    """
    encoding = trained.codec.encoding
    steps = horizon or encoding.horizon
    if steps > encoding.horizon and trained.settings.strategy != "recursive":
        problem = _(
            "expected at most the {horizon} steps that training was for, got {given}; what is "
            "trained with the strategy recursive goes further"
        )
        raise InputError(horizon=problem.format(horizon=encoding.horizon, given=steps))
    return steps


def unreconciled(
    trained: Asked[ForecastCodec],
    series: Series,
    origins: Rows,
    *,
    steps: int | None = None,
    carry: bool = False,
) -> NDArray[np.float64]:
    """The same, each series for itself."""
    codec, table = trained.codec, trained.codec.encoding.table(series)
    steps = steps or codec.encoding.horizon
    changes, level = _changes(trained, series, table, origins, steps, carry)
    scaled = stretch(changes, codec.spread, trained.settings.quantiles, level)
    values = table.base(origins, np.arange(1, steps + 1))[..., None] + scaled
    return codec.decode(values, series, origins)


def _changes(
    trained: Asked[ForecastCodec],
    series: Series,
    table: Table,
    origins: Rows,
    steps: int,
    carry: bool,
) -> tuple[Values, Values | None]:
    """The network's forecasts `[M, K, Q]`, and how far off it has been lately, `[M]`, over the
    horizon that it was trained for.
    """
    codec, levels_of = trained.codec, trained.settings.quantiles
    horizon, usual, head = codec.encoding.horizon, codec.usual, trained.head
    if usual is None or len(levels_of) == 1:
        return head.changes(table, origins, steps, carry=carry), None
    firsts = table.firsts(origins) + (0 if table.absent is not None else table.first_origin)
    firsts = np.broadcast_to(firsts, origins.shape)
    rows = origins[:, None] - rows_before(horizon)
    before = np.unique(rows[rows >= firsts[:, None]])
    every = np.union1d(origins, before)
    changes = head.changes(table, every, max(steps, horizon), carry=carry)
    earlier = changes[np.searchsorted(every, before), :horizon]
    came = table.changes(before, np.arange(1, horizon + 1))
    missed = misses(earlier, came, levels_of)
    missed *= codec.optimism_at(series.times_at(before)).astype(np.float32)[:, None]
    level = levels(origins, before, missed, usual, firsts)
    return changes[np.searchsorted(every, origins), :steps], level
