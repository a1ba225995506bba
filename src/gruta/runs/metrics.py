"""metrics.jsonl: what a training measured, a line at a time."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from gruta.errors import InputError
from gruta.files import naming
from gruta.locale import translate as _
from gruta.locale.numbers import number


class MetricsFile:
    """The file: appended to line by line, cut back to a checkpoint on resume."""

    def __init__(self, path: Path, size: int = 0) -> None:
        """Open for appending after the first `size` bytes; what follows them is dropped.

        InputError if the file is shorter: then it is not the one that the checkpoint belongs to.
        """
        found = path.stat().st_size if path.exists() else 0
        if found < size:
            problem = _(
                "{path}: expected at least {size} bytes, found {found}; restore the file, or train "
                "again in another directory"
            )
            raise InputError(problem.format(path=path, size=number(size), found=number(found)))
        self._path = path
        self._file = open(path, "ab")  # noqa: SIM115
        self._file.truncate(size)
        self._file.seek(size)

    def append(self, record: Mapping[str, Any]) -> None:
        """Add one line."""
        self._file.write(json.dumps(record).encode() + b"\n")
        self._file.flush()

    def synced_size(self) -> int:
        """The size in bytes, once all of it is on the disk."""
        with naming(self._path):
            self._file.flush()
            os.fsync(self._file.fileno())
        return self._file.tell()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        with naming(self._path):
            self._file.close()


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """All records of a metrics file; a last line that a kill cut short is left out."""
    lines = path.read_bytes().split(b"\n")[:-1] if path.is_file() else []
    try:
        return [json.loads(line) for line in lines]
    except ValueError as error:
        raise InputError(
            _("{path}: expected a JSON object a line: {error}").format(path=path, error=error)
        ) from error
