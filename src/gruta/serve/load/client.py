"""Many streams at once, as sensors have them: each sends a row at its own times, and waits for what
is said of it.

The client is no more than it takes, so that it costs a fraction of what the server does: frames of
bytes over asyncio's transports. It says how long answers took, counted from when a row was due: a
client that falls behind, because an answer is late, cannot hide that.
"""

import asyncio
import base64
import json
import os
import struct
import sys
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.serve.protocol import HEADER, IS_RESULT, IS_STEP


@dataclass(frozen=True)
class Load:
    """streams, each with so many rows a second of so many channels, for so many seconds.

    keep: of so many streams all rows and answers are kept, to be held against the runtime.
    """

    port: int
    model: str
    streams: int
    rate: float
    seconds: float
    channels: int
    keep: int = 0
    host: str = "127.0.0.1"


class Sensor(asyncio.Protocol):
    """One stream. latencies: seconds from when a row was due to its answer."""

    def __init__(self, load: Load, number: int, latencies: list[float]) -> None:
        self._load, self._rng = load, np.random.default_rng(number)
        self._latencies, self._loop = latencies, asyncio.get_running_loop()
        self._due = 0.0
        self._data = b""
        self._timer: asyncio.TimerHandle | None = None
        self._until = 0.0
        self.rows: list[NDArray[np.float32]] | None = [] if number < load.keep else None
        self.answers: list[NDArray[np.float32]] = []
        self.opened: asyncio.Future[None] = self._loop.create_future()
        self.over: asyncio.Future[str] = self._loop.create_future()
        self._waits = False

    def connection_made(self, transport: Any) -> None:
        """Ask for a socket."""
        self._transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        load = self._load
        transport.write(
            f"GET /v1/{load.model}/stream HTTP/1.1\r\nHost: {load.host}:{load.port}\r\n"
            f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def begin(self, until: float) -> None:
        """Send rows until then, from a moment of its own on."""
        self._until = until
        self._due = self._loop.time() + self._rng.uniform(0, 1 / self._load.rate)
        self._timer = self._loop.call_at(self._due, self._send)

    def _send(self) -> None:
        row = self._rng.normal(size=self._load.channels).astype("<f4")
        if self.rows is not None:
            self.rows.append(row)
        body = HEADER.pack(IS_STEP, 0) + row.tobytes()
        self._transport.write(_head(0x82, len(body)) + b"\0\0\0\0" + body)  # masked by zeros
        self._waits = True

    def data_received(self, data: bytes) -> None:
        """Answers, and what the server tells beside."""
        self._data += data
        if not self.opened.done():
            head, found, rest = self._data.partition(b"\r\n\r\n")
            if not found:
                return
            self._data = rest
            if b" 101 " in head.partition(b"\r\n")[0]:
                self.opened.set_result(None)
            else:
                self._end(head.partition(b"\r\n")[0].decode())
                return
        while (frame := self._frame()) is not None:
            self._take(*frame)

    def _frame(self) -> tuple[int, bytes] | None:
        data = self._data
        if len(data) < 2:
            return None
        size, begin = data[1], 2
        if size == 126:
            size, begin = struct.unpack_from(">H", data, 2)[0], 4
        elif size == 127:
            size, begin = struct.unpack_from(">Q", data, 2)[0], 10
        if len(data) < begin + size:
            return None
        self._data = data[begin + size :]
        return data[0] & 15, data[begin : begin + size]

    def _take(self, kind: int, body: bytes) -> None:
        if kind == 9:  # a ping
            self._transport.write(_head(0x8A, len(body)) + b"\0\0\0\0" + body)
        elif kind == 2 and HEADER.unpack_from(body)[0] == IS_RESULT and self._waits:
            self._answered(body)
        elif kind == 8:
            self._end(body[2:].decode() or "closed")
        else:
            self._end(body.decode("utf-8", "replace"))

    def _answered(self, body: bytes) -> None:
        self._waits = False
        now = self._loop.time()
        self._latencies.append(now - self._due)
        if self.rows is not None:
            self.answers.append(np.frombuffer(body, "<f4", offset=HEADER.size))
        self._due += 1 / self._load.rate
        if self._due >= self._until:
            self._end("")
        else:
            self._timer = self._loop.call_at(self._due, self._send)

    def connection_lost(self, error: Exception | None) -> None:
        """The server is gone, or it is over."""
        self._end(str(error or "closed"))

    def _end(self, why: str) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if not self.opened.done():
            self.opened.set_result(None)
        if not self.over.done():
            self.over.set_result(why)
            self._transport.close()


def _head(first: int, size: int) -> bytes:
    if size < 126:
        return bytes([first, 0x80 | size])
    return bytes([first, 0x80 | 126]) + struct.pack(">H", size)


@dataclass(frozen=True)
class Took:
    """answered: steps. p50, p99, most: milliseconds. failed: streams that ended early, and why."""

    answered: int
    p50: float
    p99: float
    most: float
    failed: dict[str, int]


async def run(load: Load) -> tuple[Took, list[Sensor]]:
    """Put it on a server."""
    loop, latencies, sensors = asyncio.get_running_loop(), list[float](), list[Sensor]()
    for number in range(load.streams):
        _transport, sensor = await loop.create_connection(
            lambda number=number: Sensor(load, number, latencies),  # type: ignore[misc]
            load.host,
            load.port,
        )
        await sensor.opened
        sensors.append(sensor)
    until = loop.time() + load.seconds
    for sensor in sensors:
        sensor.begin(until)
    ends = await asyncio.gather(*(sensor.over for sensor in sensors))
    failed: dict[str, int] = {}
    for why in filter(None, ends):
        failed[why] = failed.get(why, 0) + 1
    ms = np.array(latencies or [np.nan]) * 1000
    p50, p99 = np.percentile(ms, [50, 99])
    return Took(len(latencies), float(p50), float(p99), float(ms.max()), failed), sensors


def main() -> None:
    """A process of its own: a load as JSON in, what came of it out."""
    took, _sensors = asyncio.run(run(Load(**json.loads(sys.argv[1]))))
    sys.stdout.write(json.dumps(asdict(took)))


if __name__ == "__main__":
    main()
