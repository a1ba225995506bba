"""The library's WebSocket, with an end for those who do not read, and a short way for messages.

The usual way of a message, through a queue, two tasks and the pausing and resuming of the socket,
costs more than a step of a small network. Where nothing else is under way one goes from the
library's parser to the stream at once, and an answer from the stream to the library.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

LINGER = 2.0
"""Seconds that what was written has to get away once a socket is to close."""

BUFFER = 2**16
"""Bytes that the system keeps of what was not read, in each direction."""

STATE = "gruta.socket"
"""Where the application finds it in a connection's state."""


class Socket(WebSocketsSansIOProtocol):
    """A close by the protocol waits until all that was written before is read, which may be never;
    so a transport that is to close is cut off soon after.

    take: is offered each whole message in bytes before it waits for the application; whether it has
    taken it.
    """

    take: Callable[[bytes], bool] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the system's own buffers small: else they hold megabytes of a client that does not
        read, or is not read.
        """
        super().connection_made(transport)
        self.transport.set_write_buffer_limits(high=BUFFER // 4)
        carrier = self.transport.get_extra_info("socket")
        if carrier is not None:
            carrier.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
            carrier.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)

    async def run_asgi(self) -> None:
        """Let the application know of this socket."""
        self.scope["state"][STATE] = self
        await super().run_asgi()

    def handle_bytes(self, event: Frame) -> None:
        """Offer it; what is not taken, or comes while others wait, goes the usual way."""
        short = self.take is not None and event.fin and self.queue.empty()
        if short and not self.close_sent and self.take(bytes(event.data)):  # type: ignore[misc]
            return
        super().handle_bytes(event)

    def say(self, message: bytes) -> bool:
        """Write it now; False where the client does not take it now, or is gone."""
        ready = self.writable.is_set() and self.handshake_complete
        if not ready or self.close_sent or self.disconnected or self.transport.is_closing():
            return False
        self.conn.send_binary(message)
        self.transport.write(b"".join(self.conn.data_to_send()))
        return True

    def keepalive_timeout(self) -> None:
        """A peer that answers no ping reads nothing either."""
        super().keepalive_timeout()
        self._cut_off()

    def end(self, code: int, reason: str) -> None:
        """Close now, whatever waits to be read; the reason may reach who reads on."""
        if not self.close_sent and not self.transport.is_closing():
            self.conn.send_close(code, reason)
            self.close_sent = True
            self.transport.write(b"".join(self.conn.data_to_send()))
        self.stop_keepalive()
        self.transport.close()
        self._cut_off()

    def _cut_off(self) -> None:
        asyncio.get_running_loop().call_later(LINGER, self.transport.abort)


def of(scope: Any) -> Socket | None:
    """The socket of a connection; None under a test's client, which has none."""
    found: Socket | None = scope.get("state", {}).get(STATE)
    return found
