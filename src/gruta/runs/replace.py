"""A run in the place of an earlier one, which stays until the new one is whole."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gruta.cells import CELLS
from gruta.errors import InputError, InUse
from gruta.locale import translate as _
from gruta.runs.lock import is_training
from gruta.runs.run import Run


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A directory to write the new run into; it takes the place of `path` if all goes well.

    One that an earlier attempt left there is kept, to be gone on with. InputError where `path` is
    there and holds neither a run nor one for each cell, or a process trains in it.
    """
    path = path.resolve()
    fresh, old = (path.with_name(f".{path.name}.{word}") for word in ("new", "old"))
    if old.exists() and not path.exists():  # cut off between the two renamings below
        old.rename(path)
    _require_replaceable(path)
    yield fresh
    _require_replaceable(path)
    shutil.rmtree(old, ignore_errors=True)
    if path.exists():
        path.rename(old)
    fresh.rename(path)
    shutil.rmtree(old, ignore_errors=True)


def drop(path: Path) -> None:
    """Remove a run; InUse where a process trains in it."""
    _require_idle(path)
    shutil.rmtree(path)


def _require_replaceable(path: Path) -> None:
    if not path.exists():
        return
    runs = [path] if (path / "run.json").is_file() else []
    if not runs and path.is_dir() and {inside.name for inside in path.iterdir()} <= set(CELLS):
        runs = list(path.iterdir())
    if not runs:
        problem = _("{path}: expected a run to replace, found none; name another directory")
        raise InputError(problem.format(path=path))
    for run in runs:
        _require_idle(run)


def _require_idle(run: Path) -> None:
    if is_training(Run(run)):
        raise InUse(_("{run}: a process is training there; wait until it is done").format(run=run))
