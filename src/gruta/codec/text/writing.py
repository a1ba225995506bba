"""How what is said is written down: with capitals and marks, or in small letters alone."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from gruta.errors import InputError
from gruta.locale import translate as _

SPOKEN = frozenset("#%&*@+$=€£°/§")
"""Signs that are read out, and stay."""

_APOSTROPHES = re.compile("[’ʼ`´]")
_INSIDE = re.compile(r"(?<=[^\W_])['-](?=[^\W_])|(?<=\d)[.,:](?=\d)")
"""Marks within a word or a number, which stay."""


@dataclass(frozen=True)
class Writing:
    """capitals, marks: whether they are kept. Accents are composed (NFC) and blanks made one in any
    case; digits stay digits.

    Without marks those that are not read out become blanks, but for apostrophes and hyphens within
    words, and what stands between the digits of a number.
    """

    capitals: bool = True
    marks: bool = True

    def __call__(self, text: str) -> str:
        """A text so written; of one that is so written, the same."""
        found = unicodedata.normalize("NFC", text)
        if not self.capitals:
            found = unicodedata.normalize("NFC", found.lower())
        if not self.marks:
            found = _APOSTROPHES.sub("'", found)
            inside = {match.start() for match in _INSIDE.finditer(found)}
            found = "".join(
                c if i in inside or not _is_mark(c) else " " for i, c in enumerate(found)
            )
        return " ".join(found.split())

    def to_json(self) -> dict[str, bool]:
        """Plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Writing":
        """What `to_json` gave; InputError if it is anything else."""
        try:
            capitals, marks = content["capitals"], content["marks"]
        except (KeyError, TypeError) as error:
            problem = _("codec.json: not a way of writing ({error})")
            raise InputError(problem.format(error=error)) from None
        return cls(bool(capitals), bool(marks))


def _is_mark(character: str) -> bool:
    return unicodedata.category(character)[0] in "PSC" and character not in SPOKEN
