"""A text as it is said: numbers, times, dates, money, ordinals, units and short forms in words.

    2:30 p.m.       two thirty p m            14h30       catorze horas e trinta minutos
    7/9/2024        July ninth, …             7/9/2024    sete de setembro de …
    $5.20           five dollars and …        R$ 3,50     três reais e cinquenta centavos

Rules are tried in one order, each on what the ones before have left; a figure that fits none is
said as a number or, where it is too long or begins with a zero, figure by figure. Accents are
composed (NFC) before anything else. No figure is left, whatever the text.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping

from gruta.codec.text.numerals import Language, cardinal, decimal, digits, ordinal, year
from gruta.codec.text.spoken_words import FEMININE, MASCULINE, WORDS, Words

_Rule = tuple[re.Pattern[str], Callable[[re.Match[str]], str]]

_LONGEST = 15
"""Figures that are read as one number, at most."""

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


def _number(text: str, language: Language, *, feminine: bool = False) -> str:
    """Of figures as the language groups them: 1,234.5 or 1.234,5."""
    group, point = (",", ".") if language == "en" else (".", ",")
    minus = text.startswith("-")
    whole, _, after = text.lstrip("-").partition(point)
    grouped = re.fullmatch(rf"\d{{1,3}}(?:{re.escape(group)}\d{{3}})+", whole)
    if not grouped and group in whole:  # as of another language, or a version's
        parts = re.split(r"[.,]", text.lstrip("-"))
        name = {"en": "point", "pt_BR": "ponto"}[language]
        found = f" {name} ".join(_whole(part, language) for part in parts if part)
    elif after:
        figures = whole.replace(group, "") or "0"
        if len(figures) > _LONGEST or point in after:
            return " ".join(_number(part, language) for part in text.split(point) if part)
        found = decimal(figures, after, language)
    else:
        found = _whole(whole.replace(group, ""), language, feminine)
    sign = {"en": "minus ", "pt_BR": "menos "}[language] if minus else ""
    return sign + found


def _whole(figures: str, language: Language, feminine: bool = False) -> str:
    if len(figures) > _LONGEST or (len(figures) > 1 and figures.startswith("0")):
        return digits(figures, language)
    return cardinal(int(figures), language, feminine=feminine)


def _value(text: str, language: Language) -> float:
    """How many, for one or several."""
    group, point = (",", ".") if language == "en" else (".", ",")
    try:
        return abs(float(text.replace(group, "").replace(point, ".")))
    except ValueError:
        return 2.0


def _is_several(text: str, language: Language) -> bool:
    """English says 0 dollars and 0.5 dollars; Portuguese 0 real and 1,5 real."""
    value = _value(text, language)
    return value != 1 if language == "en" else value >= 2


_NUMBER = {
    "en": r"\d+(?:,\d{3})*(?:\.\d+)?",
    "pt_BR": r"\d+(?:\.\d{3})*(?:,\d+)?",
}
_CENTS = {"en": r"\d+(?:\.\d{3})*,\d\d", "pt_BR": r"\d+(?:,\d{3})*\.\d\d"}
_SWAPPED = str.maketrans(".,", ",.")
_EDGE, _END = r"(?<![\w.,])", r"(?![\w])"


def _of_units(language: Language) -> list[_Rule]:
    words = WORDS[language]
    known = "|".join(re.escape(one) for one in sorted(words.units, key=len, reverse=True))
    number = _NUMBER[language]

    def measured(match: re.Match[str]) -> str:
        amount, unit, power = match["n"], match["unit"], match["power"] or ""
        several = _is_several(amount, language)
        name = words.units[unit][several]
        if power:
            name = (words.squared if power == "²" else words.cubed)[several].format(name)
        feminine = unit in words.feminine
        return f"{_number(match['sign'] + amount, language, feminine=feminine)} {name}"

    def share(match: re.Match[str]) -> str:
        return f"{_number(match['sign'] + match['n'], language)} {words.percent}"

    sign = r"(?P<sign>(?<!\w)-|)"
    return [
        (re.compile(rf"{sign}(?<![\d.,])(?P<n>{number}) ?%"), share),
        (
            re.compile(
                rf"{sign}(?<![\w.,])(?P<n>{number}) ?(?P<unit>{known})(?P<power>[²³]?){_END}"
            ),
            measured,
        ),
    ]


def _of_money(language: Language) -> list[_Rule]:
    words = WORDS[language]
    known = "|".join(re.escape(one) for one in sorted(words.money, key=len, reverse=True))
    number, large = _NUMBER[language], "|".join(words.large)
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
            return f"{_number(amount, language)} {size} {of}{several}"
        whole, _, after = amount.partition(point)
        if after and (len(after) != 2 or sign not in words.hundredths):
            return f"{_number(amount, language)} {several}"
        parts = []
        if _value(whole, language) or not int(after or 0):
            millions = language == "pt_BR" and whole.replace(".", "").endswith("000000")
            of = "de " if millions else ""
            name = several if _is_several(whole, language) else one
            parts.append(f"{_number(whole, language, feminine=women)} {of}{name}")
        if int(after or 0):
            name = words.hundredths[sign][int(after) != 1]
            parts.append(f"{cardinal(int(after), language)} {name}")
        return f" {words.both} ".join(parts)

    abroad = re.compile(_CENTS[language])  # as the other language writes it
    either = rf"(?:{abroad.pattern}(?![\d.,]*\d)|{number})"
    pattern = rf"(?P<sign>{known}) ?(?P<n>{either})(?: (?P<large>{large})\b)?"
    return [(re.compile(rf"(?<!\w){pattern}{_END}"), paid)]


def _of_times(language: Language) -> list[_Rule]:
    def english(match: re.Match[str]) -> str:
        hour, minute, half = int(match["h"]), match["m"], match["half"]
        if hour > 24 or int(minute or 0) > 59 or int(match["s"] or 0) > 59:
            return " ".join(digits(part, "en") for part in re.findall(r"\d+", match[0]))
        parts = [cardinal(hour, "en")]
        if minute is None or minute == "00":
            if not half and minute:
                parts.append("o'clock" if 1 <= hour <= 12 else "hundred hours")
        else:
            parts.append(("oh " if minute[0] == "0" else "") + cardinal(int(minute), "en"))
        if match["s"]:
            seconds = int(match["s"])
            parts.append(f"and {cardinal(seconds, 'en')} second" + ("s" if seconds != 1 else ""))
        if half:
            parts.append("a m" if half[0] in "aA" else "p m")
        return " ".join(parts)

    def portuguese(match: re.Match[str]) -> str:
        hour, minute = int(match["h"]), int(match["m"] or 0)
        second = int(match["s"] or 0)
        if hour > 24 or minute > 59 or second > 59:
            return " ".join(digits(part, "pt_BR") for part in re.findall(r"\d+", match[0]))
        said = [f"{cardinal(hour, 'pt_BR', feminine=True)} {'horas' if hour > 1 else 'hora'}"]
        if minute:
            said.append(f"{cardinal(minute, 'pt_BR')} {'minutos' if minute > 1 else 'minuto'}")
        if second:
            said.append(f"{cardinal(second, 'pt_BR')} {'segundos' if second > 1 else 'segundo'}")
        return " e ".join(said)

    if language == "en":
        half = r"(?P<half>[aApP]\.[mM]\.?|[aApP][mM](?!\w))"
        return [
            (re.compile(rf"{_EDGE}(?P<h>\d\d?)[:h](?P<m>\d\d)(?::(?P<s>\d\d))?(?!\d)(?: ?{half})?"),
             english),
            (re.compile(rf"{_EDGE}(?P<h>\d\d?)(?P<m>)(?P<s>) ?{half}"), _hour_alone(english)),
        ]  # fmt: skip
    return [
        (re.compile(rf"{_EDGE}(?P<h>\d\d?)[:h](?P<m>\d\d)(?:(?::|min|m)(?P<s>\d\d)s?|min|m)?{_END}"),
         portuguese),
    ]  # fmt: skip


def _hour_alone(said: Callable[[re.Match[str]], str]) -> Callable[[re.Match[str]], str]:
    def of(match: re.Match[str]) -> str:
        whole = f"{match['h']}:00 {match['half']}"
        again = _OF_HOURS.fullmatch(whole)
        assert again is not None
        return said(again)

    return of


_OF_HOURS = re.compile(r"(?P<h>\d\d?):(?P<m>\d\d)(?P<s>) (?P<half>.*)")


def _of_dates(language: Language) -> list[_Rule]:
    words = WORDS[language]

    def dated(day: int, month: int, of_year: str | None) -> str:
        name = words.months[month - 1]
        if language == "en":
            tail = f", {_year(of_year, 'en')}" if of_year else ""
            return f"{name} {ordinal(day, 'en')}{tail}"
        first = ordinal(1, "pt_BR") if day == 1 else cardinal(day, "pt_BR")
        return f"{first} de {name}" + (f" de {_year(of_year, 'pt_BR')}" if of_year else "")

    def iso(match: re.Match[str]) -> str:
        month, day = int(match["m"]), int(match["d"])
        if not (1 <= month <= 12 and 1 <= day <= 31):
            return " ".join(_whole(part, language) for part in match[0].split("-"))
        return dated(day, month, match["y"])

    def short(match: re.Match[str]) -> str:
        first, second = int(match["a"]), int(match["b"])
        month, day = (first, second) if language == "en" else (second, first)
        if not 1 <= month <= 12:  # as the other language writes it
            month, day = day, month
        if 1 <= month <= 12 and 1 <= day <= 31:
            return dated(day, month, match["y"])
        parts = (_whole(part, language) for part in re.findall(r"\d+", match[0]))
        return {"en": " over ", "pt_BR": " sobre "}[language].join(parts)

    def month_first(match: re.Match[str]) -> str:
        day = ordinal(int(match["d"]), "en")
        return f"{match['month']} {day}" + (f", {_year(match['y'], 'en')}" if match["y"] else "")

    def day_first(match: re.Match[str]) -> str:
        day = int(match["d"])
        if language == "en":
            tail = f" {_year(match['y'], 'en')}" if match["y"] else ""
            return f"the {ordinal(day, 'en')} of {match['month']}{tail}"
        said = ordinal(1, "pt_BR") if day == 1 else cardinal(day, "pt_BR")
        tail = f" de {_year(match['y'], 'pt_BR')}" if match["y"] else ""
        return f"{said} de {match['month']}{tail}"

    months = "|".join(words.months)
    rules: list[_Rule] = [
        (re.compile(rf"{_EDGE}(?P<y>\d{{4}})-(?P<m>\d\d)-(?P<d>\d\d)(?![\w-])"), iso),
        (re.compile(rf"{_EDGE}(?P<a>\d\d?)/(?P<b>\d\d?)(?:/(?P<y>\d{{4}}|\d\d))?(?![\w/])"), short),
    ]
    if language == "en":
        end = r"(?:st|nd|rd|th)?(?:,? (?P<y>\d{4}))?(?![\w.,]?\d)(?![\w:])"
        rules.append((re.compile(rf"\b(?P<month>{months}) (?P<d>[12]?\d|3[01]){end}"), month_first))
        day = r"(?P<d>[12]?\d|3[01])(?:st|nd|rd|th)?"
        rules.append(
            (
                re.compile(rf"{_EDGE}{day} (?P<month>{months})(?:,? (?P<y>\d{{4}}))?{_END}"),
                day_first,
            )
        )
    else:
        day = r"(?P<d>[12]?\d|3[01])º?"
        tail = r"(?: de (?P<y>\d{4}))?"
        rules.append(
            (re.compile(rf"{_EDGE}{day} de (?P<month>{months}){tail}{_END}", re.I), day_first)
        )
    return rules


def _year(text: str, language: Language) -> str:
    return _whole(text, language) if len(text) == 2 else year(int(text), language)


def _of_ordinals(language: Language) -> list[_Rule]:
    if language == "en":

        def placed(match: re.Match[str]) -> str:
            figures = match["n"].replace(",", "")
            return (
                ordinal(int(figures), "en") if len(figures) <= _LONGEST else digits(figures, "en")
            )

        def decade(match: re.Match[str]) -> str:
            words = (
                year(int(match["n"]), "en") if len(match["n"]) == 4 else _whole(match["n"], "en")
            )
            return words[:-1] + "ies" if words.endswith("y") else words + "s"

        return [
            (re.compile(r"(?<![\w.])'?(?P<n>1[1-9]\d0|20\d0|[2-9]0)'?s\b"), decade),
            (re.compile(r"(?<![\w.])(?P<n>\d+(?:,\d{3})*)(?:st|nd|rd|th)\b"), placed),
        ]

    def placed_pt(match: re.Match[str]) -> str:
        figures = match["n"].replace(".", "")
        if len(figures) > _LONGEST:
            return digits(figures, "pt_BR")
        found = ordinal(int(figures), "pt_BR", feminine=match["end"][0] in "aª")
        return found + ("s" if len(match["end"]) > 1 else "")

    return [(re.compile(r"(?<![\w])(?P<n>\d+(?:\.\d{3})*)\.?(?P<end>[ºª]s?)"), placed_pt)]


def _of_short_forms(language: Language) -> list[_Rule]:
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
    rules: list[_Rule] = [
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


def _of_romans(language: Language) -> list[_Rule]:
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
        (re.compile(rf"\b(?P<name>{_PARTS[language]}) (?P<n>{_ROMAN}){_END}"), counted),
        (re.compile(rf"\b(?P<name>[A-ZÀ-Ý][a-zà-ÿ]+) (?P<n>{_ROMAN}){_END}"), reigning),
    ]


def _roman(text: str) -> int:
    values = [{"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}[one] for one in text]
    pairs = zip(values, [*values[1:], 0], strict=True)
    return sum(-one if one < after else one for one, after in pairs)


def _of_numbers(language: Language) -> list[_Rule]:
    words, number = WORDS[language], _NUMBER[language]

    def one_by_one(match: re.Match[str]) -> str:
        return ", ".join(digits(part, language) for part in re.findall(r"\d+", match[0]))

    def between(match: re.Match[str]) -> str:
        return f"{_number(match['a'], language)} {words.to} {_number(match['b'], language)}"

    def plain(match: re.Match[str]) -> str:
        figures = match["n"]
        lone = re.fullmatch(r"1[1-9]\d\d|20\d\d", figures) and not match["sign"]
        if language == "en" and lone:
            return f" {year(int(figures), 'en')} "
        after = match.string[match.end() :]
        feminine = language == "pt_BR" and _is_feminine(after)
        said = _number(match["sign"] + figures, language, feminine=feminine)
        whole = language == "pt_BR" and figures.replace(".", "").endswith("000000")
        counts = whole and re.match(r" [^\W\d]{3}", after)
        return f" {said} de " if counts else f" {said} "

    def versions(match: re.Match[str]) -> str:
        if re.fullmatch(number, match[0]):
            return match[0]
        name = {"en": " point ", "pt_BR": " ponto "}[language]
        return name.join(_whole(part, language) for part in match[0].split("."))

    fewest = 2 if language == "en" else 1
    phone = r"(?<![\w.,])(?:\+\d{1,3} ?)?(?:\(?\d{2,3}\)?[ -])?\d{3,5}-\d{4}(?![\w-])"
    return [
        (re.compile(phone), one_by_one),
        (re.compile(rf"(?<![\w.,])\d+(?:\.\d+){{{fewest},}}(?![\w.,]\d)"), versions),
        (re.compile(rf"(?<![\w.,-])(?P<a>{number}) ?- ?(?P<b>{number})(?![\w-])"), between),
        (re.compile(rf"(?P<sign>(?<![\w)])-|)(?P<n>{number})"), plain),
        (re.compile(r"\d+"), lambda match: f" {_whole(match[0], language)} "),
    ]


def _is_feminine(after: str) -> bool:
    """Whether the Portuguese noun that follows a number is feminine, by its end."""
    found = re.match(r"\s+(\w+)", after)
    if found is None:
        return False
    noun = found[1].lower()
    return noun not in MASCULINE and len(noun) > 2 and noun.endswith(FEMININE)


def _of_signs(words: Words) -> list[_Rule]:
    known = "".join(map(re.escape, words.signs))
    powers = re.compile(r"[²³¹⁰-₟]")
    return [
        (re.compile(f"[{known}]"), lambda match: f" {words.signs[match[0]]} "),
        (powers, lambda match: ""),
    ]


def _rules(language: Language) -> list[_Rule]:
    return [
        *_of_short_forms(language),
        *_of_money(language),
        *_of_times(language),
        *_of_dates(language),
        *_of_ordinals(language),
        *_of_units(language),
        *_of_romans(language),
        *_of_numbers(language),
        *_of_signs(WORDS[language]),
    ]


_RULES = {"en": _rules("en"), "pt_BR": _rules("pt_BR")}
