"""`gruta inspect`: what it prints and draws of forecasters, networks of words, and others."""

import json
import shlex
from contextlib import nullcontext

import pytest

from gruta.checkpoint import Run
from gruta.studies.contest import Entrant, compete, settings
from gruta.studies.plan import Plan
from gruta.studies.problems import Adding, Paragraphs
from gruta.tests.command import SHORT
from gruta.train import Progress


def test_inspect_shows_and_draws_what_goes_on_inside(trained, run_gruta, tmp_path):
    _, run, path = trained
    done = run_gruta("inspect", run, "--data", path, "--out", tmp_path / "inside", "--lag", 5)
    assert done.code == 0, done.err
    assert "encoder l0" in done.out
    assert "95% of what moves an output" in done.out
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
    done = run_gruta("train", "forecast", csv, "--run", run, *SHORT.split()[2:], *tight)
    assert done.code == 0, done.err
    told = json.loads(run_gruta("inspect", run, "--data", csv, "--json").out)
    assert "clips_nearly_always" in [advice["rule"] for advice in told["advice"]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "--data: the run {run} reads a series; give its file with --data FILE"),
        (("--text", "once"), "--text: the run {run} reads a series, not text; give --data FILE"),
        (("--data", "{path}", "--at", "3"), "--at and --layer: they say which step of a unit"),
        (("--data", "{path}", "--unit", "99"), "unit: expected a unit of decoder l0 from 0 to"),
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


def test_advice_is_a_command_that_trains_anew_with_one_thing_changed(trained, run_gruta, tmp_path):
    _, run, path = trained
    told = json.loads(run_gruta("inspect", run, "--data", path, "--lag", 24, "--json").out)
    (code,) = [a["code"] for a in told["advice"] if a["rule"] == "short_memory"]
    command = shlex.split(code)
    assert command[:4] == ["gruta", "train", "forecast", str(path)]
    command[command.index("--run") + 1] = str(tmp_path / "again")
    done = run_gruta(*command[1:])
    assert done.code == 0, done.err
    before = Run.open(run, "forecast").settings()
    after = Run.open(tmp_path / "again", "forecast").settings()
    assert after == before | {"init": "chrono"}


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
    page = (tmp_path / "xray.html").read_text()
    assert "Pictures" in page
    done = run_gruta("inspect", run, *where, "--text", "Ana comeu o filme")
    assert done.code == 2
    assert "expected words that the network has learned, got comeu; it knows" in done.err
    done = run_gruta("inspect", run, *where, "--json")  # without a text, one of its own
    assert json.loads(done.out)["loss"] > 0


def test_network_of_a_study_reads_a_sequence_of_its_own(study_run, run_gruta, tmp_path):
    run = study_run(Adding(12))
    told = json.loads(run_gruta("inspect", run, "--json", "--unit", 2, "--at", 3).out)
    assert told["by_hand"]["result"] == pytest.approx(told["by_hand"]["by_layer"], abs=1e-5)
    assert set(told["loss_by_context"]) == {"1", "2", "4", "8", "12"}
    for options, message in (
        (("--text", "Ana"), f"--text: the run {run} reads no words"),
        (("--data", "x.csv"), f"--data and --from: the run {run} is one of a study"),
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
