"""What comes in and goes out over HTTP, bounded and packed."""

from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from gruta.web.names import is_loopback


class TooLarge(Exception):
    """More bytes came than are taken."""

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self.most = most


async def body(request: Request, most: int) -> bytes:
    """All of it, but never more than this in memory, whatever its header says; TooLarge else."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise TooLarge(most)
        parts.append(part)
    return b"".join(parts)


class Packed(GZipMiddleware):
    """gzip for who asks from another machine: on this one it takes longer than what it saves."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pack the answer, or pass it on."""
        client = scope.get("client")
        near = client is not None and is_loopback(client[0])
        await (self.app(scope, receive, send) if near else super().__call__(scope, receive, send))
