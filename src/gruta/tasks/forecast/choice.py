"""Which transform of the target pays: the linear path says, on the validation part."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gruta.codec.series.codec import ForecastCodec
from gruta.codec.series.features import Rows
from gruta.codec.series.trust import standard_error
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.tasks.forecast.baselines import linear
from gruta.tasks.forecast.linear import solve
from gruta.tasks.forecast.split import Split

if TYPE_CHECKING:
    from gruta.tasks.forecast.task import SeriesInParts

ORIGINS = 256
"""About so many origins of the validation part are forecast from with each transform."""


def best_transform(
    fit: Callable[[str], ForecastCodec], data: "SeriesInParts", ridge: float
) -> ForecastCodec:
    """The codec that `fit` makes with the transform whose linear path forecasts best; without one,
    unless the gain is more than its standard error, or where a value is not above 0.
    """
    plain = fit("none")
    if (data.series.target <= 0).any():
        return plain
    codecs = {"none": plain, "log": fit("log"), "boxcox": fit("boxcox")}
    unit = plain.encoding.scales(data.seen).scale
    validation = Split.of(plain.encoding.table(data.seen), data.parts).validation
    origins = validation[:: max(1, len(validation) // ORIGINS)]
    overlap = -(-plain.encoding.horizon // max(1, len(validation) // ORIGINS))
    missed = {name: _missed(codec, data, ridge, unit, origins) for name, codec in codecs.items()}
    means = {name: float(np.nanmean(own)) for name, own in missed.items()}

    def pays(name: str) -> bool:
        gained = (missed["none"] - missed[name])[~np.isnan(missed["none"])]
        sure = standard_error(gained.astype(np.float32), overlap)
        return name == "none" or float(gained.mean()) > sure

    best = min(filter(pays, means), key=lambda name: means[name])
    return replace(codecs[best], tried=means)


def why(codec: ForecastCodec) -> str:
    """In a line, what was chosen and by how much it is better, or that none is needed."""
    power, tried = codec.encoding.power, codec.tried
    names = {"none": _("no change"), "log": _("logarithm"), "boxcox": _("power")}
    chosen = names["none" if power is None else "log"]
    if power:
        chosen = _("power {power}").format(power=number(power))
    if not tried:
        return _("transform: none, as not all values are above 0")
    errors = ", ".join(f"{names[name]} {number(error, 4)}" for name, error in tried.items())
    return _(
        "transform: {chosen}; errors of the linear path on the validation part: {errors}"
    ).format(chosen=chosen, errors=errors)


def _missed(
    codec: ForecastCodec,
    data: "SeriesInParts",
    ridge: float,
    unit: NDArray[np.float64],
    origins: Rows,
) -> NDArray[np.float64]:
    """`[M]`: mean absolute errors of the linear path after `origins [M]`, in the unit `[S]` of each
    series; NaN where nothing is there to compare with.
    """
    table, seen = codec.encoding.table(data.seen), data.seen
    model = solve(table, Split.of(table, data.parts), ridge)
    values = codec.decode(linear(table, origins, model), seen, origins)
    truth = seen.target[origins[:, None] + np.arange(1, table.horizon + 1)]
    missed = np.abs(values - truth) / unit[seen.of(origins)][:, None]
    there = ~np.isnan(missed)
    found: NDArray[np.float64] = np.full(len(origins), np.nan)
    np.divide(np.where(there, missed, 0).sum(1), there.sum(1), out=found, where=there.any(1))
    return found
