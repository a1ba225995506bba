"""Quantiles about the simple forecasts, for a score of all quantiles."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from gruta.codec.series.codec import ForecastCodec
from gruta.codec.series.features import Rows
from gruta.codec.series.intervals import rolling
from gruta.codec.series.linear import LinearModel
from gruta.codec.series.series import Series
from gruta.tasks.forecast.baselines import baselines

Values = NDArray[np.float64]

MOST_PAST = 4096
"""Of a longer past so many of its newest values say what is usual."""


def past_values(series: Series, origins: Rows, levels: Sequence[float]) -> Values:
    """`[M, Q]`: quantiles of all values of a series up to each of `origins [M]`."""
    firsts = np.maximum(series.starts[series.of(origins)], origins + 1 - MOST_PAST)
    found = np.empty((len(origins), len(levels)))
    for i, (first, origin) in enumerate(zip(firsts, origins, strict=True)):
        own = series.target[first : origin + 1]
        found[i] = np.quantile(own[~np.isnan(own)], levels)
    return found


def around(
    simple: Mapping[str, Values],
    series: Series,
    codec: ForecastCodec,
    origins: Rows,
    model: LinearModel,
    levels: Sequence[float],
) -> dict[str, Values]:
    """`[M, K, Q]` of each of the forecasts `[M, K]`: by how far off it was, step by step, after
    rolling origins before the first that is scored, in the unit of each series.

    What is not among the baselines, and all where nothing lies before, has its value alone.
    """
    own, units = series.of(origins), codec.encoding.scales(series).scale
    before = _before(series, codec, origins)
    found = {name: np.repeat(values[..., None], len(levels), 2) for name, values in simple.items()}
    if not len(before):
        return found
    steps = np.arange(1, codec.encoding.horizon + 1)
    truth = series.target[before[:, None] + steps]
    for name, values in baselines(series, codec, before, model).items():
        off = (truth - values) / units[series.of(before)][:, None]
        apart = np.nanquantile(off, levels, axis=0).T  # [K, Q]
        apart -= apart[:, list(levels).index(0.5)][:, None]
        about = found[name] + units[own][:, None, None] * apart
        found[name] = codec.bounded(about, series, origins)
    return found


def _before(series: Series, codec: ForecastCodec, origins: Rows) -> Rows:
    """Origins whose whole horizon lies before the first one of their series that is scored."""
    own, scored = np.unique(series.of(origins), return_index=True)
    firsts = series.starts[own] + codec.encoding.history - 1
    lasts = origins[scored] - codec.encoding.horizon
    if not (lasts >= firsts).any():
        return np.empty(0, np.int64)
    return rolling(firsts, lasts, codec.encoding.horizon)[0]
