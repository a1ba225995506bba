"""Columns of dates, date-times, numbers or text to moments.

Text is read in every way that stamps are written in. The way that fits all rows is taken; where
two do, and mean different moments, none is. A period stands for its start.
"""

import re
from dataclasses import dataclass

import numpy as np
import polars as pl

from gruta.codec.series.frequency import Stamps
from gruta.data.columns import Origin, refuse
from gruta.data.places import Places
from gruta.data.source import Cells, parts_of, sample_of
from gruta.data.ways import DOUBT, Mask, Way, candidates, commonest, normal, parse
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.reading import AUTO, DAY_FIRST, EPOCHS, MONTH_FIRST, Guess

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


def to_moments(
    origin: Origin, column: Cells, dates: str = AUTO, at: Places | None = None
) -> Moments:
    """The moments in a column of whole numbers or text, which `dates` tells how to read, each in
    the place `at [N]` that it goes to, None for its own; InputError for a row without one, or where
    there are two readings.
    """
    kind = column.dtype
    if kind.is_numeric():
        assert isinstance(column, pl.Series)
        column = _digits(origin, column)
    elif kind != pl.String:
        refuse(
            origin,
            column.name,
            _("{expected}, found {kind}; convert the column").format(
                expected=_expected(), kind=kind
            ),
        )
    for row, part in parts_of(column):
        _require_all(origin, part, part.is_null() | (part.str.strip_chars() == ""), row)
    if "%" in dates:
        return _by_format(origin, column, dates, at)
    return _by_ways(origin, column, dates, at)


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


def _by_format(origin: Origin, column: Cells, form: str, at: Places | None) -> Moments:
    """As `strptime` reads it."""
    times, zone = np.empty(len(column), "M8[us]"), ""
    for row, part in parts_of(column):
        moments, zone = _read_by(part, form)
        wrong = moments.is_null()
        if wrong.any():
            first = int(wrong.arg_max() or 0)
            problem = _("expected a stamp as {form!r} says, found {cell!r}").format(
                form=form, cell=part[first]
            )
            refuse(origin, column.name, problem, row + first)
        times[_goes(row, part, at)] = moments.dt.epoch("us").to_numpy()
    return Moments(times, zone)


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


def _by_ways(origin: Origin, column: Cells, dates: str, at: Places | None) -> Moments:
    """By the one way that fits all rows."""
    sample = normal(sample_of(column, _SAMPLE))
    ways = candidates(dates)
    reach = [_fits(parse(sample, way)[1]) for way in ways]
    best = max(reach)
    if not best:
        _refuse_row(origin, column, DOUBT, 0)
    ways = [way for way, fit in zip(ways, reach, strict=True) if fit == best]
    read = [_whole_column(column, way, at) for way in ways]
    reach = [row for _, _, row in read]
    best = max(reach)
    if best < len(column):
        _refuse_row(origin, column, ways[reach.index(best)], best)
    found = [(w, r) for w, r, fit in zip(ways, read, reach, strict=True) if fit == best]
    (way, (times, zoned, _)), *rest = found
    for other, (moments, _, _) in rest:
        differs = times != moments
        if differs.any():
            row = int((differs if at is None else differs[at]).argmax())
            place = row if at is None else at[row]
            _refuse_doubt(origin, column, row, times[place], moments[place], other)
    if way is DOUBT:
        _refuse_row(origin, column, way, 0)
    _require_alike(origin, column, zoned)
    guesses = (Guess("dates", way.name, "dates"),) if way.name and dates == AUTO else ()
    return Moments(times, "UTC" if len(zoned) and zoned[0] else "", guesses)


def _refuse_row(origin: Origin, column: Cells, way: Way, row: int) -> None:
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
    column: Cells,
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


def _require_alike(origin: Origin, column: Cells, zoned: Mask) -> None:
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


def _whole_column(column: Cells, way: Way, at: Places | None) -> tuple[Stamps, Mask, int]:
    """Moments in the places that they go to, whether each row had a zone, and how many rows from
    the first are written this way.
    """
    times, zoned = np.empty(len(column), "M8[us]"), np.zeros(len(column), bool)
    for row, part in parts_of(column):
        goes = _goes(row, part, at)
        if (common := commonest(part, way)) is not None:
            times[goes] = common
            continue
        times[goes], valid, zoned[row : row + len(part)] = _each_once(part, way)
        if not valid.all():
            return times, zoned, row + _fits(valid)
    return times, zoned, len(column)


def _goes(row: int, part: pl.Series, at: Places | None) -> slice | Places:
    """Where the rows of a part that begins at `row` go."""
    rows = slice(row, row + len(part))
    return rows if at is None else at[rows]


def _each_once(part: pl.Series, way: Way) -> tuple[Stamps, Mask, Mask]:
    """What `parse` says of each cell; where many are alike, each different one is parsed once."""
    found = part.unique(maintain_order=True)
    if 2 * len(found) > len(part):
        return parse(normal(part), way)
    which = part.cast(pl.Enum(found)).to_physical().to_numpy()
    times, valid, zoned = parse(normal(found), way)
    return times[which], valid[which], zoned[which]


def _fits(valid: Mask) -> int:
    return len(valid) if valid.all() else int((~valid).argmax())


def _expected() -> str:
    return _("expected a stamp such as 2024-03-31 or 2024-03-31 13:30")


def _show(stamp: np.datetime64) -> str:
    return str(np.datetime_as_string(stamp, unit="auto")).replace("T", " ")
