"""Piano rolls: which keys sound in each frame, as lists in JSON or as arrays of NumPy."""

import json
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from gruta.codec.notes.frames import COUNT, LONGEST, LOWEST, Frames, Keys
from gruta.codec.notes.piece import KEYS, Piece
from gruta.data.arrays import BROKEN, read_body, read_head
from gruta.data.notes.nothing import NoMusic
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number

_LARGEST = LONGEST * KEYS * 8
"""Bytes of an array in an archive at most: the longest roll, each key a double."""


def read_rolls(file: Path, a_quarter: int) -> list[Piece]:
    """The pieces of a file, in its order; InputError says what does not fit, and where.

    JSON: a piece is a list of frames, a frame a list of the keys that sound, as MIDI numbers them,
    -1 or null where a voice is silent. A file has a piece, a list of them, or an object with such
    by name, as one with train, valid and test. Arrays are `[T, 88]` of a piano's keys, or
    `[T, 128]` of MIDI's; what is not 0 sounds. A key that sounds in one frame and the next is held.
    """
    rolls = _of_json(file) if file.suffix.lower() == ".json" else _of_arrays(file)
    frames = Frames(a_quarter)
    return [frames.of_keys(keys, f"{file} {name}".strip()) for name, keys in rolls]


def _of_json(file: Path) -> Iterator[tuple[str, Keys]]:
    try:
        content = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        problem = _("{path}: not JSON ({error})")
        raise NoMusic(problem.format(path=file, error=error)) from None
    for name, piece in _named("", content):
        yield name, _keys(f"{file} {name}".strip(), piece)


def _named(name: str, content: Any) -> Iterator[tuple[str, Any]]:
    """The pieces, and where they stand."""
    if isinstance(content, Mapping):
        for key, inside in content.items():
            yield from _named(f"{name} {key}".strip(), inside)
    elif _depth(content) > 2:
        for i, inside in enumerate(content, 1):
            yield f"{name} {i}".strip(), inside
    else:
        yield name, content


def _depth(content: Any) -> int:
    """How many lists lie in each other, along the first items that are no empty lists."""
    depth = 0
    while isinstance(content, list):
        depth += 1
        content = next((inside for inside in content if inside != []), None)
    return depth


def _keys(place: str, piece: Any) -> Keys:
    if not isinstance(piece, list) or not all(isinstance(frame, list) for frame in piece):
        problem = _("{place}: expected a list of frames, each a list of the keys that sound")
        raise NoMusic(problem.format(place=place))
    _require_length(place, len(piece))
    found = np.zeros((len(piece), KEYS), bool)
    for i, frame in enumerate(piece):
        for key in frame:
            silent = key is None or key == -1
            if not silent and (isinstance(key, bool) or key not in range(KEYS)):
                problem = _("{place}: frame {i}: expected keys from 0 to 127, got {key!r}")
                kind = InputError if isinstance(key, int) else NoMusic
                raise kind(problem.format(place=place, i=number(i + 1), key=key))
            if not silent:
                found[i, int(key)] = True
    return found


def _require_room(place: str, size: int) -> None:
    """Before it is unpacked, its head included."""
    if size > _LARGEST:
        problem = _("{path}: larger than {limit} bytes, not read")
        raise InputError(problem.format(path=place, limit=number(_LARGEST)))


def _require_length(place: str, length: int) -> None:
    if length > LONGEST:
        problem = _("{place}: {count} frames, the limit is {limit}; cut the piece")
        raise InputError(problem.format(place=place, count=number(length), limit=number(LONGEST)))


def _of_arrays(file: Path) -> Iterator[tuple[str, Keys]]:
    try:
        if file.suffix.lower() == ".npy":
            with open(file, "rb") as content:
                yield "", _array(str(file), content)
            return
        with zipfile.ZipFile(file) as archive:
            for member in archive.infolist():
                name = member.filename.removesuffix(".npy")
                _require_room(f"{file} {name}", member.file_size)
                with archive.open(member) as content:
                    yield name, _array(f"{file} {name}", content)
    except BROKEN as error:
        if isinstance(error, InputError):
            raise
        problem = _("{path}: not an array of NumPy ({error})")
        raise InputError(problem.format(path=file, error=error)) from None


def _array(place: str, content: IO[bytes]) -> Keys:
    """What its head says is checked before memory is taken."""
    head = read_head(place, content)
    shape, kind = head.shape, head.kind
    fits = len(shape) == 2 and shape[0] >= 0 and shape[1] in (COUNT, KEYS)
    if not fits or kind.kind not in "bifu":
        problem = _("{place}: expected [frames, 88] or [frames, 128] numbers, found {shape} {kind}")
        raise InputError(problem.format(place=place, shape=list(shape), kind=kind))
    _require_length(place, shape[0])
    values = read_body(head, content)
    found = np.zeros((shape[0], KEYS), bool)
    first = LOWEST if shape[1] == COUNT else 0
    found[:, first : first + shape[1]] = np.nan_to_num(values) != 0
    return found
