"""A run directory: everything that a training leaves, written so that a kill leaves no half file.

run.json               format, task, versions, threads, the data's fingerprint
settings.toml          the settings as resolved
metrics.jsonl          a line for each logged step and each validation
checkpoint.safetensors where training stands: weights, optimiser, best weights, position
model.safetensors      the trained weights; there once training has ended
codec.json             scales, frequency, seasons, stretched quantiles: a series in, a forecast out
report.html, *.png     for people
"""

import hashlib
import json
import os
import struct
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any, Self

import tomli_w
import torch
from safetensors.torch import load, save
from torch import Tensor

from gruta.errors import InputError

FORMAT = 1
_LIMIT_BYTES = 2**31
_BEGUN = {"settings.toml", ".settings.toml.partial", ".run.json.partial"}
"""What a kill in the middle of `Run.create` can leave; run.json comes last and makes it a run."""


def write_atomically(path: Path, content: bytes) -> None:
    """Replace `path` by a file with this content, or leave it as it was (OSError)."""
    partial = path.with_name(f".{path.name}.partial")
    with _naming(path):
        try:
            with open(partial, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(partial, path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """An OSError from inside names this file; that of a write names none."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


class Run:
    """The run directory at `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, path: Path, task: str, settings: Mapping[str, Any], data: str) -> "Run":
        """A new run; `data` is the fingerprint of what it trains on. InputError if it exists."""
        if path.exists() and not (path.is_dir() and {p.name for p in path.iterdir()} <= _BEGUN):
            raise InputError(
                f"{path}: exists already; resume that run with --resume, or name another directory"
            )
        path.mkdir(parents=True, exist_ok=True)
        run = cls(path)
        written = tomli_w.dumps(_without_none(settings)).encode()
        about = {
            "format": FORMAT,
            "task": task,
            "data": data,
            "settings": hashlib.sha256(written).hexdigest(),
            "threads": torch.get_num_threads(),
            "versions": {name: metadata.version(name) for name in ("gruta", "torch", "numpy")},
        }
        run.write("settings.toml", written)
        run.write_json("run.json", about)
        return run

    @classmethod
    def open(cls, path: Path, task: str) -> "Run":
        """The run that lies at `path`; InputError unless it is one of this task and format."""
        if not path.is_dir():
            raise InputError(f"{path}: expected the directory of a run, found none")
        run = cls(path)
        about = run.read_json("run.json")
        if not isinstance(about, dict) or "format" not in about:
            raise InputError(f"{path}/run.json: expected a run's description with its format")
        if about["format"] != FORMAT:
            raise InputError(
                f"{path}: the run has format {about['format']}, this gruta reads {FORMAT}; "
                "install the gruta version that wrote it, named in run.json"
            )
        if about.get("task") != task:
            raise InputError(f"{path}: expected a {task} run, found {about.get('task')!r}")
        return run

    @property
    def about(self) -> dict[str, Any]:
        """What run.json says."""
        return self.read_json("run.json")  # type: ignore[no-any-return]

    def settings(self) -> dict[str, Any]:
        """The settings as they were resolved; a setting that was None is absent.

        InputError if the file is not as the run wrote it: the weights are those of its settings.
        """
        raw = self.read("settings.toml")
        try:
            settings = tomllib.loads(raw.decode())
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InputError(f"{self.path}/settings.toml: not valid TOML: {error}") from error
        digest = hashlib.sha256(raw).hexdigest()
        if self.about.get("settings", digest) != digest:
            raise InputError(
                f"{self.path}/settings.toml: changed since the run was started; restore the file, "
                "or train anew with other settings"
            )
        return settings

    def write_json(self, name: str, content: Any) -> None:
        """Write a JSON file of the run."""
        self.write(name, json.dumps(content, indent=1, allow_nan=False).encode())

    def read_json(self, name: str) -> Any:
        """Read a JSON file of the run; InputError if it is missing or broken."""
        try:
            return json.loads(self.read(name))
        except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
            raise InputError(f"{self.path / name}: not valid JSON: {error}") from error

    def write_tensors(self, name: str, tensors: Mapping[str, Tensor], about: Any = None) -> None:
        """Write tensors, and anything that JSON can hold, as one safetensors file."""
        kept = {k: t.detach().cpu().contiguous().clone() for k, t in tensors.items()}
        self.write(name, save(kept, {"about": json.dumps(about, allow_nan=False)}))

    def read_tensors(self, name: str) -> tuple[dict[str, Tensor], Any]:
        """What `write_tensors` wrote; InputError if the file is missing or broken."""
        raw = self.read(name)
        try:
            (size,) = struct.unpack_from("<Q", raw)
            header = json.loads(raw[8 : 8 + size])
            return load(raw), json.loads(header["__metadata__"]["about"])
        except Exception as error:
            raise InputError(
                f"{self.path / name}: not a whole safetensors file of gruta ({error}); "
                "train again or restore the file"
            ) from error

    def has(self, name: str) -> bool:
        """Whether the run holds a file of this name."""
        return (self.path / name).is_file()

    def write(self, name: str, content: bytes) -> None:
        """Write a file of the run, whole or not at all."""
        write_atomically(self.path / name, content)

    def read(self, name: str) -> bytes:
        """A file of the run; InputError if it is missing."""
        path = self.path / name
        try:
            if path.stat().st_size > _LIMIT_BYTES:
                raise InputError(f"{path}: larger than {_LIMIT_BYTES} bytes, not read")
            return path.read_bytes()
        except FileNotFoundError:
            raise InputError(
                f"{self.path}: {name} is missing, the run is incomplete; resume it with --resume, "
                "or train again"
            ) from None


class MetricsFile:
    """metrics.jsonl: appended to line by line, cut back to a checkpoint on resume."""

    def __init__(self, path: Path, size: int = 0) -> None:
        """Open for appending after the first `size` bytes; what follows them is dropped.

        InputError if the file is shorter: then it is not the one that the checkpoint belongs to.
        """
        found = path.stat().st_size if path.exists() else 0
        if found < size:
            raise InputError(
                f"{path}: expected at least {size} bytes, found {found}; restore the file, or "
                "train again in another directory"
            )
        self._path = path
        self._file = open(path, "ab")  # noqa: SIM115
        self._file.truncate(size)
        self._file.seek(size)

    def append(self, record: Mapping[str, Any]) -> None:
        """Add one line."""
        self._file.write(json.dumps(record).encode() + b"\n")
        self._file.flush()

    def synced_size(self) -> int:
        """The size in bytes, once all of it is on the disk."""
        with _naming(self._path):
            self._file.flush()
            os.fsync(self._file.fileno())
        return self._file.tell()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        with _naming(self._path):
            self._file.close()


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """All records of a metrics file; a last line that a kill cut short is left out."""
    lines = path.read_bytes().split(b"\n")[:-1] if path.is_file() else []
    return [json.loads(line) for line in lines]


def _without_none(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if value is not None}
