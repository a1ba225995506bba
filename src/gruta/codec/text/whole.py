"""Whether a text is whole: no half of a character pair stands in it."""

from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number


def is_whole(text: str) -> bool:
    """Whether a text has no half of a character pair, which no file can hold."""
    return _half(text) is None


def require_whole(text: str, name: str) -> None:
    """InputError for half of a character pair."""
    place = _half(text)
    if place is not None:
        problem = _("{name}: half of a character at {place}, mend the text")
        raise InputError(problem.format(name=name, place=number(place + 1)))


def _half(text: str) -> int | None:
    """Where the first half of a character pair stands."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return error.start
    return None
