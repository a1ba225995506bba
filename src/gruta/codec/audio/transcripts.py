"""What people write down of what is said, as a recogniser spells it."""

import re
import unicodedata
from typing import Literal

Capitals = Literal["fold", "keep"]
Marks = Literal["drop", "keep"]

_INSIDE = re.compile(r"(?<=\w)['’‘ʼ-](?=\w)")
_APOSTROPHES = str.maketrans("’‘ʼ", "'''")


def spelled(text: str, capitals: Capitals = "fold", marks: Marks = "drop") -> str:
    """A text with one character for each letter and its accents, and with single blanks.

    fold: small letters alone. drop: without punctuation and other signs, but for apostrophes and
    hyphens between letters; what words are parted by becomes a blank. Digits stay.
    """
    text = unicodedata.normalize("NFC", text)
    if capitals == "fold":
        text = unicodedata.normalize("NFC", text.lower())
    if marks == "drop":
        inside = {match.start() for match in _INSIDE.finditer(text)}
        kept = (one if i in inside or _says(one) else " " for i, one in enumerate(text))
        text = "".join(kept).translate(_APOSTROPHES)
    return " ".join(text.split())


def has_digits(text: str) -> bool:
    """Whether some of it is written in figures, which may be said in several ways."""
    return any(unicodedata.category(one) == "Nd" for one in text)


def _says(one: str) -> bool:
    """Whether a character is a letter, an accent of one, or a figure."""
    return unicodedata.category(one)[0] in "LMN"
