"""Pictures and clips with what is said of them: of a table, a folder, single files, or Python's."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gruta.codec.text.whole import is_whole
from gruta.data.folder import files_of
from gruta.data.pictures.columns import Columns, Row, rows_of
from gruta.data.pictures.shots import PICTURES, VIDEOS, Shot, Sight, read_shots
from gruta.data.table import kind_of
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.reading import Guess, Reading, Repair

Texts = tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Captioned:
    """N pictures or clips, and in each language what may be said of them `[N]`, if anything.

    captions: by the name of a language or of a column, "" where there is but one; empty where none
    is known of any. groups: what each was cut from. source: as messages name it. place: what they
    were read from, to be read again otherwise.
    """

    shots: Sequence[Shot]
    captions: Mapping[str, Sequence[Texts]]
    groups: Sequence[str] | None
    source: str
    guesses: tuple[Guess, ...] = ()
    repairs: tuple[Repair, ...] = ()
    place: Any = None

    def __len__(self) -> int:
        return len(self.shots)

    @property
    def names(self) -> list[str]:
        """Of the pictures, for people."""
        return [shot.name for shot in self.shots]

    def require_captions(self) -> Mapping[str, Sequence[Texts]]:
        """The captions; InputError where none is known, or of a picture none at all."""
        if not self.captions:
            problem = _(
                "{source}: expected a caption for each picture, found pictures alone; give a table "
                "of pictures and captions, or a folder with a text file beside each picture"
            )
            raise InputError(problem.format(source=self.source))
        return self.captions

    def pick(self, places: Iterable[int]) -> "Captioned":
        """These pictures, in this order."""
        at = list(places)
        shots = [self.shots[i] for i in at]
        captions = {name: [own[i] for i in at] for name, own in self.captions.items()}
        groups = None if self.groups is None else [self.groups[i] for i in at]
        return replace(self, shots=shots, captions=captions, groups=groups)

    def contents(self) -> list[str]:
        """A word for what each shows, the same where that is the same."""
        return [shot.content for shot in self.shots]

    def fingerprint(self) -> str:
        """SHA-256 of all that is seen and said, whatever it was read from."""
        digest = hashlib.sha256(json.dumps([self.contents(), dict(self.captions)]).encode())
        digest.update(json.dumps(list(self.groups or ())).encode())
        return digest.hexdigest()


@dataclass(frozen=True)
class Wanted:
    """How a source is read. folder: of the pictures, where it is not the table's own. longest: so
    many words of a caption are kept. every: seconds of a clip after which another one begins.
    """

    sight: Sight
    columns: Columns = field(default_factory=Columns)
    folder: str = ""
    longest: int = 100
    every: float = 0.0


def read_captioned(
    source: Any, wanted: Wanted, how: Reading | None = None, *, lone: bool = False
) -> Captioned:
    """Of a table or a frame of paths and captions, of a folder of pictures with a text file beside
    each, of one picture, or of Python's lists.

    lone: pictures alone are taken too, as a trained model asks for no more. InputError says what
    does not fit, where.
    """
    how = how or Reading()
    if isinstance(source, Captioned):
        return source
    if isinstance(source, str | Path):
        path = Path(source)
        if path.is_dir():
            found = _of_folder(path, wanted, lone)
        elif kind_of(path) or path.name.lower().endswith((".jsonl", ".ndjson")):
            found = _of_rows(rows_of(path, wanted.columns, how, wanted.folder, lone), wanted, lone)
        else:
            found = Captioned(_seen(path, wanted), {}, None, str(path))
    elif hasattr(source, "columns"):
        found = _of_rows(rows_of(source, wanted.columns, how, wanted.folder, lone), wanted, lone)
    else:
        found = _of_python(source, wanted)
    return replace(_checked(found, wanted.longest), place=source)


def _seen(source: Any, wanted: Wanted, name: str = "") -> list[Shot]:
    return read_shots(source, wanted.sight, wanted.every, name)


def _of_rows(
    found: tuple[list[Row], list[str], str, tuple[Guess, ...]], wanted: Wanted, lone: bool
) -> Captioned:
    """Rows of the same picture are one."""
    rows, languages, label, guesses = found
    merged: dict[Path, Row] = {}
    for row in rows:
        known = merged.get(row.path)
        if known is None:
            merged[row.path] = row
            continue
        for name, texts in row.captions.items():
            known.captions[name] = tuple(dict.fromkeys((*known.captions.get(name, ()), *texts)))
    shots: list[Shot] = []
    kept: list[Row] = []
    for path, row in merged.items():
        try:
            own = _seen(path, wanted, row.name)
        except InputError as error:
            problem = _("{label}: row {row}: {problem}")
            told = problem.format(label=label, row=number(row.row), problem=error)
            raise InputError(told) from None
        shots += own
        kept += [row] * len(own)
    captions = {
        name: [row.captions.get(name, ()) for row in kept]
        for name in languages
        if any(row.captions.get(name) for row in kept)
    }
    groups = [row.group for row in kept] if any(row.group for row in kept) else None
    repairs = _unsaid(kept, languages)
    return Captioned(shots, captions, groups, label, guesses, repairs)


def _unsaid(rows: Sequence[Row], languages: Sequence[str]) -> tuple[Repair, ...]:
    """Pictures that lack a caption in one of several languages."""
    found = []
    for name in languages:
        lacking = [row.name for row in rows if not row.captions.get(name)]
        if lacking and len(languages) > 1 and len(lacking) < len(rows):
            kind = _("pictures without a caption in {name}").format(name=name)
            done = _("learned from in the other languages")
            found.append(Repair(kind, len(lacking), tuple(lacking[:3]), done))
    return tuple(found)


def _of_folder(path: Path, wanted: Wanted, lone: bool) -> Captioned:
    """Pictures, and beside NAME.png a NAME.txt, or a NAME.LANGUAGE.txt for each language; a line a
    caption.
    """
    files = files_of(path, (*PICTURES, *VIDEOS))
    said: dict[Path, dict[str, Texts]] = {}
    for text in sorted(path.rglob("*.txt")):
        whole = text.with_suffix("")
        lines = tuple(line.strip() for line in _lines(text) if line.strip())
        said.setdefault(whole, {})[""] = lines
        if whole.suffix:
            said.setdefault(whole.with_suffix(""), {})[whole.suffix[1:]] = lines
    own = {file: said.get(file.with_suffix(""), {}) for file in files}
    asked = wanted.columns.captions
    there = dict.fromkeys(name for texts in own.values() for name in texts)
    names = list(asked or there)
    for name in asked:
        if name not in there and not lone:
            problem = _("{path}: no picture has a text file that ends in .{name}.txt")
            raise InputError(captions=problem.format(path=path, name=name))
    kept = [file for file in files if lone or any(own[file].get(name) for name in names)]
    left = [str(file.relative_to(path)) for file in files if file not in set(kept)]
    if not kept:
        problem = _(
            "{path}: expected a text file with a caption beside each picture, as cat.txt beside "
            "cat.png, found none beside {count} pictures"
        )
        raise InputError(problem.format(path=path, count=number(len(files))))
    repairs: tuple[Repair, ...] = ()
    if left:
        done = _("left out")
        repairs = (Repair(_("pictures without a caption"), len(left), tuple(left[:3]), done),)
    shots, at = [], []
    for file in kept:
        found = _seen(file, wanted, str(file.relative_to(path)))
        shots += found
        at += [file] * len(found)
    captions = {name: [own[file].get(name, ()) for file in at] for name in names if name in there}
    return Captioned(shots, captions, None, str(path), (), repairs)


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        problem = _("{file}: expected UTF-8 text ({reason}); convert it")
        raise InputError(problem.format(file=file, reason=error.reason)) from None


def _of_python(source: Any, wanted: Wanted) -> Captioned:
    """Pictures, or (pictures, captions): a caption, or several, of each."""
    pair = isinstance(source, tuple) and len(source) == 2 and not isinstance(source[0], str | Path)
    pictures, texts = source if pair else (source, None)
    given = list(pictures)
    shots, at = [], []
    for i, one in enumerate(given):
        name = str(one) if isinstance(one, str | Path) else str(i + 1)
        found = _seen(one, wanted, name)
        shots += found
        at += [i] * len(found)
    if texts is None:
        return Captioned(shots, {}, None, "pictures")
    said = [tuple([own] if isinstance(own, str) else own) for own in texts]
    if len(said) != len(given):
        problem = _("captions: expected {expected}, one a picture, got {count}")
        raise InputError(problem.format(expected=len(given), count=len(said)))
    return Captioned(shots, {"": [said[i] for i in at]}, None, "pictures")


def _checked(found: Captioned, longest: int) -> Captioned:
    """With single blanks and no caption of too many words; InputError where there is no picture,
    or a text that no file could hold.
    """
    if not len(found):
        problem = _("{source}: expected at least one picture, found none")
        raise InputError(problem.format(source=found.source))
    cut: list[str] = []
    captions: dict[str, list[Texts]] = {}
    for name, own in found.captions.items():
        captions[name] = []
        for shot, texts in zip(found.shots, own, strict=True):
            kept = []
            for text in texts:
                if not isinstance(text, str) or not is_whole(text):
                    problem = _("{source}: {picture}: expected a whole text, got {text!r}")
                    told = problem.format(source=found.source, picture=shot.name, text=text)
                    raise InputError(told)
                words = text.split()
                if len(words) > longest:
                    cut.append(shot.name)
                kept.append(" ".join(words[:longest]))
            captions[name].append(tuple(dict.fromkeys(text for text in kept if text)))
    repairs = found.repairs
    if cut:
        kind = _("captions of more than {count} words").format(count=number(longest))
        repairs = (*repairs, Repair(kind, len(cut), tuple(cut[:3]), _("cut there")))
    return replace(found, captions=captions, repairs=repairs)
