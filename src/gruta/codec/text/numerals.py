"""Whole numbers in words, English and Portuguese; what an ear expects, without commas.

NumPy's room has no library for this, and the common one (num2words) knows no feminine and no money
in Portuguese; where both speak, a test holds them to the same words.
"""

from typing import Literal

Language = Literal["en", "pt_BR"]
LANGUAGES: tuple[Language, ...] = ("en", "pt_BR")

MOST = 10**15 - 1
"""Larger numbers are said figure by figure."""


def row(text: str) -> tuple[str, ...]:
    """Words with blanks between them, one by one."""
    return tuple(text.split())


_EN = row(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
)
_EN_TENS = row(". . twenty thirty forty fifty sixty seventy eighty ninety")
_EN_LARGE = ("", "thousand", "million", "billion", "trillion")
_EN_ORDINALS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth",
    "nine": "ninth", "twelve": "twelfth",
}  # fmt: skip

_PT = row(
    "zero um dois três quatro cinco seis sete oito nove dez onze doze treze catorze quinze "
    "dezesseis dezessete dezoito dezenove"
)
_PT_TENS = row(". . vinte trinta quarenta cinquenta sessenta setenta oitenta noventa")
_PT_HUNDREDS = row(
    ". cento duzentos trezentos quatrocentos quinhentos seiscentos setecentos oitocentos novecentos"
)
_PT_LARGE = ((), (), ("milhão", "milhões"), ("bilhão", "bilhões"), ("trilhão", "trilhões"))
_PT_ORDINALS = (
    row(". primeiro segundo terceiro quarto quinto sexto sétimo oitavo nono"),
    row(
        ". décimo vigésimo trigésimo quadragésimo quinquagésimo sexagésimo septuagésimo octogésimo "
        "nonagésimo"
    ),
    row(
        ". centésimo ducentésimo tricentésimo quadringentésimo quingentésimo sexcentésimo "
        "septingentésimo octingentésimo noningentésimo"
    ),
)


def cardinal(n: int, language: Language, *, feminine: bool = False) -> str:
    """A whole number up to `MOST`, with its sign; feminine: of Portuguese, as in duas horas."""
    if abs(n) > MOST:
        return digits(str(n), language)
    if n < 0:
        minus = "minus" if language == "en" else "menos"
        return f"{minus} {cardinal(-n, language, feminine=feminine)}"
    if not n:
        return "zero"
    if language == "en":
        return _english(n)
    return _portuguese(n, feminine)


def ordinal(n: int, language: Language, *, feminine: bool = False) -> str:
    """Its place in a row: second, segunda. A cardinal where Portuguese has no usual word: from
    1,000 on but for that itself.
    """
    if language == "en":
        words = cardinal(n, "en")
        head, last = words[: -len(_last(words))], _last(words)
        if last in _EN_ORDINALS:
            return head + _EN_ORDINALS[last]
        return head + (last[:-1] + "ieth" if last.endswith("y") else last + "th")
    if n == 1000:
        words = "milésimo"
    elif not 0 < n < 1000:
        return cardinal(n, "pt_BR", feminine=feminine)
    else:
        places = [(2, n // 100), (1, n // 10 % 10), (0, n % 10)]
        words = " ".join(_PT_ORDINALS[k][figure] for k, figure in places if figure)
    return words.replace("o ", "a ").removesuffix("o") + "a" if feminine else words


def year(n: int, language: Language) -> str:
    """As a year: nineteen ninety-nine, two thousand and five; in Portuguese the number."""
    century, rest = divmod(n, 100)
    if language != "en" or not 1100 <= n <= 2099 or 2000 <= n <= 2009:
        return cardinal(n, language)
    if not rest:
        return f"{cardinal(century, 'en')} hundred"
    return f"{cardinal(century, 'en')} {'oh ' if rest < 10 else ''}{cardinal(rest, 'en')}"


def digits(figures: str, language: Language) -> str:
    """Figure by figure; all that is none is left out."""
    names = _EN if language == "en" else _PT
    return " ".join(names[int(one)] for one in figures if one in "0123456789")


def decimal(whole: str, after: str, language: Language) -> str:
    """A number with figures behind its point or comma, which are said one by one; in Portuguese
    two of them as a number where the first is no zero, as in três vírgula vinte e cinco.
    """
    point = "point" if language == "en" else "vírgula"
    paired = language == "pt_BR" and len(after) == 2 and after[0] != "0"
    behind = cardinal(int(after), language) if paired else digits(after, language)
    return f"{cardinal(int(whole), language)} {point} {behind}"


def _last(words: str) -> str:
    return words.replace("-", " ").rpartition(" ")[2]


def _english(n: int) -> str:
    parts = []
    for k in reversed(range(len(_EN_LARGE))):
        group = n // 1000**k % 1000
        if group:
            joined = "and " if k == 0 and group < 100 and n >= 1000 else ""
            parts.append(f"{joined}{_english_group(group)} {_EN_LARGE[k]}".strip())
    return " ".join(parts)


def _english_group(n: int) -> str:
    hundreds, rest = divmod(n, 100)
    parts = [f"{_EN[hundreds]} hundred"] if hundreds else []
    if rest:
        tens, ones = divmod(rest, 10)
        small = _EN[rest] if rest < 20 else _EN_TENS[tens] + (f"-{_EN[ones]}" if ones else "")
        parts.append(f"and {small}" if hundreds else small)
    return " ".join(parts)


def _portuguese(n: int, feminine: bool) -> str:
    parts: list[str] = []
    groups = [(k, n // 1000**k % 1000) for k in reversed(range(len(_PT_LARGE)))]
    there = [(k, group) for k, group in groups if group]
    for place, (k, group) in enumerate(there):
        if k == 1:
            words = "mil" if group == 1 else f"{_portuguese_group(group, feminine)} mil"
        else:
            words = _portuguese_group(group, feminine and not k)
            words += f" {_PT_LARGE[k][group > 1]}" if k else ""
        last = place == len(there) - 1
        joined = place and last and (group < 100 or group % 100 == 0)
        parts += (["e"] if joined else []) + [words]
    return " ".join(parts)


def _portuguese_group(n: int, feminine: bool) -> str:
    if n == 100:
        return "cem"
    hundreds, rest = divmod(n, 100)
    tens, ones = divmod(rest, 10)
    parts = [_PT_HUNDREDS[hundreds]] if hundreds else []
    if 0 < rest < 20:
        parts.append(_PT[rest])
    elif rest:
        parts += [_PT_TENS[tens], *([_PT[ones]] if ones else [])]
    words = " e ".join(parts)
    return _of_women(words) if feminine else words


def _of_women(words: str) -> str:
    """um, dois, duzentos: uma, duas, duzentas."""
    found = [{"um": "uma", "dois": "duas"}.get(word, word) for word in words.split()]
    return " ".join(w[:-2] + "as" if w.endswith("entos") else w for w in found)
