"""A run on an object store: worked on in a folder here, and copied there object by object.

An object appears whole or not at all, so what a file is on a disk an object is there. A run there
is whole at every moment because of the order in which objects are written: what begins a run comes
first, what a checkpoint speaks of before it, and what it speaks of no more goes after it.
"""

import json
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PureWindowsPath
from typing import Any

from gruta.cells import CELLS
from gruta.errors import Exists, InputError, InUse
from gruta.files import file_system
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.processes import called, has_ended, short
from gruta.runs.lock import LOCK
from gruta.runs.run import BEGUN, CHECKPOINT, LIMIT_BYTES, MODEL

_FIRST = ("settings.toml", "run.json")
"""Come before all else of a folder, in this order: what is cut off after them is a run."""

_LAST = (CHECKPOINT, MODEL, "codec.json")
"""Come after all else of a folder, in this order: they speak of the rest."""

RENEWED, EXPIRED = 30.0, 180.0
"""Seconds between two renewals of a lock there, and after how many without one it is nobody's."""

SETTLED = 2.0
"""Seconds after which a lock that was taken over is still that of the one who took it last."""


class Remote:
    """The run at `url`, and the folder here in which it is worked on."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url.rstrip("/"), folder
        self._files, self._root = _opened(self.url)
        self._there: dict[str, tuple[int, int]] = {}
        self.is_behind = False
        self._holds = False
        self._own = f"{called()}:{secrets.token_hex(4)}"

    def has(self, name: str) -> bool:
        """Whether the run there holds this file."""
        with _named(self.url):
            return bool(self._files.exists(f"{self._root}/{name}"))

    def pull(self, within: Collection[str] = ("",)) -> None:
        """Bring all that is there into the folder. within: only what these folders there hold.

        InputError, before anything is brought, where a name leads out of the folder.
        """
        with _named(self.url):
            self._files.invalidate_cache()
            below = [f"{self._root}/{one}".rstrip("/") for one in within]
            found = {self._name(path): path for one in below for path in self._files.find(one)}
            for name, path in found.items():
                if name in ("", LOCK) or name.endswith("/"):  # a mark of a folder that is empty
                    continue
                here = self.folder / name
                here.parent.mkdir(parents=True, exist_ok=True)
                self._files.get_file(path, str(here))
                self._there[name] = _state(here)

    def bring(self, names: Collection[str]) -> None:
        """Bring these files into the folder, those of them that are there.

        InputError, before anything is brought, where one is larger than what is read of a run.
        """
        sizes = {}
        with _named(self.url):
            self._files.invalidate_cache()
            for name in names:
                with suppress(FileNotFoundError):
                    sizes[name] = int(self._files.info(f"{self._root}/{name}")["size"])
            for name, size in sizes.items():
                if size > LIMIT_BYTES:
                    problem = _("{path}: larger than {limit} bytes, not read")
                    path = f"{self.url}/{name}"
                    raise InputError(problem.format(path=path, limit=number(LIMIT_BYTES)))
            for name in sizes:
                self.folder.mkdir(parents=True, exist_ok=True)
                self._files.get_file(f"{self._root}/{name}", str(self.folder / name))

    def push(self) -> None:
        """Copy what has changed here since the last time, and remove what is gone.

        InUse where another process has taken the run meanwhile: it is left as that one has it.
        """
        here = {
            path.relative_to(self.folder).as_posix(): path
            for path in self.folder.rglob("*")
            if path.is_file() and not path.name.endswith(".partial") and path.name != LOCK
        }
        self.is_behind = True
        self._require_held()
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
        """Remove what a run that never began has left there; Exists where anything else lies."""
        with _named(self.url):
            self._files.invalidate_cache()
            there = {self._name(path): path for path in self._files.find(self._root)}
            there = {name: path for name, path in there.items() if name not in ("", LOCK)}
            if not there.keys() <= BEGUN:
                problem = _("{path}: exists already; resume that run, or name another directory")
                raise Exists(problem.format(path=self.url))
            for path in there.values():
                self._files.rm_file(path)

    def caught_up(self) -> bool:
        """Whether all that is here is there too, if need be after one more try."""
        if self.is_behind:
            with suppress(InputError, KeyboardInterrupt):
                self.push()
        return not self.is_behind

    def _name(self, path: str) -> str:
        """What the run calls an object; InputError for what would be no file inside a folder."""
        name = path.removeprefix(self._root).removeprefix("/")
        parts = name.removesuffix("/").split("/")
        if name and (
            not path.startswith(f"{self._root}/")
            or any(part in ("", ".", "..") or "\\" in part or "\0" in part for part in parts)
            or PureWindowsPath(name).drive
        ):
            problem = _("{url}: expected the files of a run, found an object named {name!r}")
            raise InputError(problem.format(url=self.url, name=name))
        return name

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else trains in the run there meanwhile; InUse that names who does."""
        self._take()
        self._holds = True
        over = threading.Event()

        def renew() -> None:
            while not over.wait(RENEWED):
                with suppress(Exception):  # out of reach for a moment
                    if self._holder()[0] != self._own:
                        return  # `push` says so
                    self._write_lock()

        thread = threading.Thread(target=renew, name="gruta-lock", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            self._holds = False
            with suppress(Exception):
                if self._holder()[0] == self._own:
                    self._files.rm_file(f"{self._root}/{LOCK}")

    def _take(self) -> None:
        holder, seen = self._holder()
        if holder is not None and not has_ended(holder) and time.time() - seen < EXPIRED:
            problem = _(
                "{url}: {holder} is training there, heard of {seconds} s ago; wait until it is "
                "done or, if it is lost, until {expired} s have passed"
            )
            seconds = max(0, round(time.time() - seen))
            about = {"holder": short(holder), "seconds": seconds, "expired": round(EXPIRED)}
            raise InUse(problem.format(url=self.url, **about))
        with _named(self.url):
            try:
                self._write_lock(**({"mode": "create"} if holder is None else {}))
                is_sure = holder is None
            except FileExistsError:
                is_sure = True
            except (NotImplementedError, TypeError):  # a store that cannot tell
                self._write_lock()
                is_sure = False
        if not is_sure:
            time.sleep(SETTLED)
        if self._holder()[0] != self._own:  # of two that came at once
            raise InUse(_("{url}: another process has begun there").format(url=self.url))

    def _require_held(self) -> None:
        """InUse where the lock that was taken is another's now."""
        if self._holds and self._holder()[0] != self._own:
            problem = _(
                "{url}: another process has gone on there, as nothing was heard of this one; "
                "nothing more is copied"
            )
            raise InUse(problem.format(url=self.url))

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
            except (ValueError, KeyError, TypeError):  # of nobody, but there
                return "", 0.0


@contextmanager
def working_copy(url: str, *, resume: bool, several: bool = False) -> Iterator[Remote]:
    """A run on an object store, to be worked on in a folder here; in the end all is copied there.

    resume: it goes on; InputError where there is none. several: it holds runs, one a cell, of which
    each goes on if it is there. Exists where something lies, and it is not to go on; InUse where
    somebody trains in it. What could not be copied in the end stays here; the InputError says
    where, or a note of what else ended the work.
    """
    folder = Path(tempfile.mkdtemp(prefix="gruta-"))
    remote = None
    try:
        remote = Remote(url, folder / (url.rstrip("/").rpartition("/")[2] or "run"))
        with remote.alone():
            _prepare(remote, resume, several)
            with _copied(remote):
                yield remote
    finally:
        if remote is None or not remote.is_behind:
            shutil.rmtree(folder, ignore_errors=True)


def _prepare(remote: Remote, resume: bool, several: bool) -> None:
    if several:
        remote.pull(CELLS)
    elif resume:
        if not remote.has("run.json"):
            raise _no_run(remote.url)
        remote.pull()
    else:
        remote.clear()


@contextmanager
def _copied(remote: Remote) -> Iterator[None]:
    """What is done inside is there in the end, or told where it lies."""
    is_done = False
    try:
        with _called(remote):
            yield
        is_done = True
        remote.push()
    except InputError as error:
        if remote.caught_up():
            if is_done:
                return
            raise
        problem = _("{error}; what could not be copied lies in {folder}")
        raise InputError(problem.format(error=error, folder=remote.folder)) from error
    except BaseException as error:
        if not remote.caught_up():
            problem = _("{url}: what could not be copied lies in {folder}")
            error.add_note(problem.format(url=remote.url, folder=remote.folder))
        raise


@contextmanager
def fetched(url: str, names: Collection[str]) -> Iterator[Path]:
    """A folder here, meanwhile, with those of a run's files that have these names.

    InputError where there is no run.
    """
    with tempfile.TemporaryDirectory(prefix="gruta-") as folder:
        remote = Remote(url, Path(folder, "run"))
        if not remote.has("run.json"):
            raise _no_run(url)
        remote.bring(names)
        with _called(remote):
            yield remote.folder


def has_run(url: str) -> bool:
    """Whether a run lies at this URL."""
    return Remote(url, Path()).has("run.json")


def _no_run(url: str) -> InputError:
    return InputError(_("{path}: expected the directory of a run, found none").format(path=url))


@contextmanager
def _called(remote: Remote) -> Iterator[None]:
    """An InputError from inside names the URL and not the folder here."""
    try:
        yield
    except InputError as error:
        here, there = str(remote.folder), remote.url
        problems = {name: told.replace(here, there) for name, told in error.problems.items()}
        raise type(error)(error.message.replace(here, there), **problems) from error


def _turn(name: str) -> tuple[int, int, str]:
    """When a file is copied: what begins a run, its members, the rest."""
    inside, _slash, last = name.rpartition("/")
    if last in _FIRST:
        return (1 if inside else 0, _FIRST.index(last), name)
    return (1 if inside else 2, 2 + (_LAST.index(last) + 1 if last in _LAST else 0), name)


def _state(path: Path) -> tuple[int, int]:
    about = path.stat()
    return about.st_mtime_ns, about.st_size


def _opened(url: str) -> tuple[Any, str]:
    """The file system that a URL names, and the path in it; InputError where there is none."""
    try:
        files, path = file_system(url)
    except ModuleNotFoundError:
        raise
    except (ImportError, ValueError) as error:  # the package of that kind of store, or no kind
        raise InputError(f"{url}: {error}") from error
    return files, path.rstrip("/")


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
