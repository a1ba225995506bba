"""The rates of everyone in one picture."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from gruta.bench.cases import Regime
from gruta.bench.names import regime_name, rival_name, significant, sizes, threads_name
from gruta.bench.results import Row
from gruta.bench.rivals import ENTRIES, GRUTA
from gruta.cells import CELLS
from gruta.locale import translate as _
from gruta.report.charts import ACCENTS, INK, styled

Line = tuple[Regime, str]

MARKS = {
    GRUTA: ("o", ACCENTS["gru"], 8.0),
    "torch": ("s", "#c2410c", 5.0),
    "onnxruntime": ("^", "#5b5fc7", 6.0),
    "openvino": ("D", "#5d626a", 4.5),
    "jax": ("v", "#b8860b", 6.0),
}
"""Marker, colour and size: told apart by their shape too, and gruta, the first, lies lowest."""


@styled()
def draw(rows: Sequence[Row], threads: int) -> Figure | None:
    """A panel a cell, a line a case, GFLOP/s on a logarithmic axis; None if nothing was timed."""
    rows = [row for row in rows if any(o.timing for o in row.outcomes)]
    cells = [cell for cell in CELLS if any(row.case.cell == cell for row in rows)]
    if not cells:
        return None
    lines = list(dict.fromkeys(_line(row) for row in rows))
    height = 1.3 + 0.24 * len(lines) + 0.3 * len({regime for regime, _sizes in lines})
    figure = Figure((3.2 + 3.1 * len(cells), height), layout="constrained")
    figure.suptitle(
        _("GFLOP/s on {threads}; further right is faster").format(threads=threads_name(threads)),
        fontsize="large",
    )
    places = _places(lines)
    panels = figure.subplots(1, len(cells), sharey=True, squeeze=False)[0]
    for axes, cell in zip(panels, cells, strict=True):
        _panel(axes, [row for row in rows if row.case.cell == cell], places)
        axes.set_title(cell.upper())
    _label(panels[0], places)
    handles = {label: handle for axes in panels for handle, label in _handles(axes)}
    figure.legend(
        list(handles.values()), list(handles), loc="outside lower center", ncols=3 * len(cells)
    )
    return figure


def _line(row: Row) -> Line:
    return row.case.regime, sizes(row.case)


def _places(lines: Sequence[Line]) -> dict[Line, float]:
    """Where each line stands, from the top; regimes stand apart by the height of a heading."""
    places, y, last = {}, 0.0, ""
    for line in sorted(lines, key=lambda line: [regime for regime, _s in lines].index(line[0])):
        y += 1.0 if line[0] == last else 2.2
        last = line[0]
        places[line] = y
    return places


def _panel(axes: Axes, rows: Sequence[Row], places: dict[Line, float]) -> None:
    for y in places.values():
        axes.axhline(y, color="#eef0f2", linewidth=0.8, zorder=0)
    for rival in ENTRIES:
        marker, color, size = MARKS[rival]
        points = []
        for row in rows:
            best = row.of(rival)
            if best is not None and (rate := row.gflops(best)):
                points.append((rate, places[_line(row)]))
        if points:
            style: Any = {"marker": marker, "color": color, "markersize": size, "alpha": 0.9}
            axes.plot(*_split(points), linestyle="", label=rival_name(rival), **style)
    limits = [(row.limit, places[_line(row)]) for row in rows if row.limit]
    if limits:
        style = {"marker": "|", "color": INK, "markersize": 11}
        axes.plot(*_split(limits), linestyle="", label=_("limit of the machine"), **style)
    axes.set_xscale("log")
    axes.grid(True, axis="x")
    axes.grid(False, axis="y")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _position: significant(value, 1)))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _label(axes: Axes, places: dict[Line, float]) -> None:
    """The cases at their places, and over the first of a regime its name."""
    axes.set_yticks(list(places.values()), [text for _regime, text in places])
    axes.set_ylim(max(places.values()) + 0.8, 0.3)
    last = ""
    for (regime, _sizes), y in places.items():
        if regime != last:
            axes.annotate(
                regime_name(regime),
                (0, y - 0.95),
                xycoords=("axes fraction", "data"),
                xytext=(-4, 0),
                textcoords="offset points",
                ha="right",
                va="center",
                fontweight="bold",
                fontsize="small",
                annotation_clip=False,
            )
        last = regime


def _split(points: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [x for x, _y in points], [y for _x, y in points]


def _handles(axes: Axes) -> list[tuple[Any, str]]:
    return list(zip(*axes.get_legend_handles_labels(), strict=True))
