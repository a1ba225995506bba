"""A server of its own to be put under load, and what its process takes."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gruta.resident import resident


@dataclass(frozen=True)
class Served:
    """port: where it listens. pid: of its process."""

    port: int
    pid: int

    def memory(self) -> int:
        """Bytes that the process has in memory."""
        return resident("VmRSS", self.pid)

    def seconds(self) -> float:
        """Of processors, that it has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / 100


@contextmanager
def served(command: Sequence[str]) -> Iterator[Served]:
    """What these arguments of Python start, and stop again; its first line ends with its port."""
    with tempfile.TemporaryFile("w+") as log:  # a pipe that nobody reads would fill up
        process = subprocess.Popen(
            [sys.executable, *command], stdout=subprocess.PIPE, stderr=log, text=True
        )
        assert process.stdout is not None
        try:
            told = process.stdout.readline()
            if not told.startswith("http"):
                log.seek(0)
                raise RuntimeError(log.read())
            yield Served(int(told.rpartition(":")[2]), process.pid)
        finally:
            process.terminate()
            try:
                process.communicate(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
