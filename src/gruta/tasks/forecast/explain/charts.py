"""Pictures of what a forecast is made of: arrays in, a matplotlib figure out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.dates import date2num
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from gruta.codec.series.frequency import Stamps
from gruta.locale import translate as _
from gruta.report.charts import INK, WIDTH, along, legend, numbered, styled

Values = NDArray[np.float64]

COLORS = ("#2f5d8a", "#8fb8de", "#e0a030", "#7a9e4b", "#a05c7b", "#c9785c", "#6b6f9c")
"""Of the linear path's parts; the network's correction has the colour of its cell."""


@dataclass(frozen=True, eq=False)
class Part:
    """Something that adds `values [K]` to a forecast."""

    name: str
    color: str
    values: Values


@styled()
def stacked(times: Stamps, parts: Sequence[Part], total: Values, ylabel: str) -> Figure:
    """Bars of all parts, those above 0 on each other, those below hanging; a line at their sum."""
    figure = Figure((WIDTH, 4.0), layout="constrained")
    axes = figure.add_subplot(ylabel=ylabel)
    dates = times.dtype.kind == "M"
    places = np.asarray(date2num(times)) if dates else times  # type: ignore[no-untyped-call]
    width = 0.9 * float(np.diff(places).min()) if len(places) > 1 else 0.5
    top, bottom = np.zeros(len(times)), np.zeros(len(times))
    for part in parts:
        base = np.where(part.values >= 0, top, bottom)
        axes.bar(places, part.values, width, bottom=base, color=part.color, label=part.name)
        top += np.maximum(part.values, 0)
        bottom += np.minimum(part.values, 0)
    axes.plot(places, total, color=INK, linewidth=1.4, marker=".", markersize=4, label=_("sum"))
    axes.axhline(0.0, color=INK, linewidth=0.8)
    along(axes, times)
    axes.margins(x=0.01)
    numbered(axes.yaxis)
    legend(figure, axes)
    return figure


@styled(axes__grid__axis="x")
def by_source(
    names: Sequence[str], groups: Sequence[tuple[str, Values, str]], xlabel: str
) -> Figure:
    """A bar for each name and group, about a line at 0: the group's name, lengths, colour."""
    figure = Figure((WIDTH, 1.1 + 0.34 * len(names)), layout="constrained")
    axes = figure.add_subplot(xlabel=xlabel)
    height = 0.76 / len(groups)
    for k, (name, lengths, color) in enumerate(groups):
        places = np.arange(len(names)) + (k - (len(groups) - 1) / 2) * height
        axes.barh(places, lengths, height * 0.94, label=name, color=color)
    axes.axvline(0.0, color=INK, linewidth=1.0)
    axes.set_yticks(np.arange(len(names)), names, color=INK)
    axes.set_ylim(len(names) - 0.4, -0.6)
    numbered(axes.xaxis)
    legend(figure, axes)
    return figure


@styled(axes__grid__axis="x")
def importance(
    names: Sequence[str], rises: Values, errors: Values, xlabel: str, color: str
) -> Figure:
    """A bar for each name, with its standard error where that is known."""
    figure = Figure((WIDTH, 0.9 + 0.34 * len(names)), layout="constrained")
    axes = figure.add_subplot(xlabel=xlabel)
    places = np.arange(len(names))
    axes.barh(places, rises, 0.66, color=color, alpha=0.85)
    known = np.isfinite(errors)
    axes.errorbar(
        rises[known],
        places[known],
        xerr=errors[known],
        fmt="none",
        ecolor=INK,
        elinewidth=1.2,
        capsize=3,
    )
    axes.axvline(0.0, color=INK, linewidth=1.0)
    axes.set_yticks(places, names, color=INK)
    axes.set_ylim(len(names) - 0.4, -0.6)
    numbered(axes.xaxis)
    return figure


@styled()
def by_lag(shares: Values, color: str) -> Figure:
    """The share `[N]` of each lag, the newest value's first."""
    figure = Figure((WIDTH, 3.0), layout="constrained")
    axes = figure.add_subplot(xlabel=_("steps before the newest value"), ylabel=_("share (%)"))
    axes.bar(np.arange(len(shares)), 100 * shares, 0.8, color=color)
    axes.xaxis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 5, 10], integer=True))
    axes.margins(x=0.01)
    numbered(axes.xaxis, axes.yaxis)
    return figure
