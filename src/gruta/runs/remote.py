"""A run on an object store: worked on in a folder here, and copied there object by object.

An object appears whole or not at all, so what a file is on a disk an object is there. A run there
is whole at every moment because of the order in which objects are written: what a checkpoint
speaks of comes before it, and what it speaks of no more goes after it.
"""

import json
import os
import secrets
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from gruta.errors import Exists, InputError, InUse
from gruta.locale import translate as _
from gruta.runs.lock import LOCK
from gruta.runs.run import CHECKPOINT, MODEL

_AFTER = (CHECKPOINT, MODEL, "run.json", "codec.json")
"""Come after all else of a folder, in this order: they make of it what it is."""

RENEWED, EXPIRED = 30.0, 180.0
"""Seconds between two renewals of a lock there, and after how many without one it is nobody's."""


class Remote:
    """The run at `url`, and the folder here in which it is worked on."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url.rstrip("/"), folder
        self._files, self._root = _opened(self.url)
        self._there: dict[str, tuple[int, int]] = {}
        self.is_behind = False
        self._own = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"

    def has(self, name: str) -> bool:
        """Whether the run there holds this file."""
        with _named(self.url):
            return bool(self._files.exists(f"{self._root}/{name}"))

    def pull(self) -> None:
        """Bring all that is there into the folder."""
        with _named(self.url):
            self._files.invalidate_cache()
            for path in self._files.find(self._root):
                name = path.removeprefix(f"{self._root}/")
                if name == LOCK:
                    continue
                here = self.folder / name
                here.parent.mkdir(parents=True, exist_ok=True)
                self._files.get_file(path, str(here))
                self._there[name] = _state(here)

    def push(self) -> None:
        """Copy what has changed here since the last time, and remove what is gone."""
        here = {
            path.relative_to(self.folder).as_posix(): path
            for path in self.folder.rglob("*")
            if path.is_file() and not path.name.endswith(".partial") and path.name != LOCK
        }
        self.is_behind = True
        with _named(self.url):
            for name in sorted(here, key=_turn):
                state = _state(here[name])
                if self._there.get(name) != state:
                    self._files.put_file(str(here[name]), f"{self._root}/{name}")
                    self._there[name] = state
            for name in sorted(self._there.keys() - here.keys()):
                with suppress(FileNotFoundError):
                    self._files.rm_file(f"{self._root}/{name}")
                del self._there[name]
        self.is_behind = False

    def clear(self) -> None:
        """Remove what a run that never began has left there."""
        with _named(self.url):
            self._files.invalidate_cache()
            for path in self._files.find(self._root):
                if path != f"{self._root}/{LOCK}":
                    self._files.rm_file(path)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else trains in the run there meanwhile; InUse that names who does."""
        self._take()
        over = threading.Event()

        def renew() -> None:
            while not over.wait(RENEWED):
                with suppress(Exception):  # out of reach for a moment
                    self._write_lock()

        thread = threading.Thread(target=renew, name="gruta-lock", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            with suppress(Exception):
                if self._holder()[0] == self._own:
                    self._files.rm_file(f"{self._root}/{LOCK}")

    def _take(self) -> None:
        holder, seen = self._holder()
        if holder is not None and not _is_gone(holder) and time.time() - seen < EXPIRED:
            problem = _(
                "{url}: {holder} is training there, heard of {seconds} s ago; wait until it is "
                "done or, if it is lost, until {expired} s have passed"
            )
            told = ":".join(holder.split(":")[:2])
            seconds = max(0, round(time.time() - seen))
            raise InUse(
                problem.format(url=self.url, holder=told, seconds=seconds, expired=round(EXPIRED))
            )
        with _named(self.url):
            try:
                self._write_lock(**({"mode": "create"} if holder is None else {}))
            except FileExistsError:
                pass
            except (NotImplementedError, TypeError):  # a store that cannot tell
                self._write_lock()
        if self._holder()[0] != self._own:  # of two that came at once
            raise InUse(_("{url}: another process has begun there").format(url=self.url))

    def _write_lock(self, **how: Any) -> None:
        content = json.dumps({"holder": self._own, "at": time.time()}).encode()
        self._files.pipe_file(f"{self._root}/{LOCK}", content, **how)

    def _holder(self) -> tuple[str | None, float]:
        """Who holds the lock there, and when it was heard of."""
        with _named(self.url):
            try:
                self._files.invalidate_cache()
                found = json.loads(self._files.cat_file(f"{self._root}/{LOCK}"))
                return str(found["holder"]), float(found["at"])
            except FileNotFoundError:
                return None, 0.0
            except (ValueError, KeyError, TypeError):
                return None, 0.0


@contextmanager
def staged(url: str, *, resume: bool, several: bool = False) -> Iterator[Remote]:
    """A run on an object store, to be worked on in a folder here; in the end all is copied there.

    resume: it goes on. several: it holds runs, of which each goes on if it is there. Exists where
    there is one, and it is not to go on; InUse where somebody trains in it. What could not be
    copied in the end stays here, and the InputError says where.
    """
    folder = Path(tempfile.mkdtemp(prefix="gruta-"))
    remote = Remote(url, folder / (url.rstrip("/").rpartition("/")[2] or "run"))
    with remote.alone():
        if resume or several:
            remote.pull()
        elif remote.has("run.json"):
            problem = _("{path}: exists already; resume that run, or name another directory")
            raise Exists(problem.format(path=url))
        else:
            remote.clear()
        try:
            yield remote
            remote.push()
        except InputError as error:
            if not remote.is_behind:
                raise
            problem = _("{error}; what could not be copied lies in {folder}")
            raise InputError(problem.format(error=error, folder=remote.folder)) from error
        finally:
            if not remote.is_behind:
                shutil.rmtree(folder, ignore_errors=True)


def fetched(url: str) -> Path:
    """A folder here, for this process's life, with all that is there."""
    folder = tempfile.TemporaryDirectory(prefix="gruta-")
    _FETCHED.append(folder)
    remote = Remote(url, Path(folder.name, "run"))
    remote.pull()
    return remote.folder


_FETCHED: list[tempfile.TemporaryDirectory[str]] = []


def _turn(name: str) -> tuple[int, int, str]:
    """When a file is copied: members of an ensemble before what they are parts of."""
    last = name.rpartition("/")[2]
    place = _AFTER.index(last) + 1 if last in _AFTER else 0
    return (0 if "/" in name else 1, place, name)


def _state(path: Path) -> tuple[int, int]:
    about = path.stat()
    return about.st_mtime_ns, about.st_size


def _is_gone(holder: str) -> bool:
    """Whether it is a process of this machine that has ended."""
    host, pid, *_token = holder.split(":")
    if host != socket.gethostname() or not pid.isdecimal():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def _opened(url: str) -> tuple[Any, str]:
    """The file system that a URL names, and the path in it; InputError where there is none."""
    import fsspec

    try:
        files, path = fsspec.core.url_to_fs(url)
    except ImportError as error:  # the package of that kind of store
        raise InputError(f"{url}: {error}") from error
    except ValueError as error:
        raise InputError(f"{url}: {error}") from error
    return files, str(path).rstrip("/")


@contextmanager
def _named(url: str) -> Iterator[None]:
    """What goes wrong inside names the URL."""
    try:
        yield
    except (FileNotFoundError, FileExistsError, NotImplementedError, ValueError, InputError):
        raise
    except Exception as error:  # of whichever package reaches the store
        told = str(error).split("\n")[0] or type(error).__name__
        raise InputError(_("{url}: not reached: {error}").format(url=url, error=told)) from error
