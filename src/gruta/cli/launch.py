"""A training in several processes, here or on several machines: torchrun's launcher starts them."""

import logging
import os
import shlex
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gruta.errors import InputError
from gruta.locale import translate as _

if TYPE_CHECKING:
    from gruta.train import Ranks

if "RANK" in os.environ:  # torch tells by many lines that a connection has ended
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")

PANEL = _("Several processes")

Processes = Annotated[
    int,
    typer.Option(
        min=1,
        max=1024,
        help=_("Processes on this machine, each with a share of every batch."),
        rich_help_panel=PANEL,
    ),
]
Machines = Annotated[
    int,
    typer.Option(
        min=1,
        max=1024,
        help=_("Machines that train together; give the same command on each."),
        rich_help_panel=PANEL,
    ),
]
At = Annotated[
    str,
    typer.Option(
        metavar="HOST:PORT",
        help=_("Where they meet: one of the machines, and a port of it that is free."),
        show_default=_("none"),
        rich_help_panel=PANEL,
    ),
]

_TO_STOP = str(24 * 3600)
"""Seconds that processes have to stop after a step, with a checkpoint, once they were asked to; a
second signal acts at once.
"""

_UNNOTICED = 10.0
"""Seconds in which a launcher sees that a process has ended: it looks ten times a second."""

_OPTIONS = "GRUTA_LAUNCHED_BY"
"""Tells processes by which options of this command they were started."""


@dataclass(frozen=True)
class Launch:
    """How many processes on each of how many machines, and where these meet."""

    processes: int
    machines: int
    at: str

    @property
    def is_wanted(self) -> bool:
        """Whether this process is to start others, and is not one of them."""
        from gruta.train.ranks import started

        return self.processes * self.machines > 1 and not started()

    def check(self) -> None:
        """InputError where the options do not go together."""
        host, _colon, port = self.at.rpartition(":")
        if self.machines > 1 and not (host and port.isdecimal() and 0 < int(port) < 65536):
            raise InputError(
                at=_("expected HOST:PORT, where the machines meet, got {at!r}").format(at=self.at)
            )
        if self.at and self.machines == 1:
            raise InputError(at=_("is for several machines; give --machines too"))

    @property
    def options(self) -> list[str]:
        """As the command line has them."""
        found = ["--processes", str(self.processes)]
        if self.machines > 1:
            found += ["--machines", str(self.machines), "--at", self.at]
        return found

    def run(self) -> int:
        """Start the processes with this command's own arguments, and wait; their exit status."""
        from torch.distributed.elastic.multiprocessing.api import SignalException
        from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
        from torch.distributed.elastic.rendezvous import RendezvousError
        from torch.distributed.launcher.api import LaunchConfig, elastic_launch

        from gruta.train.ranks import own_address

        several, host = self.machines > 1, self.at.rpartition(":")[0]
        address = own_address(host) if several else "127.0.0.1"
        config = LaunchConfig(
            min_nodes=self.machines,
            max_nodes=self.machines,
            nproc_per_node=self.processes,
            run_id="gruta",
            rdzv_backend="c10d",
            rdzv_endpoint=self.at if several else "127.0.0.1:0",
            # Whether this is the machine where they meet is not told by its name: that may lead to
            # another of its addresses, or to 127.0.1.1.
            rdzv_configs={
                "is_host": str(not several or address in (host, _address_of(host))),
                "read_timeout": "10",
            },
            local_addr=address,
            max_restarts=0,
        )
        os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
        os.environ.setdefault("TORCH_ELASTIC_SHUTDOWN_TIMEOUT", _TO_STOP)
        logging.getLogger("torch.distributed").setLevel(logging.CRITICAL)  # the processes tell
        os.environ[_OPTIONS] = shlex.join(self.options)
        try:
            with _ended_if_stuck():
                elastic_launch(config, sys.executable)("-m", "gruta", *sys.argv[1:])
        except ChildFailedError as error:
            codes = [failure.exitcode for failure in error.failures.values()]
            killed = [code for code in codes if code < 0 and -code != signal.SIGTERM]
            if killed:
                name = signal.Signals(-killed[0]).name
                told = _("a process of the training was ended by {signal}").format(signal=name)
                print(f"gruta: {told}", file=sys.stderr)
            return max([1, *codes])
        except SignalException:
            return 130
        except RendezvousError as error:
            raise InputError(
                at=_("the machines did not meet: {error}").format(error=str(error).split("\n")[0])
            ) from error
        return 0


@contextmanager
def _ended_if_stuck() -> Iterator[None]:
    """torch's launcher waits for a store that is out of reach as long as TCP tries, a quarter of an
    hour: where its processes have ended and it takes no notice, it ends too.
    """
    over = threading.Event()

    def watch() -> None:
        since = time.monotonic()
        while not over.wait(1.0):
            if not _left_behind():
                since = time.monotonic()
            elif time.monotonic() - since > _UNNOTICED:
                os._exit(1)  # they have said why

    threading.Thread(target=watch, name="gruta-launcher", daemon=True).start()
    try:
        yield
    finally:
        over.set()


def _left_behind() -> bool:
    """Whether there were processes of this one, and all have ended unnoticed; no system but Linux
    tells.
    """
    states = []
    with suppress(OSError):
        for task in Path("/proc/self/task").iterdir():
            for pid in (task / "children").read_text().split():
                about = Path(f"/proc/{pid}/stat").read_text()
                states.append(about.rpartition(")")[2].split()[0])
    return bool(states) and set(states) == {"Z"}


def _address_of(host: str) -> str | None:
    with suppress(OSError):
        return socket.gethostbyname(host)
    return None


def again() -> list[str]:
    """The options by which this process and its like were started."""
    return shlex.split(os.environ.get(_OPTIONS, ""))


@contextmanager
def ranks() -> Iterator["Ranks"]:
    """This process among those that train together; alone where it is."""
    from gruta.train import together

    with together("gruta: {message}") as found:
        yield found


def may_restart() -> bool:
    """Whether a launcher starts this process and its like anew where one of them is lost."""
    return int(os.environ.get("TORCHELASTIC_MAX_RESTARTS") or 0) > 0
