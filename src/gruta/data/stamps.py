"""Columns of dates, date-times, numbers or text to moments.

Text is read in every way that stamps are written in. The way that fits all rows is taken; where
two do, and mean different moments, none is. A period stands for its start.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from gruta.codec.series.frequency import Stamps
from gruta.data.columns import Origin, refuse
from gruta.errors import InputError
from gruta.reading import AUTO, DAY_FIRST, EPOCHS, MONTH_FIRST, Guess

STAMP_EXPECTED = "expected a stamp such as 2024-03-31 or 2024-03-31 13:30"

Whole = NDArray[np.int64]
Mask = NDArray[np.bool_]

_AT_ONCE = 500_000
_SAMPLE = 1_000
_SECOND = 1_000_000
_MINUTE = 60 * _SECOND


@dataclass(frozen=True)
class Moments:
    """Where a column's rows stand in time.

    times: [N] datetime64[us] in UTC. zone: the one that they were shown in, "UTC" where they had an
    offset, "" where none is known.
    """

    times: Stamps
    zone: str
    guesses: tuple[Guess, ...] = ()


@dataclass(frozen=True)
class _Way:
    """A way to write stamps: a pattern with a group for each part; a name where it is a guess.

    day: its commonest form, which polars reads faster: a shape, and what `strptime` calls it.
    """

    pattern: str
    name: str = ""
    day: tuple[str, str] = ("", "")


_ZONE = r"\s*(?P<z>z|utc|gmt|[+-][0-9]{2}(?::?[0-9]{2})?)?(?:\s*utc)?"
_FRACTION = r"(?:[.,](?P<f>[0-9]{1,9}))?"
_CLOCK = (
    r"(?:(?:,?\s+|\s*t|:)(?P<H>[0-9]{1,2})(?:[:h](?P<M>[0-9]{2})(?::(?P<S>[0-9]{2})"
    rf"{_FRACTION})?)?\s*(?:(?P<ap>[ap])\.?\s?m\.?)?{_ZONE})?$"
)
_PACKED_CLOCK = (
    rf"(?:[t ]?(?P<H>[0-9]{{2}})(?::?(?P<M>[0-9]{{2}})(?::?(?P<S>[0-9]{{2}}){_FRACTION})?)?"
    rf"{_ZONE})?$"
)
_Y, _M, _D = "(?P<y>[0-9]{4})", "(?P<m>[0-9]{1,2})", "(?P<d>[0-9]{1,2})"
_P = "[-/.]"
_GAP = r"[-/.\s]*"
_NAMED = rf"@{_M}"  # a month's name, once it is a number
_BETWEEN = r"(?:[-/.,\s]|de|of|st|nd|rd|th|º)*"
_SLASHES = "^[0-9]{2}/[0-9]{2}/[0-9]{4}"
_WAYS = (
    _Way(
        rf"^{_Y}[-/]{_M}(?:[-/]{_D}{_CLOCK})?$",
        day=("^[0-9]{4}-[0-9]{2}-[0-9]{2}", "%Y-%m-%d"),
    ),
    _Way(rf"^{_Y}\.{_M}\.{_D}{_CLOCK}"),
    _Way(rf"^{_D}{_P}{_M}{_P}{_Y}{_CLOCK}", DAY_FIRST, (_SLASHES, "%d/%m/%Y")),
    _Way(rf"^{_M}{_P}{_D}{_P}{_Y}{_CLOCK}", MONTH_FIRST, (_SLASHES, "%m/%d/%Y")),
    _Way(rf"^{_M}{_P}{_Y}$"),
    _Way(r"^(?P<y>[12][0-9]{3})(?:\.0+)?$"),
    _Way(rf"^{_Y}{_GAP}[qt](?P<q>[1-4])$"),
    _Way(rf"^(?:[qt](?P<q>[1-4])|(?P<q2>[1-4])[qt]){_GAP}{_Y}$"),
    _Way(rf"^{_Y}{_GAP}[hs](?P<half>[12])$"),
    _Way(rf"^{_Y}-?m{_M}$"),
    _Way(rf"^{_Y}[-\s]*w(?P<w>[0-9]{{1,2}})(?:-?(?P<wd>[1-7]))?$"),
    _Way(rf"^{_Y}(?P<m>[0-9]{{2}})(?P<d>[0-9]{{2}}){_PACKED_CLOCK}"),
    _Way("^(?P<y>(?:19|20)[0-9]{2})(?P<m>[0-9]{2})$"),
    _Way(rf"^{_D}{_BETWEEN}{_NAMED}{_BETWEEN}{_Y}{_CLOCK}"),
    _Way(rf"^{_NAMED}{_BETWEEN}{_D}{_BETWEEN}{_Y}{_CLOCK}"),
    _Way(rf"^{_Y}{_BETWEEN}{_NAMED}(?:{_BETWEEN}{_D}{_CLOCK})?$"),
    _Way(rf"^{_NAMED}{_BETWEEN}{_Y}$"),
)
_DOUBT = _Way("^(?P<yy>[0-9]{2})(?P<m>[0-9]{2})(?P<d>[0-9]{2})$")
"""Not taken, as the century is missing, but 200112 may be meant so."""
_SINCE = {name: r"^(?P<n>-?[0-9]{%s})(?:\.(?P<f>[0-9]{1,9}))?$" for name in EPOCHS}
_DIGITS = dict(zip(EPOCHS, ("9,10", "12,13", "15,16", "18,19"), strict=True))
_PER_SECOND = dict(zip(EPOCHS, (1, 1_000, 1_000_000, 1_000_000_000), strict=True))
_MONTH_NAMES = (
    "jan", "feb|fev", "mar", "apr|abr", "may|mai", "jun", "jul", "aug|ago", "sep|set", "oct|out",
    "nov", "dec|dez",
)  # fmt: skip
_CLOCKS = {10: "", 16: " %H:%M", 19: " %H:%M:%S"}
"""By the length of the whole stamp."""


def to_moments(origin: Origin, column: pl.Series, dates: str = AUTO) -> Moments:
    """The moments in a column of dates, date-times, whole numbers or text, which `dates` tells how
    to read; InputError for a row without one, or where there are two readings.
    """
    kind = column.dtype
    if kind.is_numeric():
        column = _digits(origin, column)
    elif kind == pl.Date or kind == pl.Datetime:
        _require_all(origin, column, column.is_null())
        # The epoch is counted in UTC, whatever zone a stamp is shown in.
        times = column.dt.epoch("us").to_numpy().astype("M8[us]")
        return Moments(times, getattr(kind, "time_zone", None) or "")
    elif kind != pl.String:
        refuse(origin, column.name, f"{STAMP_EXPECTED}, found {kind}; convert the column")
    _require_all(origin, column, column.is_null() | (column.str.strip_chars() == ""))
    if "%" in dates:
        return _by_format(origin, column, dates)
    return _by_ways(origin, column, dates)


def looks_like_stamps(column: pl.Series, dates: str = AUTO) -> bool:
    """Whether the first cell of a column of text is one, or may be one of several."""
    cell = column.drop_nulls().head(1)
    if not len(cell):
        return False
    if "%" in dates:
        return not _read_by(cell, dates)[0].null_count()
    return any(_parse(_normal(cell), way)[1].all() for way in _candidates(dates))


def _require_all(origin: Origin, column: pl.Series, missing: pl.Series) -> None:
    if missing.any():
        row = int(missing.arg_max() or 0)
        problem = f"{STAMP_EXPECTED}, found no stamp; correct or remove it"
        refuse(origin, column.name, problem, row)


def _digits(origin: Origin, column: pl.Series) -> pl.Series:
    """Whole numbers as text; those of a Float64 column too."""
    _require_all(origin, column, column.is_null())
    whole = column.cast(pl.Int64, strict=False)
    other = (whole != column).fill_null(True)
    if other.any():
        row = int(other.arg_max() or 0)
        refuse(
            origin, column.name, f"{STAMP_EXPECTED}, found {column[row]}; convert the column", row
        )
    return whole.cast(pl.String)


def _by_format(origin: Origin, column: pl.Series, form: str) -> Moments:
    """As `strptime` reads it."""
    moments, zone = _read_by(column, form)
    wrong = moments.is_null()
    if wrong.any():
        row = int(wrong.arg_max() or 0)
        problem = f"expected a stamp as {form!r} says, found {column[row]!r}"
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
    if has("bBh"):  # names of months in either language, as `_normal` has them
        text = _normal(text)
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
    sample = _normal(column.gather_every(max(1, len(column) // _SAMPLE)))
    ways = _candidates(dates)
    reach = [_fits(_parse(sample, way)[1]) for way in ways]
    best = max(reach)
    if not best:
        _refuse_row(origin, column, _DOUBT, 0)
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
    if way is _DOUBT:
        _refuse_row(origin, column, way, 0)
    _require_alike(origin, column, zoned)
    guesses = (Guess("dates", way.name, "dates"),) if way.name and dates == AUTO else ()
    return Moments(times, "UTC" if len(zoned) and zoned[0] else "", guesses)


def _candidates(dates: str) -> list[_Way]:
    if dates in EPOCHS:
        return [_Way(_SINCE[dates] % "1,19", dates)]
    since = [_Way(pattern % _DIGITS[name], name) for name, pattern in _SINCE.items()]
    against = {DAY_FIRST: MONTH_FIRST, MONTH_FIRST: DAY_FIRST}.get(dates)
    return [way for way in (*_WAYS, _DOUBT, *since) if way.name != against or not against]


def _refuse_row(origin: Origin, column: pl.Series, way: _Way, row: int) -> None:
    order = {DAY_FIRST: ", the day first", MONTH_FIRST: ", the month first"}.get(way.name, "")
    like = f", or one as {column[0]!r} in the first row{order}" if row else ""
    refuse(
        origin,
        column.name,
        f"{STAMP_EXPECTED}{like}, found {column[row]!r}; correct or remove it",
        row,
        dates="says how all are written, such as %d/%m/%y",
    )


def _refuse_doubt(
    origin: Origin,
    column: pl.Series,
    row: int,
    one: np.datetime64,
    other: np.datetime64,
    way: _Way,
) -> None:
    orders = (DAY_FIRST, MONTH_FIRST)
    say = " or ".join(orders) if way.name in orders else "a format such as %Y%m%d%H"
    say = f"{way.name} or {say}" if way.name in EPOCHS else say
    raise InputError(
        f"{origin}: row {origin.row(row)}, column {column.name!r}: {column[row]!r} reads as "
        f"{_show(one)} and as {_show(other)}, and no row tells which",
        dates=f"say {say}",
    )


def _require_alike(origin: Origin, column: pl.Series, zoned: Mask) -> None:
    mixed = zoned != zoned[:1]
    if mixed.any():
        row = int(mixed.argmax())
        refuse(
            origin,
            column.name,
            f"expected a zone in every stamp or in none, found {column[row]!r} after "
            f"{column[0]!r}; write all of them alike",
            row,
        )


def _whole_column(column: pl.Series, way: _Way) -> tuple[Stamps, Mask, int]:
    """Moments, whether they had a zone, and how many rows from the first are written this way."""
    times, zoned = np.empty(len(column), "M8[us]"), np.zeros(len(column), bool)
    for row, part in _parts(column):
        place = slice(row, row + len(part))
        if (common := _commonest(part, way)) is not None:
            times[place] = common
            continue
        times[place], valid, zoned[place] = _parse(_normal(part), way)
        if not valid.all():
            return times, zoned, row + _fits(valid)
    return times, zoned, len(column)


def _commonest(part: pl.Series, way: _Way) -> Stamps | None:
    """Moments where all are written in the way's commonest form, else None."""
    shape, day = way.day
    sizes = part.str.len_bytes()
    clock = _CLOCKS.get(int(sizes[0]))
    if (
        not shape
        or clock is None
        or (sizes != sizes[0]).any()
        or not part.str.contains(shape).all()
    ):
        return None
    moments = part.str.to_datetime(day + clock, time_unit="us", strict=False)
    return None if moments.null_count() else np.asarray(moments.to_numpy(), "M8[us]")


def _fits(valid: Mask) -> int:
    return len(valid) if valid.all() else int((~valid).argmax())


def _parts(column: pl.Series) -> Iterator[tuple[int, pl.Series]]:
    """The column in parts, so that what is made on the way takes little memory."""
    return ((i, column.slice(i, _AT_ONCE)) for i in range(0, len(column), _AT_ONCE))


def _normal(text: pl.Series) -> pl.Series:
    """In small letters, with numbers for the names of months, and of a span only its start."""
    text = text.str.strip_chars().str.to_lowercase()
    if text.str.contains("[a-z]{3}").any():
        for i, names in enumerate(_MONTH_NAMES):
            text = text.str.replace(rf"(?:{names})[a-zç]*\.?", f"@{i + 1}")
    if text.str.contains(r"^[^/]{8,}/[^/]{8,}$").any():  # 2024-01-01/2024-01-07
        text = text.str.replace(r"^([^/]{8,})/[^/]{8,}$", "$1")
    return text


def _parse(text: pl.Series, way: _Way) -> tuple[Stamps, Mask, Mask]:
    """Moments [N], whether each is one, and whether it had a zone."""
    groups = text.str.extract_groups(way.pattern).struct.unnest()
    if "n" in groups.columns:
        return _since(groups, way.name)
    number = _Numbers(groups)
    date, valid = _dates(number)
    clock, fine = _clocks(number, groups)
    offset, zoned = _offsets(groups)
    matched = ~groups.select(pl.all_horizontal(pl.all().is_null())).to_series().to_numpy()
    times: Stamps = date.astype("M8[us]")
    times += clock - offset
    return times, valid & fine & matched, zoned


class _Numbers:
    """Groups as whole numbers."""

    def __init__(self, groups: pl.DataFrame) -> None:
        self.groups = groups

    def __call__(self, name: str, default: int) -> Whole:
        """[N], with this where there is none."""
        if name not in self.groups.columns:
            return np.full(len(self.groups), default, np.int64)
        found = self.groups[name].cast(pl.Int64).fill_null(default)
        return np.asarray(found.to_numpy(), np.int64)

    def has(self, name: str) -> bool:
        return name in self.groups.columns


def _dates(number: _Numbers) -> tuple[NDArray[np.datetime64], Mask]:
    """Days, and whether the calendar has them."""
    year = number("y", 1970)
    if number.has("yy"):
        year = 2000 + number("yy", 0)
    valid = year > 0
    month, day = number("m", 1), number("d", 1)
    if number.has("q"):
        quarter = number("q", 0) + number("q2", 0)
        month = 3 * quarter - 2
    if number.has("half"):
        month = 6 * number("half", 1) - 5
    if number.has("w"):
        return _weeks(year, number("w", 1), number("wd", 1))
    valid &= (month >= 1) & (month <= 12) & (day >= 1)
    months = (12 * (year - 1970) + month - 1).astype("M8[M]")
    days = months.astype("M8[D]") + (day - 1).astype("m8[D]")
    return days, valid & (days.astype("M8[M]") == months)


def _weeks(year: Whole, week: Whole, weekday: Whole) -> tuple[NDArray[np.datetime64], Mask]:
    """Days of ISO weeks: the first of a year is that of the fourth of January."""
    fourth = (year - 1970).astype("M8[Y]").astype("M8[D]") + np.timedelta64(3, "D")
    since_monday = ((fourth.astype(np.int64) + 3) % 7).astype("m8[D]")
    monday = fourth - since_monday + (7 * (week - 1)).astype("m8[D]")
    thursday = monday + np.timedelta64(3, "D")
    valid = (week >= 1) & (thursday.astype("M8[Y]").astype(np.int64) + 1970 == year)
    return monday + (weekday - 1).astype("m8[D]"), valid


def _clocks(number: _Numbers, groups: pl.DataFrame) -> tuple[NDArray[np.timedelta64], Mask]:
    """Times of day, 24:00 among them, and whether clocks show them."""
    hour, minute, second = number("H", 0), number("M", 0), number("S", 0)
    valid = (minute < 60) & (second < 60)
    last = (hour == 24) & (minute == 0) & (second == 0)
    if number.has("ap") and groups["ap"].null_count() < len(groups):
        half = groups["ap"].fill_null("").to_numpy()
        twelve = half != ""
        valid &= ~twelve | ((hour >= 1) & (hour <= 12))
        hour = np.where(twelve, hour % 12 + 12 * (half == "p"), hour)
    valid &= (hour < 24) | last
    passed = (hour * 60 + minute) * _MINUTE + second * _SECOND + _fraction(groups)
    return passed.astype("m8[us]"), valid


def _fraction(groups: pl.DataFrame) -> Whole:
    """Microseconds."""
    if "f" not in groups.columns or groups["f"].null_count() == len(groups):
        return np.zeros(len(groups), np.int64)
    digits = groups["f"].fill_null("0").str.pad_end(6, "0").str.slice(0, 6)
    return np.asarray(digits.cast(pl.Int64).to_numpy(), np.int64)


def _offsets(groups: pl.DataFrame) -> tuple[NDArray[np.timedelta64], Mask]:
    """How far clocks are ahead of UTC, and whether that is said."""
    nowhere = np.zeros(len(groups), bool)
    if "z" not in groups.columns or groups["z"].null_count() == len(groups):
        return np.zeros(len(groups), "m8[us]"), nowhere
    zone = groups["z"].fill_null("")
    parts = zone.str.extract_groups(r"^([+-])([0-9]{2}):?([0-9]{2})?$").struct.unnest()
    parts.columns = ["sign", "hours", "minutes"]
    number = _Numbers(parts)
    ahead = (60 * number("hours", 0) + number("minutes", 0)) * _MINUTE
    west = (parts["sign"] == "-").fill_null(False).to_numpy()
    return np.where(west, -ahead, ahead).astype("m8[us]"), zone.to_numpy() != ""


def _since(groups: pl.DataFrame, unit: str) -> tuple[Stamps, Mask, Mask]:
    """Counts since 1970 began."""
    count = groups["n"].cast(pl.Int64, strict=False)
    valid = count.is_not_null().to_numpy()
    whole, per = np.asarray(count.fill_null(0).to_numpy(), np.int64), _PER_SECOND[unit]
    micros = whole * (_SECOND // per) if per <= _SECOND else whole // (per // _SECOND)
    if per == 1:
        micros = micros + _fraction(groups) * np.where(whole < 0, -1, 1)
    return micros.astype("M8[us]"), valid, np.zeros(len(whole), bool)


def _show(stamp: np.datetime64) -> str:
    return str(np.datetime_as_string(stamp, unit="auto")).replace("T", " ")
