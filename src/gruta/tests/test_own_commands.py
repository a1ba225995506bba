"""Commands that the forecaster alone has: what they print, leave and refuse."""

import json

import polars as pl
import pytest

from gruta.tasks import fitting
from gruta.tests.command import ROWS, short, table
from gruta.train import Interrupted


def test_backtest_trains_before_each_cut_and_goes_on_where_it_stopped(
    csv, run_gruta, tmp_path, monkeypatch
):
    place, fit = tmp_path / "cuts", fitting.fit
    trained = []

    def stopped(*how, **named):
        trained.append(how[3].name)
        if trained == ["cut-1", "cut-2"]:
            raise Interrupted("stopped after step 3 of 6")
        return fit(*how, **named)

    monkeypatch.setattr("gruta.tasks.fitting.fit", stopped)
    line = ["backtest", csv, "--run", place, *short(), "--json"]
    done = run_gruta(*line)
    assert done.code == 130
    assert f"to go on: gruta backtest {csv} --run {place}" in done.err
    done = run_gruta(*line, "--out", tmp_path / "all.csv")
    assert done.code == 0, done.err
    assert trained == ["cut-1", "cut-2", "cut-2", "cut-3"]
    told = json.loads(done.out)
    assert [cut["from"] for cut in told["cuts"]] == [
        "2024-01-12 06:00", "2024-01-12 16:00", "2024-01-13 02:00"
    ]  # fmt: skip
    assert set(told["differences"]["naive"]) == {"mae_above", "standard_error", "beyond_chance"}
    assert told["report"] == str(place / "report.html")
    rows = pl.read_csv(tmp_path / "all.csv")
    assert (rows["forecast"] - rows["y"]).abs().mean() == pytest.approx(told["scores"][0]["mae"])


def test_backtest_of_a_run_trains_nothing(trained, run_gruta, tmp_path, monkeypatch):
    _, run, path = trained
    monkeypatch.setattr("gruta.tasks.fitting.fit", lambda *_, **__: pytest.fail("trained"))
    done = run_gruta("backtest", run, path, "--windows", 2, "--run", tmp_path / "told")
    assert done.code == 0, done.err
    assert "MAE by cut" in done.out
    assert (tmp_path / "told" / "report.html").is_file()
    done = run_gruta("backtest", run, path, "--horizon", 3)
    assert done.err.startswith(f"gruta: --horizon: the run {run} is trained; leave it out")
    assert run_gruta("backtest", run, path, path).err.startswith("gruta: expected FILE, or RUN")
    assert (
        "--windows: expected a whole number above 0"
        in run_gruta("backtest", path, "--windows", 0).err
    )


def test_update_leaves_a_new_run_and_goes_on_where_it_stopped(
    trained, run_gruta, tmp_path, monkeypatch
):
    _, run, _ = trained
    longer = tmp_path / "longer.csv"
    longer.write_text(table(ROWS + 60))
    before = {path.name: path.read_bytes() for path in run.iterdir() if path.is_file()}
    new, line = run.with_name(f"{run.name}-2"), ["update", run, longer, "--steps", 4, "--json"]

    def stop(*_):
        raise Interrupted("stopped after step 2 of 4")

    with monkeypatch.context() as patched:
        patched.setattr("gruta.tasks.fitting.train", stop)
        done = run_gruta(*line)
    assert done.code == 130
    assert f"to go on: gruta update {run}" in done.err
    done = run_gruta(*line)
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert told["drift"] == json.loads((new / "drift.json").read_text())
    assert told["drift"]["inputs"][0]["column"] == "y"
    assert set(told["gain"]) == {"mae_above", "standard_error", "beyond_chance", "mae_before"}
    scored = json.loads(run_gruta("evaluate", new, longer, "--json").out)
    assert scored["scores"] == told["scores"]
    assert {path.name: path.read_bytes() for path in run.iterdir() if path.is_file()} == before
    assert run_gruta("predict", new, longer).code == 0
    assert "exists already" in run_gruta(*line, "--run", new).err
