"""The `.ts` files of the time-series classification archive.

A header of lines that begin with @, then a case a line: channels between colons, values between
commas, the label last. Labels are read as they are written; channels of a case may differ in
length, and are then filled up with missing values.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number

_LIMIT_BYTES = 2**31


@dataclass(frozen=True, eq=False)
class TsCases:
    """Series `[T, C]` with NaN where a value is missing; labels, if the file has them."""

    cases: list[NDArray[np.float64]]
    labels: list[str] | None
    channels: tuple[str, ...]


def read_ts(path: Path) -> TsCases:
    """The cases of a file; InputError that names the line where it does not fit."""
    if not path.is_file():
        raise InputError(_("{path}: expected a .ts file, found none").format(path=path))
    if path.stat().st_size > _LIMIT_BYTES:
        raise InputError(
            _("{path}: larger than {limit} bytes, not read").format(
                path=path, limit=number(_LIMIT_BYTES)
            )
        )
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise InputError(
            _("{path}: expected UTF-8 text; convert the file").format(path=path)
        ) from None
    numbered = [(i, line.strip()) for i, line in enumerate(lines, 1)]
    told = iter([(i, line) for i, line in numbered if line and line[0] not in "#%"])
    header = _header(path, told)
    stamped = header.get("timestamps", "").lower() == "true"
    labelled, *classes = header.get("classlabel", "").split() or ["false"]
    known = labelled.lower() == "true"
    cases: list[NDArray[np.float64]] = []
    labels: list[str] = []
    for at, line in told:
        label = _label(line, classes) if known else ""
        channels = (line.removesuffix(f":{label}") if known else line).split(":")
        try:
            cases.append(_case(channels, stamped))
        except ValueError as error:
            raise InputError(
                _("{path}: line {number}: {error}").format(path=path, number=at, error=error)
            ) from None
        labels.append(label.strip())
        if len(channels) != cases[0].shape[1]:
            problem = _(
                "{path}: line {number}: expected {expected} channels, as in the first case, found "
                "{found}"
            )
            raise InputError(
                problem.format(
                    path=path, number=at, expected=cases[0].shape[1], found=len(channels)
                )
            )
    width = cases[0].shape[1] if cases else 0
    return TsCases(cases, labels if known else None, tuple(f"x{i + 1}" for i in range(width)))


def _header(path: Path, lines: Iterator[tuple[int, str]]) -> dict[str, str]:
    """What stands before the cases, by its name in small letters."""
    header: dict[str, str] = {}
    for at, line in lines:
        if not line.startswith("@"):
            raise InputError(
                _("{path}: line {number}: expected a line with @, or @data").format(
                    path=path, number=at
                )
            )
        key, _blank, value = line[1:].partition(" ")
        header[key.lower()] = value.strip()
        if "data" in header:
            return header
    problem = _("{path}: expected a line @data, and a case a line below it, found none")
    raise InputError(problem.format(path=path))


def _label(line: str, classes: Sequence[str]) -> str:
    """What follows the last colon, or the longest of the classes that ends the line."""
    ends = [one for one in classes if line.endswith(f":{one}")]
    return max(ends, key=len, default=line.rpartition(":")[2])


def _case(channels: list[str], stamped: bool) -> NDArray[np.float64]:
    """`[T, C]`; ValueError for what is no number."""
    if stamped:
        raise ValueError(_("values with time stamps are not read; write them without"))
    series = [
        np.array([np.nan if v.strip() in ("?", "NaN", "") else float(v) for v in c.split(",")])
        for c in channels
    ]
    case = np.full((max(map(len, series), default=0), len(series)), np.nan)
    for i, values in enumerate(series):
        case[: len(values), i] = values
    return case
