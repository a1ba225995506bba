"""What `gruta demo` prints, on a short series of the same form."""

import json

from gruta.cli import demo as command
from gruta.demo import run
from gruta.demo.test_demo import JOB, brief, series

__all__ = ["brief", "series"]


def test_demo_prints_every_model_and_leaves_its_data(
    series, brief, run_gruta, tmp_path, monkeypatch
):
    monkeypatch.setattr(run, "JOBS", (JOB,))
    monkeypatch.setattr(run, "demand", lambda: series)
    monkeypatch.setattr(command, "need", lambda package: None)
    done = run_gruta("demo", "--out", tmp_path / "demo")
    assert done.code == 0, done.err
    for model in ("GRU", "LSTM", "RNN", "naive", "seasonal naive, 48 steps", "rich linear"):
        assert model in done.out
    (scored,) = json.loads(run_gruta("runs", tmp_path / "demo/next-2-gru", "--json").out)
    assert scored["scores"]["smape"] > 0
    left = {path.name for path in (tmp_path / "demo").iterdir()}
    assert {"demand.csv", "coming.csv", "summary.json", "report.html"} <= left
