"""The models of a server by name, and how one takes the place of another while streams go on."""

import asyncio
import logging
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.runtime.model import Model
from gruta.runtime.stream import Stream
from gruta.serve.logs import event
from gruta.serve.metrics import OfModel
from gruta.serve.misfits import fitted
from gruta.serve.ticker import Ticker
from gruta.tasks.models import load
from gruta.tasks.served import Served, Streamed, Teller, served

Stamp = tuple[int, int, int]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(eq=False)
class Version:
    """A model as a file had it once. ticker: of its streams, if it can have any."""

    model: Model[Any]
    served: Served[Any]
    ticker: Ticker | None = None
    clients: set[Any] = field(default_factory=set)

    def enter(self, client: Any) -> None:
        """A stream begins on these weights."""
        self.clients.add(client)
        if self.ticker is not None:
            self.ticker.clients = len(self.clients)

    def leave(self, client: Any) -> None:
        """It has ended."""
        self.clients.discard(client)
        if self.ticker is not None:
            self.ticker.clients = len(self.clients)


@dataclass(eq=False)
class Slot:
    """A name, its file, and what it held: the newest version, and older ones that have streams."""

    name: str
    path: Path
    newest: Version
    stamp: Stamp
    older: list[Version] = field(default_factory=list)

    def begun(self, content: Any) -> "Opened":
        """A new stream, on the newest weights; InputError where it has none, or not such ones."""
        version = self.newest
        streamed = version.served.stream
        if streamed is None:
            raise InputError(self.no_stream())
        stream = streamed.begun(version.model, fitted(streamed.begin, content))
        return Opened(version, streamed, stream, streamed.teller(stream))

    def resumed(self, state: bytes) -> "Opened":
        """The stream of a state, on the weights that it is of; InputError if these are not here."""
        for version in (self.newest, *self.older):
            streamed = version.served.stream
            try:
                stream = version.model.restore(state)
            except InputError as error:
                last = error
            else:
                assert streamed is not None
                return Opened(version, streamed, stream, streamed.teller(stream))
        raise last

    def no_stream(self) -> str:
        """Why it has none."""
        problem = _("the model {name} of the task {task} has no stream; ask /v1/{name}/predict")
        return problem.format(name=self.name, task=self.newest.model.task)

    def about(self) -> dict[str, Any]:
        """What a client has to know."""
        version = self.newest
        return {
            "name": self.name,
            "task": version.model.task,
            "checksum": version.model.checksum,
            "weights": version.model.stored,
            "units": version.model.units,
            "stream": version.served.stream is not None,
            "about": version.served.about(version.model),
        }


@dataclass(frozen=True, eq=False)
class Opened:
    """A stream that begins, or goes on."""

    version: Version
    streamed: Streamed[Any, Any]
    stream: Stream[Any]
    teller: Teller


class Models:
    """All of them. To be opened in the loop that asks them."""

    def __init__(self, slots: Sequence[Slot]) -> None:
        self._slots = {slot.name: slot for slot in slots}
        self._lock = asyncio.Lock()

    @classmethod
    def of(cls, given: Iterable[str]) -> "Models":
        """Of files, or NAME=FILE; InputError where one is none, or two have one name."""
        slots: dict[str, Slot] = {}
        for one in given:
            name, path = _named(one)
            if name in slots:
                problem = _("{one} and {other} are both called {name}; call one NAME=FILE")
                told = {"one": slots[name].path, "other": path, "name": name}
                raise InputError(problem.format(**told))
            stamp = _stamp(path)
            slots[name] = Slot(name, path, _version(load(path)), stamp)
        return cls(list(slots.values()))

    def __iter__(self) -> Iterator[Slot]:
        return iter(self._slots.values())

    @property
    def names(self) -> list[str]:
        """Of all."""
        return [*self._slots]

    def get(self, name: str) -> Slot | None:
        """The one of this name."""
        return self._slots.get(name)

    def open(self, budget: float, metrics: Mapping[str, OfModel], pool: Executor) -> None:
        """Let their tickers go."""
        self._budget, self._metrics, self._pool = budget, metrics, pool
        for slot in self:
            self._start(slot)

    def alive(self) -> bool:
        """Whether no ticker has died."""
        versions = [version for slot in self for version in (slot.newest, *slot.older)]
        return not any(v.ticker is not None and v.ticker.task.done() for v in versions)

    def close(self) -> None:
        """Stop the tickers."""
        for slot in self:
            for version in (slot.newest, *slot.older):
                _stop(version)

    def sweep(self) -> None:
        """Older versions that nobody is on any more are gone."""
        for slot in self:
            for version in [one for one in slot.older if not one.clients]:
                _stop(version)
                slot.older.remove(version)
                event("version_dropped", model=slot.name, checksum=version.model.checksum)

    async def refresh(self, *, all_of_them: bool = False) -> None:
        """Load the files that have changed, or all; what cannot be read leaves all as it is."""
        async with self._lock:
            for slot in self:
                stamp = await asyncio.to_thread(_stamp, slot.path)
                if all_of_them or stamp != slot.stamp:
                    await self._reload(slot, stamp)

    async def _reload(self, slot: Slot, stamp: Stamp) -> None:
        counted = self._metrics[slot.name].loaded
        slot.stamp = stamp
        try:
            version = _version(await asyncio.to_thread(load, slot.path))
        except (InputError, OSError) as error:
            counted["refused"] += 1
            event("reload_refused", logging.ERROR, model=slot.name, reason=str(error))
            return
        if version.model.checksum == slot.newest.model.checksum:
            counted["same"] += 1
            return
        counted["changed"] += 1
        old, slot.newest = slot.newest, version
        slot.older.append(old)
        self._start(slot)
        checksum = version.model.checksum
        event("reloaded", model=slot.name, streams=len(old.clients), checksum=checksum)

    def _start(self, slot: Slot) -> None:
        version, streamed = slot.newest, slot.newest.served.stream
        if streamed is not None:
            metrics = self._metrics[slot.name]
            version.ticker = Ticker(version.model, streamed, self._budget, metrics, self._pool)


def _version(model: Model[Any]) -> Version:
    return Version(model, served(model))


def _stop(version: Version) -> None:
    if version.ticker is not None:
        version.ticker.task.cancel()


def _named(given: str) -> tuple[str, Path]:
    name, equals, rest = given.partition("=")
    if not equals or Path(given).exists():
        name, rest = Path(given).name.removesuffix(".gruta"), given
    if not _NAME.fullmatch(name):
        problem = _(
            "{path}: {name!r} is no name that an address can have; call it NAME=FILE, of letters, "
            "digits, dots and dashes"
        )
        raise InputError(problem.format(path=rest, name=name))
    return name, Path(rest)


def _stamp(path: Path) -> Stamp:
    """What tells that a file is another one."""
    try:
        found = os.stat(path)
    except OSError:
        return (0, 0, 0)
    return found.st_mtime_ns, found.st_size, found.st_ino
