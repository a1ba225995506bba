"""How far the cells of an old Excel file (.xls) reach, before a reader lays them out.

Such a file is a compound file (MS-CFB): sectors in chains, one of which holds records (BIFF).
"""

import struct
from collections.abc import Iterator

from gruta.locale import translate as _

MAGIC = bytes.fromhex("d0cf11e0a1b11ae1")

_ENTRY = 128
_LAST = 0xFFFFFFFA  # sector numbers from here on are none
_DIMENSIONS = 0x200
_SPANS = (0xBD, 0xBE)  # records of several cells in a row, which end with the last one's column
_CELLS = (0x06, 0xD6, 0xFD, 0x201, 0x203, 0x204, 0x205, 0x27E, *_SPANS)


def last_cell(raw: bytes) -> tuple[int, int]:
    """Rows and columns down to the last cell that a record names; ValueError for what is no such
    file.
    """
    rows = columns = 0
    for kind, content in _records(_book(raw)):
        if kind == _DIMENSIONS and len(content) >= 10:
            wide = len(content) >= 14
            _, last, _, right = struct.unpack_from("<IIHH" if wide else "<HHHH", content)
        elif kind in _CELLS and len(content) >= 6:
            row, column = struct.unpack_from("<HH", content)
            if kind in _SPANS:
                column = max(column, struct.unpack_from("<H", content, len(content) - 2)[0])
            last, right = row + 1, column + 1
        else:
            continue
        rows, columns = max(rows, last), max(columns, right)
    return rows, columns


def _records(book: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(book):
        kind, size = struct.unpack_from("<HH", book, at)
        yield kind, book[at + 4 : at + 4 + size]
        at += 4 + size


def _book(raw: bytes) -> bytes:
    """The stream that holds the book."""
    if not raw.startswith(MAGIC):
        raise ValueError(_("not a compound file"))
    try:
        return _stream(raw)
    except (struct.error, IndexError) as error:
        raise ValueError(
            _("a compound file that is cut short ({error})").format(error=error)
        ) from None


def _stream(raw: bytes) -> bytes:
    sector = 1 << _number(raw, 30, "<H", at_most=12)
    small = 1 << _number(raw, 32, "<H", at_most=12)
    first_of_directory, cutoff, first_of_small, more = (_number(raw, at) for at in (48, 56, 60, 68))

    def at(number: int) -> bytes:
        return raw[(number + 1) * sector : (number + 2) * sector]

    tables = list(struct.unpack_from("<109I", raw, 76))
    while more < _LAST and len(tables) * sector <= len(raw) + 109 * sector:
        *found, more = _numbers(at(more))
        tables += found
    follows = [n for table in tables if table < _LAST for n in _numbers(at(table))]
    directory = b"".join(map(at, _chain(first_of_directory, follows)))
    entries = [directory[i : i + _ENTRY] for i in range(0, len(directory), _ENTRY)]
    for entry in entries:
        name = entry[: max(0, _number(entry, 64, "<H", at_most=64) - 2)].decode(
            "utf-16-le", "replace"
        )
        if name.lower() in ("workbook", "book"):
            first, size = _number(entry, 116), _number(entry, 120)
            if size >= cutoff:
                return b"".join(map(at, _chain(first, follows)))[:size]
            follows_small = [n for s in _chain(first_of_small, follows) for n in _numbers(at(s))]
            inside = b"".join(map(at, _chain(_number(entries[0], 116), follows)))
            pieces = _chain(first, follows_small)
            return b"".join(inside[n * small : (n + 1) * small] for n in pieces)[:size]
    raise ValueError(_("no book in it"))


def _chain(number: int, follows: list[int]) -> list[int]:
    """The sectors from this one on."""
    found: list[int] = []
    while number < _LAST:
        found.append(number)
        number = follows[number]
        if len(found) > len(follows):
            raise ValueError(_("a chain of sectors without an end"))
    return found


def _number(raw: bytes, at: int, form: str = "<I", at_most: int = 2**32) -> int:
    (found,) = struct.unpack_from(form, raw, at)
    if found > at_most:
        raise ValueError(
            _("{found} where at most {at_most} can stand").format(found=found, at_most=at_most)
        )
    return int(found)


def _numbers(sector: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(sector) // 4}I", sector[: len(sector) // 4 * 4])
