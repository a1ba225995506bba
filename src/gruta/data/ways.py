"""The ways in which stamps are written, and what a stamp written so means."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from gruta.codec.series.frequency import Stamps
from gruta.reading import DAY_FIRST, EPOCHS, MONTH_FIRST

Whole = NDArray[np.int64]
Mask = NDArray[np.bool_]

_SECOND = 1_000_000
_MINUTE = 60 * _SECOND


@dataclass(frozen=True)
class Way:
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
    Way(
        rf"^{_Y}[-/]{_M}(?:[-/]{_D}{_CLOCK})?$",
        day=("^[0-9]{4}-[0-9]{2}-[0-9]{2}", "%Y-%m-%d"),
    ),
    Way(rf"^{_Y}\.{_M}\.{_D}{_CLOCK}"),
    Way(rf"^{_D}{_P}{_M}{_P}{_Y}{_CLOCK}", DAY_FIRST, (_SLASHES, "%d/%m/%Y")),
    Way(rf"^{_M}{_P}{_D}{_P}{_Y}{_CLOCK}", MONTH_FIRST, (_SLASHES, "%m/%d/%Y")),
    Way(rf"^{_M}{_P}{_Y}$"),
    Way(r"^(?P<y>[12][0-9]{3})(?:\.0+)?$"),
    Way(rf"^{_Y}{_GAP}[qt](?P<q>[1-4])$"),
    Way(rf"^(?:[qt](?P<q>[1-4])|(?P<q2>[1-4])[qt]){_GAP}{_Y}$"),
    Way(rf"^{_Y}{_GAP}[hs](?P<half>[12])$"),
    Way(rf"^{_Y}-?m{_M}$"),
    Way(rf"^{_Y}[-\s]*w(?P<w>[0-9]{{1,2}})(?:-?(?P<wd>[1-7]))?$"),
    Way(rf"^{_Y}(?P<m>[0-9]{{2}})(?P<d>[0-9]{{2}}){_PACKED_CLOCK}"),
    Way("^(?P<y>(?:19|20)[0-9]{2})(?P<m>[0-9]{2})$"),
    Way(rf"^{_D}{_BETWEEN}{_NAMED}{_BETWEEN}{_Y}{_CLOCK}"),
    Way(rf"^{_NAMED}{_BETWEEN}{_D}{_BETWEEN}{_Y}{_CLOCK}"),
    Way(rf"^{_Y}{_BETWEEN}{_NAMED}(?:{_BETWEEN}{_D}{_CLOCK})?$"),
    Way(rf"^{_NAMED}{_BETWEEN}{_Y}$"),
)
DOUBT = Way("^(?P<yy>[0-9]{2})(?P<m>[0-9]{2})(?P<d>[0-9]{2})$")
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


def candidates(dates: str) -> list[Way]:
    """The ways that a person's word about dates leaves open."""
    if dates in EPOCHS:
        return [Way(_SINCE[dates] % "1,19", dates)]
    since = [Way(pattern % _DIGITS[name], name) for name, pattern in _SINCE.items()]
    against = {DAY_FIRST: MONTH_FIRST, MONTH_FIRST: DAY_FIRST}.get(dates)
    return [way for way in (*_WAYS, DOUBT, *since) if way.name != against or not against]


def commonest(part: pl.Series, way: Way) -> Stamps | None:
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


def normal(text: pl.Series) -> pl.Series:
    """In small letters, with numbers for the names of months, and of a span only its start."""
    text = text.str.strip_chars().str.to_lowercase()
    if text.str.contains("[a-z]{3}").any():
        for i, names in enumerate(_MONTH_NAMES):
            text = text.str.replace(rf"(?:{names})[a-zç]*\.?", f"@{i + 1}")
    if text.str.contains(r"^[^/]{8,}/[^/]{8,}$").any():  # 2024-01-01/2024-01-07
        text = text.str.replace(r"^([^/]{8,})/[^/]{8,}$", "$1")
    return text


def parse(text: pl.Series, way: Way) -> tuple[Stamps, Mask, Mask]:
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
