"""What stands at a chart's axes and marks, in both languages."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from gruta.locale import spoken
from gruta.report.charts import Curve, Stroke, dated, lines, styled
from gruta.report.maps import heat_maps


def drawn(figure):
    """The axes, once all is placed."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return figure.axes[0], canvas.get_renderer()


def ticks(axis):
    low, high = sorted(axis.get_view_interval())
    return [t.label1.get_text() for t in axis.get_major_ticks() if low <= t.get_loc() <= high]


@pytest.mark.parametrize("count", [10, 30])
@pytest.mark.parametrize("language", ["en", "pt"])
def test_year_stands_once_beside_days(language, count):
    stamps = np.datetime64("2014-11-26") + np.arange(count)
    with spoken(language), styled():
        figure = Figure()
        axes = figure.add_subplot()
        axes.plot(stamps, np.arange(count))
        locator, formatter = dated()
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(formatter)
        drawn(figure)
        shown = [*ticks(axes.xaxis), axes.xaxis.get_offset_text().get_text()]
    assert "".join(shown).count("2014") == 1
    assert ("01 Dec" if language == "en" else "01/12") in shown


@pytest.mark.parametrize(
    ("language", "expected"),
    [("en", ["−0.50", "−0.25", "0.00", "0.25", "0.50"]), ("pt", ["−0,50", "−0,25", "0,00"])],
)
def test_numbers_of_an_axis_have_one_minus_and_as_many_decimals(language, expected):
    x = np.linspace(-0.55, 0.55, 9)
    with spoken(language):
        figure = lines([Curve("a", x, x, Stroke("#000000"))], "x", "y")
        figure.axes[0].yaxis.set_ticks([-0.5, -0.25, 0.0, 0.25, 0.5])
        axes, _ = drawn(figure)
        assert ticks(axes.yaxis)[: len(expected)] == expected


@pytest.mark.parametrize("doubling", [False, True])
def test_names_of_marks_do_not_touch(doubling):
    x = np.arange(1.0, 97.0)
    marks = [(1.0, "encoder"), (2.0, "decoder"), (3.0, "a third layer"), (96.0, "the last")]
    figure = lines([Curve("a", x, x, Stroke("#000000"))], "x", "y", doubling=doubling, marks=marks)
    axes, renderer = drawn(figure)
    boxes = [text.get_window_extent(renderer) for text in axes.texts]
    assert len(boxes) == 4
    for k, box in enumerate(boxes):
        assert box.x0 > axes.bbox.x0 - 3
        assert box.x1 < axes.bbox.x1 + 3
        assert not any(box.overlaps(other) for other in boxes[k + 1 :])


@pytest.mark.parametrize(
    "name", ["l{k}", "layer l{k}_reverse", "layer l{k}_reverse, any loss at all"]
)
def test_legend_stays_within_the_picture(name):
    x = np.arange(1.0, 9.0)
    curves = [Curve(name.format(k=k), x, x, Stroke("#000000")) for k in range(8)]
    figure = lines(curves, "x", "y")
    _, renderer = drawn(figure)
    assert figure.legends[0].get_window_extent(renderer).x1 <= figure.bbox.x1


def test_stamps_stand_at_their_own_columns():
    stamps = np.datetime64("2024-03-30T21:30", "us") + np.arange(96) * np.timedelta64(30, "m")
    with spoken("pt"):
        figure = heat_maps([("", np.zeros((2, 96)), False)], "passo", "", stamps)
    axes, _ = drawn(figure)
    at = dict(zip(axes.xaxis.get_majorticklocs(), ticks(axes.xaxis), strict=True))
    assert at[5.0] == "31/03"
    assert at[29.0] == "12:00"
