"""What people see as one character: never shown in part.

Extended grapheme clusters of Unicode's UAX 29, by the regex library. Where that is not installed,
as beside a model file, a letter with the marks and the joined signs behind it stands for one.
"""

import re
import unicodedata
from collections.abc import Callable
from functools import cache

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_JOINER = "\u200d"


class Shown:
    """Text on its way to the screen: the last grapheme waits until it is known to be whole."""

    def __init__(self) -> None:
        self._held = ""

    def add(self, piece: str) -> str:
        """What can be shown by now."""
        self._held += piece
        if len(self._held) < 2:
            return ""
        last = len(self._held) - len(graphemes(self._held)[-1])
        found, self._held = self._held[:last], self._held[last:]
        return visible(found)

    def end(self) -> str:
        """The rest."""
        found, self._held = self._held, ""
        return visible(found)


def visible(text: str) -> str:
    """A text that does nothing to a terminal: what controls one, or turns the direction of what
    follows, is a replacement character.
    """
    shown: str = _CONTROL.sub("\ufffd", text)
    return shown


def beginning(text: str, most: int) -> str:
    """Its first so many graphemes, with an ellipsis where it goes on."""
    found = graphemes(text[: 16 * most])
    return text if len(found) <= most else "".join(found[:most]) + "…"


def graphemes(text: str) -> list[str]:
    """Each of them."""
    return _splitter()(text)


@cache
def _splitter() -> Callable[[str], list[str]]:
    try:
        import regex
    except ModuleNotFoundError:
        return _plainly
    found: Callable[[str], list[str]] = regex.compile(r"\X").findall
    return found


def _plainly(text: str) -> list[str]:
    """Without the library: flags and Korean letters may be cut in two."""
    found: list[str] = []
    for letter in text:
        before = found[-1][-1:] if found else ""
        follows = unicodedata.category(letter) in ("Mn", "Me", "Mc") or letter == _JOINER
        if before and (follows or before == _JOINER or before + letter == "\r\n"):
            found[-1] += letter
        else:
            found.append(letter)
    return found
