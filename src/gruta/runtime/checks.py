"""What a model is asked with, looked at: each message names the argument, and what was expected."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.codec.text.whole import is_whole
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number

Real = NDArray[np.float64]

LARGEST = 1e15
"""Beyond it nothing is what networks were trained on, and squares in float32 come near their end.
"""

_TOO_LOUD = 16


def whole(name: str, value: Any, least: int, most: int = 2**31 - 1) -> int:
    """A whole number between two; InputError for anything else."""
    plain = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not plain or not least <= value <= most:
        problem = _("expected a whole number from {least} to {most}, got {value!r}")
        raise InputError(**{name: problem.format(least=least, most=most, value=value)})
    return int(value)


def real(name: str, value: Any, least: float, most: float) -> float:
    """A number between two; InputError for anything else."""
    plain = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not plain or not math.isfinite(value) or not least <= value <= most:
        problem = _("expected a number from {least} to {most}, got {value!r}")
        raise InputError(**{name: problem.format(least=least, most=most, value=value)})
    return float(value)


def texts(name: str, given: Any) -> list[str]:
    """A list of texts; InputError names the first that is none, or has half a character."""
    if isinstance(given, str) or not isinstance(given, Sequence | np.ndarray):
        problem = _("expected a list of texts, got {kind}")
        raise InputError(**{name: problem.format(kind=type(given).__name__)})
    for i, one in enumerate(given):
        text(f"{name}[{i}]", one)
    return [str(one) for one in given]


def text(name: str, given: Any) -> str:
    """A text; InputError for anything else, or one with half a character."""
    if not isinstance(given, str):
        problem = _("expected a text, got {kind}")
        raise InputError(**{name: problem.format(kind=type(given).__name__)})
    if not is_whole(given):
        raise InputError(**{name: _("holds half of a character; mend the text")})
    return given


def numbers(name: str, given: Any, axes: Sequence[int | str], gaps: Any = True) -> Real:
    """An array of real numbers in float64; InputError where it is none, or has another shape, or
    NaN where there may be no gap.

    axes: their lengths, or for any a word for what they count. gaps: whether NaN may stand for a
    missing value, of all or of each in the last axis.
    """
    try:
        found = np.asarray(given)
    except ValueError:  # rows of several lengths
        found = np.empty(0, object)
    if found.dtype.kind not in "fiub" or (found.dtype.kind == "b" and found.size == 0):
        if found.dtype.kind == "O" and _holds_none(given):
            problem = _("expected numbers, found None; write float('nan') for a missing value")
            raise InputError(**{name: problem})
        problem = _("expected real numbers of shape [{shape}], got {kind}")
        kind = str(found.dtype) if found.dtype.kind != "O" else _("rows of several lengths")
        raise InputError(**{name: problem.format(shape=_told(axes), kind=kind)})
    fits = found.ndim == len(axes) and all(
        isinstance(n, str) or n == own for n, own in zip(axes, found.shape, strict=True)
    )
    if not fits:
        problem = _("expected shape [{shape}], got {found}")
        raise InputError(**{name: problem.format(shape=_told(axes), found=list(found.shape))})
    values = found.astype(np.float64)
    if np.isfinite(values).all():
        return values
    if np.isinf(values).any():
        raise InputError(**{name: _("expected finite numbers, found an infinite one")})
    lacking = np.isnan(values)
    if lacking.any() and not np.all(np.broadcast_to(gaps, values.shape)[lacking]):
        where = np.argwhere(lacking & ~np.broadcast_to(gaps, values.shape))[0].tolist()
        problem = _("expected a number at {place}, found NaN; training had no gaps there")
        raise InputError(**{name: problem.format(place=where)})
    return values


def singles(name: str, given: Any, axes: Sequence[int | str]) -> NDArray[np.float32]:
    """The same in float32, where there is no gap; InputError for numbers that are too large too."""
    values = numbers(name, given, axes, False)
    require_small(name, values)
    return values.astype(np.float32)


def require_small(name: str, values: Real) -> None:
    """InputError for what would be no number any more on its way through a network."""
    if (np.abs(values) > LARGEST).any():
        raise InputError(**{name: _("expected smaller numbers; give them in a larger unit")})


def samples(name: str, given: Any) -> NDArray[np.float32]:
    """Sound `[N]` from -1 to 1; InputError for anything else, such as the whole numbers of a file,
    but not for what is a little too loud.
    """
    values = singles(name, given, ("samples",))
    largest = np.abs(values).max(initial=0)
    if largest > (1 if np.asarray(given).dtype.kind in "iu" else _TOO_LOUD):
        problem = _(
            "expected samples from -1 to 1, found {largest}; divide by the largest that there can "
            "be, 32768 of 16 bits"
        )
        raise InputError(**{name: problem.format(largest=number(float(largest)))})
    return values


def arrays(name: str, given: Any, checked: Callable[[str, Any], NDArray[Any]]) -> list[Any]:
    """A list of arrays, each as `checked` makes it of its name and what is given, none of them
    empty; InputError names the first that does not fit.
    """
    if isinstance(given, str | bytes) or not isinstance(given, Sequence | np.ndarray):
        problem = _("expected a list of arrays, got {kind}")
        raise InputError(**{name: problem.format(kind=type(given).__name__)})
    found = []
    for i, one in enumerate(given):
        values = checked(f"{name}[{i}]", one)
        if not len(values):
            raise InputError(**{f"{name}[{i}]": _("expected at least one step")})
        found.append(values)
    return found


def _told(axes: Sequence[int | str]) -> str:
    return ", ".join(map(str, axes))


def _holds_none(given: Any) -> bool:
    try:
        return any(one is None for one in np.asarray(given, object).ravel())
    except ValueError:
        return False
