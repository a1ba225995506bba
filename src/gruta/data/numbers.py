"""Columns of text to numbers: which mark stands before the decimals is found out from all cells.

1.234 is more than a thousand, or one and a bit. 18.4, 0.418 and 1,234.5 can have but a decimal
point; 1,5 and 1.234.567 but a decimal comma. Where no cell of a column tells, others do.
"""

from dataclasses import astuple, dataclass
from typing import Any, Literal, NoReturn

import numpy as np
import polars as pl
from numpy.typing import NDArray

from gruta.data.columns import Origin, refuse
from gruta.data.source import Cells, parts_of
from gruta.locale import translate as _

Mark = Literal[".", ","]
"""What stands before decimals."""

NOTHING = ("", "na", "n/a", "#n/a", "nan", "null", "none", "<na>", "nat", "?", ".")
TRUTH = {"true": "1", "verdadeiro": "1", "false": "0", "falso": "0"}
_WORDS = {**dict.fromkeys(NOTHING), **TRUTH}
_BLANKS = "[ \u00a0\u2009\u202f'\u2019]"
_SPACED = rf"^[+-]?[0-9]{{1,3}}(?:{_BLANKS}[0-9]{{3}})+(?:[.,][0-9]*)?$"
_WHOLE = r"^[+-]?[0-9]+(?:e[+-]?[0-9]+)?$"
_HEAD = r"^[+-]?[1-9][0-9]{0,2}"
_LAKHS = r"^[+-]?[1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3}"
_SIGNS = r"[%$€£¥°]|^[+-]?\s*r\$"
_ESCAPED = {".": r"\.", ",": ","}
_OTHER: dict[Mark, Mark] = {".": ",", ",": "."}


def _open(mark: Mark) -> str:
    """One group of three digits behind the mark: it may part thousands."""
    return rf"{_HEAD}{_ESCAPED[mark]}[0-9]{{3}}$"


def _alone(mark: Mark) -> str:
    """The mark once, and not the other."""
    return rf"^[+-]?[0-9]*{_ESCAPED[mark]}[0-9]*(?:e[+-]?[0-9]+)?$"


def _certain(mark: Mark) -> str:
    """The other mark parts thousands, which leaves this one to the decimals."""
    d, t = _ESCAPED[mark], _ESCAPED[_OTHER[mark]]
    found = rf"{_HEAD}(?:{t}[0-9]{{3}})+{d}[0-9]*$|{_HEAD}(?:{t}[0-9]{{3}}){{2,}}$"
    return found if mark == "," else rf"{found}|{_LAKHS}(?:{d}[0-9]*)?$"


@dataclass(frozen=True)
class Tally:
    """How many cells of a column say what of the decimal mark; tallies of parts add up.

    point, comma: that it is this one. open_point, open_comma: nothing, as this mark may part
    thousands. whole: those without a mark. other: those that are no numbers.
    """

    point: int = 0
    comma: int = 0
    open_point: int = 0
    open_comma: int = 0
    whole: int = 0
    other: int = 0

    def __add__(self, more: "Tally") -> "Tally":
        return Tally(*map(sum, zip(astuple(self), astuple(more), strict=True)))

    @property
    def mark(self) -> Mark | None:
        """The decimal mark, where the cells leave no doubt."""
        if bool(self.point) == bool(self.comma):
            return None
        return "." if self.point else ","


def tally(column: Cells) -> Tally:
    """What the cells of a column of text say."""
    return sum((_tally(part) for _row, part in parts_of(column)), Tally())


def to_numbers(
    origin: Origin, column: Cells, mark: Mark, dtype: type[np.floating[Any]] = np.float64
) -> NDArray[np.floating]:
    """The values [N] of a column of text, NaN where there is none; InputError for what is none."""
    found: NDArray[np.floating] = np.empty(len(column), dtype)
    for row, part in parts_of(column):
        values = _plainest(part, mark)
        if values is None:
            text = _plain(part)
            values = _in_points(text, mark).cast(pl.Float64, strict=False)
            wrong = text.is_not_null() & values.is_null()
            if wrong.any():
                at = int(wrong.arg_max() or 0)
                refuse(origin, column.name, _misfit(part[at], mark), row + at)
        found[row : row + len(part)] = values.fill_null(np.nan).to_numpy()
    # One NaN for all: a file can hold others, which would change the fingerprint.
    found[np.isnan(found)] = np.nan
    return found


def refuse_open(origin: Origin, column: Cells) -> NoReturn:
    """InputError for a column whose numbers can be read in two ways throughout."""
    found = {mark: row for mark in _OTHER if (row := _first(column, _open(mark))) is not None}
    mark, row = min(found.items(), key=lambda one: one[1])
    cell = column[row].strip()
    refuse(
        origin,
        column.name,
        _("{cell!r} reads as {one} and as {other}, and no cell tells which").format(
            cell=cell, one=cell.replace(mark, ""), other=cell.replace(mark, ".")
        ),
        row,
        decimal=_("say which mark stands before decimals, . or ,"),
    )


def refuse_both(origin: Origin, column: Cells) -> NoReturn:
    """InputError for a column with decimal points here and decimal commas there."""
    rows = []
    for mark in _OTHER:
        found = [_first(column, _certain(mark)), _first(column, _alone(mark), _open(mark))]
        rows.append(min(row for row in found if row is not None))
    first, then = sorted(rows)
    refuse(
        origin,
        column.name,
        _(
            "{cell!r} has not the decimal mark of {first!r} in row {row}; write all of them alike"
        ).format(cell=column[then], first=column[first], row=origin.row(first)),
        then,
    )


def _plain(column: pl.Series) -> pl.Series:
    """Cells without the blanks in and around them; None for words that say there is nothing."""
    text = column.str.strip_chars().str.to_lowercase()
    text = text.str.replace("\u2212", "-", literal=True)
    spaced = text.str.contains(_SPACED).fill_null(False)
    if spaced.any():
        text = text.str.replace_all(_BLANKS, "").zip_with(spaced, text)
    return text.replace(list(_WORDS), list(_WORDS.values()))


def _tally(part: pl.Series) -> Tally:
    for mark in _OTHER:
        if _plainest(part, mark) is not None:
            opened = _count(part, _open(mark))
            told = int(part.str.contains(mark, literal=True).sum()) - opened
            whole = _count(part, _WHOLE) if opened else 0
            if mark == ".":
                return Tally(point=told, open_point=opened, whole=whole)
            return Tally(comma=told, open_comma=opened, whole=whole)
    text = _plain(part)
    opened, open_comma = _count(text, _open(".")), _count(text, _open(","))
    point = _count(text, _alone(".")) - opened + _count(text, _certain("."))
    comma = _count(text, _alone(",")) - open_comma + _count(text, _certain(","))
    whole = _count(text, _WHOLE)
    other = len(text) - text.null_count() - (point + comma + opened + open_comma + whole)
    return Tally(point, comma, opened, open_comma, whole, other)


def _plainest(part: pl.Series, mark: Mark) -> pl.Series | None:
    """The numbers, if all are written with this mark or none: the fastest way; else None."""
    if mark == ",":
        if part.str.contains(".", literal=True).any():
            return None
        part = part.str.replace(",", ".", literal=True)
    values = part.cast(pl.Float64, strict=False)
    return None if values.null_count() > part.null_count() else values


def _in_points(text: pl.Series, mark: Mark) -> pl.Series:
    """Numbers without thousands and with a decimal point; what does not fit the mark as it is."""
    other = _OTHER[mark]
    grouped = text.str.contains(f"{_open(other)}|{_certain(mark)}").fill_null(False)
    bare = text.str.replace_all(other, "", literal=True).zip_with(grouped, text)
    if mark == ".":
        return bare
    # A point that is left parts no thousands: it is to make no number.
    return bare.str.replace_all(".", "?", literal=True).str.replace(",", ".", literal=True)


def _misfit(cell: str, mark: Mark) -> str:
    signs = pl.Series([cell.lower()]).str.contains(_SIGNS)[0]
    where = _(" with a decimal comma") if mark == "," else ""
    remedy = _("write it without the sign") if signs else _("correct it, or leave the column out")
    return _("expected a number{where}, found {cell!r}; {remedy}").format(
        where=where, cell=cell, remedy=remedy
    )


def _count(text: pl.Series, pattern: str) -> int:
    return int(text.str.contains(pattern).sum())


def _first(column: Cells, pattern: str, but: str = "^$") -> int | None:
    """The first row that matches; None where none does."""
    for row, part in parts_of(column):
        text = _plain(part)
        found = (text.str.contains(pattern) & ~text.str.contains(but)).fill_null(False)
        if found.any():
            return row + int(found.arg_max() or 0)
    return None
