"""A port to listen at."""

import contextlib
import socket
from collections.abc import Iterator

from gruta.errors import InputError
from gruta.locale import translate as _


@contextlib.contextmanager
def listening(
    host: str, port: int, backlog: int = 128, option: str = "--port"
) -> Iterator[socket.socket]:
    """A socket that listens, at a free port where 0 is given; InputError where it cannot, which
    names the option that says another one.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        if port:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except (OSError, OverflowError) as error:
            problem = _("cannot listen at {host}, port {port}: {error}; name another by {option}")
            raise InputError(
                problem.format(host=host, port=port, error=error, option=option)
            ) from error
        listener.listen(backlog)  # so that who is faster than the server waits for it
        yield listener


def address(host: str, listener: socket.socket) -> str:
    """Where it is found, such as http://127.0.0.1:8000."""
    told = f"[{host}]" if ":" in host else host
    return f"http://{told}:{listener.getsockname()[1]}"
