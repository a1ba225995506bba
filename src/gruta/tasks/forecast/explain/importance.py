"""What each source of a forecaster's inputs is worth: by how much its errors grow without it.

A source is taken away by exchanging its part among origins, so that each has that of another
(Breiman 2001; Fisher, Rudin, Dominici 2019, arXiv:1801.01489). Two sources that tell the same stand
in for each other, and neither seems worth much.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gruta.codec.series.codec import ForecastCodec
from gruta.codec.series.series import Series
from gruta.tasks.forecast.explain.sources import Inputs, Parts, Source, batch, inputs_at, sources
from gruta.tasks.forecast.scores import overlapping, standard_error
from gruta.tasks.forecast.split import Parts as RowsInParts
from gruta.tasks.forecast.split import Split
from gruta.tasks.trained import Trained

Values = NDArray[np.float64]

MOST_ORIGINS, FEWEST_ORIGINS = 128, 16
"""So many, from all over the validation part; of fewer nothing is told."""

MOST_ROWS = 2**21
"""So many rows of windows are read at most, some seconds' worth."""

MOST_NUMBERS = 2**25
"""So many numbers are held at most."""

_EXCHANGES = 3


@dataclass(frozen=True)
class Importance:
    """By how much the mean absolute error rises without a source, and the standard error of that,
    NaN of too few forecasts; in the target's unit.
    """

    source: Source
    rise: float
    error: float


@dataclass(frozen=True)
class Importances:
    """Of all sources, the largest first; missed: the mean absolute error with all of them."""

    target: str
    cell: str
    missed: float
    origins: int
    each: Sequence[Importance]


def importances(trained: Trained[ForecastCodec], series: Series) -> Importances | None:
    """Over the validation part of the series that it was trained on; None where that is short, the
    target was transformed, or forecasts are read back.
    """
    encoding, head = trained.codec.encoding, trained.head
    if encoding.transformed or trained.settings.strategy != "direct":
        return None
    table, every = encoding.table(series), sources(encoding, coarse=True)
    validation = Split.of(table, RowsInParts.of(series, trained.settings)).validation
    rows = len(every) * _EXCHANGES * table.lookback
    most = min(
        MOST_ORIGINS,
        MOST_ROWS // rows,
        MOST_NUMBERS // (len(every) * table.lookback * table.past_width),
    )
    if min(most, len(validation)) < FEWEST_ORIGINS:
        return None
    origins = validation[np.linspace(0, len(validation) - 1, most).astype(int)]
    origins = np.unique(origins)
    inputs = inputs_at(table, origins)
    parts = Parts(table, inputs, every, head.means)
    truth = inputs["now"][:, None] + table.changes(origins)
    scale = encoding.scales(series).scale[series.of(origins)]
    some = ~np.isnan(truth).all(1)
    if some.sum() < FEWEST_ORIGINS:
        return None

    def missed(read: Inputs) -> Values:
        forecast = read["now"][:, None] + head.median(batch(read))
        found: Values = np.nanmean(np.abs(truth - forecast)[some], 1) * scale[some]
        return found

    usual, draw = missed(inputs), np.random.default_rng(0)
    orders = [draw.permutation(len(origins)) for _ in range(_EXCHANGES)]
    moments = series.times_at(origins + 1)
    overlap = overlapping(moments, series.times_at(origins + table.horizon))
    each = []
    for i, source in enumerate(every):
        risen = np.mean([missed(parts.exchanged(i, order)) for order in orders], 0) - usual
        error, _blocks = standard_error(risen, overlap, moments[some])
        each.append(Importance(source, float(risen.mean()), float(error)))
    each.sort(key=lambda one: -one.rise)
    names = encoding.columns
    return Importances(names.target, trained.settings.cell, float(usual.mean()), len(origins), each)
