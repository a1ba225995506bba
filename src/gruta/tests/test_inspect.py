"""`gruta inspect`: what it prints and draws of forecasters, networks of words, and others."""

import json
import shlex
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from gruta.cli.remedies import command
from gruta.health.advice import Advice, first
from gruta.runs import Run
from gruta.settings import resolve
from gruta.studies.contest import Entrant, compete, settings
from gruta.studies.plan import Plan
from gruta.studies.problems import Adding, Paragraphs
from gruta.tasks.forecast import Forecaster
from gruta.tasks.forecast.settings import ForecastSettings
from gruta.tasks.forecast.task import TASK
from gruta.tests.command import short
from gruta.train import Progress


def test_inspect_shows_and_draws_what_goes_on_inside(trained, run_gruta, tmp_path):
    _, run, path = trained
    done = run_gruta("inspect", run, "--data", path, "--out", tmp_path / "inside", "--lag", 5)
    assert done.code == 0, done.err
    assert "encoder l0" in done.out
    assert "95% of what moves an output" in done.out
    assert "l0 is the lowest; the encoder reads what was, the decoder what is to come." in " ".join(
        done.out.split()
    )
    page = tmp_path / "inside" / "xray.html"
    assert str(page) in done.err
    assert "Pictures" in page.read_text()
    drawn = {p.name for p in page.parent.glob("*.png")}
    assert {"gradient.png", "encoder-l0-gates.png", "decoder-influence.png"} <= drawn


def test_inspect_tells_a_program_and_shows_a_step_by_hand(trained, run_gruta, tmp_path):
    _, run, path = trained
    where = ("inspect", run, "--data", path, "--out", tmp_path)
    done = run_gruta(*where, "--json", "--unit", 1, "--layer", "encoder l0")
    told = json.loads(done.out)
    assert set(told["layers"]) == {"encoder l0", "decoder l0"}
    assert told["by_hand"]["result"] == pytest.approx(told["by_hand"]["by_layer"], abs=1e-5)
    assert list(tmp_path.iterdir()) == []
    done = run_gruta(*where, "--unit", 1)
    assert "gate_update = σ(" in done.out
    assert "4. Linear output" in done.out


def test_inspect_advises_on_the_clipping_of_the_training(run_gruta, csv, tmp_path):
    run = tmp_path / "clipped"
    tight = ("--steps", 60, "--log-every", 20, "--clip", "value", "--clip-threshold", 1e-6)
    # One step ahead: the decoder has no time to look at, the encoder has.
    done = run_gruta("train", "forecast", csv, "--run", run, *short(*tight)[2:])
    assert done.code == 0, done.err
    told = json.loads(run_gruta("inspect", run, "--data", csv, "--json").out)
    assert "clipping_turns" in [advice["rule"] for advice in told["advice"]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "INPUT: expected what the run reads: gruta inspect {run} FILE (CSV, Excel or Parq"),
        (
            ("--text", "once"),
            "--text: the run {run} reads no text, but a file: gruta inspect {run}",
        ),
        (("once",), "once: expected a CSV, Excel or Parquet file, found no file"),
        (("{path}", "--data", "{path}"), "INPUT, --data and --text: give one of them"),
        (("--data", "{path}", "--at", "3"), "--at and --layer: they say which step of a unit"),
        (("--data", "{path}", "--unit", "99"), "--unit: expected a unit of decoder l0 from 0 to"),
        (("--data", "{path}", "--from", "2099-01-01"), "{path}: no forecast to score from 2099"),
    ],
)
def test_inspect_refuses_what_does_not_fit(trained, run_gruta, options, message):
    _, run, path = trained
    before = sorted(run.iterdir())
    done = run_gruta("inspect", run, *(o.format(path=path) for o in options))
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("gruta: " + message.format(run=run, path=path))
    assert sorted(run.iterdir()) == before


def test_advice_is_a_command_that_trains_anew_with_one_thing_changed(run_gruta, csv, tmp_path):
    run = tmp_path / "run"
    fast = ("--learning-rate", 30, "--watch-every", 50, "--schedule", "constant")
    assert run_gruta("train", "forecast", csv, "--run", run, *short(*fast)).code == 0
    copied = tmp_path / "inspected.csv"  # another file than the one that the run was trained on
    copied.write_bytes(csv.read_bytes())
    told = json.loads(run_gruta("inspect", run, "--data", copied, "--json").out)
    (code,) = [a["code"] for a in told["advice"] if a["rule"] == "updates_large"]
    command = shlex.split(code)
    assert command[:6] == ["gruta", "train", "forecast", str(csv), "--run", f"{run}-2"]
    done = run_gruta(*command[1:])
    assert done.code == 0, done.err
    before = Run.open(run, "forecast").settings()
    assert Run.open(tmp_path / "run-2", "forecast").settings() == before | {"learning_rate": 10.0}


def test_gates_that_start_ready_to_keep_are_not_advised_to_a_forecaster(run_gruta, csv, tmp_path):
    run = tmp_path / "run"
    longer = ("--steps", 30, "--validate-every", 5, "--learning-rate", 0.01, "--batch-size", 8)
    assert run_gruta("train", "forecast", csv, "--run", run, *short(*longer)).code == 0
    found = Forecaster.load(run).xray(csv)
    assert first(replace(found, training={}).advice(24), "short_memory") is not None
    assert first(found.advice(24), "short_memory") is None
    told = json.loads(run_gruta("inspect", run, "--data", csv, "--lag", 24, "--json").out)
    assert "short_memory" not in [advice["rule"] for advice in told["advice"]]


def test_network_that_adds_nothing_is_told_so(trained, run_gruta):
    _, run, path = trained  # its best step was the first, when its output weights are zero
    told = json.loads(run_gruta("inspect", run, "--data", path, "--json").out)
    assert [(a["rule"], a["code"]) for a in told["advice"]] == [("no_gradient", "")]


def remedy(rule, **settings):
    """What the command for this advice would change, as the command line would resolve it."""
    before = resolve(ForecastSettings, settings)
    advice = Advice(rule, "encoder l0", "high", "", "", "")
    words = shlex.split(command(advice, Path("runs/no-such"), "d.csv", TASK, before) or "")
    given = {}
    for flag, value in zip(words[6::2], words[7::2], strict=True):
        name = flag.removeprefix("--").replace("-", "_")
        if isinstance(getattr(before, name), tuple):
            value = (*given.get(name, ()), value)
        given[name] = value
    after = resolve(ForecastSettings, given).model_dump() if given else {}
    return {k: v for k, v in after.items() if v != before.model_dump()[k]}


def test_remedy_keeps_settings_whose_default_depends_on_others():
    smaller = {"hidden": 36}
    assert remedy("idle_units", clip="agc", clip_threshold=1.0) == smaller
    assert remedy("idle_units", optimizer="sgd", weight_decay=1.0) == smaller
    assert remedy("idle_units", quantiles=(0.5, 0.75), known=("a", "b")) == smaller
    assert remedy("clipping_turns", clip="value", clip_threshold=0.1) == {
        "clip": "norm",
        "clip_threshold": 1.0,
    }


def test_remedy_that_the_run_has_already_or_no_option_brings_is_no_command():
    has_it = resolve(ForecastSettings, {"init": "chrono"})
    advice = Advice("short_memory", "encoder l0", "high", "", "", "")
    assert command(advice, Path("run"), "d.csv", TASK, has_it) is None
    advice = Advice("reset_unused", "encoder l0", "high", "", "", "")
    assert command(advice, Path("run"), "d.csv", TASK, has_it) == ""


@pytest.fixture(scope="module")
def study_run(tmp_path_factory):
    """The run directory of a network that hardly learned a study's problem."""

    def made(problem):
        plan = Plan(
            tmp_path_factory.mktemp("study"), lambda line: None, lambda *_: nullcontext(Progress())
        )
        entrant = Entrant(problem, "gru", 6, settings(plan, 10, 1e-2, batch_size=4), "chrono")
        compete(entrant, plan)
        return plan.directory / "runs" / entrant.name

    return made


def test_text_is_read_by_a_network_of_words(study_run, run_gruta, tmp_path):
    run, where = study_run(Paragraphs(5, 5, "pt_BR")), ("--out", tmp_path)
    done = run_gruta("inspect", run, "--text", "Ana adorou o filme. Bruno odiou a sopa.", *where)
    assert done.code == 0, done.err
    assert "layer l0" in done.out
    assert "The network's answer: " in done.out
    page = (tmp_path / "xray.html").read_text()
    assert "Pictures" in page
    done = run_gruta("inspect", run, *where, "--text", "Ana comeu o filme")
    assert done.code == 2
    assert "expected words that the network has learned, got comeu; it knows, among" in done.err
    done = run_gruta("inspect", run, *where, "--json")  # without a text, one of its own
    assert json.loads(done.out)["loss"] > 0


def test_network_of_a_study_reads_a_sequence_of_its_own(study_run, run_gruta, tmp_path):
    run = study_run(Adding(12))
    told = json.loads(run_gruta("inspect", run, "--json", "--unit", 2, "--at", 3).out)
    assert told["by_hand"]["result"] == pytest.approx(told["by_hand"]["by_layer"], abs=1e-5)
    assert set(told["loss_by_context"]) == {"1", "2", "4", "8", "12"}
    assert "short_memory" not in [advice["rule"] for advice in told["advice"]]  # it has chrono
    done = run_gruta("inspect", run.parent.parent)
    assert (done.code, done.err) == (
        2,
        f"gruta: {run.parent.parent}: holds a study; name one of the runs in {run.parent}\n",
    )
    for options, message in (
        (("--text", "Ana"), f"--text: the run {run} reads no words"),
        (("--from", "2024-01-01"), f"--from: the run {run} is one of a study"),
    ):
        done = run_gruta("inspect", run, *options)
        assert (done.code, done.out) == (2, "")
        assert done.err.startswith("gruta: " + message)


def test_study_run_that_was_changed_is_refused(study_run, run_gruta):
    run = study_run(Adding(8))
    about = json.loads((run / "entrant.json").read_text())
    for broken in ({"problem": {"kind": "os.system"}}, {"hidden": 7}, {"cell": "mlp"}):
        (run / "entrant.json").write_text(json.dumps(about | broken))
        done = run_gruta("inspect", run)
        assert done.code == 2
        assert f"{run}: entrant.json and model.safetensors do not describe a network" in done.err
