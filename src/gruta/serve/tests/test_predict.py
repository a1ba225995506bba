"""Whole questions over HTTP: each task's answer, what does not fit, and the document of it all."""

import base64
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import httpx2
import numpy as np
import pytest

import gruta
from gruta.errors import InputError
from gruta.serve.models import Models
from gruta.serve.tests.conftest import KEPT, serving
from gruta.tasks.served import plain

RNG = np.random.default_rng(5)
ROWS = RNG.normal(size=(9, 2))
Y = (20 + np.sin(np.arange(80) / 4)).tolist()


NOT_SERVED = ("vocode",)


@pytest.fixture(scope="module")
def server():
    kept = [path for path in KEPT.glob("*.gruta") if path.stem not in NOT_SERVED]
    with serving(*sorted(kept), body_kb=64) as running:
        yield running


@pytest.mark.parametrize("name", NOT_SERVED)
def test_a_model_that_nobody_serves_is_refused_by_its_task(name):
    with pytest.raises(InputError, match=f"a model of the task {name} is not served"):
        Models.of([str(KEPT / f"{name}.gruta")])


def ask(server, model, question, **how):
    return httpx2.post(f"{server.http}/v1/{model}/predict", json=question, **how)


def binary(array):
    raw = base64.b64encode(array.tobytes()).decode()
    return {"dtype": array.dtype.name, "shape": list(array.shape), "data": raw}


def test_every_kind_of_model_says_what_the_runtime_says(server):
    def model(name):
        return gruta.load(KEPT / f"{name}.gruta")

    expected = model("classify-series")([ROWS, ROWS[:3]]).probabilities
    found = ask(server, "classify-series", {"cases": [ROWS.tolist(), binary(ROWS[:3])]}).json()
    np.testing.assert_array_equal(found["probabilities"], expected)
    found = ask(server, "classify-texts", {"cases": ["bom dia", "good day"]}).json()
    assert found["labels"] == model("classify-texts")(["bom dia", "good day"]).labels
    case = {"target": Y, "start": "2024-01-01"}
    (found,) = ask(server, "forecast", {"cases": [case]}).json()["forecasts"]
    expected = model("forecast")(Y, start="2024-01-01")
    assert (found["quantiles"], found["times"]) == (
        plain(expected.quantiles),
        plain(expected.times),
    )
    found = ask(server, "generate", {"prompt": "a casa", "length": 30, "count": 2}).json()
    assert found["texts"] == model("generate")("a casa", length=30, count=2)
    found = ask(server, "generate-notes", {"opening": [[60, 64], [60]], "length": 8}).json()
    (expected,) = model("generate-notes")([[60, 64], [60]], length=8)
    sounding = [(np.flatnonzero(frame) + 21).tolist() for frame in expected.sounding]
    assert found["pieces"][0]["sounding"] == sounding
    for name in ("translate-texts", "translate-words"):
        found = ask(server, name, {"texts": ["a casa", "xyz"], "best": 3}).json()
        told = [[one["text"] for one in several] for several in found["translations"]]
        several = model(name).nbest(["a casa", "xyz"], best=3)
        assert told == [[one.text for one in own] for own in several]


MISFITS = [
    ("forecast", {"cases": [{"target": Y}]}, 422, "cases[0].start: expected the stamp"),
    ("forecast", {"cases": [{"target": Y[:9], "start": "2024-01-01"}]}, 422, "target: 9 rows"),
    ("forecast", {"cases": []}, 422, "cases: expected at least 1 items or letters"),
    ("generate", {"lenght": 3}, 422, "lenght: no such field"),
    ("generate", {"length": 10**9}, 422, "length: expected a number of at most 10,000"),
    ("generate", {"seed": "1"}, 422, "seed: expected a whole number, got '1'"),
    ("generate", [], 422, "expected an object, got list"),
    (
        "classify-series",
        {"cases": [{"shape": [2], "data": "AAAA"}]},
        422,
        "cases[0].data: expected 8 bytes for this shape, got 3",
    ),
    ("translate-texts", {"texts": ["x" * 70_000]}, 413, "more than 65,536 bytes"),
    ("nobody", {}, 404, "no model is called 'nobody'; there are: caption-pictures"),
]


@pytest.mark.parametrize(("model", "question", "status", "message"), MISFITS)
def test_what_does_not_fit_is_named(server, model, question, status, message):
    found = ask(server, model, question)
    assert found.status_code == status
    assert found.json()["error"]["message"].startswith(message)


def test_errors_are_told_in_the_language_that_is_asked_for(server):
    found = ask(server, "generate", {"seed": -1}, headers={"accept-language": "pt-BR,pt"})
    assert found.json()["error"]["message"].startswith("seed: esperado um número de no mínimo 0")
    raw = httpx2.post(f"{server.http}/v1/generate/predict", content=b"x=1")
    assert raw.status_code == 415


def test_another_name_or_page_is_refused(server):
    for headers in ({"host": "evil.example"}, {"origin": "http://evil.example"}):
        assert httpx2.get(f"{server.http}/v1/models", headers=headers).status_code == 403


def test_health_readiness_and_numbers_are_there(server):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda i: ask(server, "generate", {"length": 5, "seed": i}), range(8)))
    assert httpx2.get(f"{server.http}/healthz").json() == {"status": "alive"}
    assert httpx2.get(f"{server.http}/readyz").json() == {"status": "ready"}
    told = httpx2.get(f"{server.http}/metrics").text
    for line in (
        'gruta_streams{model="generate"} 0.0',
        "gruta_tick_seconds_bucket",
        "gruta_h_norm",
    ):
        assert line in told


def test_the_document_holds_against_questions_made_from_it(server, tmp_path):
    pytest.importorskip("schemathesis")
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{server.http}/openapi.json"]
    # Whether a forecast has rows enough is beyond a schema, so not all that fits it is answered.
    command += ["--max-examples", "2", "--seed", "1", "--phases", "fuzzing"]
    command += ["--exclude-checks", "positive_data_acceptance", "--no-color", "--mode", "all"]
    command += ["--include-path-regex", "forecast|series|models|ready"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
