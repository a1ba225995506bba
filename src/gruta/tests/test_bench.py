"""`gruta bench cells` through the entry point."""

import json
import sys
from dataclasses import replace
from statistics import median
from types import SimpleNamespace

import pytest
import torch

from gruta import nn
from gruta.bench import demo, health, measure, modules, options, rivals, worker
from gruta.bench.cases import CASES
from gruta.bench.rivals import Job
from gruta.bench.rivals.gruta_itself import Gruta
from gruta.bench.rows import Layout, peaks
from gruta.bench.worker import LIMITS, REFERENCE, Worker
from gruta.cells import CELLS
from gruta.cli import bench_tables, main


@pytest.fixture
def bench(monkeypatch, capfd, tmp_path):
    monkeypatch.setenv("GRUTA_LANG", "en")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["gruta", "bench", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        return end.value.code or 0, *capfd.readouterr()

    return run


def test_prints_json_and_names_who_is_missing(bench, monkeypatch, tmp_path):
    found = rivals.find_spec
    monkeypatch.setattr(rivals, "find_spec", lambda name: None if name == "jax" else found(name))
    asked = ("--quick", "--only", "gru,step", "--only", "torch,jax", "--seed", "5")
    code, out, err = bench("cells", *asked, "--json", "-")
    assert code == 0, err
    assert "jax is not installed and left out: pip install 'gruta[bench]'" in err
    report = json.loads(out)
    (row,) = report["rows"]
    assert report["missing"] == {"jax": ["jax"]}
    assert (row["cell"], row["regime"], row["threads"], row["flops"]) == ("gru", "step", 1, 39936)
    assert [o["rival"] for o in row["outcomes"]] == ["gruta", "torch"]
    for outcome in row["outcomes"]:
        assert outcome["parity"]["passed"]
        assert outcome["gflops"] == pytest.approx(39936 / outcome["seconds"] / 1e9)
    assert set(report["limits"]["1"]) == {"FMA", "L2", "L3"}
    written = {path.name for path in (tmp_path / "runs" / "bench").iterdir()}
    assert written == {"cells.json", "cells-1.png", "logs"}


def test_accuracy_is_that_of_the_dtype(bench):
    code, out, err = bench("accuracy", "--steps", "30,2", "--json", "-")
    assert code == 0, err
    found = {(one["cell"], one["dtype"], one["T"]): one for one in json.loads(out)}
    assert len(found) == 3 * 4 * 2
    bounds = {"float32": 2e-6, "float64": 1e-14, "float16": 2e-3, "bfloat16": 2e-2}
    for (_, dtype, _), one in found.items():
        assert 0 < one["outputs"] < bounds[dtype]
        assert (one["gradients"] is None) == (dtype in ("float16", "bfloat16"))
        assert (one["gradients"] or 0) < 10 * bounds[dtype]
    code, out, _ = bench("accuracy", "--steps", "2", "--seed", "1")
    assert code == 0
    assert "T=2" in out
    assert "LSTM bfloat16" in out


def test_the_cost_of_every_option_is_told(bench, monkeypatch):
    monkeypatch.setattr(options, "SIZES", ((3, 2, 4, 5),))
    monkeypatch.setattr(options, "ROUNDS", 1)
    monkeypatch.setattr(options, "SECONDS", 1e-4)
    code, out, err = bench("options")
    assert code == 0, err
    assert "GRU H5" in out
    for option in options.OPTIONS:
        assert option in out
        assert f"LSTM B2 H5 {option}: " in err


def test_cells_and_16_bits_are_compared_with_torchs(bench, monkeypatch):
    monkeypatch.setattr(modules, "STEPS", ((1, 4, 5),))
    monkeypatch.setattr(modules, "SEQUENCES", ((3, 2, 4, 5),))
    monkeypatch.setattr(modules, "ROUNDS", 1)
    monkeypatch.setattr(modules, "SECONDS", 1e-4)
    code, out, err = bench("modules", "--json", "-")
    assert code == 0, err
    found = {(one["cell"], one["job"]): one for one in json.loads(out)}
    assert len(found) == 3 * 4
    assert all(one["torch"] > 0 for (cell, _), one in found.items() if cell != "lstm")
    assert all(
        (one["float32"] is None) == job.startswith("step") for (_, job), one in found.items()
    )
    code, out, err = bench("modules")
    assert code == 0, err
    assert "GRU step, training B1 I4 H5" in out


def test_what_looking_costs_is_told(bench, monkeypatch):
    monkeypatch.setattr(health, "SIZES", ((3, 2, 4, 5),))
    monkeypatch.setattr(health, "ROUNDS", 1)
    monkeypatch.setattr(health, "SECONDS", 1e-4)
    code, out, err = bench("health", "--json", "-")
    assert code == 0, err
    found = json.loads(out)
    assert {(one["cell"], one["library"]) for one in found} == {
        (cell, library) for cell in CELLS for library in ("gruta.nn", "torch.nn")
    }
    assert median(one["watch"] for one in found) > 0  # a step of so small a layer is soon done
    code, out, err = bench("health")
    assert "LSTM torch.nn H5" in out


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("--only", "keras"), "--only: expected some of gru"),
        (("--threads", "0"), "--threads: expected numbers"),
        (("--json", "nowhere/at/all.json"), "--json: nowhere/at/all.json: expected a file"),
    ],
)
def test_bad_options_are_refused_in_one_line(bench, given, message, tmp_path):
    code, out, err = bench("cells", *given)
    assert (code, out) == (2, "")
    assert err.startswith(f"gruta: {message}")
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


class Wrong(Gruta):
    """Does gruta's work and is a little off."""

    def prepare(self, case, inputs, variant) -> Job:
        job = super().prepare(case, inputs, variant)
        return replace(job, results=lambda: {k: v + 1e-3 for k, v in job.results().items()})


class Here:
    """A worker in this process, with what a `Process` has."""

    def __init__(self, name: str) -> None:
        self.name, self._worker, self._answer = name, Worker(name, 1), {}

    def send(self, do, **fields):
        self._answer = getattr(self._worker, do)(**fields)

    def answer(self):
        return json.loads(json.dumps(self._answer))

    def ask(self, do, **fields):
        self.send(do, **fields)
        return self.answer()


def test_a_wrong_rival_is_refused_and_its_time_is_hidden(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(worker, "load", lambda name, n: Gruta(n) if name == "gruta" else Wrong(n))
    monkeypatch.setattr(measure, "PAUSE", 0)
    team = {name: Here(name) for name in (LIMITS, REFERENCE, "gruta", "jax")}
    case = next(c for c in CASES if c.key == "gru-step-T1-B1-I40-H64")
    plan = measure.Plan([case], ["gruta", "jax"], [1], seed=3, rounds=1, most=1, seconds=1e-3)
    row = measure.Bench(plan, team, 1, case, tmp_path, tmp_path, 1e11).time()
    right, wrong = row.of("gruta"), row.of("jax")
    assert right.timing is not None
    assert right.parity.passed
    assert (wrong.timing, wrong.parity.passed, wrong.parity.worst) == (None, False, "h")
    assert row.verdict.other is None
    plain = row.plain()["outcomes"][1]
    assert "seconds" not in plain
    assert plain["parity"]["error"] > 1e-4
    assert bench_tables._cell(row, "jax").startswith("parity failed\n1e-03")
    assert list(tmp_path.iterdir()) == []


def test_the_demo_is_measured_with_the_layers_of_both(monkeypatch):
    met = []

    class Noted:
        def __init__(self, job, cell, hidden):
            self.cell = cell

        def fit(self, series):
            used = self.task.layers[self.cell]
            met.append(used)
            self.train_seconds_ = 1.0 if used.__module__.startswith("gruta") else 3.0
            return self

        def evaluate(self, series, stride):
            return SimpleNamespace(scores=[SimpleNamespace(smape=self.train_seconds_)])

    monkeypatch.setattr(demo, "forecaster", Noted)
    monkeypatch.setattr(demo, "demand", lambda: None)
    monkeypatch.setattr(demo, "equal_sizes", lambda job, series: dict.fromkeys(CELLS, 8))
    found = list(demo.trainings(rounds=1))
    assert [one.ratio for one in found] == [3.0] * 6
    assert str(found[1]) == "LSTM next-half-hour: 1.0 / 3.0 s, 1.000 / 3.000 %"
    assert met[:4] == [nn.GRU, torch.nn.GRU, nn.LSTM, torch.nn.LSTM]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="told by Linux alone")
def test_many_rows_are_read_in_little_more_memory_than_they_take(bench):
    read = next(peaks(2_500, 2_500_000, Layout("time", missing=0.01)))
    assert read.stage == "read"
    assert read.size < 2.1 * read.data, f"{read}"
    code, out, err = bench("rows", "--series", "20", "--days", "100", "--missing", "0.01")
    assert code == 0, err
    assert "2,000 rows" in out
    assert "reading and training one step" in out
