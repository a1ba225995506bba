"""The parent's side of a worker process."""

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from gruta.bench.worker import REFERENCE
from gruta.locale import translate as _

PATIENCE = 900.0
"""Seconds, unless told otherwise."""


class WorkerError(RuntimeError):
    """A worker answered with an error, or no more; the message says which."""


class Process:
    """A worker that answers; `log` takes what it prints. worker: its module, which gets the name.

    patience: seconds after which one that does not answer is given up.
    """

    def __init__(
        self,
        name: str,
        threads: int,
        log: Path,
        worker: str = "gruta.bench.worker",
        patience: float = PATIENCE,
    ) -> None:
        self.name, self._threads, self._log = name, threads, log
        self._worker, self._patience = worker, patience
        self._start()

    def _start(self) -> None:
        with self._log.open("ab") as printed:
            self._process = subprocess.Popen(
                [sys.executable, "-m", self._worker, self.name, str(self._threads)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=printed,
                env=environment(self._threads),
                start_new_session=True,  # an interrupt is for the parent, which then ends it
            )
        self._answers = b""

    def revive(self) -> None:
        """Start it again if it has ended."""
        if self._process.poll() is not None:
            self.close()
            self._start()

    def ask(self, do: str, **fields: Any) -> dict[str, Any]:
        """Send a request and wait for its answer; WorkerError if that is an error or none."""
        self.send(do, **fields)
        return self.answer()

    def send(self, do: str, **fields: Any) -> None:
        """Send a request; `answer` must follow before the next."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"do": do, **fields}).encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            raise WorkerError(self._end()) from None

    def answer(self) -> dict[str, Any]:
        """Wait for the answer to the last request; WorkerError as in `ask`."""
        answer: dict[str, Any] = json.loads(self._line(time.monotonic() + self._patience))
        if "error" in answer:
            raise WorkerError(answer["error"])
        return answer

    def _line(self, deadline: float) -> bytes:
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as ready:
            ready.register(self._process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._answers:
                if not ready.select(max(0.0, deadline - time.monotonic())):
                    self.close()
                    problem = _("no answer in {seconds:.0f} s")
                    raise WorkerError(problem.format(seconds=self._patience))
                part = os.read(self._process.stdout.fileno(), 1 << 16)
                if not part:
                    raise WorkerError(self._end())
                self._answers += part
        line, _newline, self._answers = self._answers.partition(b"\n")
        return line

    def _end(self) -> str:
        status = self._process.wait()
        return _("the process ended with status {status}, see {log}").format(
            status=status, log=self._log
        )

    def close(self) -> None:
        """End it, at once, and what it started."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):  # a request that it never read
                    pipe.close()


@contextmanager
def processes(
    names: Sequence[str], threads: int, logs: Path, worker: str = "gruta.bench.worker"
) -> Iterator[dict[str, Process]]:
    """A worker for each name, ended with the block. worker: its module."""
    with ExitStack() as stack:
        team = {}
        for name in names:
            own = 1 if name == REFERENCE else threads  # small products in NumPy lose with more
            team[name] = Process(name, own, logs / f"{name}.log", worker)
            stack.callback(team[name].close)
        yield team


def environment(threads: int) -> dict[str, str]:
    """The environment in which every library that looks there uses that many threads."""
    names = ("OMP", "MKL", "OPENBLAS")
    counts = {f"{name}_NUM_THREADS": str(threads) for name in names}
    # XLA's pool is as large as NPROC says, and the flag keeps one thread's products to itself.
    eigen = f"--xla_cpu_multi_thread_eigen={'true' if threads > 1 else 'false'}"
    flags = f"{os.environ.get('XLA_FLAGS', '')} {eigen}".strip()
    jax = {"NPROC": str(threads), "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}
    return os.environ | counts | jax | {"GRUTA_THREADS": str(threads)}
