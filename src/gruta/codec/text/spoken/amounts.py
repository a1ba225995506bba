"""Measures, money, ordinals and bare numbers."""

import re

from gruta.codec.text.numerals import Language, cardinal, digits, ordinal, year
from gruta.codec.text.spoken.figures import (
    END,
    LONGEST,
    NUMBER,
    Rule,
    how_many,
    in_words,
    is_several,
    whole_in_words,
)
from gruta.codec.text.spoken.words import FEMININE, MASCULINE, WORDS

_CENTS = {"en": r"\d+(?:\.\d{3})*,\d\d", "pt_BR": r"\d+(?:,\d{3})*\.\d\d"}
_SWAPPED = str.maketrans(".,", ",.")


def of_units(language: Language) -> list[Rule]:
    """Numbers with a unit, and shares."""
    words = WORDS[language]
    known = "|".join(re.escape(one) for one in sorted(words.units, key=len, reverse=True))
    number = NUMBER[language]

    def measured(match: re.Match[str]) -> str:
        amount, unit, power = match["n"], match["unit"], match["power"] or ""
        several = is_several(amount, language)
        name = words.units[unit][several]
        if power:
            name = (words.squared if power == "²" else words.cubed)[several].format(name)
        feminine = unit in words.feminine
        return f"{in_words(match['sign'] + amount, language, feminine=feminine)} {name}"

    def share(match: re.Match[str]) -> str:
        return f"{in_words(match['sign'] + match['n'], language)} {words.percent}"

    sign = r"(?P<sign>(?<!\w)-|)"
    return [
        (re.compile(rf"{sign}(?<![\d.,])(?P<n>{number}) ?%"), share),
        (
            re.compile(
                rf"{sign}(?<![\w.,])(?P<n>{number}) ?(?P<unit>{known})(?P<power>[²³]?){END}"
            ),
            measured,
        ),
    ]


def of_money(language: Language) -> list[Rule]:
    """Sums of money."""
    words = WORDS[language]
    known = "|".join(re.escape(one) for one in sorted(words.money, key=len, reverse=True))
    number, large = NUMBER[language], "|".join(words.large)
    point = "." if language == "en" else ","

    def paid(match: re.Match[str]) -> str:
        sign, amount, size = match["sign"], match["n"], match["large"]
        if abroad.fullmatch(amount):
            amount = amount.translate(_SWAPPED)
        one, several = words.money[sign]
        women = sign == "£" and language == "pt_BR"
        if size:
            of = "de " if language == "pt_BR" and size != "mil" else ""
            size = {"mi": "milhões", "bi": "bilhões"}.get(size, size)
            return f"{in_words(amount, language)} {size} {of}{several}"
        whole, _, after = amount.partition(point)
        if after and (len(after) != 2 or sign not in words.hundredths):
            return f"{in_words(amount, language)} {several}"
        parts = []
        if how_many(whole, language) or not int(after or 0):
            millions = language == "pt_BR" and whole.replace(".", "").endswith("000000")
            of = "de " if millions else ""
            name = several if is_several(whole, language) else one
            parts.append(f"{in_words(whole, language, feminine=women)} {of}{name}")
        if int(after or 0):
            name = words.hundredths[sign][int(after) != 1]
            parts.append(f"{cardinal(int(after), language)} {name}")
        return f" {words.both} ".join(parts)

    abroad = re.compile(_CENTS[language])  # as the other language writes it
    either = rf"(?:{abroad.pattern}(?![\d.,]*\d)|{number})"
    pattern = rf"(?P<sign>{known}) ?(?P<n>{either})(?: (?P<large>{large})\b)?"
    return [(re.compile(rf"(?<!\w){pattern}{END}"), paid)]


def of_ordinals(language: Language) -> list[Rule]:
    """Ordinals, and English decades."""
    if language == "en":

        def placed(match: re.Match[str]) -> str:
            figures = match["n"].replace(",", "")
            return ordinal(int(figures), "en") if len(figures) <= LONGEST else digits(figures, "en")

        def decade(match: re.Match[str]) -> str:
            words = (
                year(int(match["n"]), "en")
                if len(match["n"]) == 4
                else whole_in_words(match["n"], "en")
            )
            return words[:-1] + "ies" if words.endswith("y") else words + "s"

        return [
            (re.compile(r"(?<![\w.])'?(?P<n>1[1-9]\d0|20\d0|[2-9]0)'?s\b"), decade),
            (re.compile(r"(?<![\w.])(?P<n>\d+(?:,\d{3})*)(?:st|nd|rd|th)\b"), placed),
        ]

    def placed_pt(match: re.Match[str]) -> str:
        figures = match["n"].replace(".", "")
        if len(figures) > LONGEST:
            return digits(figures, "pt_BR")
        found = ordinal(int(figures), "pt_BR", feminine=match["end"][0] in "aª")
        return found + ("s" if len(match["end"]) > 1 else "")

    return [(re.compile(r"(?<![\w])(?P<n>\d+(?:\.\d{3})*)\.?(?P<end>[ºª]s?)"), placed_pt)]


def of_numbers(language: Language) -> list[Rule]:
    """Telephones, versions, ranges, and whatever figures are left."""
    words, number = WORDS[language], NUMBER[language]

    def one_by_one(match: re.Match[str]) -> str:
        return ", ".join(digits(part, language) for part in re.findall(r"\d+", match[0]))

    def between(match: re.Match[str]) -> str:
        return f"{in_words(match['a'], language)} {words.to} {in_words(match['b'], language)}"

    def plain(match: re.Match[str]) -> str:
        figures = match["n"]
        lone = re.fullmatch(r"1[1-9]\d\d|20\d\d", figures) and not match["sign"]
        if language == "en" and lone:
            return f" {year(int(figures), 'en')} "
        after = match.string[match.end() :]
        feminine = language == "pt_BR" and _is_feminine(after)
        said = in_words(match["sign"] + figures, language, feminine=feminine)
        whole = language == "pt_BR" and figures.replace(".", "").endswith("000000")
        counts = whole and re.match(r" [^\W\d]{3}", after)
        return f" {said} de " if counts else f" {said} "

    def versions(match: re.Match[str]) -> str:
        if re.fullmatch(number, match[0]):
            return match[0]
        name = {"en": " point ", "pt_BR": " ponto "}[language]
        return name.join(whole_in_words(part, language) for part in match[0].split("."))

    fewest = 2 if language == "en" else 1
    phone = r"(?<![\w.,])(?:\+\d{1,3} ?)?(?:\(?\d{2,3}\)?[ -])?\d{3,5}-\d{4}(?![\w-])"
    return [
        (re.compile(phone), one_by_one),
        (re.compile(rf"(?<![\w.,])\d+(?:\.\d+){{{fewest},}}(?![\w.,]\d)"), versions),
        (re.compile(rf"(?<![\w.,-])(?P<a>{number}) ?- ?(?P<b>{number})(?![\w-])"), between),
        (re.compile(rf"(?P<sign>(?<![\w)])-|)(?P<n>{number})"), plain),
        (re.compile(r"\d+"), lambda match: f" {whole_in_words(match[0], language)} "),
    ]


def _is_feminine(after: str) -> bool:
    """Whether the Portuguese noun that follows a number is feminine, by its end."""
    found = re.match(r"\s+(\w+)", after)
    if found is None:
        return False
    noun = found[1].lower()
    return noun not in MASCULINE and len(noun) > 2 and noun.endswith(FEMININE)
