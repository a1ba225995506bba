"""Two machines, as network namespaces of this one: each has its own interfaces and addresses."""

import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress

NEEDS = "network namespaces need root and iproute2"


def possible() -> bool:
    """Whether this process may make them."""
    if os.name != "posix" or os.geteuid() or not shutil.which("ip"):
        return False
    name = f"gruta-{uuid.uuid4().hex[:6]}"
    if _ip("netns", "add", name):
        return False
    _ip("netns", "del", name)
    return True


class Host:
    """A namespace with an address on a cable to the other one."""

    def __init__(self, name: str, address: str, cable: str) -> None:
        self.name, self.address, self._cable = name, address, cable

    @property
    def prefix(self) -> list[str]:
        """What a command begins with that runs there."""
        return ["ip", "netns", "exec", self.name]

    def unplug(self) -> None:
        """Pull the cable: nothing is told to anybody."""
        _ip("-n", self.name, "link", "set", self._cable, "down")


@contextmanager
def two_hosts() -> Iterator[tuple[Host, Host]]:
    """Two that are joined by a cable."""
    own = uuid.uuid4().hex[:5]
    hosts = tuple(Host(f"gruta-{own}-{i}", f"10.77.0.{i + 1}", f"gr{own}{i}") for i in (0, 1))
    try:
        for host in hosts:
            _ip("netns", "add", host.name)
        cables = [host._cable for host in hosts]
        _ip("link", "add", cables[0], "type", "veth", "peer", "name", cables[1])
        for host in hosts:
            _ip("link", "set", host._cable, "netns", host.name)
            _ip("-n", host.name, "addr", "add", f"{host.address}/24", "dev", host._cable)
            _ip("-n", host.name, "link", "set", host._cable, "up")
            _ip("-n", host.name, "link", "set", "lo", "up")
        yield hosts[0], hosts[1]
    finally:
        for host in hosts:
            with suppress(OSError):
                _ip("netns", "del", host.name)


def _ip(*arguments: str) -> int:
    return subprocess.run(["ip", *arguments], capture_output=True, check=False).returncode
