"""Commands of gruta in processes of their own, which the server starts and interrupts."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from gruta.errors import InputError
from gruta.locale import language
from gruta.locale import translate as _
from gruta.runs import Run
from gruta.runs.lock import LOCK, is_training

MOST = 2
"""Of them at a time: a page that asks for more is told to wait."""

_WELL = (None, 0, 130, -signal.SIGINT)
"""Not yet, as it should, or by an interrupt, however early."""

_TAIL = 2000
_PATIENCE = 30.0


@dataclass
class _Begun:
    process: subprocess.Popen[bytes]
    said: IO[bytes]


@dataclass
class Processes:
    """Those that were started here, by what they do."""

    _begun: dict[str, _Begun] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self, name: str, command: Sequence[str]) -> None:
        """Run `python -m` with this; InputError where it runs already, or too many do."""
        with self._lock:
            if self.alive(name):
                raise InputError(_("{name} is under way already").format(name=name))
            if sum(map(self.alive, self._begun)) >= MOST:
                problem = _("{most} are under way; stop one of them, or wait until it is done")
                raise InputError(problem.format(most=MOST))
            if name in self._begun:
                self._begun[name].said.close()
            said = tempfile.TemporaryFile()  # noqa: SIM115
            process = subprocess.Popen(
                [sys.executable, "-m", *command],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                env=os.environ | {"GRUTA_LANG": language()},
                start_new_session=True,  # Ctrl-C in the server's terminal is the server's
            )
            self._begun[name] = _Begun(process, said)

    def alive(self, name: str) -> bool:
        """Whether it runs."""
        begun = self._begun.get(name)
        return begun is not None and begun.process.poll() is None

    def failure(self, name: str) -> str:
        """What it said last, if it ended otherwise than well or by an interrupt; else ""."""
        begun = self._begun.get(name)
        if begun is None or begun.said.closed or begun.process.poll() in _WELL:
            return ""
        begun.said.seek(0, os.SEEK_END)
        begun.said.seek(max(0, begun.said.tell() - _TAIL))
        lines = begun.said.read().decode("utf-8", "replace").strip().splitlines()
        told = lines[-1].removeprefix("gruta: ") if lines else ""
        return told or _("ended with status {status}").format(status=begun.process.returncode)

    def interrupt(self, name: str) -> None:
        """As Ctrl-C does."""
        if self.alive(name):
            self._begun[name].process.send_signal(signal.SIGINT)

    def end(self) -> list[str]:
        """Interrupt all, wait until they have kept what they have, and name those that ran."""
        running = [name for name in self._begun if self.alive(name)]
        for name in running:
            self.interrupt(name)
        for name in running:
            with suppress(subprocess.TimeoutExpired):
                self._begun[name].process.wait(_PATIENCE)
        for begun in self._begun.values():
            begun.said.close()
        return running


def interrupt(path: Path) -> None:
    """Ctrl-C to the process that trains in a run, whoever started it; InputError if none does."""
    run = Run.open(path)
    holder = (path / LOCK).read_text("utf-8", "replace") if is_training(run) else ""
    if not holder.strip().isdecimal():
        raise InputError(_("{run}: no process trains there").format(run=path.name))
    if sys.platform == "win32":
        problem = _("{run}: on Windows, press Ctrl-C where the training was started")
        raise InputError(problem.format(run=path.name))
    os.kill(int(holder), signal.SIGINT)
