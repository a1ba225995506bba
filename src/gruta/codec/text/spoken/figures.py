"""Figures in words, as a language groups them; what the other rules say numbers with."""

import re
from collections.abc import Callable

from gruta.codec.text.numerals import Language, cardinal, decimal, digits

Rule = tuple[re.Pattern[str], Callable[[re.Match[str]], str]]
"""What is found in a text, and how it is said."""

LONGEST = 15
"""Figures that are read as one number, at most."""

NUMBER = {
    "en": r"\d+(?:,\d{3})*(?:\.\d+)?",
    "pt_BR": r"\d+(?:\.\d{3})*(?:,\d+)?",
}
EDGE, END = r"(?<![\w.,])", r"(?![\w])"


def in_words(text: str, language: Language, *, feminine: bool = False) -> str:
    """Of figures as the language groups them: 1,234.5 or 1.234,5."""
    group, point = (",", ".") if language == "en" else (".", ",")
    minus = text.startswith("-")
    whole, _, after = text.lstrip("-").partition(point)
    grouped = re.fullmatch(rf"\d{{1,3}}(?:{re.escape(group)}\d{{3}})+", whole)
    if not grouped and group in whole:  # as of another language, or a version's
        parts = re.split(r"[.,]", text.lstrip("-"))
        name = {"en": "point", "pt_BR": "ponto"}[language]
        found = f" {name} ".join(whole_in_words(part, language) for part in parts if part)
    elif after:
        figures = whole.replace(group, "") or "0"
        if len(figures) > LONGEST or point in after:
            return " ".join(in_words(part, language) for part in text.split(point) if part)
        found = decimal(figures, after, language)
    else:
        found = whole_in_words(whole.replace(group, ""), language, feminine)
    sign = {"en": "minus ", "pt_BR": "menos "}[language] if minus else ""
    return sign + found


def whole_in_words(figures: str, language: Language, feminine: bool = False) -> str:
    """Of figures alone; figure by figure where there are too many or the first is 0."""
    if len(figures) > LONGEST or (len(figures) > 1 and figures.startswith("0")):
        return digits(figures, language)
    return cardinal(int(figures), language, feminine=feminine)


def how_many(text: str, language: Language) -> float:
    """How many, for one or several."""
    group, point = (",", ".") if language == "en" else (".", ",")
    try:
        return abs(float(text.replace(group, "").replace(point, ".")))
    except ValueError:
        return 2.0


def is_several(text: str, language: Language) -> bool:
    """English says 0 dollars and 0.5 dollars; Portuguese 0 real and 1,5 real."""
    value = how_many(text, language)
    return value != 1 if language == "en" else value >= 2
