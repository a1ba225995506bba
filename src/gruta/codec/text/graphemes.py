"""What people see as one character: never shown in part.

Extended grapheme clusters of Unicode's UAX 29, by the regex library.
"""

import regex

_ONE = regex.compile(r"\X")
_CONTROL = regex.compile(r"[[\p{Cc}\u202a-\u202e\u2066-\u2069]--[\n\t]]", regex.V1)


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
    found: list[str] = _ONE.findall(text)
    return found
