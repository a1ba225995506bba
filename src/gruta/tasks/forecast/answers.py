"""What a trained forecaster says of the steps to come, as a table."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from gruta.codec.series.codec import ForecastCodec
from gruta.codec.series.features import Rows
from gruta.codec.series.series import Series
from gruta.tasks.forecast.coming import with_rows_to_come
from gruta.tasks.forecast.forecasts import quantiles, require_reach
from gruta.tasks.forecast.records import as_told, own_names, quantile_name
from gruta.tasks.forecast.settings import MissingKnown
from gruta.tasks.trained import Trained


def forecast(
    trained: Trained[ForecastCodec],
    series: Series,
    missing_known: MissingKnown | None = None,
    horizon: int | None = None,
) -> pl.DataFrame:
    """The series, the time by the data's own clock, the median and the quantiles of the horizon to
    come; ours have a suffix where the data's own are called so. missing_known, horizon: a policy
    and a number of steps in place of the run's; InputError where it does not reach so far.
    """
    steps = require_reach(trained, horizon)
    if not series.count:
        none = np.empty((0, steps, len(trained.settings.quantiles)))
        return _table(trained, series, series.ends, none)
    policy = missing_known or trained.settings.missing_known
    series = with_rows_to_come(series, trained.codec.encoding, policy, steps)
    origins = series.ends - 1
    found = quantiles(trained, series, origins, steps=steps, needed=True)
    return _table(trained, series, origins, found)


def _table(
    trained: Trained[ForecastCodec], series: Series, origins: Rows, found: NDArray[np.float64]
) -> pl.DataFrame:
    """Quantiles `[S, K, Q]` after a row of each series, with their stamps."""
    names, levels = trained.codec.encoding.columns, trained.settings.quantiles
    steps, columns = found.shape[1], list[pl.Series]()
    at = origins[:, None] + np.arange(1, steps + 1)
    if names.series:
        ids = np.repeat(np.array(series.ids, object), steps)
        columns.append(pl.Series(names.series, ids.tolist(), pl.String))
    columns.append(as_told(names.time, series.times_at(at).ravel(), series))
    flat = found.reshape(-1, len(levels))
    forecasts = {"forecast": flat[:, levels.index(0.5)]}
    forecasts |= {quantile_name(q): flat[:, i] for i, q in enumerate(levels)}
    own = own_names(forecasts, names)
    return pl.DataFrame([*columns, *(pl.Series(own[n], v) for n, v in forecasts.items())])
