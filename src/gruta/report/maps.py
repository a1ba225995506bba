"""Charts of what goes on inside a network: heat maps, bars, dots. Arrays in, a figure out."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator
from numpy.typing import NDArray

from gruta.report.charts import FAINT, INK, WIDTH, styled, write_numbers, write_powers

Array = NDArray[Any]

GATE_COLORS = "viridis"
SIGNED_COLORS = "RdBu_r"
SHADE = "#f3e9e7"
_MOST_LABELS, _MOST_CHARACTERS = 80, 90


@styled(axes__grid=False)
def heat_maps(
    maps: Sequence[tuple[str, Array, bool]],
    xlabel: str,
    ylabel: str,
    labels: Sequence[str] | None = None,
) -> Figure:
    """Maps `[rows, columns]` one below the other, with their titles.

    Signed ones run from −m to m about white; others from 0 to 1. labels: what stands at each column
    (a character, a word); left out where there are more than fit.
    """
    figure = Figure((WIDTH, 0.9 + 2.1 * len(maps)), layout="constrained")
    every = figure.subplots(len(maps), 1, sharex=True, squeeze=False)[:, 0]
    for axes, (title, values, signed) in zip(every, maps, strict=True):
        most = float(np.abs(values).max(initial=1e-12)) if signed else 1.0
        image = axes.imshow(
            values,
            aspect="auto",
            interpolation="nearest",
            cmap=SIGNED_COLORS if signed else GATE_COLORS,
            vmin=-most if signed else 0.0,
            vmax=most,
        )
        axes.set_title(title)
        axes.set_ylabel(ylabel)
        axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
        bar = figure.colorbar(image, ax=axes, pad=0.01, aspect=12)
        bar.outline.set_visible(False)
        write_numbers(bar.ax.yaxis)
    _columns(every[-1], xlabel, labels)
    return figure


@styled(axes__grid=False)
def triangle(
    values: Array,
    times: Array,
    xlabel: str,
    ylabel: str,
    labels: Sequence[str] | None = None,
) -> Figure:
    """`[K, T]`: how much each column counts for each of the rows `times [K]`, darker for more.

    Each row is scaled by its largest value.
    """
    figure = Figure((WIDTH, 4.2), layout="constrained")
    axes = figure.add_subplot(ylabel=ylabel)
    scaled = values / np.maximum(values.max(axis=1, keepdims=True), 1e-300)
    edges = np.arange(values.shape[1] + 1) - 0.5
    steps = np.concatenate([times[:1] - 0.5, times + 0.5])
    axes.pcolormesh(edges, steps, scaled, cmap="Greys", vmin=0.0, vmax=1.0, rasterized=True)
    axes.invert_yaxis()
    axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    _columns(axes, xlabel, labels)
    return figure


@styled()
def bars(groups: Sequence[tuple[str, Array, str]], xlabel: str, ylabel: str) -> Figure:
    """Bars of each group `[N]` side by side, about a line at 0: name, heights, colour."""
    figure = Figure((WIDTH, 3.2), layout="constrained")
    axes = figure.add_subplot(xlabel=xlabel, ylabel=ylabel)
    width = 0.8 / len(groups)
    for k, (name, heights, color) in enumerate(groups):
        places = np.arange(1, len(heights) + 1) + (k - (len(groups) - 1) / 2) * width
        axes.bar(places, heights, width * 0.92, label=name, color=color)
    axes.axhline(0.0, color=INK, linewidth=1.0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    write_numbers(axes.yaxis)
    if len(groups) > 1:
        figure.legend(loc="outside upper left", ncols=4)
    return figure


@styled()
def dots(
    groups: Sequence[tuple[str, Array, Array, str]], xlabel: str, ylabel: str, *, square: bool
) -> Figure:
    """A dot for each unit: name, x and y `[H]`, colour. square: both axes run from 0 to 1."""
    figure = Figure((WIDTH if not square else 4.6, 4.2), layout="constrained")
    axes = figure.add_subplot(xlabel=xlabel, ylabel=ylabel)
    for name, x, y, color in groups:
        axes.plot(x, y, "o", color=color, alpha=0.55, markersize=5, label=name, markeredgewidth=0)
    if square:
        axes.plot([0, 1], [1, 0], color=FAINT, linewidth=1.0)
        axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03))
    write_numbers(axes.xaxis, axes.yaxis)
    if len(groups) > 1:
        figure.legend(loc="outside upper left", ncols=4)
    return figure


@styled()
def log_histogram(
    groups: Sequence[tuple[str, Array, str]],
    xlabel: str,
    ylabel: str,
    mark: tuple[float, str] | None = None,
) -> Figure:
    """How many of the positive values `[N]` of each group lie where, on a logarithmic axis."""
    figure = Figure((WIDTH, 3.2), layout="constrained")
    axes = figure.add_subplot(xlabel=xlabel, ylabel=ylabel)
    low = min(float(values.min()) for _, values, _ in groups)
    high = max([float(values.max()) for _, values, _ in groups] + ([mark[0]] if mark else []))
    edges = np.geomspace(low / 1.1, high * 1.1, 31)
    for name, values, color in groups:
        axes.hist(values, edges.tolist(), label=name, color=color, alpha=0.6)
    if mark:
        axes.axvline(mark[0], color=INK, linewidth=1.0, linestyle=(0, (4, 3)), label=mark[1])
    axes.set_xscale("log")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    write_numbers(axes.xaxis, axes.yaxis)
    figure.legend(loc="outside upper left", ncols=4)
    return figure


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
    axes.invert_yaxis()
    write_numbers(axes.xaxis)
    return figure


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
        axes.set(title=panel.title, yscale="log")
        logarithmic = [axes.yaxis]
        if panel.log:
            axes.set_xscale("log")
            logarithmic.append(axes.xaxis)
        else:
            axes.xaxis.set_major_locator(MaxNLocator(5))
            write_numbers(axes.xaxis)
        for axis in logarithmic:
            axis.set_major_locator(LogLocator(numticks=4))
            axis.set_minor_locator(NullLocator())
        write_powers(*logarithmic)
        low, high = axes.get_xlim()
        axes.axvspan(max(low, panel.shaded[0]), min(high, panel.shaded[1]), color=SHADE, zorder=0)
        axes.set_xlim(low, high)
    figure.supylabel(ylabel, fontsize="medium")
    figure.legend(*every[0].get_legend_handles_labels(), loc="outside upper left", ncols=2)
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
    write_numbers(axes.xaxis, axes.yaxis)
    figure.legend(loc="outside upper left", ncols=3)
    return figure


def _columns(axes: Axes, xlabel: str, labels: Sequence[str] | None) -> None:
    axes.set_xlabel(xlabel)
    longest = max((len(label) for label in labels or ()), default=0)
    every = math.ceil((longest + 2) * len(labels or ()) / _MOST_CHARACTERS)
    if labels is not None and len(labels) <= _MOST_LABELS and longest == 1:
        every = 1
    if labels is not None and every:
        shown = range(0, len(labels), every)
        axes.set_xticks(shown, [labels[k] if labels[k].strip() else " " for k in shown])
        axes.tick_params(axis="x", labelsize=7 if len(labels) > 40 else 9, length=0)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
