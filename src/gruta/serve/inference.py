"""The Open Inference Protocol v2 over gRPC, with the sequences of Triton's stateful models.

A request with a `sequence_id` is a step of a stream: `sequence_start` begins it, `sequence_end`
ends it after its answer. One without is a whole question. README.md says which tensors there are.
The messages are those that tritonclient ships.
"""

import asyncio
import contextvars
import json
import secrets
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import grpc
import numpy as np
from tritonclient.grpc import service_pb2 as pb
from tritonclient.grpc import service_pb2_grpc as services

import gruta
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.runtime.stream import Stream
from gruta.serve.app import Site, answered
from gruta.serve.logs import event
from gruta.serve.misfits import parsed
from gruta.serve.models import Opened, Slot
from gruta.serve.protocol import HEADER
from gruta.serve.tensors import (
    ANSWER,
    FLOAT,
    NUMBERS,
    QUESTION,
    RESULT,
    STEP,
    TEXT,
    VALUES,
    Code,
    Refused,
    flag,
    one_text,
    response,
    sequence_id,
    step_of,
    tensors_of,
)
from gruta.serve.ticker import Said, Step
from gruta.tasks.served import Teller


@dataclass(eq=False)
class Sequence:
    """A stream without a socket of its own, which whoever knows its id may step."""

    opened: Opened
    pending: deque[Step] = field(default_factory=deque)
    waiting: deque[asyncio.Future[tuple[Said, bool]]] = field(default_factory=deque)
    context: contextvars.Context = field(default_factory=contextvars.copy_context)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    asked_at: float = 0.0

    @property
    def stream(self) -> Stream[Any]:
        """As a ticker needs to know it."""
        return self.opened.stream

    @property
    def teller(self) -> Teller:
        """As a ticker needs to know it."""
        return self.opened.teller

    def answered(self, step: Step, said: Said, broken: bool) -> None:
        """Pass it on to who asked."""
        future = self.waiting.popleft()
        if not future.done():
            future.set_result((said, broken))


class Service(services.GRPCInferenceServiceServicer):  # type: ignore[misc]
    """What a client of Triton asks."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._sequences: dict[tuple[str, str], Sequence] = {}

    async def ServerLive(self, request: Any, context: Any) -> Any:
        """Whether the process works."""
        return pb.ServerLiveResponse(live=self._site.models.alive())

    async def ServerReady(self, request: Any, context: Any) -> Any:
        """Whether it takes new streams."""
        return pb.ServerReadyResponse(ready=not self._site.stopping)

    async def ModelReady(self, request: Any, context: Any) -> Any:
        """Whether a model is there."""
        there = self._site.models.get(request.name) is not None
        return pb.ModelReadyResponse(ready=there and not self._site.stopping)

    async def ServerMetadata(self, request: Any, context: Any) -> Any:
        """Which server this is."""
        return pb.ServerMetadataResponse(
            name="gruta", version=gruta.__version__, extensions=["sequence", "parameters"]
        )

    async def ModelMetadata(self, request: Any, context: Any) -> Any:
        """Which tensors a model takes and gives."""
        slot = await self._told(context, self._slot, request.name)
        inputs, outputs = [(QUESTION, TEXT)], [(ANSWER, TEXT)]
        streamed = slot.newest.served.stream
        if streamed is not None:
            inputs, outputs = [*inputs, (STEP, TEXT)], [*outputs, (RESULT, TEXT)]
            if streamed.unpacked is not None:
                inputs, outputs = [*inputs, (NUMBERS, FLOAT)], [*outputs, (VALUES, FLOAT)]
        kind = pb.ModelMetadataResponse.TensorMetadata
        return pb.ModelMetadataResponse(
            name=slot.name,
            versions=["1"],
            platform=f"gruta_{slot.newest.model.task}",
            inputs=[kind(name=n, datatype=t, shape=[-1]) for n, t in inputs],
            outputs=[kind(name=n, datatype=t, shape=[-1]) for n, t in outputs],
        )

    async def ModelInfer(self, request: Any, context: Any) -> Any:
        """One question, or one step of a stream."""
        try:
            return await (await self._asked(request))
        except Refused as error:
            return await context.abort(error.code, str(error))

    async def ModelStreamInfer(self, requests: Any, context: Any) -> AsyncIterator[Any]:
        """Many of them; answers come in the order of the requests."""
        most = self._site.settings.queue
        coming: asyncio.Queue[tuple[Any, Awaitable[Any]] | None] = asyncio.Queue(most)

        async def read() -> None:
            try:
                async for request in requests:
                    await coming.put((request, await self._asked_or_refused(request)))
            finally:
                await coming.put(None)

        reading = asyncio.create_task(read())
        try:
            while (one := await coming.get()) is not None:
                request, answer = one
                try:
                    yield pb.ModelStreamInferResponse(infer_response=await answer)
                except Refused as error:
                    told = pb.ModelInferResponse(id=request.id, model_name=request.model_name)
                    yield pb.ModelStreamInferResponse(error_message=str(error), infer_response=told)
        finally:
            reading.cancel()

    async def _told(self, context: Any, act: Callable[..., Any], *given: Any) -> Any:
        try:
            return act(*given)
        except Refused as error:
            return await context.abort(error.code, str(error))

    async def _asked_or_refused(self, request: Any) -> Awaitable[Any]:
        try:
            return await self._asked(request)
        except Refused as error:
            future = asyncio.get_running_loop().create_future()
            future.set_exception(error)
            return future

    async def _asked(self, request: Any) -> Awaitable[Any]:
        """What its answer will be; steps of a stream wait in their order from here on."""
        slot, named = self._slot(request.model_name), sequence_id(request)
        tensors = tensors_of(request)
        if named is None:
            return asyncio.ensure_future(self._whole(request, slot, tensors))
        sequence = await self._of(request, slot, named)
        async with sequence.lock:
            return self._submitted(request, slot, named, sequence, tensors)

    def _slot(self, name: str) -> Slot:
        found = self._site.models.get(name)
        if found is None:
            raise Refused(Code.NOT_FOUND, self._site.unknown(name))
        return found

    async def _whole(self, request: Any, slot: Slot, tensors: dict[str, Any]) -> Any:
        if tensors.keys() != {QUESTION}:
            problem = _("expected the tensor {name} alone, or a sequence_id")
            raise Refused(Code.INVALID_ARGUMENT, problem.format(name=QUESTION))
        found = await self._site.whole(lambda: answered(slot.newest, one_text(tensors[QUESTION])))
        if found.status_code != 200:
            code = {503: Code.UNAVAILABLE, 500: Code.INTERNAL}.get(
                found.status_code, Code.INVALID_ARGUMENT
            )
            raise Refused(code, json.loads(bytes(found.body))["error"]["message"])
        return response(request, ANSWER, bytes(found.body))

    async def _of(self, request: Any, slot: Slot, named: str) -> Sequence:
        """The stream of a request; a new one where that starts it."""
        key, site = (slot.name, named), self._site
        if not flag(request, "sequence_start"):
            found = self._sequences.get(key)
            if found is None:
                problem = _("no stream has the sequence_id {name!r}; start it by sequence_start")
                raise Refused(Code.FAILED_PRECONDITION, problem.format(name=named))
            return found
        if site.stopping:
            raise Refused(Code.UNAVAILABLE, _("the server is to stop; ask another one"))
        if key not in self._sequences and site.is_full():
            raise Refused(Code.RESOURCE_EXHAUSTED, site.full())
        try:
            opened = await site.aside(lambda: self._opened(request, slot))
        except InputError as error:
            raise Refused(Code.INVALID_ARGUMENT, str(error)) from None
        self._end(key, "restarted")
        sequence = Sequence(opened, asked_at=asyncio.get_running_loop().time())
        self._sequences[key] = sequence
        opened.version.enter(sequence)
        site.began(slot.name)
        return sequence

    def _opened(self, request: Any, slot: Slot) -> Opened:
        parameters = request.parameters
        if "resume" in parameters:
            return slot.resumed(self._site.tokens.state(parameters["resume"].string_param))
        begin = parameters["begin"].string_param if "begin" in parameters else "{}"
        return slot.begun(parsed(begin))

    def _submitted(
        self, request: Any, slot: Slot, named: str, sequence: Sequence, tensors: dict[str, Any]
    ) -> Awaitable[Any]:
        loop, opened = asyncio.get_running_loop(), sequence.opened
        if len(sequence.pending) >= self._site.settings.queue:
            problem = _("{count} steps of this stream wait already; await their answers")
            told = problem.format(count=len(sequence.pending))
            raise Refused(Code.RESOURCE_EXHAUSTED, told)
        try:
            asked, content = step_of(opened, tensors)
        except InputError as error:
            raise Refused(Code.INVALID_ARGUMENT, str(error)) from None
        future: asyncio.Future[tuple[Said, bool]] = loop.create_future()
        sequence.waiting.append(future)
        sequence.asked_at = loop.time()
        steps = opened.streamed.steps(content)
        assert opened.version.ticker is not None
        opened.version.ticker.submit(sequence, Step(asked, content, steps, sequence.asked_at))
        return asyncio.ensure_future(self._answer(request, slot, named, sequence, future))

    async def _answer(
        self,
        request: Any,
        slot: Slot,
        named: str,
        sequence: Sequence,
        future: "asyncio.Future[tuple[Said, bool]]",
    ) -> Any:
        said, broken = await future
        token = ""
        if flag(request, "snapshot") and not broken:
            token = await self._snapshot(sequence)
        if broken or flag(request, "sequence_end"):
            self._end((slot.name, named), "failed" if broken else "client", sequence)
        if isinstance(said, bytes):
            return response(request, VALUES, np.frombuffer(said, "<f4", offset=HEADER.size), token)
        found = json.loads(said)
        if "error" in found:
            code = Code.INTERNAL if broken else Code.INVALID_ARGUMENT
            raise Refused(code, found["error"]["message"])
        return response(request, RESULT, said.encode(), token)

    async def _snapshot(self, sequence: Sequence) -> str:
        async with sequence.lock:  # no step is submitted meanwhile
            if sequence.waiting:
                await asyncio.wait(list(sequence.waiting))
            stream, tokens = sequence.stream, self._site.tokens
            found: str = await self._site.aside(lambda: tokens.made(stream.to_bytes()))
            return found

    def _end(self, key: tuple[str, str], reason: str, sequence: Sequence | None = None) -> None:
        found = self._sequences.get(key)
        if found is None or (sequence is not None and found is not sequence):
            return
        del self._sequences[key]
        version = found.opened.version
        if version.ticker is not None:
            version.ticker.forget(found)
        version.leave(found)
        for future in found.waiting:
            if not future.done():
                future.set_exception(Refused(Code.ABORTED, _("the stream is ending")))
        self._site.ended(key[0], reason)

    def check(self, now: float) -> None:
        """End those to which nothing came for long."""
        limit = self._site.settings.idle_seconds
        for key, sequence in list(self._sequences.items()):
            if not sequence.pending and now - sequence.asked_at > limit:
                self._end(key, "idle", sequence)


class _Bearer(grpc.aio.ServerInterceptor):  # type: ignore[misc]
    """Lets nobody in without the token."""

    def __init__(self, token: str) -> None:
        self._token = f"Bearer {token}".encode()

        async def refuse(request: Any, context: Any) -> None:
            problem = _("the token is missing or wrong: Authorization: Bearer TOKEN")
            await context.abort(Code.UNAUTHENTICATED, problem)

        self._refuse = refuse

    async def intercept_service(self, go_on: Any, details: Any) -> Any:
        """One call."""
        given = dict(details.invocation_metadata).get("authorization", "")
        handler = await go_on(details)
        if secrets.compare_digest(str(given).encode(), self._token) or handler is None:
            return handler
        if handler.response_streaming:
            return grpc.stream_stream_rpc_method_handler(_refusing_stream)
        return grpc.unary_unary_rpc_method_handler(self._refuse)


async def _refusing_stream(requests: Any, context: Any) -> AsyncIterator[Any]:
    problem = _("the token is missing or wrong: Authorization: Bearer TOKEN")
    await context.abort(Code.UNAUTHENTICATED, problem)
    yield None


async def opened(site: Site) -> tuple[Any, Service]:
    """A server that answers at the port of the settings; InputError where that is taken."""
    settings = site.settings
    token = site.door.token
    size = settings.body_kb * 1024
    server = grpc.aio.server(
        interceptors=[_Bearer(token)] if token else [],
        options=[("grpc.max_receive_message_length", size), ("grpc.so_reuseport", 0)],
    )
    service = Service(site)
    services.add_GRPCInferenceServiceServicer_to_server(service, server)
    at = f"[{settings.host}]" if ":" in settings.host else settings.host
    server.add_insecure_port(f"{at}:{settings.grpc_port}")
    await server.start()
    event("grpc_ready", port=settings.grpc_port)
    return server, service
