"""Plain text: what it is encoded in, and what it says."""

import codecs
import gzip
import zlib
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

from gruta.data.columns import require_size
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.reading import AUTO, Guess

_BLOCK = 2**22
_BOMS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_CONTROLS = bytes([*range(9), *range(14, 27), *range(28, 32)])
_NOT_IN_CP1252 = b"\x81\x8d\x8f\x90\x9d"


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


def encoding_of(path: Path, given: str) -> tuple[str, tuple[Guess, ...]]:
    """What is given or, where that is "auto", what is found out, which is told but for UTF-8."""
    found = find_encoding(path) if given == AUTO else given
    if given != AUTO or found == "utf-8":
        return found, ()
    shown = {"cp1252": "Windows-1252"}.get(found, found.upper())
    return found, (Guess("encoding", shown, "encoding"),)


def find_encoding(path: Path) -> str:
    """By its first bytes, else UTF-8 where all of it is, else Windows-1252.

    InputError names the first byte that speaks against it.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    good = bad = size = 0
    odd: int | None = None
    for i, block in enumerate(_raw_blocks(path)):
        if not i and (found := _by_first_bytes(block)):
            return found
        _require_text(path, block, size)
        if not block.isascii() or decoder.getstate()[0]:
            if odd is None and len(block) != len(block.translate(None, _NOT_IN_CP1252)):
                odd = size + _first(block, _NOT_IN_CP1252)
            text = decoder.decode(block)
            wrong = len(text) - len(text.encode("utf-8", "ignore").decode())
            bad += wrong
            good += len(text) - len(text.encode("ascii", "ignore")) - wrong
        size += len(block)
    bad += len(decoder.decode(b"", final=True))
    if not bad:
        return "utf-8"
    if odd is not None or good:
        at = _first_not_utf8(path) if good else odd
        problem = (
            _("{path}: is UTF-8 in some places only: byte {place} is not; save it as UTF-8")
            if good
            else _(
                "{path}: is neither UTF-8 nor Windows-1252: byte {place} is in neither; save it as "
                "UTF-8"
            )
        )
        raise InputError(
            problem.format(path=path, place=number((at or 0) + 1)),
            encoding=_("say what the file is written in, such as cp850, latin-1, or big5"),
        )
    return "cp1252"


def _require_text(path: Path, block: bytes, before: int) -> None:
    """InputError where there are bytes that no text has."""
    if len(block) != len(block.translate(None, _CONTROLS)):
        place = number(before + _first(block, _CONTROLS) + 1)
        problem = _("{path}: expected text, found bytes that are none, first byte {place}")
        raise InputError(problem.format(path=path, place=place))


def _first(block: bytes, of: bytes) -> int:
    return min(at for at in map(block.find, (bytes([one]) for one in of)) if at >= 0)


def _first_not_utf8(path: Path) -> int:
    """The place of the first byte where a file is no UTF-8."""
    decoder, size = codecs.getincrementaldecoder("utf-8")(), 0
    for block in _raw_blocks(path):
        held = len(decoder.getstate()[0])
        try:
            decoder.decode(block)
        except UnicodeDecodeError as error:
            return size - held + error.start
        size += len(block)
    return size - len(decoder.getstate()[0])


def unquoted(cell: str) -> str:
    """Without the quotes that programs put around a cell which has some, each doubled."""
    inside = cell[1:-1]
    if len(cell) > 3 and cell[0] == cell[-1] == '"' and '""' in inside:
        bare = inside.replace('""', "")
        return inside.replace('""', '"') if '"' not in bare else cell
    return cell


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
