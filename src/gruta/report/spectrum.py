"""A recording drawn: its frames over time, with what was heard where."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from gruta.report.charts import INK, WIDTH, numbered, styled

_COLORS = "magma"


def _heights(*beside: Sequence[object]) -> tuple[float, float, float]:
    """Of words, frames and marks; none where there are none."""
    above, below = (0.12 if one else 0.001 for one in beside)
    return above, 0.76, below


@styled(axes__grid=False)
def spectrum(
    frames: NDArray[np.floating],
    hop: float,
    words: Sequence[tuple[float, float, str]],
    marks: Sequence[tuple[float, str]],
    xlabel: str,
    ylabel: str,
) -> Figure:
    """`[T, C]`, a frame each `hop` seconds, channels upwards; each channel from its 2nd to its 98th
    hundredth, or all alike.

    words: where each begins and ends, in seconds, above. marks: what stands where, below.
    """
    figure = Figure((WIDTH, 3.4), layout="constrained")
    above, axes, below = figure.subplots(
        3, 1, sharex=True, height_ratios=_heights(words, marks), squeeze=True
    )
    low, high = np.percentile(frames, (2, 99.5)) if frames.size else (0.0, 1.0)
    axes.imshow(
        frames.T,
        aspect="auto",
        origin="lower",
        interpolation="nearest",
        cmap=_COLORS,
        vmin=low,
        vmax=max(high, low + 1e-6),
        extent=(0, len(frames) * hop, 0.5, frames.shape[1] + 0.5),
    )
    for begin, end, word in words:
        for edge in (begin, end):
            axes.axvline(edge, color="white", linewidth=0.6, alpha=0.7)
        above.plot([begin, end], [0, 0], color=INK, linewidth=2, solid_capstyle="butt")
        above.text((begin + end) / 2, 0.25, word, ha="center", va="bottom", fontsize=9)
    for place, sign in marks:
        below.text(place, 0.5, sign, ha="center", va="center", fontsize=8, clip_on=True)
    above.set(ylim=(-0.2, 1.5))
    below.set(ylim=(0, 1), xlabel=xlabel, xlim=(0, max(len(frames) * hop, hop)))
    for bare in (above, below):
        bare.set_yticks([])
        for side in ("left", "right", "top", "bottom"):
            bare.spines[side].set_visible(False)
    above.tick_params(axis="x", length=0, labelbottom=False)
    axes.tick_params(axis="x", length=0, labelbottom=False)
    axes.set_ylabel(ylabel)
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    numbered(below.xaxis, axes.yaxis)
    return figure
