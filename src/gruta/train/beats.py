"""Whether the processes that train together are all alive.

A process that is killed closes its connections, and who waits for it hears at once. One whose
machine has lost power or its network closes nothing, and who is busy with something else waits for
nobody: `pulse.py` listens meanwhile.
"""

import json
import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch.distributed as dist

from gruta.errors import RankLost
from gruta.locale import translate as _
from gruta.train import pulse

MISSED = pulse.MISSED
"""Seconds without a sign of life after which a process is taken for lost."""

GRACE = 0.5
"""Seconds in which a process ends by itself that knows of a loss."""

_STORE = 3.0
"""Seconds that the store has to answer."""

_LEFT, _TOLD = "left", "told"


def call_off(name: str, store: Any) -> None:
    """Process 0 ends before it has begun, and says why; the others end too."""
    store.set(f"{name}/at", "[]")


class Beats:
    """What tells of this process and listens to the others.

    lost: the rank of one that is lost, or has failed; told: it has said why. store: reaches all of
    them, and is theirs as long as the launcher lives. host: where process 0 is found by the others.
    """

    def __init__(self, name: str, rank: int, size: int, store: Any, host: str) -> None:
        self._name, self._rank, self._size = name, rank, size
        self.lost: int | None = None
        self.told = False
        self._words, self._known, self._over = "", threading.Event(), threading.Event()
        self._store: Any = dist.TCPStore(  # type: ignore[attr-defined]
            os.environ["MASTER_ADDR"],
            int(os.environ["MASTER_PORT"]),
            is_master=False,
            timeout=timedelta(seconds=_STORE),
            wait_for_workers=False,
        )
        self._store.set(self._key(rank), "")
        at, secret = (host, 0), secrets.token_hex(16)
        if rank:
            store.wait([self._key("at")], timedelta(days=1))
            found = json.loads(store.get(self._key("at")))
            if not found:
                text = _(
                    "process {rank} of {size} stopped, as another one of this training has ended"
                )
                raise RankLost(text.format(rank=rank, size=size), told=True)
            *at, secret = found
        about = {"rank": rank, "size": size, "secret": secret, "at": at, "missed": MISSED}
        self._pulse = subprocess.Popen(
            [sys.executable, "-I", "-S", str(Path(pulse.__file__))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # what ends a group of processes is to end this one later
        )
        self._tell_pulse(json.dumps(about))
        if not rank:
            assert self._pulse.stdout is not None
            port = int(self._pulse.stdout.readline().split()[1])
            store.set(self._key("at"), json.dumps([host, port, secret]))
        self._thread = threading.Thread(target=self._listen, name="gruta-beats", daemon=True)

    def start(self, words: str = "") -> None:
        """Begin; all others are there. words: with what this process is ended at a loss where it
        does not end by itself, {lost} in them; without any it is let be.
        """
        self._words = words
        self._tell_pulse(f"begun {json.dumps(words)}")
        self._thread.start()

    def known(self) -> None:
        """This process is about to end, because of a loss or something else, and says so itself."""
        self._known.set()
        self._tell_pulse("known")

    def end(self, told: bool) -> None:
        """Nobody shall miss this process. told: it has said why it ends, before all was done."""
        if self._over.is_set():
            return
        self._over.set()
        if self.lost is None:
            with suppress(RuntimeError):
                self._store.set(self._key(self._rank), _TOLD if told else _LEFT)
            self._tell_pulse(_TOLD if told else _LEFT)
            with suppress(subprocess.TimeoutExpired):
                self._pulse.wait(2)
        self._close()

    def fall(self) -> None:
        """The others shall miss this process, which has failed."""
        self._over.set()
        self._close()

    def _close(self) -> None:
        self._pulse.kill()
        self._pulse.wait()
        assert self._pulse.stdin is not None
        with suppress(OSError):
            self._pulse.stdin.close()
        self._thread.join(2 * GRACE)
        assert self._pulse.stdout is not None
        self._pulse.stdout.close()

    def has_told(self, ranks: Sequence[int], within: float = 0.0) -> bool:
        """Whether one of these has ended with a message of its own, or does so in some seconds."""
        until = time.monotonic() + within
        while True:
            with suppress(RuntimeError):
                if any(self._store.get(self._key(rank)) == _TOLD.encode() for rank in ranks):
                    return True
            if time.monotonic() >= until:
                return False
            time.sleep(0.1)

    def first_said(self, name: str, value: str) -> str:
        """What was said first under this name since the launcher began, by a process that may have
        been started anew since; else this is.
        """
        found: bytes = self._store.compare_set(f"gruta/said/{name}", "", value)
        return found.decode()

    def _key(self, name: object) -> str:
        return f"{self._name}/{name}"

    def _tell_pulse(self, line: str) -> None:
        assert self._pulse.stdin is not None
        with suppress(OSError, ValueError):
            self._pulse.stdin.write(f"{line}\n".encode())
            self._pulse.stdin.flush()

    def _listen(self) -> None:
        assert self._pulse.stdout is not None
        with suppress(ValueError, OSError):  # closed meanwhile
            for line in self._pulse.stdout:
                word, rank = line.decode().split()
                self.told = word == "over"
                self.lost = int(rank)
                time.sleep(GRACE)
                if self._words and not (self._known.is_set() or self._over.is_set()):
                    if not self.told:
                        sys.stderr.write(self._words.replace("{lost}", rank) + "\n")
                        sys.stderr.flush()
                    os._exit(1)
