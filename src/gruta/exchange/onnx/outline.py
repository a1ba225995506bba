"""An ONNX file without the numbers of its large weights, which stay on the disk until asked for.

protobuf takes a file whole, and would hold all weights beside what is made of them. So the bytes of
the graph's initializers are passed over in the file, and where they lie is noted in their stead.
"""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gruta.exchange.onnx.graph import varint

_GRAPH, _INITIALIZER = 7, 5
_DATA_TYPE, _RAW_DATA, _FLOAT_DATA, _DOUBLE_DATA = 2, 9, 4, 10
_ELSEWHERE = {3, 13, 14}
"""The numbers of ModelProto.graph, GraphProto.initializer, of TensorProto data_type, raw_data,
float_data and double_data, and segment, external_data and data_location, in onnx.proto.
"""

_VARINT, _BYTES = 0, 2
_FIXED = {1: 8, 5: 4}
"""How protobuf says what kind of field comes, and the bytes of those that have always as many."""

_FLOATS = {1: "<f4", 10: "<f2", 11: "<f8"}
_PLACES = {1: {_RAW_DATA, _FLOAT_DATA}, 10: {_RAW_DATA}, 11: {_RAW_DATA, _DOUBLE_DATA}}
"""Of the types of tensors those that weights have: how their numbers lie in a row, and where."""

_LEAST = 4096
"""Bytes of a weight that stays on the disk."""

_MOST_FIELDS = 64
"""Of a tensor; one that says its numbers one by one has more, and is read as it is."""


class _Field(NamedTuple):
    """Where it begins, where what it says begins, and where it ends."""

    number: int
    kind: int
    start: int
    inside: int
    end: int


def outline(path: Path) -> bytes:
    """The model to be parsed; ValueError where the bytes are no protobuf."""
    with path.open("rb") as file:
        return b"".join(_model(file, path.stat().st_size))


def kept(tensor: Any, path: Path) -> NDArray[Any] | None:
    """The numbers that an outline left in the file, None where it left none.

    ValueError where they are not as many as the tensor's shape says, or not all in the file.
    """
    from onnx import TensorProto

    said = {one.key: one.value for one in tensor.external_data}
    if tensor.data_location != TensorProto.EXTERNAL or said.keys() != {"offset", "length"}:
        return None  # all others have a location
    dtype, dims = np.dtype(_FLOATS[tensor.data_type]), tuple(tensor.dims)
    offset, length = int(said["offset"]), int(said["length"])
    count, rest = divmod(length, dtype.itemsize)
    whole = 0 <= offset <= path.stat().st_size - length
    if rest or count != np.prod(dims, dtype=object) or not whole:
        raise ValueError(length, list(dims))
    return np.fromfile(path, dtype, count, offset=offset).reshape(dims)


def _model(file: IO[bytes], end: int) -> Iterator[bytes]:
    for field in _fields(file, end):
        if (field.number, field.kind) == (_GRAPH, _BYTES):
            yield _with_head(field, b"".join(_graph(file, field.end)))
        else:
            yield _read(file, field.start, field.end)


def _graph(file: IO[bytes], end: int) -> Iterator[bytes]:
    for field in _fields(file, end):
        if (field.number, field.kind) == (_INITIALIZER, _BYTES):
            yield _with_head(field, _tensor(file, field))
        else:
            yield _read(file, field.start, field.end)


def _tensor(file: IO[bytes], whole: _Field) -> bytes:
    from onnx import TensorProto

    fields = list(islice(_fields(file, whole.end), _MOST_FIELDS + 1))
    held = [one for one in fields if one.number in (_RAW_DATA, _FLOAT_DATA, _DOUBLE_DATA)]
    types = [_type(file, field) for field in fields if field.number == _DATA_TYPE]
    stays = (
        len(held) == len(types) == 1
        and len(fields) <= _MOST_FIELDS
        and held[0].number in _PLACES.get(types[0], ())
        and held[0].kind == _BYTES
        and held[0].end - held[0].inside >= _LEAST
        and not _ELSEWHERE.intersection(field.number for field in fields)
    )
    if not stays:
        return _read(file, whole.inside, whole.end)
    ((_number, _kind, start, inside, end),) = held
    note = TensorProto(data_location=TensorProto.EXTERNAL)
    note.external_data.add(key="offset", value=str(inside))
    note.external_data.add(key="length", value=str(end - inside))
    before, after = _read(file, whole.inside, start), _read(file, end, whole.end)
    return b"".join((before, after, note.SerializeToString()))


def _type(file: IO[bytes], field: _Field) -> int:
    file.seek(field.inside)
    return _varint(file) if field.kind == _VARINT else 0


def _with_head(field: _Field, content: bytes) -> bytes:
    return varint(field.number << 3 | _BYTES) + varint(len(content)) + content


def _fields(file: IO[bytes], end: int) -> Iterator[_Field]:
    """From where the file stands up to `end`, wherever it is moved in between."""
    start = file.tell()
    while start < end:
        number, kind = divmod(_varint(file), 8)
        inside = file.tell()
        if kind == _BYTES:
            size = _varint(file)
            inside = file.tell()
            stop = inside + size
        elif kind == _VARINT:
            _varint(file)
            stop = file.tell()
        else:
            stop = inside + _FIXED.get(kind, end)  # no other kind is in use
        if stop > end:
            raise ValueError(stop)
        yield _Field(number, kind, start, inside, stop)
        file.seek(stop)
        start = stop


def _varint(file: IO[bytes]) -> int:
    """Seven bits a byte, the lowest first; ValueError beyond 64 bits or the file's end."""
    found = 0
    for shift in range(0, 70, 7):
        byte = file.read(1)
        if not byte:
            break
        found |= (byte[0] & 127) << shift
        if byte[0] < 128:
            return found
    raise ValueError(found)


def _read(file: IO[bytes], start: int, end: int) -> bytes:
    file.seek(start)
    return file.read(end - start)
