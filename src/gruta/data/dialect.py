"""How a text file is written: its encoding, its separator, and the names of its columns."""

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from gruta.data.columns import require_size
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.reading import AUTO, Guess, Reading

_BLOCK = 2**24
_HEAD = 2**20
_SAMPLE = 100
_CANDIDATES = ";\t|,"  # of those that fit alike the first: a comma is in many a cell
_BOMS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_CONTROLS = bytes([*range(9), *range(14, 27), *range(28, 32)])
_NOT_IN_CP1252 = b"\x81\x8d\x8f\x90\x9d"


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
    guesses = []
    encoding = how.encoding
    if encoding == AUTO:
        encoding = _encoding(path)
        if encoding != "utf-8":
            shown = {"cp1252": "Windows-1252"}.get(encoding, encoding.upper())
            guesses.append(Guess("encoding", shown, "encoding"))
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


def text_blocks(path: Path, encoding: str) -> Generator[str]:
    """The text of a file in blocks, with \\n at the ends of lines; InputError if it is none."""
    decoder = codecs.getincrementaldecoder(encoding)()
    lone: bool | None = None
    try:
        for block in _raw_blocks(path):
            text = decoder.decode(block)
            if lone is None and text:
                text = text.removeprefix("\ufeff")
                lone = "\r" in text and "\n" not in text  # the old Macintosh's line ends
            yield text.replace("\r", "\n") if lone else text
        yield decoder.decode(b"", final=True)
    except UnicodeError as error:
        reason = getattr(error, "reason", str(error))
        problem = _(
            "{path}: not text in {encoding} ({reason}); say its encoding, or save it as UTF-8"
        )
        raise InputError(
            problem.format(path=path, encoding=encoding, reason=reason),
        ) from None


def _raw_blocks(path: Path) -> Iterator[bytes]:
    """What the file holds, decompressed; InputError beyond the limit of size."""
    size = 0
    with open(path, "rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        content: Any = gzip.GzipFile(fileobj=file) if packed else file
        try:
            while block := content.read(_BLOCK):
                size += len(block)
                require_size(path, size)
                yield block
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise InputError(
                _("{path}: not a whole gzip file ({error}); write or copy it again").format(
                    path=path, error=error
                )
            ) from None


def _encoding(path: Path) -> str:
    """By its first bytes, else UTF-8 where all of it is, else Windows-1252."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    good = bad = 0
    odd = False
    for i, block in enumerate(_raw_blocks(path)):
        if not i and (found := _by_first_bytes(block)):
            return found
        if len(block) != len(block.translate(None, _CONTROLS)):
            problem = _("{path}: expected text, found bytes that are none; save it as CSV UTF-8")
            raise InputError(problem.format(path=path))
        if block.isascii() and not decoder.getstate()[0]:
            continue
        odd = odd or len(block) != len(block.translate(None, _NOT_IN_CP1252))
        text = decoder.decode(block)
        wrong = text.count("\ufffd")
        bad += wrong
        good += len(text) - len(text.encode("ascii", "ignore")) - wrong
    bad += len(decoder.decode(b"", final=True))
    if not bad:
        return "utf-8"
    if odd or good:
        mixed = (
            _("is UTF-8 in some places only") if good else _("is neither UTF-8 nor Windows-1252")
        )
        raise InputError(
            _("{path}: {mixed}; save it as CSV UTF-8").format(path=path, mixed=mixed),
            encoding=_("say what the file is written in"),
        )
    return "cp1252"


def _by_first_bytes(block: bytes) -> str:
    """What a mark at the start says, or zeros in every other place do; "" where nothing does."""
    for mark, name in _BOMS.items():
        if block.startswith(mark):
            return name
    head = block[:4096]
    even, odd = head[::2].count(0), head[1::2].count(0)
    if len(head) >= 4 and max(even, odd) > len(head) // 4 and not min(even, odd):
        return "utf-16-le" if odd else "utf-16-be"
    return ""


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
