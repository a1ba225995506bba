"""The scales of series: mean and deviation of each one's target."""

import itertools
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from gruta.codec.scaler import Scaler
from gruta.codec.series.series import Series
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import brief

Float = TypeVar("Float", np.float32, np.float64)

LARGEST = 1e150
"""Values beyond this are refused: their squares, which scales and scores sum, are not finite."""


def scales_of(series: Series, usual: Scaler | None = None) -> Scaler:
    """Mean and deviation of the target of each series `[S]`, of the values that are there; of all
    where one has none, and the means of `usual` where these have none either.
    """
    means, scales = np.empty(series.count), np.empty(series.count)
    for i, (first, end) in enumerate(itertools.pairwise(series.starts)):
        own = series.target[first:end]
        own = own[~np.isnan(own)]
        if not len(own):
            own = series.target[~np.isnan(series.target)]
        if not len(own) and usual is not None:
            means[i], scales[i] = usual.mean.mean(), usual.scale.mean()
            continue
        found = Scaler.fit(own[:, None].astype(np.float64))
        means[i], scales[i] = found.mean[0], found.scale[0]
    return Scaler(means, scales)


def in_scale(
    target: NDArray[np.floating], series: Series, scales: Scaler, dtype: type[Float]
) -> NDArray[Float]:
    """Each series by its own scale, up to the last row with a target; NaN in those to come."""
    found = np.full(len(series), np.nan, dtype)
    for i, (first, end) in enumerate(zip(series.starts, series.ends, strict=False)):
        found[first:end] = (target[first:end] - scales.mean[i]) / scales.scale[i]
    return found


def static_table(series: Series) -> NDArray[np.floating]:
    """`[S, D]`, D of which may be 0; NaN of series that do not know them."""
    unknown = np.full((series.count, len(series.columns.static)), np.nan)
    return unknown if series.static is None else series.static


def require_sizes(series: Series) -> None:
    """InputError where a value is too large to reckon with."""
    own = series.columns
    columns = [series.target, *series.known.T, *series.past.T, *static_table(series).T]
    names = (own.target, *own.known, *own.past, *own.static)
    for name, column in zip(names, columns, strict=True):
        ends = np.nanmax(column, initial=0.0), -np.nanmin(column, initial=0.0)
        largest = float(max(ends))
        if largest > LARGEST:
            problem = _(
                "{source}: column {name!r}: expected values up to {limit} in size, found "
                "{largest}; give the column in a larger unit"
            )
            raise InputError(
                problem.format(
                    source=series.source, name=name, limit=brief(LARGEST), largest=brief(largest)
                )
            )
