"""Which columns of a table are pictures and captions, and its rows."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from gruta.data.columns import refuse, require
from gruta.data.dialect import find_dialect
from gruta.data.json_lines import read_json_lines
from gruta.data.plain import text_blocks
from gruta.data.table import Table, kind_of, open_table
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.reading import Guess, Reading

_PICTURE = re.compile(
    r"(picture|image|img|photo|clip|video|imagem|foto|figura|v[ií]deo|arquivo|file|path)"
    r"(s|_?name|_?path|_?file)?",
    re.IGNORECASE,
)
_CAPTION = re.compile(
    r"(caption|legenda|sentence|description|descri[cç][aã]o|text|texto|title)s?"
    r"(?P<end>[_ -]?\w+)?",
    re.IGNORECASE,
)
_LANGUAGE = re.compile(r"(language|lang|locale|idioma|l[ií]ngua)", re.IGNORECASE)
_CODE = re.compile(r"[a-z]{2,3}([_-][A-Za-z]{2,4})?")
_LOOKED_AT = 20


@dataclass(frozen=True)
class Columns:
    """Which column of a table is what; "" for what its names tell.

    captions: names of columns or, where there is a column of languages, of languages. group: what a
    picture was cut from, if that is known: none is in two parts.
    """

    picture: str = ""
    captions: tuple[str, ...] = ()
    language: str = ""
    group: str = ""


@dataclass
class Row:
    """A row, counted from 1: the picture's file, and what is said of it in each language."""

    row: int
    path: Path
    name: str
    captions: dict[str, tuple[str, ...]]
    group: str = ""


def rows_of(
    source: Any, columns: Columns, how: Reading, folder: str, lone: bool
) -> tuple[list[Row], list[str], str, tuple[Guess, ...]]:
    """The rows of a table or frame, the languages of its captions ("" where there is one), what
    messages call it, and what was found out.

    lone: pictures alone will do. InputError names the row of a picture that is not there, or of a
    caption that is missing.
    """
    table, place, named = _opened(source, how, columns)
    if lone and columns.group not in table.names:
        columns = replace(columns, group="")
    place = Path(folder) if folder else place
    if folder and not place.is_dir():
        raise InputError(folder=_("{path}: expected a folder, found none").format(path=folder))
    found = _Found(table, columns, place, lone)
    known = (found.picture, *found.by_column, found.language, columns.group)
    table.load(list(dict.fromkeys(name for name in known if name)))
    label = str(table.origin)
    rows = [row for i in range(len(table)) if (row := found.row(i)) is not None]
    guesses = (*table.guesses, *named, *found.guesses)
    languages = list(dict.fromkeys(found.languages(rows)))
    return rows, languages, label, guesses


def _opened(source: Any, how: Reading, columns: Columns) -> tuple[Table, Path, list[Guess]]:
    """The table and its folder; a text file without a line of names gets some."""
    if not isinstance(source, str | Path):
        return open_table(source, how), Path(), []
    path = Path(source)
    if path.suffix.lower() in (".jsonl", ".ndjson"):
        return open_table(read_json_lines(path), how, label=str(path)), path.parent, []
    wanted = [n for n in (columns.picture, *columns.captions, columns.group) if n]
    table = open_table(path, how, wanted=wanted or ("picture", "caption"))
    first = [name for name in table.names if (path.parent / name).is_file()]
    if kind_of(path) != ".csv" or not first or set(wanted) & set(table.names):
        return table, path.parent, []
    dialect = find_dialect(path, how, ())
    text = "".join(text_blocks(path, dialect.encoding))
    cells = [row for row in csv.reader(io.StringIO(text), delimiter=dialect.separator) if row]
    wide = max(map(len, cells))
    at = next(k for k, cell in enumerate(cells[0]) if (path.parent / cell.strip()).is_file())
    names = ["picture" if k == at else str(k + 1) for k in range(wide)]
    data = {n: [r[k] if k < len(r) else None for r in cells] for k, n in enumerate(names)}
    frame = pl.DataFrame(data, schema=dict.fromkeys(names, pl.String))
    told = Guess("names of columns", ", ".join(names))
    return open_table(frame, how, label=str(path)), path.parent, [*dialect.guesses, told]


class _Found:
    """What the columns of a table are, and its rows."""

    def __init__(self, table: Table, columns: Columns, place: Path, lone: bool) -> None:
        self._table, self._columns, self._place, self._lone = table, columns, place, lone
        self.guesses: list[Guess] = []
        names, label = table.names, str(table.origin)
        asked = [columns.picture, columns.language, columns.group]
        require([name for name in asked if name], names, label)
        self.picture = columns.picture or self._picture(names)
        rest = [n for n in names if n not in (self.picture, columns.group)]
        self.language = columns.language or next((n for n in rest if _LANGUAGE.fullmatch(n)), "")
        rest = [name for name in rest if name != self.language]
        if self.language:
            texts = [n for n in rest if _CAPTION.fullmatch(n)] or rest
            self.by_column = {texts[0]: ""} if texts else {}
        elif columns.captions:
            if not lone or set(columns.captions) <= set(names):
                require(columns.captions, names, label)
            there = [name for name in columns.captions if name in names]
            self.by_column = {name: name if len(there) > 1 else "" for name in there}
        else:
            self.by_column = self._captions(rest)
        if not self.by_column and not lone:
            problem = _("{label}: expected a column of captions beside {name!r}, found {names}")
            shown = ", ".join(map(repr, names))
            raise InputError(problem.format(label=label, name=self.picture, names=shown))

    def _picture(self, names: Sequence[str]) -> str:
        """By its name, else by what it holds."""
        usual = [name for name in names if _PICTURE.fullmatch(name)]
        if "picture" in names:
            return "picture"
        found = next((name for name in usual), "") or next(self._of_files(names), "")
        if not found:
            problem = _(
                "{label}: expected a column with the file of a picture in each row, found {names}; "
                "name it with the setting picture_column"
            )
            there = ", ".join(map(repr, names))
            raise InputError(problem.format(label=self._table.origin, names=there))
        self.guesses.append(Guess("picture column", found, "picture_column"))
        return found

    def _of_files(self, names: Sequence[str]) -> Iterator[str]:
        for name in names:
            cells = self._table.load([name]).words(name).head(_LOOKED_AT).cast(pl.String)
            if any(cell and (self._place / cell.strip()).is_file() for cell in cells):
                yield name

    def _captions(self, names: Sequence[str]) -> dict[str, str]:
        """By column the language, "" where all are in one."""
        said = {n: m for n in names if (m := _CAPTION.fullmatch(n))}
        codes = [name for name in names if _CODE.fullmatch(name)]
        ends = {n: (m["end"] or "").strip("_ -") for n, m in said.items()}
        if said and all(not end or end.isdigit() for end in ends.values()):
            found = dict.fromkeys(said, "")
        elif said and all(_CODE.fullmatch(end) for end in ends.values()):
            found = ends if len(ends) > 1 else dict.fromkeys(ends, "")
        elif codes:
            found = {n: n if len(codes) > 1 else "" for n in codes}
        else:
            found = dict.fromkeys([*said, *names][:1], "")
        if found and list(found) != ["caption"]:
            self.guesses.append(Guess("captions", ", ".join(found), "captions"))
        return found

    def languages(self, rows: Sequence[Row]) -> Iterator[str]:
        """Of all captions, in the order in which they were asked for, or come."""
        if not self.language:
            yield from self.by_column.values()
            return
        there = list(dict.fromkeys(name for row in rows for name in row.captions))
        if self._columns.captions:
            for name in self._columns.captions:
                if name not in there:
                    problem = _("{label}: no row has the language {name!r} in {column!r}")
                    label, column = self._table.origin, self.language
                    told = problem.format(label=label, name=name, column=column)
                    raise InputError(captions=told)
            yield from self._columns.captions
            return
        self.guesses.append(Guess("captions", ", ".join(there), "captions"))
        yield from there

    def row(self, i: int) -> Row | None:
        """The row read as number `i`; None of a language that is not asked for."""
        table, origin = self._table, self._table.origin
        cell = table.words(self.picture)[i]
        told = "" if cell is None else str(cell).strip()
        if not told:
            refuse(origin, self.picture, _("expected the file of a picture, found none"), i)
        path = self._place / told
        if not path.is_file():
            problem = _("no file of this name: {path}").format(path=path)
            refuse(origin, self.picture, problem, i)
        language = str(table.words(self.language)[i] or "").strip() if self.language else ""
        if self.language and self._columns.captions and language not in self._columns.captions:
            return None
        captions: dict[str, tuple[str, ...]] = {}
        for name, own in self.by_column.items():
            text = table.words(name)[i]
            if text is not None and str(text).strip():
                key = language if self.language else own
                captions[key] = (*captions.get(key, ()), str(text).strip())
        if not captions and not self._lone:
            problem = _("expected a caption, found none; fill it in or leave the row out")
            refuse(origin, next(iter(self.by_column)), problem, i)
        group = str(table.words(self._columns.group)[i]) if self._columns.group else ""
        return Row(origin.row(i), path, told, captions, group)
