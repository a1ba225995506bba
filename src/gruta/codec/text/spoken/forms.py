"""Short forms, Roman numerals, and signs."""

import re
from collections.abc import Callable, Mapping

from gruta.codec.text.numerals import Language, cardinal, ordinal
from gruta.codec.text.spoken.figures import END, Rule
from gruta.codec.text.spoken.words import WORDS, Words


def of_short_forms(language: Language) -> list[Rule]:
    """Abbreviations."""
    words = WORDS[language]

    def called(table: Mapping[str, str]) -> Callable[[re.Match[str]], str]:
        def of(match: re.Match[str]) -> str:
            short = match["short"]
            found = table[short.lower()]
            if short[0].isupper() and not found[0].isupper() and len(short) > 1:
                found = found[0].upper() + found[1:]
            ends = not match.string[match.end() :].strip()
            return found + ("." if ends else "")

        return of

    def listed(table: Mapping[str, str]) -> str:
        return "|".join(re.escape(one) for one in sorted(table, key=len, reverse=True))

    numbered = re.compile(rf"(?<![\w.])(?P<short>{listed(words.before_numbers)})\.? ?(?=\d)", re.I)
    plain = re.compile(rf"(?<![\w.])(?P<short>{listed(words.short)})\.(?!\w)", re.I)
    rules: list[Rule] = [
        (numbered, lambda match: words.before_numbers[match["short"].lower()] + " "),
    ]
    if language == "en":
        rules += [
            (re.compile(r"\bSt\.(?= [A-Z])"), lambda match: "Saint"),
            (re.compile(r"\bSt\.(?!\w)"), lambda match: "Street"),
        ]
    else:
        rules += [
            (re.compile(r"\bD\.(?= \w*[aA]\b)"), lambda match: "Dona"),
            (re.compile(r"\bD\.(?= [A-ZÀ-Ý])"), lambda match: "Dom"),
            (re.compile(r"\bR\.(?= [A-ZÀ-Ý])"), lambda match: "Rua"),
            (re.compile(r"\bN\. ?Sra\.|\bN\. ?S\.(?= )"), lambda match: "Nossa Senhora"),
        ]
    return [*rules, (plain, called(words.short))]


_ROMAN = r"(?=[IVXLC]{2,})C{0,3}(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})"
_PARTS = {"en": r"[Cc]hapter|[Vv]olume|[Pp]art|War|Act|Appendix", "pt_BR": r"[Ss]éculos?|"
          r"[Cc]apítulo|[Vv]olume|[Aa]to|[Pp]arte|Guerra|[Tt]ítulo|[Aa]rtigo"}  # fmt: skip


def of_romans(language: Language) -> list[Rule]:
    """Roman numerals behind a name."""

    def counted(match: re.Match[str]) -> str:
        return f"{match['name']} {cardinal(_roman(match['n']), language)}"

    def reigning(match: re.Match[str]) -> str:
        n = _roman(match["n"])
        if language == "en":
            return f"{match['name']} the {ordinal(n, 'en')}"
        women = match["name"].endswith("a")
        said = ordinal(n, "pt_BR", feminine=women) if n <= 10 else cardinal(n, "pt_BR")
        return f"{match['name']} {said}"

    return [
        (re.compile(rf"\b(?P<name>{_PARTS[language]}) (?P<n>{_ROMAN}){END}"), counted),
        (re.compile(rf"\b(?P<name>[A-ZÀ-Ý][a-zà-ÿ]+) (?P<n>{_ROMAN}){END}"), reigning),
    ]


def _roman(text: str) -> int:
    values = [{"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}[one] for one in text]
    pairs = zip(values, [*values[1:], 0], strict=True)
    return sum(-one if one < after else one for one, after in pairs)


def of_signs(words: Words) -> list[Rule]:
    """Signs that have a name; powers that are left are not said."""
    known = "".join(map(re.escape, words.signs))
    powers = re.compile(r"[²³¹⁰-₟]")
    return [
        (re.compile(f"[{known}]"), lambda match: f" {words.signs[match[0]]} "),
        (powers, lambda match: ""),
    ]
