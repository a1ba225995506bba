"""The page's socket: a training as it goes on, and answers that the page cannot compute.

{"watch": RUN}           -> {"watch": RUN, "run": {…}, "metrics": […], "anew", "advice": […]},
                            again and again as it goes on
{"infer": {…}, "ask": N} -> {"result": {…}, "ask": N} with its arrays as bytes (`frames.py`)
{"read": {…}, "ask": N}  -> {"result": {…}, "ask": N}
whatever is refused      -> {"error": {"en", "pt"}, "ask": N}
"""

import asyncio
import json
import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from gruta.errors import InputError
from gruta.lab.advice import advised
from gruta.lab.asking import inferred, samples
from gruta.lab.frames import framed
from gruta.lab.lab import Lab
from gruta.lab.records import Followed, Record, fewer
from gruta.lab.words import Both, Refused, asked, failed, in_both
from gruta.locale import translate as _
from gruta.runs import METRICS, Run

EVERY = 0.3
"""Seconds between two looks at a run."""

MOST = 32
"""Connections: each page has up to two, and who watches looks at its run again and again."""

_KEPT = 1000
"""Of the last records so many are kept for the advice, beside the first."""

_EARLY = 20

Json = dict[str, Any]


@dataclass(frozen=True)
class Socket:
    """Of the page; each connection has a watch of its own."""

    lab: Lab
    _open: set[WebSocket] = field(default_factory=set)

    async def serve(self, socket: WebSocket) -> None:
        """Until the page goes away; at once for one page too many."""
        await socket.accept()
        if len(self._open) >= MOST:
            await _send(socket, {"error": in_both(_too_many)})
            await socket.close(1013)
            return
        self._open.add(socket)
        try:
            await self._serve(socket)
        finally:
            self._open.discard(socket)

    async def _serve(self, socket: WebSocket) -> None:
        watching: asyncio.Task[None] | None = None
        try:
            while True:
                question = await self._heard(socket)
                if "watch" in question:
                    if watching is not None:
                        watching.cancel()
                    watching = asyncio.create_task(self._watch(socket, str(question["watch"])))
                elif question:
                    await self._answer(socket, question)
        except (WebSocketDisconnect, RuntimeError):
            pass
        finally:
            if watching is not None:
                watching.cancel()

    async def _heard(self, socket: WebSocket) -> Json:
        try:
            found = json.loads(await socket.receive_text())
        except (ValueError, KeyError, RecursionError):
            found = None
        if isinstance(found, dict) and found.keys() & {"watch", "infer", "read"}:
            return found
        await _send(socket, {"error": in_both(_not_understood)})
        return {}

    async def _answer(self, socket: WebSocket, question: Mapping[str, Any]) -> None:
        kind = "infer" if "infer" in question else "read"
        told: Json = {"ask": question.get("ask")}

        def answer() -> bytes | str:
            found = told | {"result": asked(lambda: self._result(kind, question[kind]))}
            return framed(found) if kind == "infer" else _written(found)

        try:
            found = await asyncio.to_thread(answer)
        except Exception as error:
            await _send(socket, told | {"error": _told(error)})
            return
        await (socket.send_bytes(found) if isinstance(found, bytes) else socket.send_text(found))

    def _result(self, kind: str, given: Any) -> Json:
        if not isinstance(given, dict):
            raise InputError(_not_understood())
        act = inferred if kind == "infer" else samples
        return act(self.lab.shelf, self.lab.trainings.sources, given)

    async def _watch(self, socket: WebSocket, name: str) -> None:
        with suppress(WebSocketDisconnect, RuntimeError):
            try:
                watch = await asyncio.to_thread(asked, lambda: _Watch.of(self.lab, name))
                while True:
                    if news := await asyncio.to_thread(watch.news):
                        await _send(socket, {"watch": name} | news)
                    await asyncio.sleep(EVERY)
            except (WebSocketDisconnect, RuntimeError):
                raise
            except Exception as error:
                await _send(socket, {"watch": name, "error": _told(error)})


@dataclass
class _Watch:
    """One run, from the first record on."""

    lab: Lab
    name: str
    path: Path
    followed: Followed
    told: Json = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)

    @classmethod
    def of(cls, lab: Lab, name: str) -> "_Watch":
        path = lab.shelf.run(name)
        return cls(lab, name, path, Followed(path / METRICS))

    def news(self) -> Json:
        """What has come since the last time; {} where nothing has."""
        records, anew = self.followed.more()
        kept = records if anew else self.records + records
        self.records = kept[:_EARLY] + kept[_EARLY:][-_KEPT:]
        run = self.lab.trainings.told(self.name, self.path)
        found: Json = {}
        if records or anew:
            found = {"metrics": fewer(records), "anew": anew}
            with suppress(InputError, KeyError, OSError, TypeError):
                found["advice"] = advised(Run.open(self.path), self.records)
        if run != self.told:
            self.told = run
        elif not found:
            return {}
        return found | {"run": run}


async def _send(socket: WebSocket, content: Json) -> None:
    await socket.send_text(_written(content))


def _written(content: Json) -> str:
    return json.dumps(content, allow_nan=False)


def _told(error: Exception) -> Both:
    if isinstance(error, Refused):
        return error.error
    logging.getLogger(__name__).error("%r", error, exc_info=error)
    return failed(error)


def _too_many() -> str:
    return _("too many pages are open; close some of them")


def _not_understood() -> str:
    return _("expected a question in JSON")
