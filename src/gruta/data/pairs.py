"""Texts with what each becomes, as a pair: of a table, of lines with a tab, of two files, or of
Python's lists.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from gruta.codec.text.whole import is_whole
from gruta.data.columns import Origin, refuse
from gruta.data.json_lines import read_json_lines
from gruta.data.plain import encoding_of, text_blocks, unquoted
from gruta.data.table import Table, open_table
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.reading import Guess, Reading, Repair

_TABLES = (".csv", ".csv.gz", ".parquet", ".xlsx", ".xls")
_JSON = (".jsonl", ".ndjson")
_USUAL = ("source", "target")


@dataclass(frozen=True)
class Columns:
    """Which column of a table is what; "" for what its names tell, else for its first two.

    group: what a pair was cut from, if that is known: none is in two parts.
    """

    source: str = ""
    target: str = ""
    group: str = ""


@dataclass(frozen=True, eq=False)
class Pairs:
    """N texts, none of them blank, and what each becomes; None where that is not known.

    groups: what each was cut from. source: as messages name it.
    """

    sources: Sequence[str]
    targets: Sequence[str] | None
    groups: Sequence[str] | None
    source: str
    guesses: tuple[Guess, ...] = ()
    repairs: tuple[Repair, ...] = ()

    def __len__(self) -> int:
        return len(self.sources)

    def require_targets(self) -> Sequence[str]:
        """What each becomes; InputError where that is not known."""
        if self.targets is None:
            problem = _(
                "{source}: expected what each text becomes beside it, found texts alone; name the "
                "file of the other side with the setting targets"
            )
            raise InputError(problem.format(source=self.source))
        return self.targets

    def pick(self, places: Iterable[int]) -> "Pairs":
        """These pairs, in this order."""
        at = list(places)
        sources = [self.sources[i] for i in at]
        targets = None if self.targets is None else [self.targets[i] for i in at]
        groups = None if self.groups is None else [self.groups[i] for i in at]
        return replace(self, sources=sources, targets=targets, groups=groups)

    def fingerprint(self) -> str:
        """SHA-256 of all pairs, whatever they were read from."""
        found = hashlib.sha256()
        for one, other in zip(self.sources, self.require_targets(), strict=True):
            found.update(one.encode() + b"\xfe" + other.encode() + b"\xff")  # bytes of no text
        return found.hexdigest()


def read_pairs(
    source: Any,
    columns: Columns,
    how: Reading | None = None,
    *,
    targets: str | Path = "",
    lone: bool = False,
) -> Pairs:
    """Of a file, of two files line by line, of a frame, or of Python's lists.

    targets: the file of the other side, where `source` is one of texts alone. lone: texts alone
    are taken too, as a trained model asks for no more. InputError says what does not fit, where.
    """
    how = how or Reading()
    if isinstance(source, Pairs):
        return source
    if not isinstance(source, str | Path):
        return _of_python(source, columns, how)
    path = Path(source)
    name = path.name.lower()
    if targets:
        return _of_two(path, Path(targets), how)
    if name.endswith(_JSON):
        return _of_table(open_table(read_json_lines(path), how, label=str(path)), columns, lone)
    if name.endswith(_TABLES):
        wanted = [c for c in (columns.source, columns.target, columns.group) if c]
        return _of_table(open_table(path, how, wanted=wanted or _USUAL), columns, lone)
    return _of_lines(path, columns, how, lone)


def _of_python(source: Any, columns: Columns, how: Reading) -> Pairs:
    if hasattr(source, "columns"):
        return _of_table(open_table(source, how), columns, lone=True)
    pair = isinstance(source, tuple) and len(source) == 2
    if pair and all(isinstance(one, str | Path) for one in source):
        return _of_two(Path(source[0]), Path(source[1]), how)
    sources, targets = source if pair else (list(source), None)
    if targets is None and sources and all(_is_pair(one) for one in sources):
        sources, targets = zip(*sources, strict=True)
    return _checked(list(sources), None if targets is None else list(targets), "texts")


def _is_pair(one: Any) -> bool:
    return isinstance(one, tuple | list) and len(one) == 2


def _of_table(table: Table, columns: Columns, lone: bool) -> Pairs:
    names = _columns(table.names, columns, str(table.origin), lone)
    guess = _guessed([names[0], names[1]], columns)
    table.load(list(dict.fromkeys(name for name in names if name)))
    first, second, group = (_texts(table, name) if name else None for name in names)
    assert first is not None
    return _checked(first, second, str(table.origin), group, (*table.guesses, *guess))


def _columns(
    names: Sequence[str], columns: Columns, label: str, lone: bool
) -> tuple[str, str, str]:
    """Of the sources, of the targets ("" where there are none), of the groups."""
    usual = [column if column in names else "" for column in _USUAL]
    source = columns.source or usual[0]
    target = columns.target or usual[1]
    rest = [name for name in names if name not in (source, target, columns.group)]
    if lone and columns.target and columns.target not in names:
        target = ""
    elif not target and (not lone or not source):
        target = rest[0 if source else 1] if len(rest) > (0 if source else 1) else ""
    source = source or next((name for name in rest if name != target), "")
    if not source or not (target or lone):
        problem = _(
            "{label}: expected two columns, of texts and of what they become; found {names}"
        )
        raise InputError(problem.format(label=label, names=", ".join(map(repr, names))))
    return source, target, columns.group


def _guessed(found: Sequence[str], columns: Columns) -> Iterator[Guess]:
    """What nobody said and no usual name tells."""
    asked = (columns.source, columns.target)
    for name, given, usual in zip(found, asked, _USUAL, strict=True):
        if name and not given and name != usual:
            yield Guess(f"{usual} column", name, f"{usual}_column")


def _texts(table: Table, name: str) -> list[str]:
    """Of a column; InputError where a row has none."""
    column = table.words(name).cast(pl.String).str.strip_chars()
    blank = column.is_null() | (column == "")
    if blank.any():
        _refuse_blank(table.origin, name, int(blank.arg_max() or 0))
    return column.to_list()


def _refuse_blank(origin: Origin, name: str, row: int) -> None:
    problem = _("expected a text, found none; fill it in or leave the row out")
    refuse(origin, name, problem, row)


def _of_lines(path: Path, columns: Columns, how: Reading, lone: bool) -> Pairs:
    """A pair a line, with a tab between; the first line may name the columns."""
    lines, guesses = read_lines(path, how.encoding)
    rows = [(i, line.split("\t")) for i, line in enumerate(lines) if line.strip()]
    if not rows:
        raise InputError(_("{path}: expected at least one pair, found none").format(path=path))
    if lone and not any(len(cells) > 1 for _row, cells in rows):
        return _checked([cells[0].strip() for _row, cells in rows], None, str(path), None, guesses)
    head = [cell.strip() for cell in rows[0][1]]
    given = {
        "source_column": columns.source,
        "target_column": columns.target,
        "group": columns.group,
    }
    for setting, name in given.items():
        if name and name not in head:
            problem = _("{path}: its first line has no column {name!r}, but {names}")
            there = ", ".join(map(repr, head[:5]))
            raise InputError(**{setting: problem.format(path=path, name=name, names=there)})
    usual = {columns.source or _USUAL[0], columns.target or _USUAL[1]} <= set(head)
    named = usual or any(given.values())
    names = head if named else [*_USUAL, *(str(k) for k in range(3, len(head) + 1))]
    places = [
        names.index(n) if n else None for n in _columns(names, columns, str(path), lone=False)
    ]
    found: list[list[str]] = [[], [], []]
    for row, cells in rows[int(named) :]:
        for k, place in enumerate(places):
            if place is None:
                continue
            if place >= len(cells):
                _refuse_narrow(path, row + 1 - int(named), cells, names[place])
            text = unquoted(cells[place].strip())
            if not text:
                _refuse_blank(Origin(str(path)), names[place], row - int(named))
            found[k].append(text)
    guess = _guessed([names[place] for place in places[:2] if place is not None], columns)
    groups = found[2] if columns.group else None
    return _checked(found[0], found[1], str(path), groups, (*guesses, *guess))


def _refuse_narrow(path: Path, row: int, cells: Sequence[str], name: str) -> None:
    shown = "\t".join(cells)[:60]
    if len(cells) == 1:
        problem = _(
            "{path}: row {row}: expected two texts with a tab between, found no tab: {text!r}"
        )
        raise InputError(problem.format(path=path, row=number(row), text=shown))
    problem = _("{path}: row {row}: expected a cell for {name!r}, found {count} cells: {text!r}")
    raise InputError(
        problem.format(path=path, row=number(row), name=name, count=len(cells), text=shown)
    )


def _of_two(path: Path, other: Path, how: Reading) -> Pairs:
    """Line by line; lines that are blank on both sides are left out."""
    sides, guesses = [], dict[Guess, None]()
    for file in (path, other):
        lines, found = read_lines(file, how.encoding)
        sides.append([line.strip() for line in lines])
        guesses |= dict.fromkeys(found)
    for side in sides:
        while side and not side[-1]:
            side.pop()
    first, second = sides
    if len(first) != len(second):
        problem = _(
            "{path} has {count} lines, {other} has {others}; expected a line for each in both"
        )
        counts = number(len(first)), number(len(second))
        raise InputError(problem.format(path=path, count=counts[0], other=other, others=counts[1]))
    for row, texts in enumerate(zip(first, second, strict=True), 1):
        if any(texts) and not all(texts):
            blank = path if not texts[0] else other
            problem = _("{path}: row {row}: expected a text, found none; {other} has one there")
            there = other if blank == path else path
            raise InputError(problem.format(path=blank, row=number(row), other=there))
    kept = [i for i, text in enumerate(first) if text]
    return _checked(
        [first[i] for i in kept], [second[i] for i in kept], str(path), None, tuple(guesses)
    )


def read_lines(path: Path, encoding: str) -> tuple[list[str], tuple[Guess, ...]]:
    """Of a text file; InputError where there is none, or no text."""
    if not path.is_file():
        found = _("a directory") if path.is_dir() else _("no file")
        problem = _("{path}: expected a file of texts, found {found}")
        raise InputError(problem.format(path=path, found=found))
    encoding, guesses = encoding_of(path, encoding)
    text = "".join(text_blocks(path, encoding))
    return text.replace("\r\n", "\n").split("\n"), guesses


def _checked(
    sources: list[Any],
    targets: list[Any] | None,
    label: str,
    groups: list[str] | None = None,
    guesses: tuple[Guess, ...] = (),
) -> Pairs:
    """The pairs; InputError if there is none, or one that no file could hold."""
    sides = {_("source"): sources}
    if targets is not None:
        sides[_("target")] = targets
        if len(targets) != len(sources):
            problem = _("{label}: expected a target for each of {count} sources, got {others}")
            raise InputError(problem.format(label=label, count=len(sources), others=len(targets)))
    if not sources:
        raise InputError(_("{label}: expected at least one text, found none").format(label=label))
    for side, texts in sides.items():
        for row, text in enumerate(texts):
            if not isinstance(text, str) or not is_whole(text):
                problem = _("{label}: {side} {row}: expected a whole text, got {text!r}")
                raise InputError(problem.format(label=label, side=side, row=row + 1, text=text))
            if not text.strip():
                problem = _("{label}: {side} {row}: expected a text, got a blank one")
                raise InputError(problem.format(label=label, side=side, row=row + 1))
    return Pairs(sources, targets, groups, label, guesses)
