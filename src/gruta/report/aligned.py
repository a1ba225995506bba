"""Attention drawn: which character each step looked at."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from gruta.report.charts import WIDTH, numbered, styled

_COLORS = "magma"
_MOST = 60
"""Characters that are named, at most."""


@styled(axes__grid=False)
def alignment(
    weights: NDArray[np.floating], letters: Sequence[str], xlabel: str, ylabel: str
) -> Figure:
    """`[S, T]`: characters upwards, steps to the right; no weight is black."""
    named = len(letters) <= _MOST
    height = max(3.4, 0.125 * len(letters)) if named else 3.4
    figure = Figure((WIDTH, height), layout="constrained")
    axes = figure.subplots()
    axes.imshow(
        weights,
        aspect="auto",
        origin="lower",
        interpolation="nearest",
        cmap=_COLORS,
        vmin=0,
        vmax=max(float(weights.max(initial=0)), 1e-6),
        extent=(0.5, weights.shape[1] + 0.5, -0.5, len(letters) - 0.5),
    )
    if named:
        axes.set_yticks(range(len(letters)), letters, fontsize=7)
    axes.set(xlabel=xlabel, ylabel=ylabel)
    numbered(axes.xaxis)
    return figure
