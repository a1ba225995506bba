"""Rows without a value that pad a series before its first one, or after its last."""

from dataclasses import replace

import numpy as np

from gruta.codec.series.series import Rows, Series
from gruta.data.repair import SHOWN
from gruta.locale import translate as _
from gruta.reading import Repair


def unpadded(series: Series) -> Series:
    """Each series from the first row with a target on, and up to the last one where nothing is
    known of the rows behind: else these are to come. One without any value stays as it is.
    """
    there = ~np.isnan(series.target)
    firsts, ends = series.starts[:-1].copy(), series.starts[1:].copy()
    known_beyond = bool(series.columns.known) or series.stamps is not None
    for i, (first, end) in enumerate(zip(series.starts, series.ends, strict=False)):
        if end > first:
            firsts[i] = first + there[first:end].argmax()
            ends[i] = ends[i] if known_beyond else end
    before = _between(series.starts[:-1], firsts)
    after = _between(ends, series.starts[1:])
    if not (len(before) or len(after)):
        return series
    name, kept = series.columns.target, _between(firsts, ends)
    begins_later = _("rows before the first value of {name}").format(name=name)
    ends_earlier = _("rows after the last value of {name}").format(name=name)
    repairs = [
        _repair(series, begins_later, before, _("it begins later")),
        _repair(series, ends_earlier, after, _("it ends before them")),
    ]
    return replace(
        series,
        target=series.target[kept],
        known=series.known[kept],
        past=series.past[kept],
        starts=np.concatenate([[0], (ends - firsts).cumsum()]),
        begins=series.times_at(firsts),
        stamps=None if series.stamps is None else series.stamps[kept],
        repairs=(*series.repairs, *(repair for repair in repairs if repair.count)),
    )


def _between(firsts: Rows, ends: Rows) -> Rows:
    """All rows from each first to the end of its own."""
    lengths = ends - firsts
    found: Rows = np.arange(lengths.sum()) + np.repeat(firsts - lengths.cumsum() + lengths, lengths)
    return found


def _repair(series: Series, kind: str, rows: Rows, done: str) -> Repair:
    places = (series.place(int(row)) for row in rows[:SHOWN])
    return Repair(kind, len(rows), tuple(places), done)
