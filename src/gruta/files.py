"""Files that are there whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def write_atomically(path: Path, content: bytes, mark: str = "") -> None:
    """Replace `path` by a file with this content, or leave it as it was (OSError).

    mark: of who writes, where several may write the same at once; the last one's stays.
    """
    partial = path.with_name(f".{path.name}{mark}.partial")
    with naming(path):
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
def naming(path: Path) -> Iterator[None]:
    """An OSError from inside names this file; that of a write names none."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
