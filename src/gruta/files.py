"""Files that are there whole or not at all."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gruta.extras import need

_PACKAGES = {"s3": "s3fs", "s3a": "s3fs"}
"""Which package reaches a kind of store, where an extra brings it."""

Buffer = bytes | memoryview


def write_atomically(path: Path, content: bytes, mark: str = "") -> None:
    """Replace `path` by a file with this content, or leave it as it was (OSError).

    mark: of who writes, where several may write the same at once; the last one's stays.
    """
    with staged(path, [content], mark):
        pass


@contextmanager
def staged(path: Path, content: Iterable[Buffer], mark: str = "") -> Iterator[Path]:
    """A file of these pieces that replaces `path` at the end; where something is raised before that
    it is gone, and `path` as it was (OSError, or what was raised). mark: as above.
    """
    partial = path.with_name(f".{path.name}{mark}.partial")
    try:
        with naming(path):
            file = open(partial, "wb")  # noqa: SIM115
        try:
            for piece in content:  # an error in what makes the pieces is not one of this file
                with naming(path):
                    file.write(piece)
            with naming(path):
                file.flush()
                os.fsync(file.fileno())
        finally:
            with naming(path):
                file.close()
        yield partial
        with naming(path):
            os.replace(partial, path)
    except BaseException:
        with naming(path):
            partial.unlink(missing_ok=True)
        raise


def is_remote(place: object) -> bool:
    """Whether it is a URL, such as s3://bucket/run."""
    return "://" in str(place)


def file_system(place: str) -> tuple[Any, str]:
    """The file system of a path or a URL as fsspec has it, and what it calls that.

    ModuleNotFoundError where an extra brings what is missing.
    """
    need("fsspec")
    kind, sign, _rest = place.partition("://")
    if sign and kind in _PACKAGES:
        need(_PACKAGES[kind])
    import fsspec

    system, path = fsspec.core.url_to_fs(place)
    return system, str(path)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """An OSError from inside names this file; that of a write names none."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
