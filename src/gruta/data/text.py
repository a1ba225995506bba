"""Texts as they come: files, folders of files, or what Python has."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from gruta.codec.text.whole import require_whole
from gruta.data.folder import files_of
from gruta.data.plain import encoding_of, text_blocks
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.reading import AUTO, Guess, Repair

SUFFIXES = (".txt", ".text", ".md", ".rst", ".gz")
"""Files of a folder that are read."""

WHOLE = 10
"""Of so many texts and more none is cut."""

_STRETCHES, _STRETCH = 32, 1500
"""Of fewer so many stretches are held out at most, of so many characters at least."""

_SHORT_LINE = 400
"""Characters of a line that is not cut."""


@dataclass(frozen=True)
class Text:
    """One, and what it is called."""

    name: str
    text: str


@dataclass(frozen=True)
class Texts:
    """Some, in order; none is empty. source: as messages name them."""

    texts: tuple[Text, ...]
    source: str
    guesses: tuple[Guess, ...] = ()
    repairs: tuple[Repair, ...] = ()

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def length(self) -> int:
        """Characters of all."""
        return sum(len(one.text) for one in self.texts)

    def fingerprint(self) -> str:
        """SHA-256 of what they say."""
        found = hashlib.sha256()
        for one in self.texts:
            found.update(one.text.encode() + b"\xff")  # a byte that no text has
        return found.hexdigest()


def read_texts(source: Any, encoding: str = AUTO) -> Texts:
    """Of a file, a folder, a text, or several of these; line ends become \\n.

    A `str` is a file or a folder where there is one of this name, and else a text. InputError
    names the file.
    """
    if isinstance(source, Texts):
        return source
    given = [source] if isinstance(source, str | Path) else _listed(source)
    texts: list[Text] = []
    guesses: dict[Guess, None] = {}
    ends: list[str] = []
    for i, one in enumerate(given, 1):
        if not _is_place(one):
            require_whole(one, _("text {i}").format(i=number(i)))
            texts.append(Text(str(i), one))
            continue
        for file in files_of(Path(one), SUFFIXES):
            text, guess = _of_file(file, encoding)
            guesses |= dict.fromkeys(guess)
            ends += [file.name] if "\r" in text else []
            texts.append(Text(str(file), text.replace("\r\n", "\n").replace("\r", "\n")))
    told = str(given[0]) if len(given) == 1 and _is_place(given[0]) else _several(texts)
    kept = tuple(one for one in texts if one.text)
    if not kept:
        raise InputError(_("{source}: expected text, found none").format(source=told))
    return Texts(kept, told, tuple(guesses), tuple(_mended(ends, texts)))


def _listed(source: Any) -> list[Any]:
    """What a sequence holds; InputError unless these are texts and places."""
    found = list(source) if isinstance(source, Sequence) else [source]
    for one in found:
        if not isinstance(one, str | Path):
            raise InputError(
                _("expected files, folders or texts, got a {kind}").format(kind=type(one).__name__)
            )
    if not found:
        raise InputError(_("expected at least one file or text, got none"))
    return found


def _is_place(one: str | Path) -> bool:
    if isinstance(one, Path):
        return True
    if not one.strip():  # Path("") is the folder that one is in
        return False
    try:
        return Path(one).exists()
    except (OSError, ValueError):  # too long for a name, or with a zero in it
        return False


def _of_file(file: Path, encoding: str) -> tuple[str, tuple[Guess, ...]]:
    encoding, guesses = encoding_of(file, encoding)
    return "".join(text_blocks(file, encoding)), guesses


def _several(texts: Sequence[Text]) -> str:
    return _("{count} texts").format(count=number(len(texts)))


def _mended(ends: Sequence[str], texts: Sequence[Text]) -> Iterator[Repair]:
    if ends:
        done = _("read as \\n")
        yield Repair(_("line ends of Windows"), len(ends), tuple(ends[:3]), done)
    empty = [one.name for one in texts if not one.text]
    if empty:
        yield Repair(_("empty texts"), len(empty), tuple(empty[:3]), _("left out"))


def parted(texts: Texts, share: float, seed: int) -> tuple[Texts, Texts]:
    """Most of them, and about `share` of their characters that are held out.

    Of ten texts and more some are held out whole, as drawn from the seed; of fewer the end, the
    last text's or more. Either may hold none.
    """
    wanted = texts.length - round(texts.length * (1 - share))
    if len(texts) < WHOLE:
        return _cut(texts, texts.length - wanted)
    return _whole(texts, wanted, seed)


def spread(texts: Texts, share: float, seed: int) -> tuple[Texts, Texts]:
    """Most of them, and about `share` of their characters from all over them.

    Of ten texts and more some are held out whole, as `parted` does; of fewer stretches of whole
    lines, where these are short, in the middle of parts of the same length. The end is the nearest
    to what comes behind, and is kept.
    """
    wanted = texts.length - round(texts.length * (1 - share))
    if len(texts) >= WHOLE or not wanted:
        return _whole(texts, wanted, seed)
    count = max(1, min(_STRETCHES, wanted // _STRETCH))
    rest, part, size = texts, texts.length / count, wanted / count
    kept: list[Text] = []
    held: list[Text] = []
    done = 0
    for k in range(count):
        first = _line_start(rest, round((k + 0.5) * part - size / 2) - done)
        before, rest = _cut(rest, first)
        last = _line_start(rest, round(size))
        stretch, rest = _cut(rest, last)
        kept += before.texts
        held += stretch.texts
        done += first + last
    kept += rest.texts
    return replace(texts, texts=tuple(kept)), replace(texts, texts=tuple(held))


def _line_start(texts: Texts, at: int) -> int:
    """The place of the first line that starts there or soon behind, of all texts in one; or it."""
    found = at
    for one in texts.texts:
        if at < len(one.text):
            end = one.text.find("\n", max(at - 1, 0), at + _SHORT_LINE)
            return found if end < 0 else found + end + 1 - at
        at -= len(one.text)
    return found


def _whole(texts: Texts, wanted: int, seed: int) -> tuple[Texts, Texts]:
    """Most of them, and some that have about so many characters, as drawn from the seed."""
    held: set[int] = set()
    left = wanted
    for i in map(int, np.random.default_rng(seed).permutation(len(texts))):
        size = len(texts.texts[i].text)
        if size / 2 <= left:
            held.add(i)
            left -= size
    if wanted and not held:  # each is larger than the share
        held.add(min(range(len(texts)), key=lambda i: len(texts.texts[i].text)))
    kept = [one for i, one in enumerate(texts.texts) if i not in held]
    return replace(texts, texts=tuple(kept)), replace(
        texts, texts=tuple(texts.texts[i] for i in sorted(held))
    )


def _cut(texts: Texts, at: int) -> tuple[Texts, Texts]:
    """What stands before a character, of all texts in one, and the rest."""
    before, behind = [], []
    for one in texts.texts:
        head, rest = one.text[: max(at, 0)], one.text[max(at, 0) :]
        before += [replace(one, text=head)] if head else []
        behind += [replace(one, text=rest)] if rest else []
        at -= len(one.text)
    return replace(texts, texts=tuple(before)), replace(texts, texts=tuple(behind))
