"""A run in the place of an earlier one, which stays until the new one is whole."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gruta.errors import InputError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A directory to write the new run into; it takes the place of `path` if all goes well.

    InputError where `path` is there and holds no run.
    """
    if path.exists() and not (path / "run.json").is_file():
        raise InputError(f"{path}: expected a run to replace, found none; name another directory")
    fresh, old = (path.with_name(f".{path.name}.{word}") for word in ("new", "old"))
    for left in (fresh, old):  # by a kill
        shutil.rmtree(left, ignore_errors=True)
    yield fresh
    if path.exists():
        path.rename(old)
    fresh.rename(path)
    shutil.rmtree(old, ignore_errors=True)
