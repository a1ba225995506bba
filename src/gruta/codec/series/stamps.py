"""A stamp as a person writes it."""

import re

import numpy as np

from gruta.errors import InputError
from gruta.locale import translate as _

_ZONE = re.compile(r"[T ].*(Z|[+-]\d\d(:?\d\d)?)\s*$")


def as_stamp(
    text: str | np.datetime64, setting: str = "start", numbered: bool = False
) -> np.datetime64:
    """The moment by the clock of the data; InputError if it is none, or has a zone.

    setting: what the message names. numbered: rows have numbers in the place of stamps.
    """
    if numbered and isinstance(text, str) and text.strip().lstrip("-").isdigit():
        return np.datetime64(int(text), "us")
    try:
        # NumPy would take a zone with a warning; filters of warnings are the whole process's.
        if not _ZONE.search(str(text)):
            stamp = np.datetime64(str(text), "us")
            if not np.isnat(stamp):
                return stamp
    except ValueError:
        pass
    problem = _(
        "expected a stamp such as 2024-03-31 or 2024-03-31T13:30, without a zone, by the clock of "
        "the data, got {text!r}"
    )
    raise InputError(**{setting: problem.format(text=str(text))})
