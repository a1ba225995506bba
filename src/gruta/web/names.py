"""By which names a server is called. A page of another site can make a name of its own point here;
it cannot choose the headers Host and Origin that a browser sends.
"""

import ipaddress
import socket
from collections.abc import Collection, Iterable
from urllib.parse import urlsplit


def is_ours(host: str, at: str, more: Collection[str] = ()) -> bool:
    """Whether the header Host calls the server that listens at this address by a name of its own.

    more: names that it has beside. A server for all answers to any address in numbers as well.
    """
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    return name in _names(at) or name in more or (not is_loopback(at) and is_address(name))


def is_same(origin: str | None, host: str) -> bool:
    """Whether a page of this server asks, or no page at all."""
    return origin is None or urlsplit(origin)[:2] in (("http", host), ("https", host))


def is_loopback(host: str) -> bool:
    """Whether a name or address is this machine alone."""
    return host == "localhost" or (is_address(host) and ipaddress.ip_address(host).is_loopback)


def is_address(name: str) -> bool:
    """Whether it is an address in numbers."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _names(at: str) -> Iterable[str]:
    own = {at, "localhost", "127.0.0.1", "::1"}
    return own if is_loopback(at) else {*own, socket.gethostname().lower()}
