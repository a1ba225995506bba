"""Times of day, and dates."""

import re
from collections.abc import Callable

from gruta.codec.text.numerals import Language, cardinal, digits, ordinal, year
from gruta.codec.text.spoken.figures import EDGE, END, Rule, whole_in_words
from gruta.codec.text.spoken.words import WORDS


def of_times(language: Language) -> list[Rule]:
    """Times of day."""

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
            (re.compile(rf"{EDGE}(?P<h>\d\d?)[:h](?P<m>\d\d)(?::(?P<s>\d\d))?(?!\d)(?: ?{half})?"),
             english),
            (re.compile(rf"{EDGE}(?P<h>\d\d?)(?P<m>)(?P<s>) ?{half}"), _hour_alone(english)),
        ]  # fmt: skip
    return [
        (re.compile(rf"{EDGE}(?P<h>\d\d?)[:h](?P<m>\d\d)(?:(?::|min|m)(?P<s>\d\d)s?|min|m)?{END}"),
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


def of_dates(language: Language) -> list[Rule]:
    """Dates, with their year or without."""
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
            return " ".join(whole_in_words(part, language) for part in match[0].split("-"))
        return dated(day, month, match["y"])

    def short(match: re.Match[str]) -> str:
        first, second = int(match["a"]), int(match["b"])
        month, day = (first, second) if language == "en" else (second, first)
        if not 1 <= month <= 12:  # as the other language writes it
            month, day = day, month
        if 1 <= month <= 12 and 1 <= day <= 31:
            return dated(day, month, match["y"])
        parts = (whole_in_words(part, language) for part in re.findall(r"\d+", match[0]))
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
    rules: list[Rule] = [
        (re.compile(rf"{EDGE}(?P<y>\d{{4}})-(?P<m>\d\d)-(?P<d>\d\d)(?![\w-])"), iso),
        (re.compile(rf"{EDGE}(?P<a>\d\d?)/(?P<b>\d\d?)(?:/(?P<y>\d{{4}}|\d\d))?(?![\w/])"), short),
    ]
    if language == "en":
        end = r"(?:st|nd|rd|th)?(?:,? (?P<y>\d{4}))?(?![\w.,]?\d)(?![\w:])"
        rules.append((re.compile(rf"\b(?P<month>{months}) (?P<d>[12]?\d|3[01]){end}"), month_first))
        day = r"(?P<d>[12]?\d|3[01])(?:st|nd|rd|th)?"
        rules.append(
            (
                re.compile(rf"{EDGE}{day} (?P<month>{months})(?:,? (?P<y>\d{{4}}))?{END}"),
                day_first,
            )
        )
    else:
        day = r"(?P<d>[12]?\d|3[01])º?"
        tail = r"(?: de (?P<y>\d{4}))?"
        rules.append(
            (re.compile(rf"{EDGE}{day} de (?P<month>{months}){tail}{END}", re.I), day_first)
        )
    return rules


def _year(text: str, language: Language) -> str:
    return whole_in_words(text, language) if len(text) == 2 else year(int(text), language)
