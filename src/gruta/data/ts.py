"""The `.ts` files of the time-series classification archive.

A header of lines that begin with @, then a case a line: channels between colons, values between
commas, the label last. Labels are read as they are written; channels of a case may differ in
length, and are then filled up with missing values.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gruta.errors import InputError

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
        raise InputError(f"{path}: expected a .ts file, found none")
    if path.stat().st_size > _LIMIT_BYTES:
        raise InputError(f"{path}: larger than {_LIMIT_BYTES} bytes, not read")
    header: dict[str, str] = {}
    cases: list[NDArray[np.float64]] = []
    labels: list[str] = []
    in_data = False
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise InputError(f"{path}: expected UTF-8 text; convert the file") from None
    if lines:
        for number, line in enumerate(lines, 1):
            line = line.strip()
            if not line or line.startswith(("#", "%")):
                continue
            if not in_data:
                if not line.startswith("@"):
                    raise InputError(f"{path}: line {number}: expected a line with @, or @data")
                key, *rest = line[1:].split(None, 1)
                value = rest[0] if rest else ""
                in_data = key.lower() == "data"
                header[key.lower()] = value.strip()
                continue
            labelled = header.get("classlabel", "").lower().startswith("true")
            try:
                *channels, last = line.split(":") if labelled else [*line.split(":"), ""]
                cases.append(_case(channels, header.get("timestamps", "").lower() == "true"))
            except ValueError as error:
                raise InputError(f"{path}: line {number}: {error}") from None
            labels.append(last.strip())
            if len(channels) != cases[0].shape[1]:
                raise InputError(
                    f"{path}: line {number}: expected {cases[0].shape[1]} channels, as in the "
                    f"first case, found {len(channels)}"
                )
    if not in_data:
        raise InputError(f"{path}: expected a line @data, and a case a line below it, found none")
    known = header.get("classlabel", "").lower().startswith("true")
    width = cases[0].shape[1] if cases else 0
    return TsCases(cases, labels if known else None, tuple(f"x{i + 1}" for i in range(width)))


def _case(channels: list[str], stamped: bool) -> NDArray[np.float64]:
    """`[T, C]`; ValueError for what is no number."""
    if stamped:
        raise ValueError("values with time stamps are not read; write them without")
    series = [
        np.array([np.nan if v.strip() in ("?", "NaN", "") else float(v) for v in c.split(",")])
        for c in channels
    ]
    case = np.full((max(map(len, series), default=0), len(series)), np.nan)
    for i, values in enumerate(series):
        case[: len(values), i] = values
    return case
