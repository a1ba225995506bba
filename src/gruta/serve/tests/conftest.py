"""Servers in threads of the test's process, asked through sockets; models of released files."""

import asyncio
import json
import threading
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

import gruta.tests
from gruta.runtime import file
from gruta.runtime.weights import Stored
from gruta.serve.models import Models
from gruta.serve.protocol import HEADER, IS_STEP
from gruta.serve.server import Server
from gruta.serve.settings import ServeSettings
from gruta.web.listening import listening

KEPT = Path(gruta.tests.__path__[0]) / "model_files" / "1"
SERIES, FORECAST, TEXT = (KEPT / f"{n}.gruta" for n in ("classify-series", "forecast", "generate"))


class Running:
    """A server, and where it is."""

    def __init__(self, server, port):
        self.server, self.port = server, port
        self.site, self.http = server.site, f"http://127.0.0.1:{port}"

    def metrics(self, model):
        return self.site.metrics.of[model]

    @asynccontextmanager
    async def stream(self, model="classify-series", **how):
        address = f"ws://127.0.0.1:{self.port}/v1/{model}/stream"
        async with connect(address, compression=None, **how) as socket:
            yield Client(socket)


class Client:
    """One stream, as a program asks it."""

    def __init__(self, socket):
        self.socket = socket

    async def ask(self, **verb):
        await self.socket.send(json.dumps(verb))
        return await self.read()

    async def step(self, rows):
        return (await self.ask(step={"rows": rows}))["result"]["probabilities"]

    async def step_in_bytes(self, rows, name=0):
        body = np.asarray(rows, "<f4").tobytes()
        await self.socket.send(HEADER.pack(IS_STEP, name) + body)
        return await self.read()

    async def read(self):
        async with asyncio.timeout(20):
            found = await self.socket.recv()
        return json.loads(found) if isinstance(found, str) else found

    async def closed(self):
        """The code and the reason with which it is closed."""
        async with asyncio.timeout(20):
            with suppress(ConnectionClosed):
                while True:
                    await self.socket.recv()
        return self.socket.close_code, self.socket.close_reason


@pytest.fixture(scope="package", autouse=True)
def quick():
    """Files and streams are looked at more often."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("gruta.serve.app._LOOK", 0.05)
        yield


@contextmanager
def serving(*models, **settings):
    models = Models.of(map(str, models or (SERIES,)))
    server = Server(models, ServeSettings(port=0, **settings))
    with listening("127.0.0.1", 0, 1024) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive()
            yield Running(server, listener.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join(20)
    assert not thread.is_alive()


@pytest.fixture(scope="module")
def server():
    with serving(SERIES, FORECAST, TEXT, budget_ms=5) as running:
        yield running


@pytest.fixture
def key(tmp_path):
    path = tmp_path / "key"
    path.write_text("a key of these tests alone\n".replace(" ", "-"))
    return str(path)


def changed(path, to):
    """The same model with other weights."""
    contents = file.load(path)
    tensors = {
        name: Stored(one.dtype, one.array + one.array.dtype.type(1)) if "bias" in name else one
        for name, one in contents.tensors.items()
    }
    file.save(to, replace(contents, tensors=tensors))


async def until(met, seconds=10):
    async with asyncio.timeout(seconds):
        while not met():
            await asyncio.sleep(0.01)
