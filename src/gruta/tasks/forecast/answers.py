"""What a trained forecaster says of the steps to come, as a table."""

import numpy as np
import polars as pl

from gruta.codec.series.codec import ForecastCodec
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
    encoding, levels = trained.codec.encoding, trained.settings.quantiles
    steps = require_reach(trained, horizon)
    policy = missing_known or trained.settings.missing_known
    series = with_rows_to_come(series, encoding, policy, steps)
    origins = series.ends - 1
    at = origins[:, None] + np.arange(1, steps + 1)
    found = quantiles(trained, series, origins, steps=steps, needed=True).reshape(-1, len(levels))
    names, columns = encoding.columns, list[pl.Series]()
    if names.series:
        ids = np.repeat(np.array(series.ids, object), steps)
        columns.append(pl.Series(names.series, ids.tolist(), pl.String))
    columns.append(as_told(names.time, series.times_at(at).ravel(), series))
    forecasts = {"forecast": found[:, levels.index(0.5)]}
    forecasts |= {quantile_name(q): found[:, i] for i, q in enumerate(levels)}
    own = own_names(forecasts, names)
    return pl.DataFrame([*columns, *(pl.Series(own[n], v) for n, v in forecasts.items())])
