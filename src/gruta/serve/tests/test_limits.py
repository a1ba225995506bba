"""Clients that vanish, send garbage, too much or too fast, or do not read; and the server's end."""

import asyncio
import json
import socket
import struct
import time

import httpx2
import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

import gruta
from gruta.serve import protocol
from gruta.serve.tests.conftest import SERIES, TEXT, serving, until
from gruta.serve.tests.test_streams import alone, cases
from gruta.serve.tokens import Tokens, lines

GARBAGE = [
    ('{"resume": 3}', "resume: expected a text"),
    ('{"snapshot": {}}', "the stream has not begun"),
    ("{", "expected JSON ("),
    ("[]", "expected an object with one of begin, resume, step"),
    ('{"step": {}, "end": {}}', "expected an object with one of"),
    ('{"step": {"rows": [[1, NaN]]}}', "expected JSON ("),
    ("[" * 100_000, "expected JSON ("),
    ('{"step": 1}', "expected an object, got int"),
    ('{"step": {"rows": []}}', "rows: expected at least 1 items or letters"),
    ('{"step": {"rows": [[1, 2]], "more": 1}}', "more: no such field"),
    ('{"step": {"rows": [[1, "2"]]}}', "rows[0][1]: expected a number, got '2'"),
    ('{"step": {"rows": [[1, true]]}}', "rows[0][1]: expected a number, got True"),
    ('{"step": {"rows": [[1, 2], [3]]}}', "rows: expected rows of one length"),
    ('{"step": {"rows": [[1, 2, 3]]}}', "rows: expected shape [steps, 2], got [1, 3]"),
    ('{"step": {"rows": [[null, 2]]}}', "rows: expected a number at [0, 0], found NaN"),
    ('{"step": {"rows": [[1e400, 2]]}}', "rows[0][0]: expected a number, got inf"),
    ('{"snapshot": {}, "id": [1]}', "id: expected a whole number or a text"),
    (b"\0\0\0", "expected 8 bytes of a header and whole float32 numbers, got 3"),
    (struct.pack("<II2d", 1, 0, 1.0, 2.0)[:-2], "expected 8 bytes of a header"),
    (struct.pack("<II2f", 7, 0, 1.0, 2.0), "expected a frame of the kind 1, got 7"),
    (struct.pack("<II3f", 1, 5, 1.0, 2.0, 3.0), "rows: expected 1 to 1024 rows of 2 numbers"),
    (struct.pack("<II2f", 1, 5, np.inf, 2.0), "rows: expected finite numbers"),
]


def test_what_is_no_frame_is_named_and_the_stream_goes_on(server):
    ((rows, *_more),) = cases(1)

    async def everything():
        told = []
        async with server.stream() as client:
            for i, (frame, _message) in enumerate(GARBAGE):
                await client.socket.send(frame)
                told.append((await client.read())["error"]["message"])
                if i == len(GARBAGE) // 2:  # too many in a row end it
                    assert await client.ask(reset={}) == {"reset": {}}
        async with server.stream() as client:
            await client.ask(step={"rows": [[0, "0"]]})
            return told, await client.step(rows.tolist())

    told, found = asyncio.run(everything())
    for said, (_frame, message) in zip(told, GARBAGE, strict=True):
        assert said.startswith(message)
    np.testing.assert_array_equal(found, alone(gruta.load(SERIES), [rows])[0])


def test_who_sends_nothing_but_garbage_or_too_much_is_closed(server):
    async def everything():
        async with server.stream() as client:
            for _frame in range(16):
                await client.socket.send("?")
            garbage = await client.closed()
        async with server.stream() as client:
            await client.socket.send("1" * (2**20 + 1))
            return garbage, await client.closed()

    (code, reason), (too_big, _reason) = asyncio.run(everything())
    assert (code, reason, too_big) == (protocol.POLICY, "garbage", 1009)


def handshake(server, model="classify-series", **headers):
    """A socket of the system's own, with a stream behind it; it reads what it is told to."""
    found = socket.create_connection(("127.0.0.1", server.port))
    own = {"Host": f"127.0.0.1:{server.port}", "Upgrade": "websocket", "Connection": "Upgrade"}
    own |= {"Sec-WebSocket-Key": "x" * 22 + "==", "Sec-WebSocket-Version": "13"} | headers
    lines = "".join(f"{name}: {value}\r\n" for name, value in own.items())
    found.sendall(f"GET /v1/{model}/stream HTTP/1.1\r\n{lines}\r\n".encode())
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        answer += found.recv(1)
    if b" 101 " not in answer:
        found.close()
        return None
    return found


def frame(text):
    """Masked by zeros."""
    raw = text.encode()
    return bytes([0x81, 0x80 | 126]) + struct.pack(">H", len(raw)) + b"\0" * 4 + raw


def test_who_sends_and_never_reads_is_held_back_then_closed():
    step = frame(json.dumps({"step": {"text": "?" * 1000}}))

    async def pour(client, server):
        """Until no more is taken; the number of steps that were."""
        client.setblocking(False)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        loop, sent = asyncio.get_running_loop(), 0
        try:
            while True:
                async with asyncio.timeout(0.4):
                    await loop.sock_sendall(client, step * 10)
                sent += 10
                assert server.metrics("generate").waiting <= 4
                assert sent < 10_000
        except (TimeoutError, ConnectionError):
            return sent

    async def everything(server):
        client = handshake(server, "generate")
        await pour(client, server)
        async with server.stream() as other:  # nobody else notices
            await other.step([[1.0, 2.0]])
        metrics = server.metrics("generate")
        await until(lambda: metrics.closed["slow"] == 1 and metrics.open == 0)
        client.close()

    with serving(SERIES, TEXT, queue=4, slow_seconds=0.6, budget_ms=0) as server:
        asyncio.run(everything(server))


def test_clients_that_vanish_leave_nothing_behind_and_disturb_nobody(server):
    given = cases(40)

    async def one(i, case):
        async with server.stream() as client:
            if i % 2:
                await client.socket.send(json.dumps({"step": {"rows": case[0].tolist()}}))
                client.socket.transport.abort()
                return None
            return [await client.step(rows.tolist()) for rows in case]

    async def everyone():
        found = await asyncio.gather(*(one(i, case) for i, case in enumerate(given)))
        metrics = server.metrics("classify-series")
        await until(lambda: metrics.open == metrics.waiting == 0)
        return found

    found, model = asyncio.run(everyone()), gruta.load(SERIES)
    for i in range(0, len(given), 2):
        np.testing.assert_array_equal(found[i], alone(model, given[i]))
    assert not server.site.lives


def test_a_peer_that_is_gone_without_a_word_is_found_out_by_a_ping(monkeypatch):
    monkeypatch.setattr("gruta.serve.server.PING", 0.3)

    async def everything(server):
        silent = handshake(server)  # it answers no ping, as a cut cable does not
        async with server.stream() as client:
            await until(lambda: server.metrics("classify-series").open == 1)
            await client.step([[1.0, 2.0]])
        silent.close()

    with serving() as server:
        asyncio.run(everything(server))


def test_streams_beyond_the_limit_and_idle_ones_are_told(key):
    async def everything(server):
        async with server.stream() as client:
            found = await client.step([[1.0, 2.0]])
            with pytest.raises(InvalidStatus) as refused:
                async with server.stream():
                    pass
            ending = (await client.read())["ending"]
            closed = await client.closed()
        async with server.stream() as client:
            await client.ask(resume=ending["snapshot"])
            on = await client.ask(step={"rows": [[1.0, 2.0]]})
        return found, refused.value.response, ending, closed, on

    with serving(streams=1, idle_seconds=0.6, key_file=key) as server:
        _found, response, ending, closed, on = asyncio.run(everything(server))
    assert response.status_code == 503
    assert json.loads(response.body)["error"]["message"].startswith("all 1 streams are taken")
    assert ending["reason"] == "idle"
    assert closed == (protocol.IDLE, "idle")
    assert on["result"]["steps"] == 2


def test_a_wall_clock_that_jumps_ends_nothing_and_delays_nothing(key, monkeypatch):
    """Streams go on, tokens are good while their key is, and idle ones end when they have to."""
    (case,), real, ahead, tokens = cases(1, 6), time.time, [0.0], []
    monkeypatch.setattr(time, "time", lambda: real() + ahead[0])
    monkeypatch.setattr(time, "time_ns", lambda: int(time.time() * 1e9))

    async def everything(server):
        async with server.stream() as client:
            found = []
            for rows, jump in zip(case, (0, 4e7, -4e7, 9e8, -9e8, 0), strict=True):
                ahead[0] = jump
                await asyncio.sleep(0.15)  # the server looks at its streams meanwhile
                found.append(await client.step(rows.tolist()))
                tokens.append((await client.ask(snapshot={}))["snapshot"])
        for jump, token in zip((9e8, -9e8), tokens, strict=False):
            ahead[0] = jump
            async with server.stream() as client:
                assert "begun" in await client.ask(resume=token)
                began = time.monotonic()
                assert await client.closed() == (protocol.IDLE, "idle")
                assert 0.5 < time.monotonic() - began < 5
        return found

    with serving(idle_seconds=0.8, budget_ms=5, key_file=key) as server:
        found = asyncio.run(everything(server))
    np.testing.assert_array_equal(found, alone(gruta.load(SERIES), case))
    ahead[0] = 9e8
    (old,) = lines(key, "key_file")
    assert Tokens(["a-newer-key-than-the-other", old]).state(tokens[0])
    with pytest.raises(gruta.InputError, match="not made by a server with this key"):
        Tokens(["a-newer-key-than-the-other"]).state(tokens[0])


def test_a_server_that_stops_answers_what_is_pending_and_offers_snapshots(key):
    given = cases(20)

    async def until_the_end(server, case):
        async with server.stream() as client:
            found = [await client.step(case[0].tolist())]
            await client.socket.send(json.dumps({"step": {"rows": case[1].tolist()}}))
            await until(lambda: waiting.waiting == len(given) or stopped)
            stopped.append(server.server.stop())
            found.append((await client.read())["result"]["probabilities"])
            ending = (await client.read())["ending"]
            with pytest.raises(ConnectionClosed):
                await client.read()
            assert client.socket.close_code == protocol.RESTART
            return found, ending

    async def on(server, case, ending):
        async with server.stream() as client:
            await client.ask(resume=ending["snapshot"])
            return [await client.step(rows.tolist()) for rows in case[2:]]

    stopped, model = [], gruta.load(SERIES)

    async def everyone(first, second):
        async with first.stream() as silent:  # so that steps wait for it
            await silent.step([[1.0, 2.0]])
            found = await asyncio.gather(*(until_the_end(first, case) for case in given))
        for case, (told, ending) in zip(given, found, strict=True):
            assert ending["reason"] == "stopping"
            rest = await on(second, case, ending)
            np.testing.assert_array_equal(told + rest, alone(model, case))

    with serving(key_file=key, budget_ms=500) as first, serving(key_file=key) as second:
        waiting = first.metrics("classify-series")
        asyncio.run(everyone(first, second))
        first.server.should_exit = False  # it ends by itself


def test_who_bears_no_token_or_comes_by_another_name_is_turned_away(tmp_path):
    token = tmp_path / "token"
    token.write_text("a-token-of-these-tests\n")
    good = {"Authorization": "Bearer a-token-of-these-tests"}
    pages = {"origin": "https://plant.example"}

    async def status(server, host=None, **how):
        how.setdefault("additional_headers", good)
        if host is not None:
            how["additional_headers"] = how["additional_headers"] | {"Host": host}
        try:
            async with server.stream(**how) as client:
                await client.step([[1.0, 2.0]])
                return client.socket.subprotocol
        except InvalidStatus as error:
            return error.response.status_code

    async def everything(server):
        assert await status(server) is None
        for wrong in ({}, {"Authorization": "Bearer nothing"}, {"Authorization": "Basic x"}):
            assert await status(server, additional_headers=wrong) == 401
        browser = ["gruta.v1", "bearer.a-token-of-these-tests"]
        assert await status(server, additional_headers={}, subprotocols=browser) == "gruta.v1"
        assert await status(server, **pages) is None
        assert await status(server, origin="https://evil.example") == 403
        assert await status(server, origin="null") == 403

    with serving(token_file=str(token), origin=("https://plant.example",)) as server:
        asyncio.run(everything(server))
        preflight = {"Access-Control-Request-Method": "POST"} | pages
        path = f"{server.http}/v1/classify-series/predict"
        for headers, allowed in ((preflight, True), (preflight | {"origin": "null"}, False)):
            answer = httpx2.options(path, headers=headers)
            assert (answer.headers.get("access-control-allow-origin") is not None) == allowed
        answer = httpx2.post(path, headers=good | pages, json={"cases": []})
        assert answer.headers["access-control-allow-origin"] == pages["origin"]
        assert handshake(server, Host="evil.example", **good) is None
        assert handshake(server) is None
        handshake(server, **good).close()
