"""What the page says in whichever language is chosen there, so that it is told in both."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from gruta.errors import InputError
from gruta.locale import spoken

LANGUAGES = {"en": "en", "pt": "pt_BR"}
"""As the page calls them, and as the catalogue does."""

X = TypeVar("X")
Both = dict[str, str]


def in_both(text: Callable[[], str]) -> Both:
    """A text that is made in the language in use, in either."""
    return _spoken(text)


def each_in_both(texts: Callable[[], Sequence[str]]) -> list[Both]:
    """The same of several."""
    pairs = zip(*_spoken(texts).values(), strict=True)
    return [dict(zip(LANGUAGES, pair, strict=True)) for pair in pairs]


class Refused(Exception):
    """An `InputError` as the page is told it; status: of HTTP."""

    def __init__(self, error: Both, status: int = 400) -> None:
        super().__init__(error["en"])
        self.error, self.status = error, status


def asked(act: Callable[[], X]) -> X:
    """What comes of it; Refused for an `InputError`, whose words come of asking once more."""
    try:
        with spoken("en"):
            return act()
    except InputError as error:
        raise Refused({"en": str(error), "pt": _again(act) or str(error)}) from error


def _again(act: Callable[[], object]) -> str:
    try:
        with spoken("pt_BR"):
            act()
    except InputError as error:
        return str(error)
    return ""


def _spoken(make: Callable[[], X]) -> dict[str, X]:
    found = {}
    for code, language in LANGUAGES.items():
        with spoken(language):
            found[code] = make()
    return found
