"""Which files are read, and where forecasts go: on this machine, or wherever fsspec reaches."""

import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from gruta.errors import InputError
from gruta.files import file_system, write_atomically
from gruta.locale import translate as _
from gruta.locale.numbers import number

_KIND = ".parquet"
_STAMPS = ("ETag", "etag", "md5Hash", "content_md5", "mtime", "LastModified", "updated", "created")
"""What file systems say by which a file that changes can be told, the surest first."""


@dataclass(frozen=True)
class File:
    """One that is read.

    path: a whole path or an address. name: its path below what was asked for. size: bytes. stamp:
    what is another one once the file has changed: its entity tag, or when it was written.
    """

    path: str
    name: str
    size: int
    stamp: str

    @contextmanager
    def opened(self) -> Iterator[IO[bytes]]:
        """Its content; InputError where it cannot be read."""
        with reached(self.path) as (system, path), system.open(path, "rb") as content:
            yield content


def names_many(source: str) -> bool:
    """Whether a name is that of a folder, a pattern or an address, and not of one file here."""
    plain = "://" not in source and not _has_magic(source)
    return Path(source).is_dir() if plain else not Path(source).is_file()


def files_of(source: str, out: str) -> list[File]:
    """The Parquet files of a folder, at any depth, of a pattern, or one, in the order of their
    names; hidden ones, and those that begin with _, are not read.

    InputError where there are none, or `out`, where forecasts go to, is among what is read.
    """
    with reached(source) as (system, path):
        system.invalidate_cache()
        if _has_magic(path):
            found, base = system.glob(path, detail=True), _before_magic(path)
        elif system.isdir(path):
            found, base = system.find(path, detail=True), path
        elif system.exists(path):
            found, base = {path: system.info(path)}, str(PurePosixPath(path).parent)
        else:
            raise InputError(_("{path}: no file or folder of this name").format(path=source))
        base = base.rstrip("/")
        files = list(_files(system, base, found))
        _require_apart(system, path, base, [file.name for file in files], out)
    if not files:
        problem = _("{path}: expected files that end with {suffixes}, found {count} others")
        raise InputError(problem.format(path=source, suffixes=_KIND, count=number(len(found))))
    return files


def whole_path(source: str) -> str:
    """What a name, a pattern or an address is called from everywhere."""
    with reached(source) as (system, path):
        return _address(system, path).rstrip("/")


def _files(system: Any, base: str, found: Mapping[str, Mapping[str, Any]]) -> Iterator[File]:
    for path, about in sorted(found.items()):
        name = path.removeprefix(base).lstrip("/")
        seen = not any(part.startswith((".", "_")) for part in name.split("/"))
        if about["type"] == "file" and seen and name.lower().endswith(_KIND):
            stamp = next((str(about[key]) for key in _STAMPS if about.get(key)), "")
            yield File(_address(system, path), name, int(about["size"]), stamp)


def _require_apart(system: Any, path: str, base: str, names: Sequence[str], out: str) -> None:
    """InputError where forecasts would be read as input the next time. names: of what is read,
    below the base.
    """
    with reached(out, "out") as (other, place):
        place = place.rstrip("/")
        if type(other) is not type(system):
            return
        deep = "**" in path or (not _has_magic(path) and system.isdir(path))
        inside = f"{place}/".startswith(f"{base}/") if deep else False
        read = {PurePosixPath(base, name).parent for name in names}
        if inside or any(PurePosixPath(place, name).parent in read for name in names):
            problem = _("{path}: is read too; name a directory beside what is read")
            raise InputError(out=problem.format(path=out))


class Place:
    """The directory, or what is like one in an object store, that forecasts are written into.

    path: as it was given; root: as its file system calls it. InputError, which names the file,
    where what is asked of it fails.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        with reached(path, "out") as (system, root):
            self._system, self.root = system, root.rstrip("/")
            self.here = _is_here(system)
            if system.isfile(self.root):
                problem = _("{path}: expected a directory, found a file")
                raise InputError(out=problem.format(path=path))
            if self.here:
                os.makedirs(self.root, exist_ok=True)

    def __reduce__(self) -> tuple[type["Place"], tuple[str]]:
        return Place, (_address(self._system, self.root),)

    def names(self) -> set[str]:
        """Of the files that are there, as `write` calls them."""
        with self._reached():
            self._system.invalidate_cache()
            found = self._system.find(self.root)
        return {path.removeprefix(self.root).lstrip("/") for path in found}

    @contextmanager
    def opened(self, name: str) -> Iterator[IO[bytes]]:
        """A file that is there."""
        with self._reached(name), self._system.open(f"{self.root}/{name}", "rb") as content:
            yield content

    def write(self, name: str, content: bytes) -> None:
        """A file, whole or not at all: an object store has no other way."""
        path = f"{self.root}/{name}"
        with self._reached(name):
            if self.here:
                os.makedirs(os.path.dirname(path), exist_ok=True)
                write_atomically(Path(path), content, f".{platform.node()}-{os.getpid()}")
            else:
                self._system.pipe_file(path, content)

    def remove(self, names: Sequence[str]) -> None:
        """Files that are there."""
        for name in names:
            with self._reached(name):
                self._system.rm_file(f"{self.root}/{name}")

    def _reached(self, name: str = "") -> AbstractContextManager[None]:
        return _told(f"{self.path.rstrip('/')}/{name}" if name else self.path, "out")

    def sweep(self) -> None:
        """What a kill left of files that were being written."""
        for path in Path(self.root).rglob(".*.partial") if self.here else ():
            path.unlink(missing_ok=True)


@contextmanager
def reached(path: str, option: str = "") -> Iterator[tuple[Any, str]]:
    """The file system of a path, and what it calls that; InputError where it is not reached or
    refuses. option: which one gave the path.
    """
    with _told(path, option):
        yield file_system(path)


@contextmanager
def _told(label: str, option: str) -> Iterator[None]:
    """InputError, in one sentence, for whatever a file system raises."""
    try:
        yield
    except (InputError, KeyboardInterrupt, ModuleNotFoundError):
        raise
    except Exception as error:  # each file system has errors of its own
        reason = str(getattr(error, "strerror", None) or error) or type(error).__name__
        problem = _("{label}: cannot be read: {reason}")
        if option:
            problem = _("{label}: cannot be reached: {reason}")
        told = problem.format(label=label, reason=reason.partition("\n")[0])
        raise (InputError(**{option: told}) if option else InputError(told)) from error


def _is_here(system: Any) -> bool:
    from fsspec.implementations.local import LocalFileSystem

    return isinstance(system, LocalFileSystem)


def _address(system: Any, path: str) -> str:
    return path if _is_here(system) else str(system.unstrip_protocol(path))


def _has_magic(path: str) -> bool:
    return any(sign in path for sign in "*?[")


def _before_magic(path: str) -> str:
    parts = path.split("/")
    first = next(i for i, part in enumerate(parts) if _has_magic(part))
    return "/".join(parts[:first])
