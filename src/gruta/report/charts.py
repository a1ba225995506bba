"""Charts that know no task: arrays in, a matplotlib figure out.

Figures are made as objects and never handed to pyplot, so nothing stays open behind them.
"""

import math
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import Formatter, FuncFormatter, LogLocator, MaxNLocator, NullLocator
from numpy.typing import NDArray

from gruta.locale import translate as _
from gruta.locale.numbers import alike, date_formats, number, power_of_ten

Values = NDArray[np.float64]
Stamps = NDArray[np.datetime64]

INK = "#22252a"
FAINT = "#c9ccd1"
ACCENTS = {"gru": "#00796b", "lstm": "#d1660f", "rnn": "#7a4fb5"}

# From dark to light, each with a dash of its own: greys alone are hard to tell apart.
GREYS: tuple[tuple[str, Any], ...] = (
    ("#33373d", "-"),
    ("#5d626a", (0, (6, 2))),
    ("#7b8089", (0, (4, 1.5, 1, 1.5))),
    ("#8f949c", (0, (2.5, 1.5))),
    ("#a2a7ae", (0, (1, 1.2))),
)

_MORE_DASHES = (
    (0, (8, 2, 2, 2)),
    (0, (3, 3)),
    (0, (10, 3)),
    (0, (1, 2.5)),
    (0, (4, 1, 1, 1, 1, 1)),
)
"""Of a sixth line and the next: their greys are those of the first five."""

# matplotlib types the names as a closed list, which a plain dict does not satisfy.
STYLE: Any = {
    "axes.edgecolor": FAINT,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.grid.axis": "y",
    "axes.labelcolor": INK,
    "axes.spines.left": False,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "figure.constrained_layout.h_pad": 0.06,
    "figure.constrained_layout.w_pad": 0.06,
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "grid.color": "#e6e8eb",
    "grid.linewidth": 0.8,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "legend.handlelength": 2.8,
    "lines.solid_capstyle": "round",
    "text.color": INK,
    "text.parse_math": False,  # a column's name may hold dollar signs
    "xtick.color": FAINT,
    "xtick.labelcolor": "#5b6068",
    "ytick.color": FAINT,
    "ytick.labelcolor": "#5b6068",
    "ytick.major.size": 0,
}

_FEW_DECADES = 3
_CHARACTER, _HANDLE = 0.0115, 0.11
"""About how wide a character is, and what stands before a name, as shares of a chart's width."""
_styling = threading.RLock()

WIDTH = 6.8
"""Inches: the width at which the text of a chart is as large as that of the page."""


@contextmanager
def styled(**more: Any) -> Iterator[None]:
    """Draw in our style, and with `more` of matplotlib's settings, dots in their names as "__".

    There is one set of them a process: threads take turns, so that the caller's are put back.
    """
    settings = {name.replace("__", "."): value for name, value in more.items()}
    with _styling, mpl.rc_context(STYLE | settings):
        yield


@dataclass(frozen=True)
class Stroke:
    """How a line is drawn."""

    color: str
    dash: Any = "-"
    width: float = 1.6
    alpha: float = 1.0
    marker: str = ""


@dataclass(frozen=True, eq=False)
class Curve:
    """A named line: x and y `[N]`; NaN leaves a gap."""

    label: str
    x: Values
    y: Values
    stroke: Stroke


def strokes(models: Iterable[str]) -> dict[str, Stroke]:
    """A colour for each recurrent cell, the same everywhere; greys for the others, darkest last.

    The last is the strongest in a list of baselines that begins with the simplest.
    """
    models = list(models)
    others = [model for model in reversed(models) if model not in ACCENTS]
    shades = [*GREYS, *((c, dash) for (c, _), dash in zip(GREYS, _MORE_DASHES, strict=True))]
    greys = {m: Stroke(*shades[i % len(shades)], width=1.3) for i, m in enumerate(others)}
    return {m: greys[m] if m in greys else Stroke(ACCENTS[m], width=2.0) for m in models}


@styled()
def lines(
    curves: Sequence[Curve],
    xlabel: str,
    ylabel: str,
    *,
    log: bool = False,
    doubling: bool = False,
    limit: tuple[float, str] | None = None,
    marks: Sequence[tuple[float, str]] = (),
) -> Figure:
    """Curves in one chart; `limit` is a value of y to mark, `marks` are some of x, with names.

    log: y on a logarithmic axis. doubling: x on one where each mark is twice the one before.
    """
    figure = Figure((WIDTH, 3.7), layout="constrained")
    axes = figure.add_subplot(xlabel=xlabel, ylabel=ylabel)
    for curve in curves:
        style = curve.stroke
        axes.plot(
            curve.x,
            curve.y,
            label=curve.label,
            color=style.color,
            linestyle=style.dash,
            linewidth=style.width,
            alpha=style.alpha,
            marker=style.marker,
            markersize=4.5,
        )
    if limit:
        axes.axhline(limit[0], color=INK, linewidth=1.0, linestyle=(0, (4, 3)), label=limit[1])
    for x, _name in marks:
        axes.axvline(x, color=FAINT, linewidth=1.0, zorder=0)
    if doubling:
        axes.set_xscale("log", base=2)
        axes.xaxis.set_minor_locator(NullLocator())
    elif all((curve.x % 1 == 0).all() for curve in curves):
        axes.xaxis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 5, 10], integer=True))
    if log:
        axes.set_yscale("log")
        axes.yaxis.set_minor_locator(NullLocator())
    axes.margins(x=0.01)
    _name_marks(axes, marks)
    numbered(axes.xaxis, axes.yaxis)
    if log and _decades(curves) > _FEW_DECADES:
        axes.yaxis.set_major_locator(LogLocator(numticks=8))
        in_powers(axes.yaxis)
    elif log:
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    legend(figure, axes)
    return figure


def _name_marks(axes: Axes, marks: Sequence[tuple[float, str]]) -> None:
    """The names above the marks, in as many rows as it takes for none to touch another."""
    to_share = axes.transData + axes.transAxes.inverted()
    free: list[float] = []  # where each row has room from, as a share of the width
    for x, name in sorted(marks):
        width = _CHARACTER * len(name)
        middle = float(to_share.transform((x, axes.get_ylim()[1]))[0])
        start = min(max(middle - width / 2, 0.0), 1.0 - width)
        row = next((k for k, end in enumerate(free) if end <= start), len(free))
        free[row : row + 1] = [start + width + _CHARACTER]
        axes.text(
            start + width / 2,
            1.01 + 0.055 * row,
            name,
            transform=axes.transAxes,
            ha="center",
            fontsize=8.5,
        )


def _decades(curves: Sequence[Curve]) -> float:
    """How many powers of ten the positive values span."""
    values = np.concatenate([curve.y[np.isfinite(curve.y) & (curve.y > 0)] for curve in curves])
    return float(np.log10(values.max() / values.min())) if len(values) else 0.0


def dated(most: int = 9) -> tuple[Any, Any]:
    """Locator and formatter of an axis of stamps with at most so many ticks."""
    locator = AutoDateLocator(minticks=3, maxticks=most)  # type: ignore[no-untyped-call]
    formats = date_formats()
    formatter = ConciseDateFormatter(  # type: ignore[no-untyped-call]
        locator,
        formats=formats,
        zero_formats=["", formats[0], formats[2], *formats[2:5]],
        offset_formats=["", "", *["%Y"] * 4],  # months say their year themselves
    )
    return locator, formatter


def along(axes: Axes, places: NDArray[Any]) -> None:
    """Dates below an axis of stamps; numbers below one of numbered rows."""
    if places.dtype.kind == "M":
        locator, formatter = dated()
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(formatter)
        return
    axes.xaxis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 5, 10], integer=True))
    numbered(axes.xaxis)
    axes.set_xlabel(_("row"))


class _Numbers(Formatter):
    """The reader's numbers; on an axis of even steps with as many decimals each."""

    def __call__(self, value: float, _position: int | None = None) -> str:
        return number(value)

    def format_ticks(self, values: Any) -> list[str]:
        even = self.axis is not None and self.axis.get_scale() == "linear"  # type: ignore[union-attr]
        even = even or (len(values) > 0 and max(values) < 10 * min(values))  # less than a decade
        return alike(values) if even else [number(value) for value in values]


def numbered(*axis: Axis) -> None:
    """Numbers at the ticks, as the reader's language writes them."""
    for one in axis:
        one.set_major_formatter(_Numbers())


def in_powers(*axis: Axis) -> None:
    """Powers of ten at the ticks of a logarithmic axis."""
    for one in axis:
        one.set_major_formatter(FuncFormatter(lambda value, _position: power_of_ten(value)))


def legend(figure: Figure, axes: Axes) -> None:
    """What the axes' lines and areas are, above the chart, if they are more than one."""
    handles, labels = axes.get_legend_handles_labels()
    named = dict(zip(labels, handles, strict=True))
    if len(named) > 1:
        columns = next(n for n in (4, 3, 2, 1) if n == 1 or _fit(list(named), n))
        rows = math.ceil(len(named) / columns)
        figure.legend(
            list(named.values()),
            list(named),
            loc="outside upper left",
            ncols=math.ceil(len(named) / rows),
        )


def _fit(names: Sequence[str], columns: int) -> bool:
    """Whether a legend's names, so many columns of them, are no wider than the chart."""
    rows = math.ceil(len(names) / columns)
    widths = [max(map(len, names[k : k + rows])) for k in range(0, len(names), rows)]
    return sum(_HANDLE + _CHARACTER * width for width in widths) <= 1.0
