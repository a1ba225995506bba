"""One training a run at a time: a lock that ends with its process, however that ends."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gruta.errors import InUse
from gruta.locale import translate as _
from gruta.runs.run import Run

LOCK = ".lock"

_TRIES, _MOMENT = 5, 0.01
"""Who only looks whether somebody trains holds the lock for less than these seconds."""

if sys.platform == "win32":
    import msvcrt

    def _take(file: int) -> None:
        # The byte that is locked cannot be read, so it is one past all that is written.
        os.lseek(file, 1 << 20, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        os.lseek(file, 0, os.SEEK_SET)

else:
    import fcntl

    def _take(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def training_alone(run: Run) -> Iterator[None]:
    """Nobody else trains in this run meanwhile; InputError that names the process that does.

    A file system that knows no locks is trusted.
    """
    problem = _(
        "{path}: {holder} is training there; wait until it is done, or train in another directory"
    )
    with alone(run.path, problem):
        yield


@contextmanager
def alone(place: Path, problem: str) -> Iterator[None]:
    """Nobody else is at work in this directory meanwhile; InputError that says the `problem`, with
    {path} and {holder} in it.
    """
    path = place / LOCK
    file = _locked(path, problem)
    try:
        os.ftruncate(file, 0)
        os.write(file, str(os.getpid()).encode())
        yield
    finally:
        with suppress(OSError):  # Windows: it is open
            path.unlink()
        os.close(file)


def is_training(run: Run) -> bool:
    """Whether a process trains in this run now; a kill leaves the file, but no lock."""
    try:
        file = os.open(run.path / LOCK, os.O_RDWR)
    except OSError:  # there is none, or it may be read only, and who trains writes
        return False
    try:
        _take(file)
    except (BlockingIOError, PermissionError):
        return True
    except OSError:
        return False
    finally:
        os.close(file)
    return False


def _holder(found: bytes) -> str:
    number = found.split()[-1:]
    if not number:
        return _("another process")
    return _("process {number}").format(number=number[0].decode(errors="replace"))


def _locked(path: Path, problem: str) -> int:
    """The lock's file, open and ours."""
    tries = _TRIES
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _take(file)
        except (BlockingIOError, PermissionError):
            holder = _holder(os.read(file, 100))
            os.close(file)
            tries -= 1
            if tries:
                time.sleep(_MOMENT)
                continue
            raise InUse(problem.format(path=path.parent, holder=holder)) from None
        except OSError:
            return file
        # Who had it may have taken the file away since it was opened.
        with suppress(FileNotFoundError):
            if os.path.samestat(os.stat(path), os.fstat(file)):
                return file
        os.close(file)
