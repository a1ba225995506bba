"""Whether the processes that train together are all alive: each tells it twice a second.

A process that is killed closes its connections, and who waits for it hears at once. One whose
machine has lost power or its network closes nothing: it is missed here.
"""

import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

import torch.distributed as dist

PERIOD = 0.5
MISSED = 6.0
"""Seconds between two beats, and after how many without one a process is taken for lost."""

READING = 60.0
"""The same before and after the steps, when one call of a library may keep all threads waiting."""

GRACE = 0.5
"""Seconds in which a process ends by itself that knows of a loss."""

_LEFT, _TOLD = b"left", b"told"


class Beats:
    """A thread that tells of this process, and listens to its neighbour; what one has missed all
    get to know by the store.

    stepping: whether all are between the first step and the last. at_loss: called with the rank
    that is lost, on a thread of its own, where this process is busy with something else than
    waiting for the others.
    """

    def __init__(self, name: str, rank: int, size: int, at_loss: Callable[[int], None]) -> None:
        self._name, self._rank, self._size, self._at_loss = name, rank, size, at_loss
        self.lost: int | None = None
        self.stepping = False
        self._store: Any = dist.TCPStore(  # type: ignore[attr-defined]
            os.environ["MASTER_ADDR"],
            int(os.environ["MASTER_PORT"]),
            is_master=False,
            timeout=timedelta(seconds=MISSED / 2),
            wait_for_workers=False,
        )
        self._count, self._over = 0, threading.Event()
        self._heard = time.monotonic()
        self._tell(b"0")
        work = self._listen, self._watch
        self._threads = [threading.Thread(target=one, daemon=True) for one in work]

    def start(self) -> None:
        """Begin; all others have made theirs."""
        self._heard = time.monotonic()
        for thread in self._threads:
            thread.start()

    def end(self, told: bool) -> None:
        """No more beats: nobody shall miss this process. told: it has said why it ends."""
        self._over.set()
        for thread in self._threads:
            thread.join(2 * PERIOD)
        if self.lost is None:
            with suppress(RuntimeError):
                self._tell(_TOLD if told else _LEFT)

    def has_told(self, ranks: Sequence[int], within: float = 0.0) -> bool:
        """Whether one of these has ended with a message of its own, or does so in some seconds."""
        until = time.monotonic() + within
        while True:
            with suppress(RuntimeError):
                if any(self._of(rank) == _TOLD for rank in ranks):
                    return True
            if time.monotonic() >= until:
                return False
            time.sleep(PERIOD / 5)

    @property
    def _most(self) -> float:
        return MISSED if self.stepping else READING

    def _key(self, name: object) -> str:
        return f"{self._name}/{name}"

    def _tell(self, value: bytes) -> None:
        self._store.set(self._key(self._rank), value)

    def _of(self, rank: int) -> bytes:
        found: bytes = self._store.get(self._key(rank))
        return found

    def _listen(self) -> None:
        neighbour = (self._rank + 1) % self._size
        seen, since = b"", time.monotonic()
        while not self._over.wait(PERIOD):
            try:
                self._count += 1
                self._tell(str(self._count).encode())
                if self._store.check([self._key("lost")]):
                    self._miss(int(self._store.get(self._key("lost"))))
                    return
                beat = self._of(neighbour)
                self._heard = time.monotonic()
            except RuntimeError:  # the store is rank 0's, or its launcher's
                self._miss(0)
                return
            if beat != seen or beat in (_LEFT, _TOLD):
                seen, since = beat, time.monotonic()
            elif time.monotonic() - since > self._most:
                with suppress(RuntimeError):
                    self._store.set(self._key("lost"), str(neighbour))
                self._miss(neighbour)
                return

    def _watch(self) -> None:
        """The store may not answer, nor refuse to, for as long as TCP tries."""
        while not self._over.wait(PERIOD):
            if time.monotonic() - self._heard > self._most + PERIOD:
                self._miss(0)
                return

    def _miss(self, rank: int) -> None:
        if self.lost is not None:
            return
        self.lost = rank
        if not self._over.wait(GRACE):
            self._at_loss(rank)
