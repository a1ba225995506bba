"""Who may ask the server: this page alone, with the token that its address has."""

import secrets

from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gruta.lab.words import in_both
from gruta.locale import translate as _
from gruta.web.names import is_ours, is_same

TOKEN = "token"
_OPEN = ("/", "/assets/", "/favicon.ico")
"""What says nothing of anybody's models: the page itself."""

_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; "
    "media-src data:; worker-src 'self' blob:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "referrer-policy": "no-referrer",  # the address has the token
    "x-content-type-options": "nosniff",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


class Guard:
    """Around the application: 403 for who comes by another name, from another page, or without the
    token.

    host: the address that the server listens at. A page of another site may send requests here, and
    make a name of its own point here; it cannot choose Host and Origin, and knows no token.
    """

    def __init__(self, app: ASGIApp, token: str, host: str) -> None:
        self._app, self._token, self._host = app, token, host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let through what may pass."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
        elif (reason := self._refused(scope)) is None:
            await self._app(scope, receive, _with_headers(send))
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": reason["en"][:120]})
        else:
            await JSONResponse({"error": reason}, 403)(scope, receive, _with_headers(send))

    def _refused(self, scope: Scope) -> dict[str, str] | None:
        headers, path = Headers(scope=scope), scope["path"]
        host = headers.get("host", "")
        if not is_ours(host, self._host):
            return in_both(lambda: _("this server is not called by that name"))
        if not is_same(headers.get("origin"), host):
            return in_both(lambda: _("another page may not ask this server"))
        if path in _OPEN or path.startswith("/assets/"):
            return None
        given = QueryParams(scope["query_string"]).get(TOKEN) or headers.get("x-gruta-token", "")
        if not secrets.compare_digest(given.encode(), self._token.encode()):
            return in_both(lambda: _("the token is wrong; open the address that gruta lab printed"))
        return None


def _with_headers(send: Send) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers[name] = value
        await send(message)

    return sent
