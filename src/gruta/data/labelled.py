"""Cases with a label each: texts, or series of vectors, from files, folders, frames or Python."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from gruta.codec.classes import LABELS, Label
from gruta.codec.text.whole import is_whole
from gruta.data.columns import Origin, refuse, require
from gruta.data.json_lines import read_json_lines
from gruta.data.table import Table, kind_of, open_table
from gruta.data.ts import read_ts
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import brief
from gruta.reading import Guess, Reading, Repair

Values = NDArray[np.float64]
Kind = Literal["text", "series"]
LARGEST = 1e30
"""Values beyond this are refused: their squares are not finite in the network's numbers."""


@dataclass(frozen=True)
class Columns:
    """Which column of a table is what; a table with the text column holds texts, else series.

    group: what a case was cut from, if that is known: none is in two parts.
    """

    text: str = "text"
    label: str = "label"
    case: str = "case"
    time: str = "time"
    group: str = ""


@dataclass(frozen=True, eq=False)
class Cases:
    """N cases: texts, or series `[T, C]` of any length with NaN where a value is missing.

    labels: all of one type; None where they are not known. channels: C names, of series. groups:
    what each case was cut from. names: of each case, for people. source: as messages name it.
    guesses: what was found out on reading.
    """

    kind: Kind
    cases: Sequence[Any]
    labels: Sequence[Label] | None
    channels: tuple[str, ...]
    groups: Sequence[str] | None
    names: Sequence[str]
    source: str
    guesses: tuple[Guess, ...] = ()
    repairs: tuple[Repair, ...] = ()

    def __len__(self) -> int:
        return len(self.cases)

    def require_labels(self) -> Sequence[Label]:
        """The labels; InputError where they are not known."""
        if self.labels is None:
            problem = _(
                "{source}: expected a label for each case, found none; name their column with the "
                "setting label"
            )
            raise InputError(problem.format(source=self.source))
        return self.labels

    def pick(self, places: Iterable[int]) -> "Cases":
        """These cases, in this order."""
        at = list(places)
        cases, names = ([all_of[i] for i in at] for all_of in (self.cases, self.names))
        labels = None if self.labels is None else [self.labels[i] for i in at]
        groups = None if self.groups is None else [self.groups[i] for i in at]
        return replace(self, cases=cases, labels=labels, groups=groups, names=names)

    def contents(self) -> list[str]:
        """A word for what each case holds, the same for cases that hold the same."""
        return [case if isinstance(case, str) else case.tobytes().hex() for case in self.cases]

    def fingerprint(self) -> str:
        """SHA-256 of all cases, labels and groups, whatever they were read from."""
        digest = hashlib.sha256(json.dumps([self.kind, self.channels]).encode())
        labels, groups = ([*map(str, a)] if a else None for a in (self.labels, self.groups))
        digest.update(json.dumps([labels, groups]).encode())
        for case in self.cases:
            content = case.encode() if isinstance(case, str) else case.astype("<f8").tobytes()
            digest.update(len(content).to_bytes(8, "little") + content)
        return digest.hexdigest()


def read_cases(source: Any, columns: Columns, how: Reading | None = None) -> Cases:
    """The cases of a table, a `.ts` file, a folder a class, JSON lines, a frame, or Python's lists.

    A table of texts has a row a case; one of series a row a step, with the case it belongs to and
    its place in time, and every other column is a channel. (cases, labels) are lists of texts or
    of arrays `[T, C]`; without labels, the cases alone. InputError says what does not fit, where.
    """
    how = how or Reading()
    if isinstance(source, Cases):
        return source
    if not isinstance(source, str | Path):
        return _of_python(source, columns, how)
    path = Path(source)
    if path.is_dir():
        return _of_folder(path, columns, how)
    match path.suffix.lower():
        case ".ts":
            found = read_ts(path)
            names = [str(i + 1) for i in range(len(found.cases))]
            return _checked(
                Cases("series", found.cases, found.labels, found.channels, None, names, str(path))
            )
        case ".jsonl" | ".ndjson":
            points = replace(how, decimal=".")  # as JSON has them
            return _of_table(read_json_lines(path), columns, points, str(path))
        case _:
            return _of_table(path, columns, how)


def _of_python(source: Any, columns: Columns, how: Reading) -> Cases:
    pair = isinstance(source, tuple) and len(source) == 2 and not isinstance(source[0], str)
    cases, labels = source if pair else (source, None)
    if hasattr(cases, "columns"):
        if labels is not None:
            raise InputError(_("labels: a frame has a column for them; leave the others out"))
        return _of_table(cases, columns, how)
    cases = list(cases)
    if labels is not None:
        labels = _labels(labels)
        if len(labels) != len(cases):
            raise InputError(
                _("labels: expected {expected}, one a case, got {count}").format(
                    expected=len(cases), count=len(labels)
                )
            )
    names = [str(i + 1) for i in range(len(cases))]
    if all(isinstance(case, str) for case in cases):
        return _checked(Cases("text", cases, labels, (), None, names, "texts"))
    series = [_vectors(case, i) for i, case in enumerate(cases)]
    channels = tuple(f"x{i + 1}" for i in range(series[0].shape[1])) if series else ()
    for i, one in enumerate(series):
        if one.shape[1] != len(channels):
            problem = _(
                "case {number}: expected {expected} channels, as in the first, found {found}"
            )
            raise InputError(
                problem.format(number=i + 1, expected=len(channels), found=one.shape[1])
            )
    return _checked(Cases("series", series, labels, channels, None, names, "series"))


def _labels(given: Iterable[Any]) -> list[Label]:
    """Words, numbers or truth values as they are; as words where they are of several types."""
    labels = [one.item() if isinstance(one, np.generic) else one for one in given]
    for i, one in enumerate(labels, 1):
        if one is None or np.ndim(one) or one in (np.inf, -np.inf) or one != one:
            problem = _(
                "labels: expected a word or a number for each case, got {one!r} for case {i}"
            )
            raise InputError(problem.format(one=one, i=i))
    types = set(map(type, labels))
    return labels if len(types) == 1 and types < LABELS else [str(one) for one in labels]


def _vectors(case: Any, i: int) -> Values:
    try:
        values = np.asarray(case, np.float64)
    except (TypeError, ValueError):
        values = np.empty(0)
    if values.ndim == 1 and values.size:
        values = values[:, None]
    if values.ndim != 2:
        problem = _("case {number}: expected text, or numbers of shape [steps, channels]")
        raise InputError(problem.format(number=i + 1))
    return values


def _of_table(source: Any, columns: Columns, how: Reading, label: str = "") -> Cases:
    """label: what messages call it, if not by its own name."""
    about = [columns.text, columns.label, columns.case, columns.time, columns.group]
    table = open_table(source, how, wanted=about, time=columns.time, label=label)
    if columns.group:
        require([columns.group], table.names, str(table.origin))
    if columns.text in table.names:
        return _texts(table, columns)
    if columns.case in table.names:
        return _series(table, columns)
    problem = _(
        "{origin}: expected a column {text!r} with a text a row, or {case!r} that says which case "
        "a row is a step of; found {found}; name them with the settings text or case"
    )
    raise InputError(
        problem.format(
            origin=table.origin,
            text=columns.text,
            case=columns.case,
            found=", ".join(map(repr, table.names)),
        )
    )


def _texts(table: Table, columns: Columns) -> Cases:
    known = [c for c in (columns.label, columns.group) if c and c in table.names]
    table.load([columns.text, *known])
    texts = _required(table.origin, table.words(columns.text), _("a text"))
    return _checked(
        Cases(
            "text",
            texts,
            _words(table, columns.label),
            (),
            _words(table, columns.group),
            [str(i + 1) for i in range(len(texts))],
            str(table.origin),
            table.guesses,
        )
    )


def _series(table: Table, columns: Columns) -> Cases:
    """Rows put together by case, in the order of their time; cases in the order of their first."""
    present, label = table.names, table.origin
    if columns.time not in present:
        message = _(
            "{label}: expected a column {time!r} with each step's place in its case, found "
            "{found}; name it with the setting time"
        )
        raise InputError(
            message.format(label=label, time=columns.time, found=", ".join(map(repr, present)))
        )
    about = [c for c in (columns.case, columns.time, columns.label, columns.group) if c]
    channels = tuple(name for name in present if name not in about)
    if not channels:
        raise InputError(
            _("{label}: expected at least one channel beside {columns}").format(
                label=label, columns=", ".join(about)
            )
        )
    table.load([*channels, *(name for name in about if name in present)])
    label = table.origin
    values = np.column_stack([table.numbers(name) for name in channels])
    cases = _required(label, table.words(columns.case), _("the case that the row is a step of"))
    rows = pl.DataFrame({"case": cases, "time": table.places(columns.time)}).with_row_index("row")
    twice = rows.select("case", "time").is_duplicated()
    if twice.any():
        row = int(twice.arg_max() or 0)
        problem = _("case {case!r} has two steps of one time; keep one of them").format(
            case=rows["case"][row]
        )
        refuse(label, columns.time, problem, row)
    grouped = rows.sort("time").group_by("case", maintain_order=True).agg("row")
    grouped = grouped.sort(pl.col("row").list.min())
    steps = [rows_of.to_numpy() for rows_of in grouped["row"]]
    for name in (columns.label, columns.group):
        if name and name in present:
            _require_one(label, table.words(name), steps)
    firsts = [int(rows_of[0]) for rows_of in steps]
    return _checked(
        Cases(
            "series",
            [values[rows_of] for rows_of in steps],
            _words(table, columns.label, firsts),
            channels,
            _words(table, columns.group, firsts),
            grouped["case"].to_list(),
            str(label),
            table.guesses,
        )
    )


def _require_one(label: Origin, column: pl.Series, steps: Sequence[NDArray[Any]]) -> None:
    """InputError where not all rows of a case have the same in this column."""
    codes = column.cast(pl.String).fill_null("").rank("dense").to_numpy()
    for rows in steps:
        differs = codes[rows] != codes[rows[0]]
        if differs.any():
            row = int(rows[differs][0])
            refuse(
                label,
                column.name,
                _("{value!r} is not what its case has elsewhere").format(value=column[row]),
                row,
            )


def _of_folder(path: Path, columns: Columns, how: Reading) -> Cases:
    """A folder a class: of text files, a case each, or of CSV or Parquet files, a series each."""
    files = sorted(
        f
        for f in path.glob("*/*")
        if f.is_file() and not f"{f.parent.name}{f.name}".startswith(".")
    )
    files = [file for file in files if not file.name.startswith(".")]
    texts = [f for f in files if f.suffix.lower() == ".txt"]
    tables = [f for f in files if f not in texts and kind_of(f)]
    if not files or len(tables) not in (0, len(files)) or (not tables and len(texts) < len(files)):
        problem = _(
            "{path}: expected a folder for each class, of .txt files or of .csv files, found "
            "{texts} .txt, {tables} tables and {others} others"
        )
        raise InputError(
            problem.format(
                path=path,
                texts=len(texts),
                tables=len(tables),
                others=len(files) - len(texts) - len(tables),
            )
        )
    labels, names = [f.parent.name for f in files], [f"{f.parent.name}/{f.name}" for f in files]
    if texts:
        return _checked(
            Cases("text", [_read(f) for f in files], labels, (), None, names, str(path))
        )
    channels: tuple[str, ...] = ()
    series: list[Values] = []
    guesses: dict[Guess, None] = {}
    for file in files:
        table = open_table(file, how, wanted=[columns.time, *channels], time=columns.time)
        present = tuple(n for n in table.names if n != columns.time)
        channels = channels or present
        if present != channels:
            problem = _("{file}: expected the columns {expected}, as in {first}, found {found}")
            raise InputError(
                problem.format(
                    file=file,
                    expected=", ".join(channels),
                    first=files[0],
                    found=", ".join(present),
                )
            )
        known = [columns.time] if columns.time in table.names else []
        table.load([*channels, *known])
        values = np.column_stack([table.numbers(name) for name in channels])
        order = table.places(columns.time).arg_sort() if known else slice(None)
        series.append(values[order])
        guesses |= dict.fromkeys(table.guesses)
    return _checked(
        Cases("series", series, labels, channels, None, names, str(path), tuple(guesses))
    )


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            _("{file}: expected UTF-8 text ({reason}); convert it").format(
                file=file, reason=error.reason
            )
        ) from None


def _required(label: Origin, column: pl.Series, what: str) -> list[str]:
    """The texts of a column; InputError where one is missing."""
    found = column.cast(pl.String)
    missing = found.is_null()
    if missing.any():
        row = int(missing.arg_max() or 0)
        refuse(
            label,
            column.name,
            _("expected {what}, found none; fill it in or remove it").format(what=what),
            row,
        )
    return found.to_list()


def _words(table: Table, name: str, rows: Sequence[int] | None = None) -> list[Any] | None:
    """The words or numbers of a column as they are, of these rows; None where there are none."""
    if not name or name not in table.names:
        return None
    column = table.words(name) if rows is None else table.words(name)[list(rows)]
    if column.null_count() == len(column):
        return None
    words = _required(table.origin, column, _("a word"))
    return column.to_list() if column.dtype.is_numeric() or column.dtype == pl.Boolean else words


def _checked(cases: Cases) -> Cases:
    """The cases; InputError if there is none, or one that holds nothing."""
    if not len(cases):
        raise InputError(
            _("{source}: expected at least one case, found none").format(source=cases.source)
        )
    for name, case in zip(cases.names, cases.cases, strict=True):
        if not len(case):
            raise InputError(
                _("{source}: case {name}: expected at least one step, found none").format(
                    source=cases.source, name=name
                )
            )
        if cases.kind == "series" and (np.abs(case) > LARGEST).any():
            problem = _(
                "{source}: case {name}: expected numbers up to {limit} in size, found {largest}"
            )
            raise InputError(
                problem.format(
                    source=cases.source,
                    name=name,
                    limit=brief(LARGEST),
                    largest=brief(float(np.nanmax(np.abs(case)))),
                )
            )
        if isinstance(case, str) and not is_whole(case):
            raise InputError(
                _("{source}: case {name}: half of a character pair, mend the text").format(
                    source=cases.source, name=name
                )
            )
    if cases.labels is not None and "" in cases.labels:
        name = cases.names[list(cases.labels).index("")]
        raise InputError(
            _("{source}: case {name}: expected a label, found an empty one").format(
                source=cases.source, name=name
            )
        )
    return cases
