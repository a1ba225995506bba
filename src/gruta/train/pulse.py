"""Beside each process that trains with others: tells them that it is alive, and hears whether they
are.

A process of its own, as a thread is mute while a single call of a library keeps Python's
interpreter; a program of the standard library alone, so that it begins at once and takes little.
That of process 0 hears all others, and they hear it. What one misses all are told.

On standard input come lines of `Beats`: first what it is to know, as JSON, then `begun` with what
to say at a loss, `known`, `left` and `told`; on standard output go `at PORT` and `lost RANK`, or
`over RANK` where that process has said itself why it ended. As the input ends, or the parent is
gone, so has this.
"""

import json
import os
import selectors
import signal
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

PERIOD, MISSED = 0.5, 6.0
"""Seconds between two beats, and after how many without one a process is taken for lost."""

LAST = 2.0
"""Seconds that a process has to end by itself once it knows of a loss."""

_BEAT, _LEFT, _TOLD, _LOST, _OVER = "beat", "left", "told", "lost", "over"


class Line:
    """A connection, whose messages are words in a line. rank: whose it is, once it has said so."""

    def __init__(self, carrier: socket.socket) -> None:
        carrier.setblocking(False)
        self.carrier, self.rank, self._rest = carrier, -1, b""
        self.is_open = True

    def fileno(self) -> int:
        """For `select`."""
        return self.carrier.fileno()

    def say(self, *words: object) -> None:
        """What cannot be taken now, after so few bytes, is not heard by anybody any more."""
        with suppress(OSError):
            self.carrier.send((" ".join(map(str, words)) + "\n").encode())

    def heard(self) -> list[list[str]]:
        """The lines that have come."""
        try:
            more = self.carrier.recv(4096)
        except BlockingIOError:
            return []
        except OSError:
            more = b""
        self.is_open = bool(more)
        *lines, self._rest = (self._rest + more)[-65536:].split(b"\n")
        return [line.decode("ascii", "replace").split() for line in lines]

    def end(self) -> None:
        """Nothing more is said."""
        with suppress(OSError):
            self.carrier.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """No more of it."""
        self.carrier.close()


class Pulse:
    """This process's own, among `size`; listener: process 0's, which all others reach."""

    def __init__(self, about: dict[str, Any], listener: socket.socket | None) -> None:
        self._rank, self._size = int(about["rank"]), int(about["size"])
        self._secret, self._parent = str(about["secret"]), os.getppid()
        self._missed = float(about["missed"])
        self._listener, self._lines = listener, list[Line]()
        self._heard: dict[int, float] = {}
        self._left: set[int] = set()
        self._words, self._ends, self._is_known = "", False, False
        self._lost: tuple[str, int] | None = None
        self._lost_at = 0.0
        self._gone, self._rest = False, b""

    def connect(self, host: str, port: int) -> None:
        """To process 0's."""
        line = Line(socket.create_connection((host, port), self._missed))
        line.rank = 0
        line.say(self._secret, self._rank)
        self._lines.append(line)
        self._heard[0] = time.monotonic()

    def run(self) -> None:
        """Until the parent is gone, or has said that it ends."""
        due = time.monotonic()
        while not self._gone:
            wait = max(0.0, min(PERIOD, due - time.monotonic()))
            for one in self._ready(wait):
                if isinstance(one, Line):
                    self._take(one)
                elif isinstance(one, socket.socket):
                    self._lines.append(Line(one.accept()[0]))
                else:
                    self._obey()
                if self._gone:  # and no line is open any more
                    return
            now = time.monotonic()
            if now >= due:
                if now - due > self._missed / 2:  # this one stood still, not the others
                    self._heard = dict.fromkeys(self._heard, now)
                due = now + PERIOD
                self._beat(now)

    def _ready(self, wait: float) -> list[Any]:
        """Of the standard input, the listener and the lines those that there is something of."""
        with selectors.DefaultSelector() as watch:
            sources: list[Any] = [0, *self._lines, *filter(None, [self._listener])]
            for one in sources:
                watch.register(one, selectors.EVENT_READ)
            return [key.fileobj for key, _events in watch.select(wait)]

    def _obey(self) -> None:
        more = os.read(0, 65536)
        if not more:
            self._gone = True
            return
        *lines, self._rest = (self._rest + more).split(b"\n")
        for line in lines:
            word, _blank, rest = line.decode().partition(" ")
            if word == "begun":
                self._words = json.loads(rest)
                self._ends = bool(self._words)
                now = time.monotonic()
                ranks = range(1, self._size) if self._listener is not None else [0]
                self._heard = {rank: now for rank in ranks if rank not in self._left}
            elif word == "known":
                self._is_known = True
            else:
                self._leave(word)

    def _take(self, line: Line) -> None:
        for words in filter(None, line.heard()):
            if line.rank < 0:
                if words[:1] != [self._secret] or len(words) < 2:
                    line.is_open = False
                    break
                line.rank = int(words[1])
                self._heard[line.rank] = time.monotonic()
                if self._lost is not None:
                    line.say(*self._lost)
            elif words[0] == _BEAT:
                self._heard[line.rank] = time.monotonic()
            elif words[0] in (_LEFT, _TOLD):
                self._part(int(words[1]), words[0] == _TOLD)
            elif words[0] in (_LOST, _OVER):
                self._miss(int(words[1]), words[0] == _OVER)
        if not line.is_open:
            self._lines.remove(line)
            line.close()
            if line.rank >= 0 and line.rank not in self._left:
                self._miss(line.rank, False)

    def _beat(self, now: float) -> None:
        if os.getppid() != self._parent:
            self._gone = True
            return
        if not _stands_still(self._parent):
            self._tell(_BEAT, self._rank)
        for rank, heard in list(self._heard.items()):
            if now - heard > self._missed:
                self._miss(rank, False)
        lost = self._lost if now - self._lost_at > LAST else None
        if lost is not None and self._ends and not self._is_known:
            if lost[0] == _LOST:
                sys.stderr.write(self._words.replace("{lost}", str(lost[1])) + "\n")
                sys.stderr.flush()
            os.kill(self._parent, signal.SIGKILL)
            self._gone = True

    def _tell(self, *words: object) -> None:
        for line in self._lines:
            line.say(*words)

    def _leave(self, word: str) -> None:
        """Say so, and wait until all have read it: what is closed before may not arrive."""
        self._tell(word, self._rank)
        self._gone, self._listener = True, None
        for line in self._lines:
            line.end()
        until = time.monotonic() + 1.0
        while self._lines and (wait := until - time.monotonic()) > 0:
            for one in self._ready(wait):
                if isinstance(one, Line):
                    one.heard()
                    if not one.is_open:
                        self._lines.remove(one)
                        one.close()
                elif not os.read(0, 65536):
                    return

    def _part(self, rank: int, told: bool) -> None:
        """It has ended, and said so."""
        self._left.add(rank)
        self._heard.pop(rank, None)
        if told:
            self._miss(rank, True)

    def _miss(self, rank: int, told: bool) -> None:
        self._heard.pop(rank, None)
        if self._lost is not None:
            return
        self._lost, self._lost_at = (_OVER if told else _LOST, rank), time.monotonic()
        if self._listener is not None:
            self._tell(*self._lost)
        with suppress(OSError):
            os.write(1, "{} {}\n".format(*self._lost).encode())


def _stands_still(process: int) -> bool:
    """Whether it was stopped by a signal: it is there, and does nothing."""
    try:
        about = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False
    return about.rpartition(")")[2].split()[0] in "Tt"


def main() -> None:
    """What it is to know comes first; others would see it on a command line."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # the parent's, which takes this one along
        with suppress(AttributeError):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    with open(0, "rb", buffering=0, closefd=False) as told:
        first = told.readline()  # and not a byte more, which `select` would not tell of
    if not first:
        return
    about = json.loads(first)
    host, port = about["at"]
    if about["rank"] == 0:
        listener = socket.create_server((host, 0), backlog=int(about["size"]))
        os.write(1, f"at {listener.getsockname()[1]}\n".encode())
        Pulse(about, listener).run()
    else:
        pulse = Pulse(about, None)
        try:
            pulse.connect(host, port)
        except OSError:
            os.write(1, b"lost 0\n")
            return
        pulse.run()


if __name__ == "__main__":
    main()
