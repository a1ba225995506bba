"""Forecasts with their intervals over what came."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from gruta.locale import translate as _
from gruta.locale.numbers import percent
from gruta.report.charts import FAINT, INK, WIDTH, Values, along, legend, numbered, styled


@dataclass(frozen=True, eq=False)
class Window:
    """A forecast made in one go: times or rows' numbers, middle, and where there is an interval its
    ends, `[K]`.
    """

    times: NDArray[Any]
    middle: Values
    low: Values | None = None
    high: Values | None = None


@dataclass(frozen=True, eq=False)
class Panel:
    """The forecasts of one model."""

    title: str
    color: str
    windows: Sequence[Window]


@styled()
def forecasts(
    times: NDArray[Any],
    truth: Values,
    panels: Sequence[Panel],
    ylabel: str,
    share: float | None = None,
) -> Figure:
    """Truth `[N]` under each model's forecasts; `share` of the truth should be in the intervals."""
    figure = Figure((WIDTH, 1.0 + max(2.0 * len(panels), 2.7)), layout="constrained")
    every = figure.subplots(len(panels), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    for axes, panel in zip(every, panels, strict=True):
        for part in _unbroken(times):
            axes.plot(times[part], truth[part], color=INK, linewidth=1.1, label=_("actual"))
        for window in panel.windows:
            _draw_window(axes, window, panel.color, share)
            if len(panel.windows) > 1:
                start = window.times[0]
                axes.axvline(start, color=FAINT, linewidth=0.8, linestyle=(0, (2, 2)), zorder=0)
        axes.set_title(panel.title, color=panel.color)
        axes.margins(x=0.01)
        numbered(axes.yaxis)
    along(every[-1], times)
    figure.supylabel(ylabel, fontsize="medium")
    legend(figure, every[0])
    return figure


@styled()
def coverage(bands: Sequence[tuple[float, Values, Values]], color: str) -> Figure:
    """For each band the share that it should hold, and by step `[K]` what it held and the standard
    error of that, NaN where there is none.
    """
    figure = Figure((WIDTH, 3.4), layout="constrained")
    axes = figure.add_subplot(xlabel=_("steps ahead"), ylabel=_("share inside (%)"))
    for i, (nominal, held, error) in enumerate(bands):
        steps, alpha = np.arange(1, len(held) + 1), max(0.4, 1 - 0.4 * i)
        label = _("interval that should hold {share}").format(share=percent(nominal))
        axes.plot(steps, 100 * held, color=color, linewidth=1.6, alpha=alpha, label=label)
        low, high = (100 * np.clip(held + side * error, 0, 1) for side in (-1, 1))
        axes.fill_between(steps, low, high, color=color, alpha=0.16, linewidth=0)
        axes.axhline(100 * nominal, color=INK, linewidth=1.0, linestyle=(0, (4, 3)))
    axes.margins(x=0.01)
    axes.xaxis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 5, 10], integer=True))
    numbered(axes.xaxis, axes.yaxis)
    legend(figure, axes)
    return figure


def _draw_window(axes: Axes, window: Window, color: str, share: float | None) -> None:
    if window.low is not None and window.high is not None:
        label = _("interval that should hold {share}").format(share=percent(share))
        axes.fill_between(
            window.times, window.low, window.high, color=color, alpha=0.22, linewidth=0, label=label
        )
    if len(window.times) > 1:
        axes.plot(
            window.times, window.middle, color=color, linewidth=1.6, alpha=0.9, label=_("forecast")
        )


def _unbroken(times: NDArray[Any]) -> list[slice]:
    """Stretches of `times` without a leap, so that no line bridges what was not looked at."""
    steps = np.diff(times)
    leaps = np.flatnonzero(steps > 4 * np.median(steps)) + 1 if len(steps) else steps[:0]
    edges = [0, *(int(i) for i in leaps), len(times)]
    return [slice(a, b) for a, b in pairwise(edges)]
