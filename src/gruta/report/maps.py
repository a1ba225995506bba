"""Charts of what goes on inside a network: heat maps, bars, dots. Arrays in, a figure out."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis, XAxis
from matplotlib.dates import date2num, num2date
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, LogLocator, MaxNLocator
from numpy.typing import NDArray

from gruta.report.charts import FAINT, INK, WIDTH, Stamps, dated, legend, numbered, styled

Array = NDArray[Any]
Labels = Sequence[str] | Stamps

GATE_COLORS = "viridis"
SIGNED_COLORS = "RdBu_r"
_MOST_LABELS, _MOST_CHARACTERS = 80, 90


@styled(axes__grid=False)
def heat_maps(
    maps: Sequence[tuple[str, Array, bool]],
    xlabel: str,
    ylabel: str,
    labels: Labels | None = None,
) -> Figure:
    """Maps `[rows, columns]` one below the other, with their titles.

    Signed ones run from −m to m about white; others from 0 to 1. labels: what stands at each column
    (a character, a word, a stamp); left out where there are more than fit.
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
        numbered(axes.yaxis)
        bar = figure.colorbar(image, ax=axes, pad=0.01, aspect=12)
        bar.outline.set_visible(False)
        numbered(bar.ax.yaxis)
    _columns(every[-1], xlabel, labels)
    return figure


@styled(axes__grid=False)
def triangle(
    values: Array,
    times: Array,
    xlabel: str,
    ylabel: str,
    labels: Labels | None = None,
) -> Figure:
    """`[K, T]`: how much each column counts for each of the rows `times [K]`, darker for more.

    Each row is scaled by its largest value. labels: what stands at each step, of both axes where
    they are stamps.
    """
    figure = Figure((WIDTH, 4.2), layout="constrained")
    axes = figure.add_subplot(ylabel=ylabel)
    scaled = values / np.maximum(values.max(axis=1, keepdims=True), 1e-300)
    edges = np.arange(values.shape[1] + 1) - 0.5
    steps = np.concatenate([times[:1] - 0.5, times + 0.5])
    axes.pcolormesh(edges, steps, scaled, cmap="Greys", vmin=0.0, vmax=1.0, rasterized=True)
    axes.invert_yaxis()
    if isinstance(labels, np.ndarray):
        _stamps(axes.yaxis, labels)
    else:
        axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))
        numbered(axes.yaxis)
    _columns(axes, xlabel, labels)
    return figure


@styled(axes__grid=False)
def grid(values: Array, columns: Sequence[str], rows: Sequence[str]) -> Figure:
    """`[rows, columns]` from 0 to 1, darker for more, with what stands at each."""
    height = 1.2 + 0.2 * len(rows)
    width = min(WIDTH, 1.6 + 0.24 * len(columns))
    figure = Figure((width, height), layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(values, aspect="auto", interpolation="nearest", cmap="Greys", vmin=0.0, vmax=1.0)
    upright = max(map(len, columns), default=0) <= 2
    axes.set_xticks(range(len(columns)), list(columns), rotation=0 if upright else 90)
    axes.set_yticks(range(len(rows)), list(rows))
    axes.tick_params(
        length=0, labelsize=8, top=True, labeltop=True, bottom=False, labelbottom=False
    )
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
    numbered(axes.yaxis)
    legend(figure, axes)
    return figure


@styled()
def dots(
    groups: Sequence[tuple[str, Array, Array, str]], xlabel: str, ylabel: str, *, square: bool
) -> Figure:
    """A dot for each unit: name, x and y `[H]`, colour. square: both axes run from 0 to 1."""
    figure = Figure((4.2, 3.9) if square else (WIDTH, 4.2), layout="constrained")
    axes = figure.add_subplot(xlabel=xlabel, ylabel=ylabel)
    for name, x, y, color in groups:
        axes.plot(x, y, "o", color=color, alpha=0.55, markersize=5, label=name, markeredgewidth=0)
    if square:
        axes.plot([0, 1], [1, 0], color=FAINT, linewidth=1.0)
        axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03))
    numbered(axes.xaxis, axes.yaxis)
    legend(figure, axes)
    return figure


@styled()
def log_histogram(
    groups: Sequence[tuple[str, Array, str]],
    xlabel: str,
    ylabel: str,
    marks: Sequence[tuple[float, str]] = (),
) -> Figure:
    """How many of the positive values `[N]` of each group lie where, on a logarithmic axis.

    marks: values to mark, with what they are.
    """
    figure = Figure((WIDTH, 3.2), layout="constrained")
    axes = figure.add_subplot(xlabel=xlabel, ylabel=ylabel)
    low = min(float(values.min()) for _, values, _ in groups)
    high = max([float(values.max()) for _, values, _ in groups] + [x for x, _ in marks])
    edges = np.geomspace(low / 1.1, high * 1.1, 31)
    for name, values, color in groups:
        axes.hist(values, edges.tolist(), label=name, color=color, alpha=0.6)
    for k, (x, name) in enumerate(marks):
        dash = (0, (4, 3, *(1, 3) * k))
        axes.axvline(x, color=INK, linewidth=1.0, linestyle=dash, label=name)
    axes.set_xscale("log")
    if high < 100 * low:
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    numbered(axes.xaxis, axes.yaxis)
    legend(figure, axes)
    return figure


def _columns(axes: Axes, xlabel: str, labels: Labels | None) -> None:
    axes.set_xlabel(xlabel)
    if isinstance(labels, np.ndarray):
        _stamps(axes.xaxis, labels)
        return
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
        numbered(axes.xaxis)


def _stamps(axis: Axis, stamps: Stamps) -> None:
    """Ticks at round stamps of an axis that counts them from 0."""
    days = date2num(stamps)  # type: ignore[no-untyped-call]
    locator, formatter = dated(7)
    first, last = num2date(days[0]), num2date(days[-1])  # type: ignore[no-untyped-call]
    ticks = [tick for tick in locator.tick_values(first, last) if days[0] <= tick <= days[-1]]
    shown = FixedFormatter(formatter.format_ticks(ticks))
    if isinstance(axis, XAxis):
        shown.set_offset_string(formatter.get_offset())
    axis.set_major_locator(FixedLocator(np.interp(ticks, days, np.arange(len(days))).tolist()))
    axis.set_major_formatter(shown)
