"""Forecasts as a table, a row for each value that was forecast; what its columns are called."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from gruta.codec.series.frequency import Stamps
from gruta.codec.series.local import Local
from gruta.codec.series.series import Columns, Series

if TYPE_CHECKING:
    from gruta.tasks.forecast.evaluation import Evaluation

SUFFIX = "_gruta"


def quantile_name(level: float) -> str:
    """q10, q97.5."""
    return f"q{100 * level:g}"


def own_names(wanted: Iterable[str], columns: Columns) -> dict[str, str]:
    """What our columns are called beside the data's: as wanted, or with a suffix where the data has
    one of that name.
    """
    taken, found = set(columns.names), dict[str, str]()
    for name in wanted:
        free = name
        while free in taken:
            free += SUFFIX
        taken.add(free)
        found[name] = free
    return found


def names_beside(found: "Evaluation") -> dict[str, str]:
    """What our columns of `records` are called."""
    quantiles = map(quantile_name, found.levels)
    wanted = ["origin", "step", "forecast", *quantiles, *found.baselines]
    return own_names(wanted, found.series.columns)


def records(found: "Evaluation") -> pl.DataFrame:
    """Of each forecast: the series, where there are several, its origin's stamp, then by step the
    time, what came, the forecast, its quantiles, and those of the simple models.
    """
    columns, series, (_forecasts, steps) = found.series.columns, found.series, found.truth.shape
    names = names_beside(found)
    table: dict[str, Any] = {}
    if columns.series:
        ids = np.array(series.ids, object)[series.of(found.origins)]
        table[columns.series] = np.repeat(ids, steps)
    at = found.origins[:, None] + np.arange(1, steps + 1)
    origin = np.repeat(series.times_at(found.origins), steps)
    table[names["origin"]] = as_told(names["origin"], origin, series)
    table[columns.time] = as_told(columns.time, series.times_at(at).ravel(), series)
    table[names["step"]] = np.tile(np.arange(1, steps + 1), len(found.origins))
    table[columns.target] = found.truth.ravel()
    table[names["forecast"]] = found.median.ravel()
    for i, level in enumerate(found.levels):
        table[names[quantile_name(level)]] = found.quantiles[..., i].ravel()
    for model, values in found.baselines.items():
        table[names[model]] = values.ravel()
    return pl.DataFrame(table).with_columns(pl.col(columns.target).fill_nan(None))


def as_told(name: str, times: Stamps, series: Series) -> pl.Series:
    """Stamps in the zone of the data, and rows' numbers where rows are numbered."""
    if series.frequency.numbered:
        return pl.Series(name, times.astype(np.int64))
    found = pl.Series(name, times)
    if isinstance(series.frequency, Local):
        return found.dt.replace_time_zone("UTC").dt.convert_time_zone(series.frequency.zone.name)
    return found
