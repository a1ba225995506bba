"""What the page says in whichever language is chosen there, so that it is told in both."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from gruta.errors import InputError
from gruta.extras import remedy
from gruta.locale import spoken
from gruta.locale import translate as _

LANGUAGES = {"en": "en", "pt": "pt_BR"}
"""As the page calls them, and as the catalogue does."""

X = TypeVar("X")
Both = dict[str, str]

_MENDABLE = (InputError, ModuleNotFoundError, OSError)


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
    """What comes of it; Refused for what a person can mend, whose other words come of asking once
    more.
    """
    try:
        with spoken(LANGUAGES["en"]):
            return act()
    except _MENDABLE as error:
        told = _message(error)
        if told is None:
            raise
        raise Refused({"en": told, "pt": _again(act) or told}) from error


def failed(error: Exception) -> Both:
    """What nobody foresaw."""
    told = in_both(lambda: _("the server failed ({error!r}); its terminal tells more"))
    return {code: text.format(error=error) for code, text in told.items()}


def _again(act: Callable[[], object]) -> str | None:
    with spoken(LANGUAGES["pt"]):
        try:
            act()
        except _MENDABLE as error:
            return _message(error)
    return None


def _message(error: Exception) -> str | None:
    if isinstance(error, ModuleNotFoundError):
        return remedy(error)
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}" if error.filename else None
    return str(error)


def _spoken(make: Callable[[], X]) -> dict[str, X]:
    found = {}
    for code, language in LANGUAGES.items():
        with spoken(language):
            found[code] = make()
    return found
