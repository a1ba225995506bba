"""The process: it listens, until a signal ends it without dropping a stream."""

import asyncio
import contextlib
import signal
import socket
import sys
import threading
from collections.abc import Callable, Coroutine
from types import FrameType
from typing import Any

import uvicorn

from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.serve import sockets
from gruta.serve.app import Site, application
from gruta.serve.guard import Door
from gruta.serve.logs import event, tell
from gruta.serve.models import Models
from gruta.serve.settings import ServeSettings
from gruta.serve.tokens import Tokens, lines
from gruta.web.listening import address, listening
from gruta.web.names import is_loopback

_TURN = 0.0005
"""Seconds that a thread of Python runs before another has its turn: with the usual 5 ms each read
and write of a socket would wait so long while a tick is computed.
"""

PING = 20.0
"""Seconds between two pings of a stream's client, and in which it has to answer one."""

_FILES = 128
"""That a process has open beside its streams."""


def serve(models: Models, settings: ServeSettings, say: Callable[[str], None]) -> None:
    """Say where it is found, and answer until Ctrl-C or SIGTERM; InputError where it cannot."""
    server = Server(models, settings)
    sys.setswitchinterval(_TURN)
    _make_room(settings.streams)
    if settings.grpc_port:
        with listening(settings.host, settings.grpc_port, option="--grpc-port"):
            pass  # it is free
    with listening(settings.host, settings.port, backlog=2048) as listener:
        say(address(settings.host, listener))
        if not settings.token_file and not is_loopback(settings.host):
            say(_("whoever reaches this address may ask; --token-file wants a token of them"))
        tell(settings.log)
        server.run(sockets=[listener])
        event("stopped")


class Server(uvicorn.Server):
    """The first signal ends streams before the server, the second at once."""

    def __init__(self, models: Models, settings: ServeSettings) -> None:
        tokens = Tokens.of(settings.key_file)
        token = lines(settings.token_file, "token_file")[0] if settings.token_file else ""
        door = Door(settings.host, settings.name, settings.origin, token)
        self.site, self._settings = Site(models, settings, tokens, door), settings
        self._tasks: list[asyncio.Task[None]] = []
        super().__init__(
            uvicorn.Config(
                application(self.site),
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                lifespan="on",
                ws=sockets.Socket,
                ws_max_size=settings.message_kb * 1024,
                ws_ping_interval=PING,
                ws_ping_timeout=PING,
                ws_per_message_deflate=False,  # a step is a few numbers
                timeout_graceful_shutdown=2,
            )
        )

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Take SIGHUP for a question to look at the files."""
        await super().startup(sockets)
        self._loop = asyncio.get_running_loop()
        if hasattr(signal, "SIGHUP") and threading.current_thread() is threading.main_thread():
            self._loop.add_signal_handler(signal.SIGHUP, self.refresh)
        event("ready", models=self.site.models.names)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Ctrl-C or SIGTERM."""
        if self.site.stopping:
            self.should_exit = self.force_exit = True
        else:
            self.stop()

    def stop(self) -> None:
        """End streams, then the server; from any thread."""
        if self.site.stopping:
            return
        self.site.stopping = True
        self._loop.call_soon_threadsafe(lambda: self._go(self._end()))

    def refresh(self) -> None:
        """Look at the files."""
        self._go(self.site.models.refresh())

    def _go(self, act: Coroutine[Any, Any, None]) -> None:
        self._tasks = [one for one in self._tasks if not one.done()]
        self._tasks.append(self._loop.create_task(act))

    async def _end(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.stop_seconds):
                await self.site.stop()
        self.should_exit = True


def _make_room(streams: int) -> None:
    """So many files at once; InputError where the system does not let a process have them."""
    try:
        import resource
    except ImportError:  # not on Windows
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = streams + _FILES
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    if hard not in (resource.RLIM_INFINITY,) and hard < wanted:
        problem = _("this system lets a process have {hard} files open; expected at most {most}")
        most = number(hard - _FILES)
        raise InputError(streams=problem.format(hard=number(hard), most=most))
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
