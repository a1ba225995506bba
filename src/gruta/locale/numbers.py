"""Numbers and dates as the reader's language writes them."""

import math
import re
from collections.abc import Iterable
from datetime import datetime

from gruta.locale import language

MISSING = "–"
MINUS = "−"

_ISO_DATE = re.compile(r"^\d{4}(-\d\d){1,2}")
_RAISED = str.maketrans({str(k): c for k, c in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")} | {"-": "⁻"})
_ENGLISH = str.maketrans("-", MINUS)
_DECIMAL_COMMA = _ENGLISH | str.maketrans(".,", ",.")


def number(value: float | None, digits: int | None = None) -> str:
    """`value` with `digits` decimals, else with up to four significant ones; None as a dash."""
    if value is None or not math.isfinite(value):
        return MISSING
    if digits is None:
        digits = 0 if isinstance(value, int) else min(decimals([value], 4), 12)
        text = f"{value:z,.{digits}f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
    else:
        text = f"{value:z,.{digits}f}"
    return text.translate(_DECIMAL_COMMA if language() == "pt_BR" else _ENGLISH)


def alike(values: Iterable[float]) -> list[str]:
    """Numbers of one axis: all with as many decimals as the one that needs most."""
    values = list(values)
    comma = "," if language() == "pt_BR" else "."
    digits = max((len(number(value).partition(comma)[2]) for value in values), default=0)
    return [number(value, digits) for value in values]


def percent(share: float | None, digits: int = 0) -> str:
    """A share of 1 as per cent."""
    return MISSING if share is None else f"{number(100 * share, digits)}%"


def decimals(values: Iterable[float | None], significant: int = 3) -> int:
    """How many decimals show the smallest of `values`, 0 aside, to `significant` digits."""
    sizes = [abs(v) for v in values if v is not None and v and math.isfinite(v)]
    return max(0, significant - 1 - math.floor(math.log10(min(sizes)))) if sizes else 0


def scientific(value: float, digits: int = 0) -> str:
    """A number far from 1 as a power of ten, 4·10⁻⁸."""
    if value == 0 or not math.isfinite(value):
        return number(value)
    mantissa, exponent = f"{value:.{digits}e}".split("e")
    return f"{number(float(mantissa), digits)}·10" + str(int(exponent)).translate(_RAISED)


def exponential(value: float, digits: int = 0) -> str:
    """A number as programs write powers of ten, 4.2e-08, with the language's decimal mark."""
    text = f"{value:.{digits}e}"
    return text.replace(".", ",") if language() == "pt_BR" else text


def brief(value: float | None) -> str:
    """A number of any size in little room: 0.042, 4.2·10⁻⁸."""
    if value and math.isfinite(value) and not 1e-3 <= abs(value) < 1e6:
        return scientific(value, 1)
    return number(value, 3) if value and abs(value) < 10 else number(value)


def power_of_ten(value: float) -> str:
    """A power of ten as such, 10⁻³; 1 and 10 as they are."""
    exponent = round(math.log10(value))
    return "10" + str(exponent).translate(_RAISED) if exponent not in (0, 1) else str(10**exponent)


def date_formats() -> list[str]:
    """Tick formats of a time axis: years, months, days, hours, minutes, seconds."""
    day = "%d/%m" if language() == "pt_BR" else "%d %b"
    month = "%m/%Y" if language() == "pt_BR" else "%b %Y"
    return ["%Y", month, day, "%H:%M", "%H:%M", "%S.%f"]


def moment(stamp: datetime, *, timed: bool) -> str:
    """A stamp in words, with the time of day if `timed`."""
    day = "%d/%m/%Y" if language() == "pt_BR" else "%d %b %Y"
    return stamp.strftime(f"{day} %H:%M" if timed else day)


def stamp(iso: str) -> str:
    """A stamp as files and options have it, or a text that begins with one, as people write it."""
    if language() != "pt_BR":
        return iso
    return _ISO_DATE.sub(lambda day: "/".join(reversed(day[0].split("-"))), iso)
