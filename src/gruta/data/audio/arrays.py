"""Samples and features that lie in files of NumPy and in archives of Kaldi."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.codec.audio.mel import Frames
from gruta.data.arrays import BROKEN, Head, read_body, read_head
from gruta.data.audio.sound import MOST_SAMPLES, Place
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number

_KALDI = (b"\0BFM ", b"\0BDM ", b"\0BCM ", b"\0BCM2 ", b"\0BCM3 ")
"""How matrices begin that are read; kaldiio would also unpickle, and run commands."""


def read_array(path: Path) -> NDArray[np.float32]:
    """Numbers of a .npy file, `[N]` or `[T, C]`; InputError says what does not fit.

    Whole numbers `[N]` are samples of which the largest of their type is full scale.
    """
    try:
        with open(path, "rb") as content:
            head = read_head(str(path), content)
            _require_numbers(str(path), head, fewest=1)
            return as_numbers(read_body(head, content), str(path))
    except BROKEN as error:
        if isinstance(error, InputError):
            raise
        problem = _("{path}: not an array of NumPy ({error})")
        raise InputError(problem.format(path=path, error=error)) from None


def read_arrays(path: Path) -> Mapping[str, NDArray[Any]]:
    """Those of an .npz file by name, texts among them."""
    found: dict[str, NDArray[Any]] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                name = member.filename.removesuffix(".npy")
                with archive.open(member) as content:
                    head = read_head(f"{path} {name}", content)
                    if head.kind.kind != "U":
                        _require_numbers(f"{path} {name}", head)
                    _require_room(f"{path} {name}", head)
                    found[name] = read_body(head, content)
    except BROKEN as error:
        if isinstance(error, InputError):
            raise
        problem = _("{path}: not an array of NumPy ({error})")
        raise InputError(problem.format(path=path, error=error)) from None
    return found


def _require_numbers(place: str, head: Head, fewest: int = 0) -> None:
    fits = fewest <= len(head.shape) <= 2 and min(head.shape, default=0) >= 0
    if head.kind.kind not in "biuf" or not fits:
        problem = _("{place}: expected [samples] or [frames, channels], found {shape} {kind}")
        raise InputError(problem.format(place=place, shape=list(head.shape), kind=head.kind))
    _require_room(place, head)


def _require_room(place: str, head: Head) -> None:
    if np.prod(head.shape, dtype=float) * head.kind.itemsize > 8 * MOST_SAMPLES:
        problem = _("{place}: {shape} numbers, more than are read at once; cut it")
        raise InputError(problem.format(place=place, shape=list(head.shape)))


def as_numbers(values: NDArray[Any], name: str) -> NDArray[np.float32]:
    """In float32; InputError for what is no finite number. Whole numbers `[N]` become parts of the
    largest of their type.
    """
    if values.dtype.kind not in "biuf" or values.ndim not in (1, 2):
        problem = _("{name}: expected numbers [samples] or [frames, channels]")
        raise InputError(problem.format(name=name))
    if values.ndim == 1 and values.dtype.kind in "iu":
        limits = np.iinfo(values.dtype)
        middle = (limits.max + 1) / 2 if values.dtype.kind == "u" else 0
        scaled = (values.astype(np.float64) - middle) / (limits.max + 1 - middle)
        return scaled.astype(np.float32)
    found = np.ascontiguousarray(values, np.float32)
    if not np.isfinite(found).all():
        row = int((~np.isfinite(found.reshape(len(found), -1))).any(1).argmax())
        problem = _("{name}: row {row} is not a finite number; mend or leave it out")
        raise InputError(problem.format(name=name, row=number(row + 1)))
    return found


def read_features(place: Place) -> Frames:
    """A matrix `[T, C]` that Kaldi wrote, compressed or not; InputError for anything else."""
    import kaldiio

    try:
        with open(place.path, "rb") as file:
            file.seek(place.offset)
            head = file.read(6)
            if not head.startswith(_KALDI):
                problem = _("{path}: expected a matrix of Kaldi at this byte, found none")
                raise InputError(problem.format(path=place))
            file.seek(place.offset)
            values = kaldiio.matio.read_kaldi(file)
    except InputError:
        raise
    except Exception as error:  # kaldiio raises whatever it meets, its own assertions among them
        problem = _("{path}: not a whole matrix of Kaldi ({error})")
        raise InputError(problem.format(path=place, error=error or type(error).__name__)) from None
    return as_numbers(values, str(place))
