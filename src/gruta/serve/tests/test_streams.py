"""Streams through real sockets: what they say, among others, and after they were kept somewhere."""

import asyncio
import base64

import numpy as np
import pytest

import gruta
from gruta.serve.live import Live
from gruta.serve.protocol import HEADER, IS_RESULT, IS_STEP, IS_WAITING
from gruta.serve.tests.conftest import FORECAST, SERIES, TEXT, changed, serving, until
from gruta.tasks.conftest import made, spoken, tones

STREAMS, STEPS = 200, 4


def cases(count, steps=STEPS):
    rng = np.random.default_rng(3)
    return [
        [rng.normal(size=(rng.integers(1, 4), 2)).astype("f") for _ in range(steps)]
        for _ in range(count)
    ]


def alone(model, case):
    """What the runtime says after each step of a stream that nothing else is advanced with."""
    stream, found = model.stream(), []
    for rows in case:
        stream.accept(rows)
        stream.advance()
        found.append(stream.result())
    return found


def test_many_streams_each_say_what_the_runtime_says_to_the_last_bit(server):
    given = cases(STREAMS)

    async def one(case, binary):
        async with server.stream() as client:
            if not binary:
                return [await client.step(rows.tolist()) for rows in case]
            found = []
            for i, rows in enumerate(case):
                raw = await client.step_in_bytes(rows, i)
                assert HEADER.unpack_from(raw) == (IS_RESULT, i)
                found.append(np.frombuffer(raw, "<f4", offset=HEADER.size))
            return found

    async def everyone():
        return await asyncio.gather(*(one(case, i % 2) for i, case in enumerate(given)))

    counted = server.metrics("classify-series")
    batches, steps = counted.batch.count, counted.steps
    answers, model = asyncio.run(everyone()), gruta.load(SERIES)
    for i, (case, found) in enumerate(zip(given, answers, strict=True)):
        expected = alone(model, case)
        for said, own in zip(found, expected, strict=True):
            np.testing.assert_array_equal(said, own.astype("f") if i % 2 else own)
    made = counted.batch.count - batches
    assert counted.steps - steps == STREAMS * STEPS
    assert made < STREAMS * STEPS / 4  # many streams a call
    assert counted.norm.shape == counted.saturation.shape == (1,)


def test_what_comes_at_once_is_answered_in_its_order_whichever_way_it_goes(server, monkeypatch):
    """Bytes may go from the socket to the stream at once; what has to wait for them does."""
    case, taken, said = cases(1, 24)[0], [], []
    for name, found in (("take", taken), ("_say", said)):
        whole = getattr(Live, name)

        def noted(live, message, whole=whole, found=found):
            came = whole(live, message)
            found.append(came if found is taken else len(live._outbox))
            return came

        monkeypatch.setattr(Live, name, noted)

    async def one():
        async with server.stream() as client:
            found = [await client.step_in_bytes(case[0], 0)]
            for i, rows in enumerate(case[1:], 1):
                if i == 12:
                    await client.socket.send('{"snapshot": {}}')
                await client.socket.send(HEADER.pack(IS_STEP, i) + rows.astype("<f4").tobytes())
            found += [await client.read() for _ in range(len(case))]
        return found

    found, model = asyncio.run(one()), gruta.load(SERIES)
    token = found.pop(12)["snapshot"]
    assert [HEADER.unpack_from(raw) for raw in found] == [(IS_RESULT, i) for i in range(24)]
    told = [np.frombuffer(raw, "<f4", offset=HEADER.size) for raw in found]
    np.testing.assert_array_equal(told, np.array(alone(model, case), "f"))
    kept = model.restore(server.site.tokens.state(token))
    assert kept.steps == sum(len(rows) for rows in case[:12])
    assert True in taken
    assert 0 in said  # not by the queue of the writer


def test_texts_grow_side_by_side_and_are_told_in_pieces(server):
    how = [{"prompt": "a casa ", "seed": i, "temperature": 1.0} for i in range(20)]

    async def one(begin):
        async with server.stream("generate") as client:
            assert "begun" in await client.ask(begin=begin)
            parts = [(await client.ask(step={"units": n}))["result"]["text"] for n in (1, 7, 22)]
            parts.append((await client.ask(end={}))["ended"]["text"])
            assert await client.closed() == (1000, "")
            return "".join(parts)

    async def everyone():
        return await asyncio.gather(*map(one, how))

    model = gruta.load(TEXT)
    assert asyncio.run(everyone()) == [model(length=30, **one)[0] for one in how]


def test_a_forecast_waits_for_its_rows_and_is_the_runtimes(server):
    model = gruta.load(FORECAST)
    y = 20 + np.sin(np.arange(80) / 4).astype("f")

    async def one():
        async with server.stream("forecast") as client:
            refused = await client.ask(step={"target": [1.0]}, id="early")
            assert refused["error"]["message"].startswith("start: expected the stamp")
            assert refused["id"] == "early"
            await client.ask(begin={"start": "2024-01-01T00:00"})
            waiting = await client.ask(step={"target": y[:40].tolist()})
            assert waiting["waiting"].startswith(f"no forecast yet: it takes {model.history} rows")
            raw = await client.step_in_bytes(y[40:41], 9)
            assert HEADER.unpack(raw) == (IS_WAITING, 9)
            await client.ask(step={"target": y[41:79].tolist()})
            return (await client.ask(step={"target": [float(y[79])]}))["result"]

    found, expected = asyncio.run(one()), model(y, start="2024-01-01T00:00")
    np.testing.assert_array_equal(found["quantiles"], expected.quantiles)
    assert found["times"][0] == "2024-01-04T08:00"


def test_sound_is_heard_as_it_comes(tmp_path):
    own = {"direction": "forward", "layers": 1, "filters": 2, "rate": 8000}
    model = made(tmp_path, "transcribe", tones(), "data.npz", **own)
    (sound,), _texts = spoken(1)
    as_bytes = base64.b64encode(sound[3000:].astype("<f4").tobytes()).decode()

    async def one(server):
        async with server.stream("model") as client:
            await client.ask(begin={"beam": 4})
            found = [await client.ask(step={"samples": sound[:3000].tolist()})]
            whole = {"shape": [len(sound) - 3000], "data": as_bytes}
            found.append(await client.ask(step={"samples": whole, "last": True}))
            found.append(await client.ask(step={"samples": [0.0]}))
            return found

    with serving(tmp_path / "model.gruta") as server:
        first, last, late = asyncio.run(one(server))
    expected = model.heard([sound], beam=4)[0][0]
    assert 0 < first["result"]["seconds"] < 3000 / 8000
    assert last["result"]["text"] == expected.text
    assert [word["word"] for word in last["result"]["words"]] == expected.text.split()
    assert "the recording is at its end" in late["error"]["message"]


def test_one_stream_that_cannot_be_advanced_spoils_no_other(server, monkeypatch):
    model = server.site.models.get("classify-series").newest.model
    advance, given = model.advance, cases(24)

    def failing(streams):
        if any(stream.steps == 0 and stream.coming[0, 0] > 9e3 for stream in streams):
            raise gruta.InputError("this one cannot")
        advance(streams)

    monkeypatch.setattr(model, "advance", failing)
    given[7][0][0, 0] = 9e6

    async def one(case):
        async with server.stream() as client:
            return [await client.ask(step={"rows": rows.tolist()}) for rows in case[:1]]

    async def everyone():
        return await asyncio.gather(*map(one, given))

    found = asyncio.run(everyone())
    assert found[7][0]["error"]["message"] == "this one cannot"
    fresh = gruta.load(SERIES)
    for case, said in zip(given[:7] + given[8:], found[:7] + found[8:], strict=True):
        np.testing.assert_array_equal(said[0]["result"]["probabilities"], alone(fresh, case[:1])[0])


def test_a_snapshot_goes_on_at_another_server_with_the_same_key(key, tmp_path):
    ((*before, last),), expected = cases(1), None
    other_key = tmp_path / "other"
    other_key.write_text("x" * 40)

    async def everything(first, second, third):
        nonlocal expected
        async with first.stream() as client:
            for rows in before:
                await client.step(rows.tolist())
            token = (await client.ask(snapshot={}))["snapshot"]
            expected = await client.step(last.tolist())
        async with second.stream() as client:
            assert (await client.ask(resume=token))["begun"]["model"] == "classify-series"
            assert await client.step(last.tolist()) == expected
            again = await client.ask(resume=token)
            assert "has begun" in again["error"]["message"]
            await client.ask(reset={})
            return await client.step(before[0].tolist()), await third_says(third, token)

    async def third_says(third, token):
        told = []
        for given in (token, token[:-3] + "AAA", "x.y", ""):
            async with third.stream() as client:
                told.append((await client.ask(resume=given))["error"]["message"])
        return told

    with (
        serving(key_file=key) as first,
        serving(key_file=key) as second,
        serving(key_file=str(other_key)) as third,
    ):
        anew, refused = asyncio.run(everything(first, second, third))
    np.testing.assert_array_equal(anew, alone(gruta.load(SERIES), before[:1])[0])
    assert all(one.startswith("resume: not made by a server with this key") for one in refused)


def test_a_file_that_changes_is_loaded_and_no_stream_is_dropped(tmp_path, key):
    path, (case,) = tmp_path / "plant.gruta", cases(1)
    path.write_bytes(SERIES.read_bytes())

    async def everything(server):
        async with server.stream("plant") as old:
            found = [await old.step(case[0].tolist())]
            token = (await old.ask(snapshot={}))["snapshot"]
            path.write_bytes(b"half of a file")
            await until(lambda: server.metrics("plant").loaded["refused"] == 1)
            changed(SERIES, path)
            await until(lambda: server.metrics("plant").loaded["changed"] == 1)
            async with server.stream("plant") as new, server.stream("plant") as resumed:
                begun = await new.ask(begin={})
                assert begun["begun"]["checksum"] == gruta.load(path).checksum
                fresh = await new.step(case[0].tolist())
                old_again = await resumed.ask(resume=token)  # while it is there
                assert old_again["begun"]["checksum"] == gruta.load(SERIES).checksum
            found += [await old.step(rows.tolist()) for rows in case[1:]]
        await until(lambda: not server.site.models.get("plant").older)
        async with server.stream("plant") as late:
            gone = await late.ask(resume=token)
        return found, fresh, gone

    with serving(path, key_file=key) as server:
        found, fresh, gone = asyncio.run(everything(server))
    np.testing.assert_array_equal(found, alone(gruta.load(SERIES), case))
    np.testing.assert_array_equal(fresh, alone(gruta.load(path), case[:1])[0])
    assert "of another model than this one" in gone["error"]["message"]


@pytest.mark.parametrize("name", ["classify-texts", "translate-texts"])
def test_a_task_without_streams_says_so_by_name(name):
    from websockets.exceptions import InvalidStatus

    async def one(server):
        with pytest.raises(InvalidStatus) as refused:
            async with server.stream(name):
                pass
        return refused.value.response

    with serving(SERIES.with_name(f"{name}.gruta")) as server:
        response = asyncio.run(one(server))
    assert response.status_code == 409
    assert f"the model {name} of the task" in response.body.decode()
