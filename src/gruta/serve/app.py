"""The server's answers over HTTP, and where its sockets begin."""

import asyncio
import contextvars
import json
import os
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import numpy as np
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

import gruta
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.serve import openapi, protocol
from gruta.serve.guard import PROTOCOL, Door, Guard, denied
from gruta.serve.live import House, Live
from gruta.serve.logs import event, log
from gruta.serve.metrics import Metrics
from gruta.serve.misfits import fitted, parsed
from gruta.serve.models import Models, Slot, Version
from gruta.serve.protocol import refusal
from gruta.serve.settings import ServeSettings
from gruta.serve.tokens import Tokens
from gruta.serve.traces import Exported, Traces
from gruta.web.bodies import Packed, TooLarge, body

_LOOK = 1.0
"""Seconds between two looks at files and streams."""

_GRACE = 2.0
"""Seconds that calls of gRPC have to end."""


class NoSuch(Exception):
    """No model has this name."""


class Site:
    """Models and streams, as the application has them while it runs."""

    def __init__(self, models: Models, settings: ServeSettings, tokens: Tokens, door: Door) -> None:
        self.models, self.settings, self.door = models, settings, door
        self.metrics = Metrics(models.names)
        self.lives: set[Live] = set()
        self.stopping = False
        self.tokens, self._asked, self._open = tokens, 0, 0
        self._service: Any = None
        self._traces = Exported(settings.traces) if settings.traces else Traces()
        self._tasks: list[asyncio.Task[None]] = []

    @asynccontextmanager
    async def running(self, app: Starlette) -> AsyncIterator[None]:
        """Between the first question and the last."""
        cores = os.cpu_count() or 1
        ticks = ThreadPoolExecutor(len(self.models.names) + 1, "gruta-tick")
        self._asides = ThreadPoolExecutor(4, "gruta-aside")
        self._answers = ThreadPoolExecutor(cores, "gruta-predict")
        self.models.open(self.settings.budget_ms / 1000, self.metrics.of, ticks)
        self._house = House(self.settings, self.tokens, self._asides)
        self._tasks = [asyncio.create_task(self._look())]
        if self.settings.grpc_port:
            from gruta.serve import inference

            self._grpc, self._service = await inference.opened(self)
        try:
            yield
        finally:
            if self._service is not None:
                await self._grpc.stop(0)
            await asyncio.to_thread(self._traces.close)
            for task in self._tasks:
                task.cancel()
            self.models.close()
            for pool in (ticks, self._asides, self._answers):
                pool.shutdown(wait=False, cancel_futures=True)

    async def _look(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(min(_LOOK, self.settings.idle_seconds / 4))
            try:
                for live in list(self.lives):
                    live.check(loop.time())
                if self._service is not None:
                    self._service.check(loop.time())
                self.models.sweep()
                if self.settings.reload:
                    await self.models.refresh()
            except Exception as error:
                log.error("look_failed", exc_info=error)

    async def stop(self) -> None:
        """Take no new streams, and end those that are open: their steps answered, with a snapshot
        each.
        """
        self.stopping = True
        event("stopping", streams=len(self.lives))
        finishing = [live.finish("stopping", protocol.RESTART) for live in list(self.lives)]
        if self._service is not None:
            finishing.append(self._grpc.stop(_GRACE))
        await asyncio.gather(*finishing)
        while self.lives:
            await asyncio.sleep(0.02)

    async def stream(self, socket: WebSocket) -> None:
        """A stream of its own, as long as the socket is open."""
        refused = self._refused(socket.path_params["model"])
        if refused is not None:
            self.metrics.refused[refused[1]] += 1
            await denied(socket.scope, socket.receive, socket.send, *refused)
            return
        slot = self.models.get(socket.path_params["model"])
        assert slot is not None
        live = Live(socket, slot, self._house)
        self.lives.add(live)
        self.began(slot.name)
        offered = socket.scope.get("subprotocols", ())
        try:
            await socket.accept(PROTOCOL if PROTOCOL in offered else None)
            event("stream_opened", model=slot.name, client=_host(socket))
            with self._traces.span("stream", socket.headers, model=slot.name) as live.span:
                await live.serve()
                live.span.tell(steps=live.steps, reason=live.reason)
        finally:
            self.lives.discard(live)
            self.ended(slot.name, live.reason)
            seconds = round(asyncio.get_running_loop().time() - live.began_at, 3)
            event("stream_closed", model=slot.name, reason=live.reason, seconds=seconds)

    def _refused(self, name: str) -> tuple[int, str, str] | None:
        """Why no stream of this model begins now."""
        slot = self.models.get(name)
        if slot is None:
            return 404, protocol.UNKNOWN, self.unknown(name)
        if slot.newest.served.stream is None:
            return 409, protocol.NO_STREAM, slot.no_stream()
        if self.stopping:
            return 503, protocol.STOPPING, _("the server is to stop; ask another one")
        if self.is_full():
            return 503, protocol.BUSY, self.full()
        return None

    def is_full(self) -> bool:
        """Whether no stream more may begin."""
        return self._open >= self.settings.streams

    def full(self) -> str:
        """That it is."""
        problem = _("all {most} streams are taken; try again later")
        return problem.format(most=number(self.settings.streams))

    def began(self, model: str) -> None:
        """A stream has."""
        self._open += 1
        self.metrics.of[model].open += 1
        self.metrics.of[model].begun += 1

    def ended(self, model: str, reason: str) -> None:
        """A stream has."""
        self._open -= 1
        self.metrics.of[model].open -= 1
        self.metrics.of[model].closed[reason] += 1

    async def aside(self, act: Callable[[], Any]) -> Any:
        """What comes of it, in a thread that is no ticker's."""
        return await _in(self._asides, act)

    def slot(self, request: Request) -> Slot:
        """The model of an address; NoSuch where there is none."""
        name = request.path_params["model"]
        found = self.models.get(name)
        if found is None:
            raise NoSuch(self.unknown(name))
        return found

    def unknown(self, name: str) -> str:
        """That no model has this name."""
        problem = _("no model is called {name!r}; there are: {known}")
        return problem.format(name=name, known=", ".join(self.models.names))

    async def predict(self, request: Request) -> Response:
        """A model's answer to a question."""
        slot = self.slot(request)
        metrics, loop = self.metrics.of[slot.name], asyncio.get_running_loop()
        began = loop.time()
        with self._traces.span("predict", request.headers, model=slot.name) as span:
            response = await self._predict(request, slot)
            span.tell(status=response.status_code)
        metrics.answered[str(response.status_code)] += 1
        metrics.predict.add(loop.time() - began)
        return response

    async def _predict(self, request: Request, slot: Slot) -> Response:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            return _error(415, "type", _("expected a body of the type application/json"))
        raw = await body(request, self.settings.body_kb * 1024)
        return await self.whole(partial(answered, slot.newest, raw))

    async def whole(self, act: Callable[[], Response]) -> Response:
        """What a thread answers to a whole question, if not too many wait."""
        if self.stopping:
            return _error(503, protocol.STOPPING, _("the server is to stop; ask another one"))
        if self._asked >= self.settings.waiting:
            return _error(503, protocol.BUSY, _("too many questions wait; try again later"))
        self._asked += 1
        try:
            found: Response = await _in(self._answers, act)
            return found
        finally:
            self._asked -= 1


def application(site: Site) -> Starlette:
    """All of it, guarded."""

    async def health(request: Request) -> Response:
        alive = site.models.alive()
        return _json({"status": "alive" if alive else "broken"}, 200 if alive else 503)

    async def ready(request: Request) -> Response:
        return _json(
            {"status": "stopping" if site.stopping else "ready"}, 503 if site.stopping else 200
        )

    async def metrics(request: Request) -> Response:
        return Response(site.metrics.text(), media_type=CONTENT_TYPE_PLAIN_0_0_4)

    async def document(request: Request) -> Response:
        known = bool(site.door.token)
        return _json(openapi.document(site.models, gruta.__version__, token=known))

    async def models(request: Request) -> Response:
        return _json({"models": [slot.about() for slot in site.models]})

    async def model(request: Request) -> Response:
        return _json(site.slot(request).about())

    routes = [
        Route("/healthz", health),
        Route("/readyz", ready),
        Route("/metrics", metrics),
        Route("/openapi.json", document),
        Route("/v1/models", models),
        Route("/v1/{model}", model),
        Route("/v1/{model}/predict", site.predict, methods=["POST"]),
        WebSocketRoute("/v1/{model}/stream", site.stream),
    ]
    return Starlette(
        routes=routes,
        lifespan=site.running,
        middleware=[
            Middleware(
                CORSMiddleware,  # pages of other origins may read what they may ask
                allow_origins=list(site.door.origins),
                allow_methods=["GET", "POST"],
                allow_headers=["authorization", "content-type"],
            ),
            Middleware(Guard, door=site.door, refused=site.metrics.refused),
            Middleware(Packed, minimum_size=1000, compresslevel=5),
        ],
        exception_handlers={
            TooLarge: _too_large,
            NoSuch: _no_model,
            HTTPException: _no_such,
            ClientDisconnect: _gone,
            Exception: _broken,
        },
    )


def _host(socket: WebSocket) -> str:
    return socket.client.host if socket.client is not None else ""


def answered(version: Version, raw: bytes) -> Response:
    """In a thread: what the model says, or what does not fit."""
    try:
        given = parsed(raw)
    except InputError as error:
        return _error(400, "json", str(error))
    try:
        served = version.served
        with np.errstate(all="ignore"):  # weights may be of any size
            found = served.answer(version.model, fitted(served.question, given))
    except InputError as error:
        return _error(422, protocol.MISFIT, str(error))
    return _json(found)


async def _in(pool: Executor, act: Callable[[], Any]) -> Any:
    """In a thread, in the language in use."""
    context = contextvars.copy_context()
    return await asyncio.get_running_loop().run_in_executor(pool, context.run, act)


def _json(content: Any, status: int = 200) -> Response:
    raw = json.dumps(content, allow_nan=False, separators=(",", ":")).encode()
    return Response(raw, status, {"cache-control": "no-store"}, "application/json")


def _error(status: int, code: str, message: str) -> Response:
    return _json({"error": refusal(code, message)}, status)


async def _too_large(request: Request, error: Exception) -> Response:
    assert isinstance(error, TooLarge)
    return _error(413, "large", _("more than {most} bytes").format(most=number(error.most)))


async def _no_model(request: Request, error: Exception) -> Response:
    return _error(404, protocol.UNKNOWN, str(error))


async def _no_such(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    problem = _("{verb} finds nothing at {path}")
    told = problem.format(verb=request.method, path=request.url.path)
    found = _error(error.status_code, protocol.UNKNOWN, told)
    found.headers.update(error.headers or {})
    return found


async def _gone(request: Request, error: Exception) -> Response:
    return Response(status_code=400)


async def _broken(request: Request, error: Exception) -> Response:
    return _error(500, protocol.FAILED, _("the server failed; its log tells more"))
