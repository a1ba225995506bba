"""What the server answers: models, files and texts as they read them, and how it says no."""

import json
import math
import shutil

import numpy as np
import pytest
from starlette.testclient import TestClient

from gruta.lab.api import application
from gruta.lab.lab import Lab
from gruta.lab.made import MADE
from gruta.lab.opened import bundle_of
from gruta.lab.tests.conftest import HOST, TOKEN, browser, connected
from gruta.lab.walk import outputs, walk
from gruta.runs import METRICS, MODEL, Run
from gruta.runs.lock import training_alone


def test_the_list_has_runs_and_the_pages_own_models_with_how_far_they_are(page):
    found = {one["id"]: one for one in page.get("/api/bundles").json()}
    assert found["rhyme-gru"]["ready"]
    assert found["rhyme-gru"]["task"] == "generate"
    assert not found["facts-lstm"]["ready"]
    assert found["facts-lstm"]["group"] == "facts"
    assert found["facts-lstm"]["title"]["pt"] == "Um fato guardado ao longo de uma sequência"
    told = page.get("/api/bundles/facts-lstm").json()["error"]
    assert "not made yet" in told["en"]
    assert "ainda não foi criado" in told["pt"]


def test_a_model_that_another_process_makes_is_seen_to_grow_and_not_made_twice(page, lab):
    assert page.post("/api/make", json={"recipe": "nothing"}).status_code == 400
    run = Run.create(MADE["demand"].folder / "gru", "forecast", {"steps": 200}, "")
    run.write(METRICS, b'{"step": 50}\n')
    with training_alone(run):
        assert page.post("/api/make", json={"recipe": "demand"}).status_code == 202
        (told,) = [one for one in page.get("/api/bundles").json() if one["id"] == "demand"]
    assert told["making"]
    assert told["share"] == 0.25
    assert not lab.making.alive("demand")


def test_a_model_comes_as_its_bundle_packed(page, trained):
    answer = page.get("/api/bundles/rhyme-gru")
    assert answer.json() == json.loads(json.dumps(bundle_of(trained / "rhyme-gru").to_json()))
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["cache-control"] == "no-store"


def test_a_path_of_nothing_is_told_in_both_languages(page):
    answer = page.get("/api/nothing")
    assert answer.status_code == 404
    assert answer.json()["error"]["pt"] == "não há nada em /api/nothing"


def test_a_broken_run_is_listed_and_told_while_others_open(trained, tmp_path, assets):
    shutil.copytree(trained / "rhyme-gru", tmp_path / "runs" / "whole")
    for name, file in (("torn", MODEL), ("mad", "codec.json"), ("lost", "settings.toml")):
        shutil.copytree(trained / "rhyme-gru", tmp_path / "runs" / name)
        (tmp_path / "runs" / name / file).write_bytes(b"{")
    lab = Lab.of([tmp_path / "runs"], tmp_path / "runs")
    with browser(application(lab, TOKEN, HOST, assets)) as page:
        assert page.get("/api/bundles/whole").status_code == 200
        for name in ("torn", "mad", "lost"):
            answer = page.get(f"/api/bundles/{name}")
            assert answer.status_code == 400
            assert name in answer.json()["error"]["en"]
            assert answer.json()["error"]["en"] != answer.json()["error"]["pt"]
        assert {one["id"] for one in page.get("/api/runs").json()} >= {"torn", "mad", "lost"}


def test_a_text_is_read_and_walked_by_the_server_as_by_the_model(page, trained):
    portrait = bundle_of(trained / "rhyme-gru").portrait
    with connected(page) as socket:
        socket.send_json({"ask": 1, "read": {"bundle": "rhyme-gru", "text": "casa"}})
        (sample,) = socket.receive_json()["result"]["samples"]
        socket.send_json({"ask": 2, "infer": {"bundle": "rhyme-gru", "units": sample["units"]}})
        by_units = framed_answer(socket)
        socket.send_json({"ask": 3, "infer": {"bundle": "rhyme-gru", "text": "casa"}})
        by_text = framed_answer(socket)
    assert sample["labels"] == ["⟨", *"casa"]
    assert by_units["ask"] == 2
    np.testing.assert_array_equal(by_units["result"]["y"], by_text["result"]["y"])
    (trace,) = walk(portrait, portrait.embedding[sample["units"]])
    (found,) = by_text["result"]["layers"]
    for letter, values in trace.items():
        np.testing.assert_allclose(found[letter], values, atol=1e-3)
    y = outputs(portrait, trace["h"])
    np.testing.assert_allclose(by_text["result"]["y"], y, atol=5e-3, rtol=1e-3)


def framed_answer(socket):
    """As lab/frames.py writes it down."""
    content = socket.receive_bytes()
    start = 4 + int.from_bytes(content[:4], "little")

    def read(found):
        if "at" not in found:
            return found
        count = math.prod(found["shape"])
        values = np.frombuffer(content, "<f2", count, start + found["at"])
        return values.reshape(found["shape"]).astype(np.float32)

    return json.loads(content[4:start], object_hook=read)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"text": ""}, "text: expected some"),
        ({"text": "a" * 100_001}, "100,001 characters are too many"),
        ({"units": [10**6]}, "units: expected numbers below"),
        ({"units": [-1]}, "units: expected numbers below"),
        ({"units": "a"}, "expected lists of numbers"),
        ({"x": [[1.0]]}, "x: expected steps of 5 numbers"),
        ({"x": [[float("nan")] * 5]}, "x: expected steps of 5 numbers"),
        ({}, "expected lists of numbers"),
        ("rhyme", "expected a question in JSON"),
    ],
)
def test_what_cannot_be_walked_is_told_and_the_socket_stays(page, asked, message):
    if isinstance(asked, dict):
        asked = asked | {"bundle": "rhyme-gru"}
    with connected(page) as socket:
        socket.send_json({"ask": 7, "infer": asked})
        told = socket.receive_json()
        assert told["ask"] == 7
        assert message in told["error"]["en"]
        socket.send_text("no JSON")
        assert "error" in socket.receive_json()
        socket.send_json({"watch": "nobody"})
        assert "nobody" in socket.receive_json()["error"]["pt"]
        socket.send_json({"ask": 8, "read": {"bundle": "rhyme-gru", "text": "a"}})
        assert socket.receive_json()["result"]["samples"]


def test_a_wide_model_is_walked_by_the_server_alone(page, lab, monkeypatch):
    monkeypatch.setattr("gruta.lab.bundle.WIDEST", 4)
    bundle = page.get("/api/bundles/rhyme-gru").json()
    assert bundle["remote"]
    assert bundle["embedding"]["data"] is None
    with connected(page) as socket:
        socket.send_json({"ask": 1, "infer": {"bundle": "rhyme-gru", "text": "casa"}})
        assert framed_answer(socket)["result"]["layers"][0]["h"].shape == (5, 6)


def test_a_page_may_be_told_to_start_nothing(trained, assets):
    lab = Lab.of([trained], trained, may_start=False)
    with browser(application(lab, TOKEN, HOST, assets)) as page:
        for path, body in (
            ("/api/train", {"source": "sample:english"}),
            ("/api/make", {"recipe": "facts"}),
            ("/api/runs/rhyme-gru/stop", {}),
            ("/api/runs/rhyme-gru/resume", {}),
        ):
            assert "nothing is started" in page.post(path, json=body).json()["error"]["en"]


def test_a_page_that_was_not_built_says_how(lab, tmp_path):
    app = application(lab, TOKEN, HOST, tmp_path / "none")
    answer = TestClient(app, base_url=f"http://{HOST}:1").get("/")
    assert answer.status_code == 400
    assert "make lab" in answer.json()["error"]["pt"]
