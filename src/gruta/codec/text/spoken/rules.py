"""The rules, in their order, and what is done before and after them."""

import re
import unicodedata

from gruta.codec.text.numerals import Language
from gruta.codec.text.spoken.amounts import of_money, of_numbers, of_ordinals, of_units
from gruta.codec.text.spoken.figures import Rule
from gruta.codec.text.spoken.forms import of_romans, of_short_forms, of_signs
from gruta.codec.text.spoken.times import of_dates, of_times
from gruta.codec.text.spoken.words import WORDS

_STRANGE = {"’": "'", "‘": "'", "ʼ": "'", "−": "-", "–": "-", "—": " - "}


def spoken(text: str, language: Language) -> str:
    """The text in words, with single blanks; capital letters and punctuation stay."""
    text = unicodedata.normalize("NFC", text)
    text = "".join(_plain(one) for one in text)
    for pattern, said in _RULES[language]:
        text = pattern.sub(said, text)
    text = re.sub(r"\s+([,.;:!?…])", r"\1", " ".join(text.split()))
    return unicodedata.normalize("NFC", text)


def _plain(one: str) -> str:
    """A character, with all figures of the ASCII kind, and controls as blanks."""
    if one in _STRANGE:
        return _STRANGE[one]
    kind = unicodedata.category(one)
    if kind == "Nd":
        return str(unicodedata.decimal(one))
    return " " if kind in ("Cc", "Cf", "Zs", "Zl", "Zp") else one


def _rules(language: Language) -> list[Rule]:
    return [
        *of_short_forms(language),
        *of_money(language),
        *of_times(language),
        *of_dates(language),
        *of_ordinals(language),
        *of_units(language),
        *of_romans(language),
        *of_numbers(language),
        *of_signs(WORDS[language]),
    ]


_RULES = {"en": _rules("en"), "pt_BR": _rules("pt_BR")}
