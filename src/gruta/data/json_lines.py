"""JSON lines: an object a line, as a table of texts."""

import json
from pathlib import Path
from typing import Any

import polars as pl

from gruta.codec.text.whole import is_whole
from gruta.errors import InputError
from gruta.locale import translate as _


def read_json_lines(path: Path) -> pl.DataFrame:
    """The objects of a file, a row each, all cells as text; InputError says which is none."""
    if not path.is_file():
        raise InputError(_("{path}: expected a file of JSON lines, found none").format(path=path))
    records = []
    try:
        with open(path, encoding="utf-8-sig") as file:
            lines = [line for line in file if line.strip()]
        for line in lines:
            record = json.loads(line)
            if not isinstance(record, dict):
                raise ValueError(_("expected an object"))
            records.append(record)
    except (ValueError, RecursionError) as error:
        raise InputError(
            _("{path}: case {number}: not a JSON object: {error}").format(
                path=path, number=len(records) + 1, error=error
            )
        ) from None
    names = dict.fromkeys(name for record in records for name in record)
    table = {n: [_as_text(record.get(n)) for record in records] for n in names}
    return pl.DataFrame(table, schema=dict.fromkeys(names, pl.String))


def _as_text(value: Any) -> str | None:
    text = value if value is None or isinstance(value, str) else json.dumps(value)
    return text if text is None or is_whole(text) else text.encode(errors="replace").decode()
