"""What of a spoilt HDF5 file would hold its own library for ever, found before that reads it.

The names of a group's members lie in a heap, whose free places are a list: each says where the next
one is. The library follows it, and keeps every place, as long as it goes on.
"""

import mmap
import struct
from typing import IO, Any

from gruta.locale import translate as _

BEGIN = b"\x89HDF\r\n\x1a\n"
HEAP = b"HEAP\0"
"""How a heap of names begins: its version is 0."""

HEAD = struct.Struct("<3Q")
"""The bytes of its data, the first free place among them, and where they are in the file."""

_NEXT = struct.Struct("<Q")
_LAST = 1
"""What the last free place says of the next."""

_SMALLEST = 16
"""Bytes of a free place, at least."""

_WIDTHS = {0: 13, 1: 13, 2: 9, 3: 9}
"""Where a file of a version says how many bytes its places and sizes have."""


def require_ends(file: IO[bytes]) -> None:
    """ValueError for a file with longer lists of free places than it has room for, and for one with
    numbers of other widths than h5py writes, in which they would not be found.
    """
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as raw:
        at = _WIDTHS.get(raw[8] if len(raw) > 16 else -1, 0)
        if raw[:8] != BEGIN or raw[at : at + 2] != b"\x08\x08":
            raise ValueError(_("no HDF5 as Keras writes it"))
        room = len(raw) // _SMALLEST
        at = raw.find(HEAP)
        while at >= 0:
            room = _left(raw, at + 8, room)
            at = raw.find(HEAP, at + 1)


def _left(raw: Any, at: int, room: int) -> int:
    """Of room for so many free places what a heap's list leaves."""
    if at + HEAD.size > len(raw):
        return room
    size, free, data = HEAD.unpack_from(raw, at)
    while free != _LAST and free < size and data + free + _NEXT.size <= len(raw):
        room -= 1
        if room < 0:
            raise ValueError(_("a list in it has no end"))
        (free,) = _NEXT.unpack_from(raw, data + free)
    return room
