"""The client that is written for Triton's stateful models, against ours."""

import json
import queue
import socket
from contextlib import contextmanager

import numpy as np
import pytest

import gruta
from gruta.serve.tests.conftest import FORECAST, SERIES, TEXT, serving
from gruta.serve.tests.test_streams import alone, cases

triton = pytest.importorskip("tritonclient.grpc")


@contextmanager
def answering(*models, **settings):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = serving(*models, grpc_port=port, **settings)
    with server, triton.InferenceServerClient(f"127.0.0.1:{port}") as client:
        yield client


@pytest.fixture(scope="module")
def client():
    with answering(SERIES, FORECAST, TEXT, budget_ms=2) as client:
        yield client


def text(name, content):
    found = triton.InferInput(name, [1], "BYTES")
    found.set_data_from_numpy(np.array([json.dumps(content).encode()], dtype=object))
    return [found]


def numbers(rows):
    found = triton.InferInput("numbers", list(np.shape(rows)), "FP32")
    found.set_data_from_numpy(np.asarray(rows, np.float32))
    return [found]


def said(result, name="answer"):
    return json.loads(result.as_numpy(name)[0])


def test_whole_questions_are_answered(client):
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("forecast")
    assert not client.is_model_ready("nobody")
    told = client.get_model_metadata("classify-series")
    assert [one.name for one in told.inputs] == ["question", "step", "numbers"]
    found = said(client.infer("generate", text("question", {"prompt": "a casa", "length": 20})))
    assert found["texts"] == gruta.load(TEXT)("a casa", length=20)
    y = (20 + np.sin(np.arange(80) / 4)).tolist()
    asked = {"cases": [{"target": y, "start": "2024-01-01"}]}
    (found,) = said(client.infer("forecast", text("question", asked)))["forecasts"]
    expected = gruta.load(FORECAST)(y, start="2024-01-01").quantiles
    np.testing.assert_array_equal(found["quantiles"], expected)


def test_sequences_in_turn_are_streams_to_the_last_bit(client):
    given, model = cases(12), gruta.load(SERIES)
    coming = queue.SimpleQueue()
    client.start_stream(callback=lambda result, error: coming.put((result, error)))
    for k in range(len(given[0])):
        for i, case in enumerate(given):
            ends = {"sequence_start": k == 0, "sequence_end": k == len(case) - 1}
            client.async_stream_infer(
                "classify-series", numbers(case[k]), sequence_id=i + 1, request_id=f"{k}", **ends
            )
    for k in range(len(given[0])):
        for case in given:
            result, error = coming.get(timeout=20)
            assert error is None
            assert result.get_response().id == f"{k}"
            expected = alone(model, case)[k].astype("f")
            np.testing.assert_array_equal(result.as_numpy("values"), expected)
    client.async_stream_infer("classify-series", numbers(given[0][0]), sequence_id=1)
    _result, error = coming.get(timeout=20)
    assert "no stream has the sequence_id '1'; start it" in str(error)
    client.stop_stream()


def test_a_forecast_begins_by_parameters_and_goes_on_from_a_snapshot(client):
    y, model = 20 + np.sin(np.arange(80) / 4).astype("f"), gruta.load(FORECAST)
    begin = json.dumps({"start": "2024-01-01"})
    own = {"sequence_id": "plant-7", "model_name": "forecast"}
    begun = {"begin": begin, "snapshot": True}
    early = client.infer(
        inputs=numbers(y[:40]), sequence_start=True, parameters={"begin": begin}, **own
    )
    assert early.as_numpy("values").shape == (0,)
    asked = text("step", {"target": y[:79].astype(float).tolist()})
    found = client.infer(inputs=asked, sequence_start=True, parameters=begun, **own)
    token = found.get_response().parameters["snapshot"].string_param
    for name, more in (("plant-7", {}), ("plant-8", {"parameters": {"resume": token}})):
        how = own | {"sequence_id": name, "sequence_start": bool(more), "sequence_end": True}
        found = client.infer(inputs=numbers(y[79:]), **how, **more).as_numpy("values")
        expected = model(y, start="2024-01-01").quantiles.ravel()
        np.testing.assert_array_equal(found, expected.astype("f"))


def test_what_does_not_fit_is_named(client, tmp_path):
    def refused(inputs, model="classify-series", **how):
        with pytest.raises(triton.InferenceServerException) as error:
            client.infer(model, inputs, **how)
        return str(error.value)

    start = {"sequence_id": 3, "sequence_start": True}
    assert "no model is called 'x'" in refused(numbers([[1, 2]]), "x")
    assert "expected the tensor question alone" in refused(numbers([[1, 2]]))
    assert "cases: is missing" in refused(text("question", {"seed": 1}))
    assert "start: expected the stamp" in refused(numbers([1]), "forecast", **start)
    assert "rows: expected 1 to 1024 rows of 2" in refused(numbers([[1, 2, 3]]), **start)
    assert "rows[0][0]: expected a number" in refused(text("step", {"rows": [["1"]]}), **start)
    wrong = triton.InferInput("numbers", [2], "INT32")
    wrong.set_data_from_numpy(np.ones(2, np.int32))
    assert "numbers: expected BYTES, FP32, got INT32" in refused([wrong], **start)

    token = tmp_path / "token"
    token.write_text("a-token-of-these-tests\n")
    with answering(SERIES, token_file=str(token)) as guarded:
        with pytest.raises(triton.InferenceServerException, match="the token is missing"):
            guarded.is_server_live()
        good = {"authorization": "Bearer a-token-of-these-tests"}
        assert guarded.is_server_live(headers=good)
