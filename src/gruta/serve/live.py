"""One stream and its socket: what is read, what waits, what is written, and how it ends."""

import asyncio
import contextvars
import json
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.runtime.stream import Stream
from gruta.serve import protocol, sockets
from gruta.serve.logs import log
from gruta.serve.misfits import fitted
from gruta.serve.models import Opened, Slot, Version
from gruta.serve.protocol import Asked
from gruta.serve.settings import ServeSettings
from gruta.serve.ticker import Said, Step
from gruta.serve.tokens import Tokens
from gruta.serve.traces import Span
from gruta.tasks.served import Teller

_WRONG = 16
"""Frames in a row that are none, after which a client is closed."""


@dataclass(frozen=True)
class House:
    """What all streams of a server share."""

    settings: ServeSettings
    tokens: Tokens
    pool: Executor


class Live:
    """A client's stream, on the weights of the version that it began on.

    asked_at: seconds, by the loop, of the last frame that came. sending: since when a frame waits
    to be taken by the socket; None when none does.
    """

    stream: Stream[Any]
    teller: Teller

    def __init__(self, socket: WebSocket, slot: Slot, house: House) -> None:
        self._socket, self._slot, self._house = socket, slot, house
        self._loop = asyncio.get_running_loop()
        self.context, self._own = contextvars.copy_context(), contextvars.copy_context()
        self.pending: deque[Step] = deque()
        self.version: Version | None = None
        self.asked_at, self.sending = self._loop.time(), None
        self.began_at = self.asked_at
        self.span, self.steps = Span(), 0
        self._outbox: deque[Said] = deque()
        self._room, self._news, self._quiet = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._empty = asyncio.Event()
        for one in (self._room, self._quiet, self._empty):
            one.set()
        self._lock = asyncio.Lock()  # of the stream, against whoever would end it meanwhile
        self._wrong, self._ending, self._gone, self.reason = 0, False, False, "client"
        self._listens, self._pipe = False, sockets.of(socket.scope)

    sending: float | None

    async def serve(self) -> None:
        """Until it ends, whoever ends it."""
        writer = asyncio.create_task(self._write())
        if self._pipe is not None:
            self._pipe.take = self.take
        try:
            with suppress(WebSocketDisconnect):
                await self._read()
        finally:
            writer.cancel()
            if self._pipe is not None:
                self._pipe.take = None
            if self.version is not None:
                if self.version.ticker is not None:
                    self.version.ticker.forget(self)
                self.version.leave(self)

    # Reading

    async def _read(self) -> None:
        while True:
            await self._room.wait()
            self._listens = True
            message = await self._socket.receive()
            self._listens = False
            if message["type"] == "websocket.disconnect":
                return
            self.asked_at = self._loop.time()
            text = message.get("text")
            await self._hear(message["bytes"] if text is None else text)

    def take(self, message: bytes) -> bool:
        """A step that comes while nothing else is under way, without a turn of the loop; False: it
        is to go the usual way.
        """
        waits = self._listens and self._room.is_set() and not self._lock.locked()
        if self.version is None or self._ending or not waits:
            return False
        return self._own.run(self._take, message)

    def _take(self, message: bytes) -> bool:
        try:
            asked = protocol.heard(message)
        except InputError:
            return False
        self._wrong, self.asked_at = 0, self._loop.time()
        try:
            self._submit(asked)
        except InputError as error:
            self._refuse(asked, error)
        return True

    async def _hear(self, message: str | bytes) -> None:
        try:
            asked = protocol.heard(message)
        except InputError as error:
            self._wrong += 1
            self._refuse(Asked("", None), error)
            if self._wrong >= _WRONG:
                await self.finish("garbage", protocol.POLICY)
            return
        self._wrong = 0
        if self._ending:  # nothing more is taken in
            told = protocol.refusal(protocol.STOPPING, _("the stream is ending"))
            self._say(protocol.answer(asked, "error", told))
            return
        async with self._lock:
            try:
                await (self._step if asked.verb == protocol.STEP else self._other)(asked)
            except InputError as error:
                self._refuse(asked, error)

    async def _step(self, asked: Asked) -> None:
        if self.version is None:
            await self._begin(Asked(protocol.BEGIN, {}))
        self._submit(asked)

    def _submit(self, asked: Asked) -> None:
        streamed = self._streamed()
        if not asked.binary:
            content: Any = fitted(streamed.step, asked.content)
        elif streamed.unpacked is None:
            raise InputError(_("the streams of this model have no form in bytes; send JSON"))
        else:
            content = streamed.unpacked(self._on().model, asked.content)
        ticker = self._on().ticker
        assert ticker is not None
        self._quiet.clear()
        ticker.submit(self, Step(asked, content, streamed.steps(content), self.asked_at))
        self._count()

    async def _other(self, asked: Asked) -> None:
        """What a thread does beside the ticker, when all steps before are answered."""
        await self._quiet.wait()
        if asked.verb in (protocol.BEGIN, protocol.RESUME):
            if self.version is not None:
                raise InputError(_("the stream has begun; reset it, or open another socket"))
            await (self._begin if asked.verb == protocol.BEGIN else self._resume)(asked)
            model = self._on().model
            told = {"model": self._slot.name, "checksum": model.checksum}
            self._say(protocol.answer(asked, "begun", told))
        elif asked.verb == protocol.END:
            rest = {} if self.version is None else self.teller.rest()
            self._say(protocol.answer(asked, "ended", rest))
            await self._close(1000, "")
        elif asked.verb == protocol.SNAPSHOT:
            self._say(protocol.answer(asked, "snapshot", await self._snapshot()))
        else:
            await self._aside(self._on_stream().reset)
            self.teller = self._streamed().teller(self.stream)
            self._say(protocol.answer(asked, "reset", {}))

    async def _begin(self, asked: Asked) -> None:
        self._enter(await self._aside(lambda: self._slot.begun(asked.content)))

    async def _resume(self, asked: Asked) -> None:
        if not isinstance(asked.content, str):
            raise InputError(resume=_("expected a text"))
        state = self._house.tokens.state(asked.content)
        self._enter(await self._aside(lambda: self._slot.resumed(state)))

    def _enter(self, opened: Opened) -> None:
        self.stream, self.teller, self.version = opened.stream, opened.teller, opened.version
        opened.version.enter(self)

    async def _snapshot(self) -> str:
        stream, tokens = self._on_stream(), self._house.tokens
        found: str = await self._aside(lambda: tokens.made(stream.to_bytes()))
        return found

    async def _aside(self, act: Callable[[], Any]) -> Any:
        return await self._loop.run_in_executor(self._house.pool, self.context.run, act)

    def _on(self) -> Version:
        assert self.version is not None
        return self.version

    def _on_stream(self) -> Stream[Any]:
        if self.version is None:
            raise InputError(_("the stream has not begun; begin it, or send a step"))
        return self.stream

    def _streamed(self) -> Any:
        return self._on().served.stream

    # Writing

    def answered(self, step: Step, said: Said, broken: bool) -> None:
        """Pass it on."""
        self.steps += 1
        self.span.step(self._loop.time() - step.arrived)
        if not self.pending:
            self._quiet.set()
        self._say(said)
        if broken:
            self._end(protocol.FAILURE, "failed")

    def _refuse(self, asked: Asked, error: InputError) -> None:
        told = protocol.refusal(protocol.MISFIT, str(error))
        self._say(protocol.answer(asked, "error", told))

    def _say(self, said: Said) -> None:
        short = self._pipe is not None and isinstance(said, bytes) and not self._outbox
        if short and self._pipe.say(said):  # type: ignore[union-attr, arg-type]
            self._count()
            return
        self._outbox.append(said)
        self._empty.clear()
        self._news.set()
        self._count()

    def _count(self) -> None:
        """Steps that are not answered, and answers that are not taken, stop the reading alike."""
        waiting = len(self.pending) + len(self._outbox)
        if self._gone or waiting < self._house.settings.queue:
            self._room.set()
        else:
            self._room.clear()

    async def _write(self) -> None:
        try:
            with suppress(WebSocketDisconnect, RuntimeError):
                while True:
                    await self._news.wait()
                    self._news.clear()
                    while self._outbox:
                        await self._send(self._outbox[0])
                        self._outbox.popleft()
                        self._count()
                    self._empty.set()
        finally:  # who waits for the client waits for nobody
            self._gone = True
            self._room.set()
            self._empty.set()

    async def _send(self, said: Said) -> None:
        self.sending = self._loop.time()
        if isinstance(said, str):
            await self._socket.send_text(said)
        else:
            await self._socket.send_bytes(said)
        self.sending = None

    # Ending

    async def finish(self, reason: str, code: int) -> None:
        """Answer what is pending, offer a snapshot, and close."""
        if self._ending:
            return
        self._ending, self.reason = True, reason
        try:
            async with asyncio.timeout(self._house.settings.slow_seconds):
                async with self._lock:
                    await self._quiet.wait()
                    ending = {"reason": reason, "snapshot": None}
                    if self.version is not None:
                        ending["snapshot"] = await self._snapshot()
                    self._say(json.dumps({"ending": ending}))
                await self._close(code, reason)
        except TimeoutError:
            self._end(code, reason)

    async def _close(self, code: int, reason: str) -> None:
        await self._empty.wait()
        with suppress(WebSocketDisconnect, RuntimeError):
            await self._socket.close(code, reason)

    def check(self, now: float) -> None:
        """Whether it has been idle, or slow, for too long."""
        settings = self._house.settings
        if self.sending is not None and now - self.sending > settings.slow_seconds:
            self._end(protocol.SLOW, "slow")
        elif not self.pending and now - self.asked_at > settings.idle_seconds:
            task = asyncio.create_task(self.finish("idle", protocol.IDLE))
            task.add_done_callback(_noted)

    def _end(self, code: int, reason: str) -> None:
        """At once, whether or not the client reads."""
        self.reason = reason
        if self._pipe is not None:
            self._pipe.end(code, reason)


def _noted(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("finish_failed", exc_info=error)
