"""The records of a training as the page draws them: those there are, and those that come."""

import json
import math
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

_TAIL = 2**16

Record = dict[str, Any]

MOST = 2000
"""Records of a training that the page gets at once."""

_BYTES = 16 * 2**20
"""Of a file of metrics only the last so many are read."""


class Followed:
    """A metrics.jsonl that grows, and may be cut back by a training that is resumed."""

    def __init__(self, path: Path) -> None:
        self._path, self._read = path, 0

    def more(self) -> tuple[list[Record], bool]:
        """What has come since the last time, and whether all before is void."""
        try:
            size = self._path.stat().st_size
        except OSError:
            size = 0
        anew = size < self._read
        if anew:
            self._read = 0
        start = max(self._read, size - _BYTES)
        if size == start:
            return [], anew
        with open(self._path, "rb") as file:
            file.seek(start)
            raw = file.read(size - start)
        if start > self._read:  # in the middle of a line
            raw = raw[raw.find(b"\n") + 1 :]
        whole, _newline, rest = raw.rpartition(b"\n")
        self._read = size - len(rest)
        return [record for line in whole.split(b"\n") if (record := _record(line))], anew


def thinned(path: Path, most: int = MOST) -> list[Record]:
    """The records of a file, fewer where they are many."""
    return fewer(Followed(path).more()[0], most)


def fewer(records: list[Record], most: int = MOST) -> list[Record]:
    """Every so manieth of many, and all validations."""
    every = -(-len(records) // most)
    return [r for k, r in enumerate(records) if k % every == 0 or "validation_loss" in r]


def newest(path: Path) -> Record | None:
    """The last record that is whole, if there is one."""
    with suppress(OSError), open(path, "rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - _TAIL))
        for line in reversed(file.read().split(b"\n")):
            if (record := _record(line)) is not None:
                return record
    return None


def _record(line: bytes) -> Record | None:
    """A line's numbers; None for what is no record, of a file that is broken."""
    try:
        record = json.loads(line, parse_constant=lambda _name: None, parse_float=_finite)
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, Mapping) or not isinstance(record.get("step"), int):
        return None
    return dict(record)


def _finite(written: str) -> float | None:
    """1e999 is infinity to Python, and no JSON."""
    value = float(written)
    return value if math.isfinite(value) else None
