"""Outliers in series as they were read: counted and told."""

from dataclasses import replace

from gruta.codec.series.outliers import Outliers
from gruta.codec.series.series import Series
from gruta.data.repair import SHOWN
from gruta.locale import translate as _
from gruta.reading import Repair


def told(series: Series, outliers: Outliers) -> Series:
    """The series, whose repairs tell of its outliers too."""
    rows = outliers.found(series).rows
    if not len(rows):
        return series
    done = {
        "flag": _("left as they are"),
        "mask": _("training and forecasts go around them"),
        "clip": _("brought to the edge of what is usual there"),
    }[outliers.policy]
    kind = _("values of {name} unlike all before them").format(name=series.columns.target)
    places = tuple(series.place(int(row)) for row in rows[:SHOWN])
    return replace(series, repairs=(*series.repairs, Repair(kind, len(rows), places, done)))
