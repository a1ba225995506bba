"""The model file: one safetensors file, whose header says what its tensors are and how to use them.

FORMAT.md beside describes it for other languages. Nothing in a file is executed; its size, that of
its header and how much that holds are looked at before memory is taken for them.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import deserialize

from gruta.errors import InputError
from gruta.files import naming, write_atomically
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.runtime.weights import Stored, Weights, float32, off_scale, plain

KIND = "gruta-model"
WHOLE, NESTED = 2, 3
"""Of files with int8, whose recurrent layers multiply in whole numbers, and of those with a model
inside; all others are as in 1.
"""

FORMAT = NESTED
FIELDS = (
    "format",
    "format_version",
    "gruta_version",
    "task",
    "weights",
    "architecture",
    "codec",
    "units",
    "checksum",
)
"""What the header's metadata hold, all of them texts; the three before the last are JSON."""

FORMATS: Mapping[int, tuple[str, ...]] = {1: FIELDS, WHOLE: FIELDS, NESTED: (*FIELDS, "inner")}
"""The fields of each version."""

COUNTED = "counted/"
"""What the names of tensors begin with that were counted, not learned."""

INNER = "inner/"
"""What the names of tensors begin with that are of the model inside."""

MOST_BYTES = 2**31
MOST_HEADER = 2**26
MOST_TENSORS = 10_000
MOST_VALUES = 2**22
"""Values of JSON: these take some 100 bytes each at most."""

TYPES: Mapping[str, Any] = {
    "F64": np.float64,
    "F32": np.float32,
    "F16": np.float16,
    "BF16": np.uint16,
    "I64": np.int64,
    "I32": np.int32,
    "I16": np.int16,
    "I8": np.int8,
    "U64": np.uint64,
    "U32": np.uint32,
    "U16": np.uint16,
    "U8": np.uint8,
}
"""How tensors are stored, as NumPy has it; it knows no bfloat16, which stays as its bits."""


@dataclass(frozen=True, eq=False)
class Contents:
    """What a model file holds.

    weights: float32, float16, bfloat16 or int8, as the matrices are stored. tensors: as stored, by
    name; those whose name begins with `COUNTED` were counted. version: of the gruta that wrote it.
    format: of the file; in 1 int8 is no more than how weights are stored. inner: another model,
    which this one asks, and which has none inside itself.
    """

    task: str
    weights: str
    architecture: Mapping[str, Any]
    codec: Mapping[str, Any]
    units: Mapping[str, str]
    tensors: Mapping[str, Stored]
    version: str
    checksum: str = ""
    format: int = FORMAT
    inner: "Contents | None" = None

    def to_bytes(self) -> bytes:
        """The file; ValueError where it could not be read again."""
        version = self._without_inner if self.inner is None else NESTED
        plain = _texts(self) | {"format": KIND, "format_version": str(version)}
        if self.inner is None:
            return packed(plain, self.tensors)
        if self.inner.inner is not None:
            raise ValueError(_("a model inside a model has none inside itself"))
        inner = self.inner if self.inner.format > 1 else self.inner.widened()
        own = {INNER + name: one for name, one in inner.tensors.items()}
        return packed(plain | {"inner": _told(_texts(inner))}, {**self.tensors, **own})

    @property
    def digest(self) -> str:
        """Of all that its own answers depend on, whichever gruta wrote it."""
        plain = {k: v for k, v in _texts(self).items() if k != "gruta_version"}
        return _checksum(plain | {"format_version": str(self._without_inner)}, self.tensors)

    @property
    def _without_inner(self) -> int:
        """The first version that has what is in it, but for a model inside."""
        return min(self.format, WHOLE) if self.weights == "int8" else 1

    @property
    def network(self) -> Weights:
        """The network's weights, as they compute."""
        own = {n: t for n, t in self.tensors.items() if not n.startswith(COUNTED)}
        found = float32(own)
        if self.format > 1:
            return found
        return Weights(found, {n: how for n, how in found.small.items() if how != "int8"})

    def widened(self) -> "Contents":
        """The same of which nothing is computed in whole numbers: weights of int8 in float32."""
        counted = {n: t for n, t in self.tensors.items() if n.startswith(COUNTED)}
        own = {name: plain(weight) for name, weight in self.network.items()}
        inner = None if self.inner is None else self.inner.widened()
        return replace(self, tensors=own | counted, inner=inner)

    @property
    def counted(self) -> dict[str, NDArray[Any]]:
        """What was counted, by the names of whoever did."""
        found = {n: t.array for n, t in self.tensors.items() if n.startswith(COUNTED)}
        return {name.removeprefix(COUNTED): array for name, array in found.items()}


def _texts(contents: Contents) -> dict[str, str]:
    """What a header says of a model."""
    return {
        "gruta_version": contents.version,
        "task": contents.task,
        "weights": contents.weights,
        "architecture": _told(contents.architecture),
        "codec": _told(contents.codec),
        "units": _told(contents.units),
    }


def save(path: Path, contents: Contents) -> bytes:
    """Write a model file, whole or not at all; what was written."""
    raw = contents.to_bytes()
    write_atomically(path, raw)
    return raw


def load(path: Path) -> Contents:
    """Read a model file; InputError says what is amiss with one that is none, broken, too large, or
    of another version.
    """
    if not path.is_file():
        if path.is_dir():
            problem = _(
                "{path}: expected a model file, found a directory; gruta export RUN MODEL.gruta "
                "makes one of a run"
            )
            raise InputError(problem.format(path=path))
        raise InputError(_("{path}: expected a model file, found none").format(path=path))
    with naming(path), open(path, "rb") as file:
        large = os.fstat(file.fileno()).st_size > MOST_BYTES
        raw = b"" if large else file.read(MOST_BYTES + 1)  # it may have grown
    if large:
        raise _not_whole(str(path), _larger())
    return parse(raw, str(path))


def parse(raw: bytes, name: str = "model") -> Contents:
    """The same of a file's bytes. name: what messages call it."""
    plain, tensors = unpacked(raw, name, KIND, FORMATS)
    if plain["format_version"] != "1":
        _require_scaled(tensors, name)
    if plain["format_version"] != str(NESTED):
        return _contents(plain, tensors, name)
    inside = {n.removeprefix(INNER): one for n, one in tensors.items() if n.startswith(INNER)}
    own = {n: one for n, one in tensors.items() if not n.startswith(INNER)}
    return replace(_contents(plain, own, name), inner=_inner(plain, inside, name))


def _contents(plain: Mapping[str, str], tensors: Mapping[str, Stored], name: str) -> Contents:
    return Contents(
        plain["task"],
        plain["weights"],
        _object(plain, "architecture", name),
        _object(plain, "codec", name),
        {str(k): str(v) for k, v in _object(plain, "units", name).items()},
        tensors,
        plain["gruta_version"],
        plain.get("checksum", ""),
        int(plain["format_version"]),
    )


def _inner(plain: Mapping[str, str], tensors: Mapping[str, Stored], name: str) -> Contents:
    """The model inside; InputError where its fields are not what they have to be."""
    found, expected = _object(plain, "inner", name), {*FIELDS[2:-1]}
    if found.keys() != expected or not all(isinstance(one, str) for one in found.values()):
        told = _("{path}: inner: expected the texts {expected}, found {found}")
        fields = {"expected": ", ".join(sorted(expected)), "found": ", ".join(sorted(found))}
        raise InputError(told.format(path=name, **fields))
    return _contents(found | {"format_version": plain["format_version"]}, tensors, name)


def _require_scaled(tensors: Mapping[str, Stored], path: str) -> None:
    """InputError for int8 that products of whole numbers would round another time."""
    for name, one in tensors.items():
        counted = name.removeprefix(INNER).startswith(COUNTED)
        if one.dtype != "I8" or counted or one.array.ndim < 2:
            continue
        row = off_scale(one.array)
        if row is not None:
            problem = _(
                "{path}: {name}, row {row}: expected int8 whose largest is 127 or -127, or zeros; "
                "export it by gruta, or scale each row by its largest / 127"
            )
            raise InputError(problem.format(path=path, name=name, row=row))


def packed(plain: Mapping[str, str], tensors: Mapping[str, Stored]) -> bytes:
    """A safetensors file with texts in its header, and the checksum of all of it."""
    order = sorted(tensors, key=lambda n: (-tensors[n].array.itemsize, n))
    place, entries = 0, dict[str, Any]()
    for name in order:
        one = tensors[name]
        ends = [place, place + one.array.nbytes]
        entries[name] = {"dtype": one.dtype, "shape": list(one.array.shape), "data_offsets": ends}
        place = ends[1]
    about = dict(plain) | {"checksum": _checksum(plain, tensors)}
    header = json.dumps({"__metadata__": about, **entries}, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    _require_small(header)
    parts = [len(header).to_bytes(8, "little"), header]
    parts += [_little(tensors[name].array).tobytes() for name in order]
    return b"".join(parts)


def unpacked(
    raw: bytes, name: str, kind: str, versions: Mapping[int, tuple[str, ...]]
) -> tuple[dict[str, str], dict[str, Stored]]:
    """What `packed` made of texts, those of each version's fields, of which the first two say what
    kind of file it is, and of which version; InputError for anything else.
    """
    try:
        return _unpacked(raw, name, kind, versions)
    except InputError:
        raise
    except Exception as error:  # safetensors has a class of its own, outside of ValueError
        raise _not_whole(name, error) from error


def _not_whole(name: str, error: Exception | str) -> InputError:
    problem = _("{path}: not a whole file of gruta ({error}); copy or export it again")
    return InputError(problem.format(path=name, error=error))


def _larger() -> str:
    return _("larger than {most} bytes").format(most=number(MOST_BYTES))


def _unpacked(
    raw: bytes, name: str, kind: str, versions: Mapping[int, tuple[str, ...]]
) -> tuple[dict[str, str], dict[str, Stored]]:
    if len(raw) > MOST_BYTES:
        raise ValueError(_larger())
    size = int.from_bytes(raw[:8], "little")
    if len(raw) < 8 or size > len(raw) - 8:
        problem = _("its header should have {size} bytes, the file has {found} in all")
        raise ValueError(problem.format(size=number(size), found=number(len(raw))))
    header = raw[8 : 8 + size]
    _require_small(header)
    # It refuses headers of another form, and sizes that contradict the file's.
    found: list[tuple[str, dict[str, Any]]] = deserialize(raw)  # type: ignore[no-untyped-call]
    about = json.loads(header).get("__metadata__", {})
    _require_known(about, name, kind, versions)
    if len(found) > MOST_TENSORS:
        raise ValueError(_("more than {most} tensors").format(most=number(MOST_TENSORS)))
    tensors = {key: _tensor(key, **one) for key, one in found}
    if about["checksum"] != _checksum({k: about[k] for k in about if k != "checksum"}, tensors):
        raise ValueError(_("the checksum is of other contents"))
    return about, tensors


def _require_known(
    about: Mapping[str, str],
    name: str,
    kind: str,
    versions: Mapping[int, tuple[str, ...]],
) -> None:
    if about.get("format") != kind:
        problem = _("{path}: expected a file of the kind {kind!r}, found {found!r}")
        raise InputError(problem.format(path=name, kind=kind, found=about.get("format")))
    if about.get("format_version") not in [str(one) for one in versions]:
        problem = _(
            "{path}: has the format version {found!r}, this gruta reads {known}; install the gruta "
            "that wrote it ({version})"
        )
        raise InputError(
            problem.format(
                path=name,
                found=about.get("format_version"),
                known=", ".join(map(str, versions)),
                version=about.get("gruta_version"),
            )
        )
    fields = {*versions[int(about["format_version"])]}
    unknown, missing = sorted(about.keys() - fields), sorted(fields - about.keys())
    if unknown or missing:
        problem = _("{path}: unknown fields: {unknown}; missing fields: {missing}")
        none = _("none")
        raise InputError(
            problem.format(
                path=name, unknown=", ".join(unknown) or none, missing=", ".join(missing) or none
            )
        )


def _require_small(header: bytes) -> None:
    """ValueError where it would take too much memory to read."""
    if len(header) > MOST_HEADER:
        problem = _("a header of {size} bytes, the limit is {most}")
        raise ValueError(problem.format(size=number(len(header)), most=number(MOST_HEADER)))
    values = header.count(b",") + header.count(b"[") + header.count(b"{")
    if values > MOST_VALUES:
        problem = _("a header of {count} values, the limit is {most}")
        raise ValueError(problem.format(count=number(values), most=number(MOST_VALUES)))


def _tensor(name: str, dtype: str, shape: list[int], data: Any) -> Stored:
    if dtype not in TYPES:
        problem = _("{name}: stored as {dtype}, expected one of {known}")
        raise ValueError(problem.format(name=name, dtype=dtype, known=", ".join(TYPES)))
    own = np.dtype(TYPES[dtype]).newbyteorder("<")
    return Stored(dtype, np.frombuffer(data, own).reshape(shape).astype(TYPES[dtype], copy=False))


def _object(plain: Mapping[str, str], field: str, name: str) -> dict[str, Any]:
    try:
        found = json.loads(plain[field])
        if isinstance(found, dict):
            return found
        error: Any = type(found).__name__
    except (ValueError, RecursionError) as problem:
        error = problem
    told = _("{path}: {field}: expected an object in JSON ({error})")
    raise InputError(told.format(path=name, field=field, error=error))


def _told(content: Mapping[str, Any]) -> str:
    return json.dumps(content, allow_nan=False, separators=(",", ":"))


def _checksum(plain: Mapping[str, str], tensors: Mapping[str, Stored]) -> str:
    """SHA-256 of texts and tensors by name; FORMAT.md says in which order."""
    digest = hashlib.sha256()
    for name in sorted(plain):
        digest.update(f"{name}\0{plain[name]}\0".encode())
    for name in sorted(tensors):
        one = tensors[name]
        shape = ",".join(map(str, one.array.shape))
        digest.update(f"{name}\0{one.dtype}\0{shape}\0".encode())
        digest.update(_little(one.array).tobytes())
    return f"sha256:{digest.hexdigest()}"


def _little(array: NDArray[Any]) -> NDArray[Any]:
    """As it lies in a file."""
    return np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
