"""How a text file is written: its encoding, its separator, and the names of its columns."""

import csv
import io
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from gruta.data.plain import encoding_of, text_blocks
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.reading import AUTO, Guess, Reading

_HEAD = 2**20
_SAMPLE = 100
_CANDIDATES = ";\t|,"  # of those that fit alike the first: a comma is in many a cell


@dataclass(frozen=True)
class Dialect:
    """How a text file is written.

    names: of its columns, without the blanks around them. lines: how many there are down to the
    header, with it.
    """

    encoding: str
    separator: str
    names: tuple[str, ...]
    lines: int
    guesses: tuple[Guess, ...]


def find_dialect(path: Path, how: Reading, wanted: Sequence[str]) -> Dialect:
    """What `how` leaves open is found out; InputError where the file is no table of text."""
    encoding, found = encoding_of(path, how.encoding)
    guesses = [*found]
    with closing(text_blocks(path, encoding)) as blocks:
        block = next(blocks, "")
    head = block if len(block) <= _HEAD else block[: block.rfind("\n", 0, _HEAD) + 1 or _HEAD]
    lines, separator = 0, how.mark
    first, _newline, rest = head.partition("\n")
    if first.lower().startswith("sep=") and len(first.rstrip()) == 5:  # a hint to Excel
        head, lines = rest, 1
        separator = first[4] if separator == AUTO else separator
    if separator == AUTO:
        separator = _separator(head, wanted)
        if separator != ",":
            shown = "tab" if separator == "\t" else separator
            guesses.append(Guess("separator", shown, "separator"))
    reader = csv.reader(io.StringIO(head), delimiter=separator)
    try:
        present = next((cells for cells in reader if any(map(str.strip, cells))), [])
    except csv.Error as error:
        raise InputError(
            _("{path}: its first line is no row of names: {error}").format(path=path, error=error)
        ) from None
    if not present:
        raise InputError(
            _("{path}: expected a line of column names first, found none").format(path=path)
        )
    names = tuple(name.strip() for name in present)
    if names[0].startswith("#") and not set(wanted) & set(names):
        problem = _(
            "{path}: expected a line of column names first, found a comment, {comment!r}; remove "
            "the lines above the names"
        )
        raise InputError(problem.format(path=path, comment=names[0][:40]))
    return Dialect(encoding, separator, names, lines + reader.line_num, tuple(guesses))


def _separator(head: str, wanted: Sequence[str]) -> str:
    """The one with which the header has most of the names wanted, and rows are as wide as it is."""
    best, rank = ",", (0, 0.0, 1)
    for mark in _CANDIDATES:
        rows: list[list[str]] = []
        with suppress(csv.Error):  # what is wrong further down is told when it is read
            reader = csv.reader(io.StringIO(head), delimiter=mark)
            rows += islice((row for row in reader if any(row)), _SAMPLE)
        if not rows or len(rows[0]) < 2:
            continue
        names = [name.strip() for name in rows[0]]
        alike = [len(row) == len(names) for row in rows[1:]]
        share = sum(alike) / len(alike) if alike else 1.0
        found = (len(set(wanted) & set(names)), share, len(names))
        if found > rank:
            best, rank = mark, found
    return best
