"""The server's answers: the page, models, runs, and what is to be started or stopped."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles

from gruta.errors import InputError
from gruta.lab import page
from gruta.lab.guard import Guard
from gruta.lab.lab import Lab
from gruta.lab.live import Socket
from gruta.lab.sources import LARGEST
from gruta.lab.words import Refused, asked, failed, in_both
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.web.bodies import Packed, TooLarge, body

_QUESTION = 2**16
"""Bytes of a question in JSON at most."""

Answer = Callable[[Request], Awaitable[Response]]


def application(lab: Lab, token: str, host: str, assets: Path | None = None) -> Starlette:
    """All of it, guarded."""

    async def index(request: Request) -> Response:
        return Response(await _told(partial(page.index, assets)), media_type="text/html")

    async def models(request: Request) -> Response:
        return _json(await _told(lab.models))

    async def model(request: Request) -> Response:
        name = request.path_params["id"]
        return _json(await _told(lambda: lab.shelf.bundle(name).to_json()))

    async def runs(request: Request) -> Response:
        return _json(await _told(lab.trainings.listed))

    async def train(request: Request) -> Response:
        given = await _question(request)
        task, source = str(given.pop("task", "")), str(given.pop("source", ""))
        begun = await _told(partial(lab.train, task, source, given))
        return _json({"id": begun}, 201)

    async def stop(request: Request) -> Response:
        await _told(partial(lab.stop, request.path_params["id"]))
        return _json({})

    async def resume(request: Request) -> Response:
        await _told(partial(lab.resume, request.path_params["id"]))
        return _json({})

    async def make(request: Request) -> Response:
        given = await _question(request)
        await _told(partial(lab.make, str(given.get("recipe"))))
        return _json({}, 202)

    async def upload(request: Request) -> Response:
        name = request.query_params.get("name", "")
        content = await body(request, LARGEST)
        kept = await _told(partial(lab.trainings.sources.keep, content, name))
        return _json({"upload": kept}, 201)

    routes = [
        Route("/", index),
        Route("/api/bundles", models),
        Route("/api/bundles/{id}", model),
        Route("/api/runs", runs),
        Route("/api/train", train, methods=["POST"]),
        Route("/api/runs/{id}/stop", stop, methods=["POST"]),
        Route("/api/runs/{id}/resume", resume, methods=["POST"]),
        Route("/api/make", make, methods=["POST"]),
        Route("/api/upload", upload, methods=["POST"]),
        WebSocketRoute("/ws", Socket(lab).serve),
        Mount("/assets", StaticFiles(directory=assets or page.ASSETS, check_dir=False)),
    ]
    return Starlette(
        routes=routes,
        middleware=[
            Middleware(Guard, token=token, host=host),
            Middleware(Packed, minimum_size=1000, compresslevel=5),
        ],
        exception_handlers={
            Refused: _refusal,
            TooLarge: _too_large,
            HTTPException: _no_such,
            ClientDisconnect: _gone,
            Exception: _broken,
        },
    )


async def _told(act: Callable[[], Any]) -> Any:
    """What comes of it, in a thread; Refused in both languages where a person can mend it."""
    return await asyncio.to_thread(asked, act)


async def _question(request: Request) -> dict[str, Any]:
    raw = await body(request, _QUESTION)

    def read() -> dict[str, Any]:
        try:
            found = json.loads(raw)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise InputError(_("expected a question in JSON"))
        return found

    return asked(read)


def _json(content: Any, status: int = 200) -> Response:
    return JSONResponse(content, status, headers={"cache-control": "no-store"})


async def _refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return _json({"error": error.error}, error.status)


async def _too_large(request: Request, error: Exception) -> Response:
    assert isinstance(error, TooLarge)
    told = in_both(lambda: _("more than {most} bytes").format(most=number(error.most)))
    return _json({"error": told}, 413)


async def _no_such(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    told = in_both(lambda: _("there is nothing at {path}").format(path=request.url.path))
    return _json({"error": told}, error.status_code)


async def _gone(request: Request, error: Exception) -> Response:
    """Nobody reads it: the page went away while it handed something in."""
    return Response(status_code=400)


async def _broken(request: Request, error: Exception) -> Response:
    return _json({"error": failed(error)}, 500)
