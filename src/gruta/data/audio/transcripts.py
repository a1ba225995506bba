"""Lists of recordings and what is said in them, in the forms that people have them.

- Tables with names above their columns, as CSV, TSV, Excel, Parquet, JSON lines or a frame.
- Tables without: the column whose cells name files is the one of recordings.
- Lines `name: text`, as Asterisk has them, with ; before remarks.
- Lines `name text`, as Kaldi and LibriSpeech have them.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from gruta.data.audio.finder import Finder, ends_as_sound
from gruta.data.columns import require
from gruta.data.json_lines import read_json_lines
from gruta.data.pairs import read_lines
from gruta.data.plain import unquoted
from gruta.data.table import Table, kind_of, open_table
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.reading import Guess, Reading

_JSON = (".jsonl", ".ndjson", ".json")
_AUDIO = (
    *("audio", "audio_filepath", "path", "file", "file_name", "filename", "wav", "wav_filename"),
    *("audio_file", "sound", "recording", "clip", "id", "name"),
)
_TEXT = (
    *("text", "transcript", "transcription", "sentence", "caption", "normalized_text"),
    *("normalized_transcription", "texto", "transcricao", "transcrição"),
)
_SPEAKER = ("speaker", "speaker_id", "client_id", "spk", "locutor", "falante")
_START, _STOP, _LENGTH = ("start", "offset"), ("stop", "end"), ("duration",)
_FEW = 50


@dataclass(frozen=True)
class Columns:
    """Which column of a list is what; "" for what its names and cells tell."""

    audio: str = ""
    text: str = ""
    speaker: str = ""


@dataclass(frozen=True)
class Row:
    """One line: what names a file, what is said ("" for nothing, None where the list does not
    tell), who speaks, seconds of the file, and its number from 1.
    """

    audio: str
    text: str | None
    speaker: str | None
    start: float
    stop: float | None
    number: int


@dataclass(frozen=True)
class Listed:
    """The rows of a list."""

    rows: list[Row]
    guesses: tuple[Guess, ...]


def is_list(path: Path) -> bool:
    """Whether a file may hold transcripts of others, by its name."""
    return bool(kind_of(path)) or path.suffix.lower() in _JSON


def read_list(source: Any, finder: Finder, columns: Columns, how: Reading) -> Listed:
    """The rows of a file or frame; InputError says what does not fit."""
    if not isinstance(source, str | Path):
        return _of_table(open_table(source, how), finder, columns)
    path = Path(source)
    if path.suffix.lower() in _JSON:
        return _of_table(open_table(read_json_lines(path), how, label=str(path)), finder, columns)
    if path.suffix and kind_of(path) != ".csv":
        return _of_table(open_table(path, how), finder, columns)
    lines, guesses = read_lines(path, how.encoding)
    numbered = [(i, line) for i, line in enumerate(lines, 1) if line.strip()]
    if not numbered:
        raise InputError(_("{path}: expected transcripts, found none").format(path=path))
    first = next((line for _i, line in numbered if not line.startswith(";")), "")
    mark = how.mark if how.separator != "auto" else _mark(first)
    if mark in ("\t", "|"):  # what people write so has quotes in its texts, and none around them
        cells = [(i, [unquoted(cell.strip()) for cell in line.split(mark)]) for i, line in numbered]
        return _of_cells(cells, str(path), finder, columns, guesses)
    found = _of_lines(numbered, finder)
    if found is not None and not any((columns.audio, columns.text, columns.speaker)):
        return Listed(found, guesses)
    return _of_table(open_table(path, how), finder, columns)


def _mark(line: str) -> str:
    return next((mark for mark in "\t|" if mark in line), "")


_NAMED = re.compile(r"([^\s:;,]+)(?:\s*:\s+|\s*:$|\s+|$)(.*)")


def _of_lines(lines: Sequence[tuple[int, str]], finder: Finder) -> list[Row] | None:
    """Names of files and texts; None where the names are none of files."""
    rows = []
    for i, line in lines:
        line = line.strip()
        if line.startswith(";") or not (match := _NAMED.fullmatch(line)):
            continue
        rows.append(Row(match[1], match[2].strip(), None, 0.0, None, i))
    known = [finder.find(row.audio) for row in rows[:_FEW]]
    if not rows or sum(one is not None for one in known) * 2 < len(known):
        return None
    return rows


def _of_cells(
    rows: Sequence[tuple[int, list[str]]],
    label: str,
    finder: Finder,
    columns: Columns,
    guesses: tuple[Guess, ...],
) -> Listed:
    """Of rows of cells, the first of which may be the columns' names."""
    head = rows[0][1]
    following = rows[1][1] if len(rows) > 1 else []
    named = _are_names(head, following, finder)
    named = named or any((columns.audio, columns.text, columns.speaker))
    names = head if named else [str(k + 1) for k in range(len(head))]
    body = rows[1:] if named else rows
    for i, cells in body:
        if len(cells) > len(names) and any(cells[len(names) :]):
            problem = _(
                "{path}: line {row}: expected {count} cells, as in the first, found {found}"
            )
            shown = {"row": number(i), "count": len(names), "found": len(cells)}
            raise InputError(problem.format(path=label, **shown))
    of = {name: [(c[k] if k < len(c) else "") for _i, c in body] for k, name in enumerate(names)}
    return _rows(of, [i for i, _c in body], label, finder, columns, guesses)


def _are_names(head: Sequence[str], following: Sequence[str], finder: Finder) -> bool:
    """Whether a first line names columns: it names no file, but one of the usual things, or the
    line that follows names a file.
    """
    if any(ends_as_sound(cell) or finder.find(cell) for cell in head):
        return False
    usual = {*_AUDIO, *_TEXT, *_SPEAKER}
    if any(cell.strip().lower() in usual for cell in head):
        return True
    return any(ends_as_sound(cell) or finder.find(cell) for cell in following)


def _of_table(table: Table, finder: Finder, columns: Columns) -> Listed:
    names = table.names
    if len(names) < 2 and not columns.audio:
        problem = _(
            "{label}: expected columns of recordings and of what is said in them, found {names}"
        )
        shown = ", ".join(map(repr, names))
        raise InputError(problem.format(label=str(table.origin), names=shown))
    table.load(list(dict.fromkeys(names)))
    cells = {name: _strings(table, name) for name in dict.fromkeys(names)}
    label, count = str(table.origin), len(table)
    numbers = [table.origin.row(row) for row in range(count)]
    if any(ends_as_sound(name) for name in names):  # a file whose first line names no columns
        cells = {str(k + 1): [name, *cells[name]] for k, name in enumerate(names)}
        numbers = [0, *numbers]
    return _rows(cells, numbers, label, finder, columns, table.guesses)


def _strings(table: Table, name: str) -> list[str]:
    column = table.words(name)
    return [one or "" for one in column.cast(pl.String, strict=False).to_list()]


def _rows(
    cells: dict[str, list[str]],
    numbers: Sequence[int],
    label: str,
    finder: Finder,
    columns: Columns,
    guesses: tuple[Guess, ...],
) -> Listed:
    """By columns that were named, or are found out."""
    names = list(cells)
    asked = {
        "audio_column": columns.audio,
        "text_column": columns.text,
        "speaker_column": columns.speaker,
    }
    for setting, name in asked.items():
        if name:
            try:
                require([name], names, label)
            except InputError as error:
                raise InputError(**{setting: error.message}) from None
    audio = columns.audio or _audio(cells, finder, label)
    rest = [name for name in names if name not in (audio, columns.speaker)]
    text = columns.text or _text(rest, cells)
    speaker = columns.speaker or _usual(names, _SPEAKER)
    found = [("audio column", audio, columns.audio, _AUDIO[0], "audio_column")]
    found += [("transcript column", text, columns.text, _TEXT[0], "text_column")]
    found += [("speaker column", speaker, columns.speaker, _SPEAKER[0], "speaker_column")]
    told = [
        Guess(about, name, option)
        for about, name, given, usual, option in found
        if name and not given and name != usual
    ]
    start, stop, length = (_usual(names, usual) for usual in (_START, _STOP, _LENGTH))
    return Listed(
        list(_listed(cells, numbers, label, (audio, text, speaker, start, stop, length))),
        (*guesses, *told),
    )


def _listed(
    cells: dict[str, list[str]], numbers: Sequence[int], label: str, names: tuple[str, ...]
) -> Iterator[Row]:
    audio, text, speaker, start, stop, length = names
    for i, row in enumerate(numbers):
        first = _seconds(cells, start, i, row, label) or 0.0
        last = _seconds(cells, stop, i, row, label)
        lasts = _seconds(cells, length, i, row, label)
        if last is None and start and lasts is not None:
            last = first + lasts
        if last is not None and last <= first:
            problem = _("{path}: row {row}: a stretch from {start} to {stop} s has no length")
            shown = {"row": number(row), "start": first, "stop": last}
            raise InputError(problem.format(path=label, **shown))
        said = cells[text][i] if text else None
        who = (cells[speaker][i] or None) if speaker else None
        yield Row(cells[audio][i], said, who, first, last, row)


def _seconds(cells: dict[str, list[str]], name: str, i: int, row: int, label: str) -> float | None:
    if not name or not cells[name][i].strip():
        return None
    try:
        found = float(cells[name][i].replace(",", "."))
    except ValueError:
        found = math.nan
    if not 0 <= found < math.inf:
        problem = _("{path}: row {row}: column {name!r}: expected seconds, got {value!r}")
        shown = {"row": number(row), "name": name, "value": cells[name][i]}
        raise InputError(problem.format(path=label, **shown))
    return found


def _usual(names: Sequence[str], usual: Sequence[str]) -> str:
    small = {name.strip().lower(): name for name in reversed(names)}
    return next((small[one] for one in usual if one in small), "")


def _audio(cells: dict[str, list[str]], finder: Finder, label: str) -> str:
    """The column most of whose first cells name files; a usual name decides between several."""
    shares = {}
    for name, column in cells.items():
        filled = [cell for cell in column if cell.strip()][:_FEW]
        known = sum(finder.find(cell) is not None or ends_as_sound(cell) for cell in filled)
        shares[name] = known / len(filled) if filled else 0.0
    best = max(shares.values(), default=0.0)
    if best < 0.5:
        usual = _usual(list(cells), _AUDIO[:-2])
        if usual:
            return usual
        problem = _(
            "{label}: expected a column that names sound files below {folder}, found none; its "
            "columns are {names}"
        )
        shown = {"folder": finder.folder, "names": ", ".join(map(repr, cells))}
        raise InputError(problem.format(label=label, **shown), audio_column=_("name it"))
    fitting = [name for name, share in shares.items() if share == best]
    return _usual(fitting, _AUDIO) or fitting[0]


def _text(rest: Sequence[str], cells: dict[str, list[str]]) -> str:
    """The column of transcripts: of a usual name, else the last of words; "" where there is none.

    Of two it is the last, as a text written out stands behind the one that it was.
    """
    usual = _usual(rest, _TEXT)
    others = {*_SPEAKER, *_START, *_STOP, *_LENGTH}
    words = [
        name
        for name in rest
        if name.strip().lower() not in others
        and any(any(c.isalpha() for c in cell) for cell in cells[name][:_FEW])
    ]
    if not words and len(rest) == 1:  # numbers alone, as of spoken digits
        words = list(rest)
    return usual or (words[-1] if words else "")
