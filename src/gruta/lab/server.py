"""The server: at a port of this machine, until Ctrl-C."""

import contextlib
import secrets
import signal
import socket
import threading
import webbrowser
from collections.abc import Callable, Iterator
from pathlib import Path

import uvicorn

from gruta.errors import InputError
from gruta.lab import page
from gruta.lab.api import application
from gruta.lab.guard import TOKEN
from gruta.lab.lab import Lab
from gruta.locale import language
from gruta.locale import translate as _

_MESSAGE = 8 * 2**20
"""Bytes of a question on the socket at most."""


def serve(
    lab: Lab,
    host: str,
    port: int,
    tell: Callable[[str], None],
    *,
    browse: bool = True,
    assets: Path | None = None,
) -> None:
    """Tell the address, open a browser there, and answer until an interrupt or SIGTERM, which ends
    what was started here as well. InputError where the page is not built, or the port is taken.
    """
    page.index(assets)
    token = secrets.token_urlsafe(24)
    with _listening(host, port) as listener:
        told = f"[{host}]" if ":" in host else host
        address = (
            f"http://{told}:{listener.getsockname()[1]}/?{TOKEN}={token}&lang={language()[:2]}"
        )
        tell(address)
        if browse:
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
        config = uvicorn.Config(
            application(lab, token, host, assets),
            log_level="warning",
            lifespan="off",
            ws_max_size=_MESSAGE,
            ws_per_message_deflate=False,  # nothing leaves this machine
            timeout_graceful_shutdown=2,
        )
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            with contextlib.suppress(KeyboardInterrupt):
                uvicorn.Server(config).run(sockets=[listener])
        finally:
            for name in lab.end():
                tell(_("stopped: {name}; gruta train … --resume goes on with it").format(name=name))


@contextlib.contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        if port:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except (OSError, OverflowError) as error:
            problem = _("cannot listen at {host}, port {port}: {error}; name another by --port")
            raise InputError(problem.format(host=host, port=port, error=error)) from error
        listener.listen()  # so that a browser which is faster than the server waits for it
        yield listener
