"""How a table is to be read, what was guessed where nothing was said, and what was mended."""

import codecs
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from gruta.errors import InputError
from gruta.locale import translate as _

AUTO = "auto"
SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|", "\\t": "\t"}
DAY_FIRST, MONTH_FIRST = "day-first", "month-first"
EPOCHS = ("epoch-s", "epoch-ms", "epoch-us", "epoch-ns")
"""Orders and units that dates can be said to have, besides a format with %."""


@dataclass(frozen=True)
class Reading:
    """What a person says of a table; "auto" leaves it to the file. InputError if it cannot be.

    separator: a character, or its name. dates: day-first, month-first, an epoch's unit, or a format
    as `strptime` has it. sheet: a name.
    """

    encoding: str = AUTO
    separator: str = AUTO
    decimal: str = AUTO
    dates: str = AUTO
    sheet: str = AUTO

    def __post_init__(self) -> None:
        if self.encoding != AUTO and not _is_encoding(self.encoding):
            raise InputError(
                encoding=_("expected a name such as utf-8, cp1252 or utf-16, got {value}").format(
                    value=repr(self.encoding)
                )
            )
        if self.separator != AUTO and not _can_separate(self.mark):
            raise InputError(
                separator=_("expected one character such as ; or tab, got {value}").format(
                    value=repr(self.separator)
                )
            )
        if self.decimal not in (AUTO, ".", ","):
            raise InputError(
                decimal=_("expected . or , got {value}").format(value=repr(self.decimal))
            )
        if self.dates not in (AUTO, DAY_FIRST, MONTH_FIRST, *EPOCHS) and "%" not in self.dates:
            raise InputError(
                dates=_(
                    "expected day-first, month-first, epoch-s, epoch-ms or a format such as "
                    "%d/%m/%y, got {value}"
                ).format(value=repr(self.dates))
            )

    @property
    def mark(self) -> str:
        """The character that separates, where one was said."""
        return SEPARATORS.get(self.separator, self.separator)


@dataclass(frozen=True)
class Guess:
    """One thing that was found out about a table, and the setting that overrules it; "" if none
    does.
    """

    about: str
    value: str
    option: str = ""

    def told(self, name: Callable[[str], str] = str) -> str:
        """In a line, with the setting called as `name` has it."""
        abouts = {
            "encoding": _("encoding"),
            "separator": _("separator"),
            "decimal mark": _("decimal mark"),
            "dates": _("dates"),
            "sheet": _("sheet"),
            "time column": _("time column"),
            "step": _("step"),
            "series column": _("series column"),
            "source column": _("source column"),
            "target column": _("target column"),
            "audio column": _("audio column"),
            "transcript column": _("transcript column"),
            "speaker column": _("speaker column"),
            "list of transcripts": _("list of transcripts"),
            "series that training did not see": _("series that training did not see"),
            "series of the training that are not there": _(
                "series of the training that are not there"
            ),
            "rows of each step": _("rows of each step"),
            "columns that are series": _("columns that are series"),
            "columns without numbers, left out": _("columns without numbers, left out"),
        }
        values = {
            "tab": _("tab"),
            "day-first": _("day first"),
            "month-first": _("month first"),
            "epoch-s": _("seconds since 1970"),
            "epoch-ms": _("milliseconds since 1970"),
            "epoch-us": _("microseconds since 1970"),
            "epoch-ns": _("nanoseconds since 1970"),
            "first column": _("the first, which has no name"),
            "index": _("the frame's index"),
            "their mean": _("their mean"),
        }
        value = self.value if self.about == "sheet" else values.get(self.value, self.value)
        about = abouts[self.about]
        if not self.option:
            return f"{about}: {value}"
        return _("{about}: {value} (a guess; {option} overrules it)").format(
            about=about, value=value, option=name(self.option)
        )


@dataclass(frozen=True)
class Repair:
    """What was found: its kind, how often, the first places, and what was done about it."""

    kind: str
    count: int
    places: tuple[str, ...]
    done: str


def _is_encoding(name: str) -> bool:
    """Whether Python decodes text by it; some of its codecs do other things."""
    try:
        found = codecs.lookup(name)
    except (LookupError, ValueError):
        return False
    return bool(getattr(found, "_is_text_encoding", True))


def _can_separate(mark: str) -> bool:
    """One byte of UTF-8 that is no part of a word, a number or a quoted cell."""
    plain = len(mark) == 1 and mark.isascii()
    return plain and (mark == "\t" or unicodedata.category(mark)[0] in "PSZ") and mark not in "\"'"
