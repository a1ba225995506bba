"""The server: at a port of this machine, until Ctrl-C."""

import contextlib
import secrets
import signal
import threading
import webbrowser
from collections.abc import Callable
from pathlib import Path

import uvicorn

from gruta.errors import InputError
from gruta.lab import page
from gruta.lab.api import application
from gruta.lab.guard import TOKEN
from gruta.lab.lab import Lab
from gruta.locale import language
from gruta.locale import translate as _
from gruta.web.listening import address, listening

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
    threading.Thread(target=_prepare, args=(lab,), daemon=True).start()
    token = secrets.token_urlsafe(24)
    with listening(host, port) as listener:
        page_at = f"{address(host, listener)}/?{TOKEN}={token}&lang={language()[:2]}"
        tell(page_at)
        if browse:
            threading.Thread(target=webbrowser.open, args=(page_at,), daemon=True).start()
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


def _prepare(lab: Lab) -> None:
    """What the page asks for first, while the browser starts: it reads catalogues and folders."""
    with contextlib.suppress(InputError, OSError):
        lab.models()
