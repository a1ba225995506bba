"""The safetensors files of a run, as NumPy arrays with anything that JSON can hold beside them."""

import json
import struct
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from numpy.typing import NDArray
from safetensors.numpy import load, save

from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.runs.run import Run

Tensors = TypeVar("Tensors")
Arrays = dict[str, NDArray[Any]]


def write_arrays(
    run: Run, name: str, arrays: Mapping[str, NDArray[Any]], about: Any = None
) -> None:
    """Write arrays, and what is to be known of them, as one file."""
    run.write(name, save(dict(arrays), metadata(about)))


def read_arrays(run: Run, name: str) -> tuple[Arrays, Any]:
    """What was written; InputError if the file is missing or broken."""
    return tensors_of(run, name, load)


def metadata(about: Any) -> dict[str, str]:
    """What the file's header says beside the tensors' names and shapes."""
    return {"about": json.dumps(about, allow_nan=False)}


def unpacked(raw: bytes, load: Callable[[bytes], Tensors]) -> tuple[Tensors, Any]:
    """What `load` makes of a whole file's bytes, and what is said about it."""
    (size,) = struct.unpack_from("<Q", raw)
    header = json.loads(raw[8 : 8 + size])
    return load(raw), json.loads(header["__metadata__"]["about"])


def tensors_of(run: Run, name: str, load: Callable[[bytes], Tensors]) -> tuple[Tensors, Any]:
    """What `load` makes of the file's bytes, and what is said about them; errors as above."""
    raw = run.read(name)
    try:
        return unpacked(raw, load)
    except Exception as error:
        problem = _(
            "{path}: not a whole safetensors file of gruta ({error}); train again or restore the "
            "file"
        )
        raise InputError(problem.format(path=run.path / name, error=error)) from error
