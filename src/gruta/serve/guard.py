"""Who may ask: by a name of the server, from no other site's page, with its token if it has one."""

import secrets
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from gruta.locale import spoken
from gruta.locale import translate as _
from gruta.serve.protocol import refusal
from gruta.web.names import is_ours, is_same

OPEN = ("/healthz", "/readyz")
"""What whoever looks after the process may ask without the token."""

PROTOCOL, BEARER = "gruta.v1", "bearer."
"""Subprotocols: that which is spoken, and how a page bears the token, as it can set no header."""


@dataclass(frozen=True)
class Door:
    """host: where the server listens. names, origins: those beside its own."""

    host: str
    names: Collection[str] = ()
    origins: Collection[str] = ()
    token: str = ""


class Guard:
    """Around the application: 403 for a name or a page that is not ours, 401 without the token."""

    def __init__(self, app: ASGIApp, door: Door, refused: Counter[str]) -> None:
        self._app, self._door, self._refused = app, door, refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let through what may pass, in the language that it asks for."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if language := _language(headers.get("accept-language", "")):
            with spoken(language):
                await self._let(scope, headers, receive, send)
        else:
            await self._let(scope, headers, receive, send)

    async def _let(self, scope: Scope, headers: Headers, receive: Receive, send: Send) -> None:
        reason = self._reason(scope, headers)
        if reason is None:
            await self._app(scope, receive, send)
            return
        status, code, message = reason
        self._refused[code] += 1
        more = {"www-authenticate": "Bearer"} if status == 401 else None
        await denied(scope, receive, send, status, code, message, more)

    def _reason(self, scope: Scope, headers: Headers) -> tuple[int, str, str] | None:
        door, host = self._door, headers.get("host", "")
        if not is_ours(host, door.host, door.names):
            problem = _("this server is not called by that name; gruta serve --name gives it one")
            return 403, "host", problem
        origin = headers.get("origin")
        if not is_same(origin, host) and origin not in door.origins:
            problem = _("another page may not ask this server; gruta serve --origin lets it")
            return 403, "origin", problem
        if scope["path"] in OPEN or not door.token:
            return None
        if not secrets.compare_digest(_borne(scope, headers).encode(), door.token.encode()):
            return 401, "token", _("the token is missing or wrong: Authorization: Bearer TOKEN")
        return None


def _borne(scope: Scope, headers: Headers) -> str:
    kind, _blank, given = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return given.strip()
    protocols: list[str] = scope.get("subprotocols", [])
    offered = (one.removeprefix(BEARER) for one in protocols if one.startswith(BEARER))
    return next(offered, "")


def _language(accepted: str) -> str:
    first = accepted.partition(",")[0].strip().lower()
    return {"pt": "pt_BR", "en": "en"}.get(first[:2], "")


async def denied(
    scope: Scope,
    receive: Receive,
    send: Send,
    status: int,
    code: str,
    message: str,
    headers: dict[str, str] | None = None,
) -> None:
    """Say so, and why, to whoever asked by HTTP or for a socket."""
    answer = JSONResponse({"error": refusal(code, message)}, status, headers)
    if scope["type"] == "http":
        await answer(scope, receive, send)
        return
    await receive()
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008, "reason": message[:120]})
        return
    raw = answer.raw_headers
    await send({"type": "websocket.http.response.start", "status": status, "headers": raw})
    await send({"type": "websocket.http.response.body", "body": answer.body})
