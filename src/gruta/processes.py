"""A process as others know it, wherever they run: to be told whether it has ended.

A machine's name does not tell machines apart, as containers made from one template have one name,
and a number is given anew to another process. So a name has both, and beside them what nobody else
has: this start of the machine, the namespace in which the number counts, and the moment at which
the process began.
"""

import hashlib
import os
import socket
from functools import cache
from pathlib import Path

_UNKNOWN = "-"
"""Where the system does not say: such a process is never known to have ended."""


def called(number: int | None = None) -> str:
    """What others may call a process of this machine, HOST:PROCESS:PLACE:BEGUN; None: this one."""
    number = os.getpid() if number is None else number
    return f"{socket.gethostname()}:{number}:{_place()}:{_begun(number)}"


def has_ended(name: str) -> bool:
    """Whether it is a process that this one would see if it were alive, and does not."""
    _host, number, place, begun = (*name.split(":"), "", "", "", "")[:4]
    if place in ("", _UNKNOWN) or place != _place() or not number.isdecimal():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        return False
    if _about(int(number))[0] in "ZX":  # killed, and nobody has asked yet how it ended
        return True
    now = _begun(int(number))
    return _UNKNOWN not in (begun, now) and begun != now


def short(name: str) -> str:
    """The name for a person, HOST:PROCESS."""
    return ":".join(name.split(":")[:2])


@cache
def _place() -> str:
    """Where numbers of processes count: no other machine, start of it, or namespace has the same.

    A fork into another namespace begins a program of its own, which asks anew.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        spaces = [os.readlink(f"/proc/self/ns/{kind}") for kind in ("pid", "time")]
    except OSError:  # no Linux, or an old one
        return _UNKNOWN
    return hashlib.sha256(" ".join([boot, *spaces]).encode()).hexdigest()[:16]


def _begun(number: int) -> str:
    """When a process began, in ticks since the machine did."""
    return (_about(number) + 19 * [_UNKNOWN])[19]


def _about(number: int) -> list[str]:
    """What the system says of a process, from its state on."""
    try:
        about = Path(f"/proc/{number}/stat").read_text()
    except OSError:
        return [_UNKNOWN]
    return about.rpartition(")")[2].split()
