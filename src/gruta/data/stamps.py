"""Columns of dates, date-times, numbers or text to moments.

Text is read in every way that stamps are written in. The way that fits all rows is taken; where
two do, and mean different moments, none is. A period stands for its start.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from gruta.codec.series.frequency import Stamps
from gruta.data.columns import Origin, refuse
from gruta.data.ways import DOUBT, Mask, Way, candidates, commonest, normal, parse
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.reading import AUTO, DAY_FIRST, EPOCHS, MONTH_FIRST, Guess

_AT_ONCE = 500_000
_SAMPLE = 1_000


@dataclass(frozen=True)
class Moments:
    """Where a column's rows stand in time.

    times: [N] datetime64[us] in UTC. zone: the one that they were shown in, "UTC" where they had an
    offset, "" where none is known.
    """

    times: Stamps
    zone: str
    guesses: tuple[Guess, ...] = ()


def to_moments(origin: Origin, column: pl.Series, dates: str = AUTO) -> Moments:
    """The moments in a column of whole numbers or text, which `dates` tells how to read; InputError
    for a row without one, or where there are two readings.
    """
    kind = column.dtype
    if kind.is_numeric():
        column = _digits(origin, column)
    elif kind != pl.String:
        refuse(
            origin,
            column.name,
            _("{expected}, found {kind}; convert the column").format(
                expected=_expected(), kind=kind
            ),
        )
    _require_all(origin, column, column.is_null() | (column.str.strip_chars() == ""))
    if "%" in dates:
        return _by_format(origin, column, dates)
    return _by_ways(origin, column, dates)


def moments_of(origin: Origin, column: pl.Series, row: int = 0) -> Stamps:
    """Those in a column of dates or date-times, or in the part of one that begins at `row`."""
    _require_all(origin, column, column.is_null(), row)
    # The epoch is counted in UTC, whatever zone a stamp is shown in.
    return column.dt.epoch("us").to_numpy().view("M8[us]")


def looks_like_stamps(column: pl.Series, dates: str = AUTO) -> bool:
    """Whether the first cell of a column of text is one, or may be one of several."""
    cell = column.drop_nulls().head(1)
    if not len(cell):
        return False
    if "%" in dates:
        return not _read_by(cell, dates)[0].null_count()
    return any(parse(normal(cell), way)[1].all() for way in candidates(dates))


def _require_all(origin: Origin, column: pl.Series, missing: pl.Series, first: int = 0) -> None:
    if missing.any():
        row = first + int(missing.arg_max() or 0)
        problem = _("{expected}, found no stamp; correct or remove it").format(expected=_expected())
        refuse(origin, column.name, problem, row)


def _digits(origin: Origin, column: pl.Series) -> pl.Series:
    """Whole numbers as text; those of a Float64 column too."""
    _require_all(origin, column, column.is_null())
    whole = column.cast(pl.Int64, strict=False)
    other = (whole != column).fill_null(True)
    if other.any():
        row = int(other.arg_max() or 0)
        refuse(
            origin,
            column.name,
            _("{expected}, found {cell}; convert the column").format(
                expected=_expected(), cell=column[row]
            ),
            row,
        )
    return whole.cast(pl.String)


def _by_format(origin: Origin, column: pl.Series, form: str) -> Moments:
    """As `strptime` reads it."""
    moments, zone = _read_by(column, form)
    wrong = moments.is_null()
    if wrong.any():
        row = int(wrong.arg_max() or 0)
        problem = _("expected a stamp as {form!r} says, found {cell!r}").format(
            form=form, cell=column[row]
        )
        refuse(origin, column.name, problem, row)
    return Moments(moments.dt.epoch("us").to_numpy().astype("M8[us]"), zone)


def _read_by(column: pl.Series, form: str) -> tuple[pl.Series, str]:
    """Null where it does not fit. What the format lacks to a day and a minute is the first."""

    def has(codes: str) -> bool:
        return any(f"%{code}" in form for code in codes)

    whole, tail = form, ""
    for there, enough, code in (
        ("Yy", "mbBhjUWVDFx", "%m"),
        ("YymbBh", "dejUWVDFx", "%d"),
        ("HI", "MTRc", "%M"),
    ):
        if has(there) and not has(enough):
            whole, tail = f"{whole} {code}", f"{tail} {0 if code == '%M' else 1}"
    text = column.str.strip_chars()
    if has("bBh"):  # names of months in either language, as `normal` has them
        text = normal(text)
        whole = re.sub("%[bBh]", "@%m", re.sub("(?<!%)[A-Za-z]", lambda c: c[0].lower(), whole))
    text += tail
    zone = "UTC" if has("z") else None
    try:
        found = text.str.to_datetime(whole, time_unit="us", strict=False, time_zone=zone)
    except pl.exceptions.PolarsError:  # polars does not know the format
        found = pl.Series(column.name, [None] * len(column), pl.Datetime("us"))
    if has("Y"):  # polars reads 24 by %Y as the year 24
        found = pl.select(pl.when(found.dt.year() > 999).then(found)).to_series()
    return found, zone or ""


def _by_ways(origin: Origin, column: pl.Series, dates: str) -> Moments:
    """By the one way that fits all rows."""
    sample = normal(column.gather_every(max(1, len(column) // _SAMPLE)))
    ways = candidates(dates)
    reach = [_fits(parse(sample, way)[1]) for way in ways]
    best = max(reach)
    if not best:
        _refuse_row(origin, column, DOUBT, 0)
    ways = [way for way, fit in zip(ways, reach, strict=True) if fit == best]
    read = [_whole_column(column, way) for way in ways]
    reach = [row for _, _, row in read]
    best = max(reach)
    if best < len(column):
        _refuse_row(origin, column, ways[reach.index(best)], best)
    found = [(w, r) for w, r, fit in zip(ways, read, reach, strict=True) if fit == best]
    (way, (times, zoned, _)), *rest = found
    for other, (moments, _, _) in rest:
        differs = times != moments
        if differs.any():
            row = int(differs.argmax())
            _refuse_doubt(origin, column, row, times[row], moments[row], other)
    if way is DOUBT:
        _refuse_row(origin, column, way, 0)
    _require_alike(origin, column, zoned)
    guesses = (Guess("dates", way.name, "dates"),) if way.name and dates == AUTO else ()
    return Moments(times, "UTC" if len(zoned) and zoned[0] else "", guesses)


def _refuse_row(origin: Origin, column: pl.Series, way: Way, row: int) -> None:
    order = {DAY_FIRST: _(", the day first"), MONTH_FIRST: _(", the month first")}.get(way.name, "")
    like = (
        _(", or one as {first!r} in the first row{order}").format(first=column[0], order=order)
        if row
        else ""
    )
    refuse(
        origin,
        column.name,
        _("{expected}{like}, found {cell!r}; correct or remove it").format(
            expected=_expected(), like=like, cell=column[row]
        ),
        row,
        dates=_("says how all are written, such as %d/%m/%y"),
    )


def _refuse_doubt(
    origin: Origin,
    column: pl.Series,
    row: int,
    one: np.datetime64,
    other: np.datetime64,
    way: Way,
) -> None:
    orders = [DAY_FIRST, MONTH_FIRST]
    choices = orders if way.name in orders else [_("a format such as %Y%m%d%H")]
    choices = [way.name, *choices] if way.name in EPOCHS else choices
    problem = _(
        "{origin}: row {row}, column {column!r}: {cell!r} reads as {one} and as {other}, and no "
        "row tells which"
    )
    raise InputError(
        problem.format(
            origin=origin,
            row=origin.row(row),
            column=column.name,
            cell=column[row],
            one=_show(one),
            other=_show(other),
        ),
        dates=_("say {choices}").format(choices=_(" or ").join(choices)),
    )


def _require_alike(origin: Origin, column: pl.Series, zoned: Mask) -> None:
    mixed = zoned != zoned[:1]
    if mixed.any():
        row = int(mixed.argmax())
        refuse(
            origin,
            column.name,
            _(
                "expected a zone in every stamp or in none, found {cell!r} after {first!r}; write "
                "all of them alike"
            ).format(cell=column[row], first=column[0]),
            row,
        )


def _whole_column(column: pl.Series, way: Way) -> tuple[Stamps, Mask, int]:
    """Moments, whether they had a zone, and how many rows from the first are written this way."""
    times, zoned = np.empty(len(column), "M8[us]"), np.zeros(len(column), bool)
    for row, part in _parts(column):
        place = slice(row, row + len(part))
        if (common := commonest(part, way)) is not None:
            times[place] = common
            continue
        times[place], valid, zoned[place] = parse(normal(part), way)
        if not valid.all():
            return times, zoned, row + _fits(valid)
    return times, zoned, len(column)


def _fits(valid: Mask) -> int:
    return len(valid) if valid.all() else int((~valid).argmax())


def _parts(column: pl.Series) -> Iterator[tuple[int, pl.Series]]:
    """The column in parts, so that what is made on the way takes little memory."""
    return ((i, column.slice(i, _AT_ONCE)) for i in range(0, len(column), _AT_ONCE))


def _expected() -> str:
    return _("expected a stamp such as 2024-03-31 or 2024-03-31 13:30")


def _show(stamp: np.datetime64) -> str:
    return str(np.datetime_as_string(stamp, unit="auto")).replace("T", " ")
