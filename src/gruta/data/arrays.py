"""Arrays of NumPy in files, whose heads are checked before memory is taken."""

import lzma
import math
import tokenize
import zipfile
import zlib
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from gruta.errors import InputError
from gruta.locale import translate as _

BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    tokenize.TokenError,
    EOFError,
    OSError,
    ValueError,
    RuntimeError,
)
"""What readers of arrays and archives raise where these are torn or locked."""


@dataclass(frozen=True)
class Head:
    """What a file says of its array; by_column: whether the first index runs fastest."""

    shape: tuple[int, ...]
    by_column: bool
    kind: np.dtype[Any]


def read_head(place: str, content: IO[bytes]) -> Head:
    """Of a file of NumPy; InputError for one of Python objects, others of `BROKEN` for none."""
    version = np.lib.format.read_magic(content)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    if version not in read:
        raise ValueError(_("version {version} of the format").format(version=version))
    shape, by_column, kind = read[version](content)
    if kind.hasobject:
        problem = _("{place}: Python objects, which are never run; save arrays of numbers")
        raise InputError(problem.format(place=place))
    return Head(shape, by_column, kind)


def read_body(head: Head, content: IO[bytes]) -> NDArray[Any]:
    """The numbers, behind their head; EOFError where some lack."""
    size = math.prod(head.shape) * head.kind.itemsize
    raw = content.read(size)
    if len(raw) < size:
        raise EOFError(_("it ends early"))
    order: Any = "F" if head.by_column else "C"
    return np.frombuffer(raw, head.kind).reshape(head.shape, order=order)
