"""Charts of many trainings: dots by row and in panels, and paths on a map."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator
from numpy.typing import NDArray

from gruta.report.charts import FAINT, INK, WIDTH, in_powers, legend, numbered, styled

Array = NDArray[Any]

SHADE = "#f3e9e7"


@styled(axes__grid__axis="x")
def dots_by_row(rows: Sequence[tuple[str, Array]], xlabel: str, color: str) -> Figure:
    """A row of dots for each name, with a stroke at their mean, about a line at 0."""
    figure = Figure((WIDTH, 0.9 + 0.26 * len(rows)), layout="constrained")
    axes = figure.add_subplot(xlabel=xlabel)
    places = np.arange(len(rows))
    for place, (_name, x) in zip(places, rows, strict=True):
        axes.plot(x, np.full(len(x), place), "o", color=color, alpha=0.45, markersize=5, mew=0)
        axes.plot(x.mean(), place, "|", color=color, markersize=11, markeredgewidth=2)
    axes.axvline(0.0, color=INK, linewidth=1.0)
    axes.set_yticks(places, [name for name, _x in rows], color=INK)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    numbered(axes.xaxis)
    return figure


@styled(axes__grid__axis="x")
def bars_by_row(rows: Sequence[tuple[str, float, float]], xlabel: str, color: str) -> Figure:
    """A dot for each name, value and error, with a bar as long as the error to either side, about
    a line at 0.
    """
    figure, axes = _by_row([name for name, _x, _e in rows], xlabel)
    for place, (_name, x, error) in enumerate(rows):
        axes.plot([x - error, x + error], [place, place], color=color, alpha=0.35, linewidth=3)
        axes.plot(x, place, "o", color=color, markersize=4.5, mew=0)
    axes.axvline(0.0, color=INK, linewidth=1.0)
    return figure


@styled(axes__grid__axis="x")
def marks_by_row(
    rows: Sequence[tuple[str, Sequence[float]]],
    marks: Sequence[float],
    about: float,
    xlabel: str,
    color: str,
) -> Figure:
    """A dot for each mark in the row of each name, beside lines at the marks with stripes `about`
    wide to either side.
    """
    figure, axes = _by_row([name for name, _x in rows], xlabel)
    for mark in marks:
        axes.axvspan(mark - about, mark + about, color=SHADE, zorder=0)
        axes.axvline(mark, color=INK, linewidth=1.0)
    for place, (_name, values) in enumerate(rows):
        axes.plot(values, np.full(len(values), place), color=FAINT, linewidth=1.0, zorder=1)
        for value, filled in zip(values, (True, False), strict=False):
            face = color if filled else "white"
            axes.plot(value, place, "o", color=color, markerfacecolor=face, markersize=5)
    return figure


def _by_row(names: Sequence[str], xlabel: str) -> tuple[Figure, Axes]:
    """A figure with a row for each name, the first on top."""
    figure = Figure((WIDTH, 0.9 + 0.2 * len(names)), layout="constrained")
    axes = figure.add_subplot(xlabel=xlabel)
    axes.set_yticks(np.arange(len(names)), names, color=INK, fontsize=7.5)
    axes.set_ylim(len(names) - 0.4, -0.6)
    numbered(axes.xaxis)
    return figure, axes


@dataclass(frozen=True, eq=False)
class DotPanel:
    """Dots in groups: name, x and y `[N]`, colour; y is logarithmic, x where `log` says so.

    shaded: a stretch of x to set off; an end beyond the dots means the panel's edge.
    """

    title: str
    groups: Sequence[tuple[str, Array, Array, str]]
    shaded: tuple[float, float]
    log: bool = True


@styled()
def dot_panels(panels: Sequence[DotPanel], ylabel: str) -> Figure:
    """Two panels in a row, under one legend of their groups."""
    rows = math.ceil(len(panels) / 2)
    figure = Figure((WIDTH, 2.5 * rows), layout="constrained")
    every = figure.subplots(rows, 2, squeeze=False).ravel()
    for axes in every[len(panels) :]:
        axes.remove()
    for panel, axes in zip(panels, every, strict=False):
        for name, x, y, color in panel.groups:
            axes.plot(x, y, "o", color=color, alpha=0.6, markersize=5, mew=0, label=name)
        axes.set_title(panel.title, fontsize=8.5)
        axes.set_yscale("log")
        logarithmic = [axes.yaxis]
        if panel.log:
            axes.set_xscale("log")
            logarithmic.append(axes.xaxis)
        else:
            axes.xaxis.set_major_locator(MaxNLocator(5))
            numbered(axes.xaxis)
        for axis in logarithmic:
            axis.set_major_locator(LogLocator(numticks=4))
            axis.set_minor_locator(NullLocator())
        in_powers(*logarithmic)
        low, high = axes.get_xlim()
        axes.axvspan(max(low, panel.shaded[0]), min(high, panel.shaded[1]), color=SHADE, zorder=0)
        axes.set_xlim(low, high)
    figure.supylabel(ylabel, fontsize="medium")
    legend(figure, every[0])
    return figure


@styled(axes__grid=False)
def paths_on_a_map(
    height: Array,
    edges: tuple[tuple[float, float], tuple[float, float]],
    paths: Mapping[str, tuple[Array, str]],
    xlabel: str,
    ylabel: str,
) -> Figure:
    """Paths `[N, 2]` from one start over a map `[rows, columns]`, darker for higher.

    edges: of x and of y. paths: by name, with their colours.
    """
    figure = Figure((WIDTH, 4.4), layout="constrained")
    axes = figure.add_subplot(xlabel=xlabel, ylabel=ylabel, xlim=edges[0], ylim=edges[1])
    axes.imshow(
        height,
        origin="lower",
        aspect="auto",
        cmap="Greys",
        extent=(*edges[0], *edges[1]),
        alpha=0.8,
    )
    for name, (path, color) in paths.items():
        axes.plot(*path.T, color=color, linewidth=1.4, marker=".", label=name)
    for path, _color in list(paths.values())[:1]:
        axes.plot(*path[0], "o", color=INK, markersize=7)
    numbered(axes.xaxis, axes.yaxis)
    legend(figure, axes)
    return figure
