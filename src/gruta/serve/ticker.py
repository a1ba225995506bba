"""Steps of all live streams of a model, computed in one batched call a tick.

The call runs in a thread, so that sockets are read and written meanwhile: what comes then is the
next tick's batch, which grows with the load by itself.
"""

import asyncio
import contextvars
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.runtime.model import Model
from gruta.runtime.stream import Stream
from gruta.serve import protocol
from gruta.serve.logs import log
from gruta.serve.metrics import OfModel
from gruta.serve.protocol import Asked
from gruta.tasks.served import Streamed, Teller

_SEEN, _EVERY = 64, 1.0
"""Streams whose h is measured, and how often in seconds."""

_WEIGHT = 0.2
"""Of the last tick in how long one is thought to take."""

Said = str | bytes


@dataclass(eq=False, slots=True)
class Step:
    """One that waits. left: advances that it asks for still. arrived: seconds, by the loop."""

    asked: Asked
    content: Any
    left: int
    arrived: float
    taken: bool = False


class Client(Protocol):
    """Who has a stream, as a ticker needs to know it."""

    pending: deque[Step]
    context: contextvars.Context

    @property
    def stream(self) -> Stream[Any]:
        """What is advanced."""

    @property
    def teller(self) -> Teller:
        """What says its news."""

    def answered(self, step: Step, said: Said, broken: bool) -> None:
        """Take the answer to the first of what is pending; broken: the stream is of no more use."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What comes of a step, if it is done."""

    client: Client
    step: Step
    said: Said
    broken: bool = False


class Ticker:
    """Of one model, as long as streams are on it.

    budget: seconds between a step's arrival and its answer.
    """

    def __init__(
        self,
        model: Model[Any],
        streamed: Streamed[Any, Any],
        budget: float,
        metrics: OfModel,
        pool: Executor,
    ) -> None:
        self._model, self._streamed, self._budget = model, streamed, budget
        self._metrics, self._pool = metrics, pool
        self._waiting: dict[Client, None] = {}
        self._some, self._enough = asyncio.Event(), asyncio.Event()
        self._took, self._seen = 0.0, 0.0
        self.clients = 0
        self.task = asyncio.create_task(self._run())

    def submit(self, client: Client, step: Step) -> None:
        """Let it wait for a tick."""
        client.pending.append(step)
        self._metrics.waiting += 1
        self._waiting.setdefault(client)
        self._some.set()
        if len(self._waiting) >= self.clients:
            self._enough.set()

    def forget(self, client: Client) -> None:
        """It is gone, with all that it waits for."""
        self._waiting.pop(client, None)
        self._metrics.waiting -= len(client.pending)
        client.pending.clear()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._some.wait()
            await self._gather(loop)
            batch = [(client, client.pending[0]) for client in self._waiting]
            if not batch:
                self._some.clear()
                continue
            began = time.perf_counter()
            try:
                answers = await loop.run_in_executor(self._pool, self._turn, batch)
            except Exception as error:  # no client may end the ticks of the others
                answers = [_refused(client, step, error) for client, step in batch]
            took = time.perf_counter() - began
            self._took += _WEIGHT * (took - self._took)
            self._metrics.tick.add(took)
            self._metrics.batch.add(len(batch))
            self._deliver(answers, loop.time())

    async def _gather(self, loop: asyncio.AbstractEventLoop) -> None:
        """Wait for other streams' steps while the oldest step's budget lasts."""
        self._enough.clear()
        if self._budget <= 0 or not self._waiting or len(self._waiting) >= self.clients:
            return
        oldest = min(client.pending[0].arrived for client in self._waiting)
        until = oldest + self._budget - 2 * self._took
        if until > loop.time():
            timer = loop.call_at(until, self._enough.set)
            await self._enough.wait()
            timer.cancel()

    def _deliver(self, answers: Sequence[Answer], now: float) -> None:
        there = [one for one in answers if one.client.pending]  # others have gone meanwhile
        for one in there:
            client = one.client
            client.pending.popleft()
            if not client.pending:
                self._waiting.pop(client, None)
            client.answered(one.step, one.said, one.broken)
        self._metrics.waiting -= len(there)
        self._metrics.steps += len(there)
        if there:
            self._metrics.latency.add([now - one.step.arrived for one in there])
        if not self._waiting:
            self._some.clear()

    # What follows runs in a thread. The loop leaves the streams alone meanwhile.

    def _turn(self, batch: Sequence[tuple[Client, Step]]) -> list[Answer]:
        found: list[Answer] = []
        going: list[tuple[Client, Step]] = []
        with np.errstate(all="ignore"):  # weights may be of any size
            for client, step in batch:
                error = self._took_in(client, step)
                if error is None:
                    going.append((client, step))
                else:
                    found.append(_refused(client, step, error))
            ready = [client for client, _step in going if client.stream.ready()]
            failed = dict(self._advanced(ready))
            for client, step in going:
                step.left -= 1
                if client in failed:
                    found.append(_refused(client, step, failed[client]))
                elif step.left <= 0:
                    found.append(client.context.run(self._answer, client, step))
            self._see(ready)
        return found

    def _took_in(self, client: Client, step: Step) -> Exception | None:
        if step.taken:
            return None
        step.taken = True
        try:
            client.context.run(self._streamed.accept, client.stream, step.content)
        except Exception as error:
            return error
        return None

    def _advanced(self, some: list[Client]) -> list[tuple[Client, Exception]]:
        """All in one call; where that fails, those that cannot are found by halves."""
        if not some:
            return []
        try:
            advance = self._model.advance
            some[0].context.run(advance, [client.stream for client in some])
        except Exception as error:
            if len(some) == 1:
                return [(some[0], error)]
            half = len(some) // 2
            return self._advanced(some[:half]) + self._advanced(some[half:])
        return []

    def _answer(self, client: Client, step: Step) -> Answer:
        asked = step.asked
        try:
            if asked.binary:
                assert self._streamed.packed is not None
                packed = self._streamed.packed(client.stream)
                return Answer(client, step, protocol.answer_in_bytes(asked, packed))
            return Answer(client, step, protocol.answer(asked, "result", client.teller.news()))
        except InputError as error:  # there is none yet
            if asked.binary:
                return Answer(client, step, protocol.answer_in_bytes(asked, None))
            return Answer(client, step, protocol.answer(asked, "waiting", str(error)))
        except Exception as error:
            return _refused(client, step, error)

    def _see(self, ready: Sequence[Client]) -> None:
        now = time.monotonic()
        if now - self._seen < _EVERY:
            return
        self._seen = now
        found = [client.stream.hidden() for client in ready[:_SEEN]]
        hidden = [one for one in found if one is not None]
        if hidden:
            self._metrics.see(np.stack(hidden))


def _refused(client: Client, step: Step, error: Exception) -> Answer:
    if isinstance(error, InputError):
        told = protocol.refusal(protocol.MISFIT, str(error))
        return Answer(client, step, protocol.answer(step.asked, "error", told))
    log.error("step_failed", exc_info=error)
    told = protocol.refusal(protocol.FAILED, client.context.run(_failed))
    return Answer(client, step, protocol.answer(step.asked, "error", told), True)


def _failed() -> str:
    return _("the server failed; its log tells more")
