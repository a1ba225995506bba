"""Trainings from the page: started, followed, stopped as by Ctrl-C, gone on with, finished."""

import json
import time

import pytest

from gruta.lab.lab import Lab
from gruta.lab.records import Followed, thinned
from gruta.lab.tests.conftest import SMALL, connected
from gruta.runs import METRICS, MODEL
from gruta.tasks.generate.conftest import rhyme

SECONDS = 120


def until(socket, reached):
    """News until some are as wanted; all records that came by then."""
    records, end = [], time.monotonic() + SECONDS
    while time.monotonic() < end:
        news = socket.receive_json()
        records = ([] if news.get("anew") else records) + news.get("metrics", [])
        if reached(news, records):
            return news, records
    raise AssertionError(news)


def test_a_training_is_started_followed_stopped_and_gone_on_with_to_its_end(page, trained):
    kept = page.post("/api/upload", params={"name": "rhyme.txt"}, content=rhyme().encode())
    given = {"hidden": 6, "embedding": 5, "batch_size": 8, "tbptt": 16, "steps": 3000}
    question = {"source": kept.json()["upload"], "task": "generate", **given}
    answer = page.post("/api/train", json=question)
    assert answer.status_code == 201, answer.json()
    run = answer.json()["id"]
    assert run.startswith("rhyme-gru-")
    token = page.params
    with connected(page) as socket:
        socket.send_json({"watch": run})
        news, records = until(socket, lambda news, all_: len(all_) > 5)
        page.params = token
        assert page.post(f"/api/runs/{run}/resume").status_code == 400
        for _ in range(2):  # as a button may be pressed
            assert page.post(f"/api/runs/{run}/stop").status_code == 200
        news, _ = until(socket, lambda news, _: news["run"]["state"] in ("stopped", "finished"))
        assert news["run"]["state"] == "stopped"
        assert 0 < news["run"]["step"] < 3000
        assert page.post(f"/api/runs/{run}/stop").status_code == 400
        assert page.post(f"/api/runs/{run}/resume").status_code == 200
        assert until(socket, lambda news, _: news["run"]["state"] == "training")
        page.post(f"/api/runs/{run}/stop")
    names = {name for record in records for name in record}
    assert names >= {"loss", "gradient_norm_before_clipping", "clipped_share", "health"}
    assert not (trained / run / MODEL).exists()


def test_what_fails_in_training_is_told_with_the_run(page):
    kept = page.post("/api/upload", params={"name": "a.txt"}, content=b"ab").json()["upload"]
    answer = page.post("/api/train", json={"source": kept, "task": "generate"})
    run, end = answer.json()["id"], time.monotonic() + SECONDS
    while time.monotonic() < end:
        (told,) = [one for one in page.get("/api/runs").json() if one["id"] == run]
        if told["state"] == "failed":
            break
        time.sleep(0.3)
    assert "too few" in told["error"]["en"]


def test_settings_that_do_not_fit_are_refused_before_anything_starts(page):
    kept = page.post("/api/upload", params={"name": "a.csv"}, content=b"t,y\n1,2\n").json()
    answer = page.post(
        "/api/train", json={"source": kept["upload"], "task": "forecast", "hidden": -1}
    )
    assert answer.status_code == 400
    assert "hidden" in answer.json()["error"]["pt"]
    answer = page.post("/api/train", json={"source": kept["upload"], "task": "dance"})
    assert "expected one of forecast" in answer.json()["error"]["en"]


def test_a_finished_run_and_one_whose_text_is_gone_are_not_gone_on_with(page, trained):
    assert "finished" in page.post("/api/runs/rhyme-gru/resume").json()["error"]["en"]
    run = trained / "half"
    run.mkdir()
    for name in ("run.json", "settings.toml"):
        (run / name).write_bytes((trained / "rhyme-gru" / name).read_bytes())
    about = json.loads((run / "run.json").read_text())
    for source in ("/nowhere/at/all.txt", "no end of 'it", ["a"]):
        (run / "run.json").write_text(json.dumps(about | {"source": source}))
        told = page.post("/api/runs/half/resume").json()["error"]["pt"]
        assert f"({source})" in told


def test_a_server_that_ends_interrupts_what_it_started(trained, tmp_path):
    lab = Lab.of([trained], tmp_path / "new")
    kept = lab.trainings.sources.keep(rhyme().encode(), "rhyme.txt")
    run = lab.trainings.start("generate", kept, SMALL | {"steps": 100_000, "learning_rate": None})
    path, end = lab.shelf.run(run), time.monotonic() + SECONDS
    while not (path / METRICS).is_file() and time.monotonic() < end:
        time.sleep(0.1)
    assert lab.end() == [str(path)]
    assert lab.trainings.told(run, path)["state"] == "stopped"
    assert not lab.trainings.processes.failure(str(path))


def test_records_are_followed_as_they_come_and_anew_where_a_resumed_run_cut_them(tmp_path):
    path = tmp_path / METRICS
    followed = Followed(path)
    assert followed.more() == ([], False)
    path.write_bytes(b'{"step": 1, "loss": NaN}\n{"step": 2')
    assert followed.more() == ([{"step": 1, "loss": None}], False)
    wrong = b"no record\n[1]\n" + b"[" * 100_000 + b"\n"
    path.write_bytes(b'{"step": 1, "loss": NaN}\n{"step": 2, "loss": 1e999}\n' + wrong)
    assert followed.more() == ([{"step": 2, "loss": None}], False)
    path.write_bytes(b'{"step": 1}\n')
    assert followed.more() == ([{"step": 1}], True)


@pytest.mark.parametrize("count", [10, 5000])
def test_very_many_records_are_thinned_but_for_validations(tmp_path, count):
    lines = [{"step": k, "loss": 1.0} for k in range(count)]
    lines += [{"step": k, "validation_loss": 1.0} for k in range(7)]
    (tmp_path / METRICS).write_text("".join(json.dumps(one) + "\n" for one in lines))
    found = thinned(tmp_path / METRICS)
    assert len(found) <= 2010
    assert sum("validation_loss" in one for one in found) == 7
