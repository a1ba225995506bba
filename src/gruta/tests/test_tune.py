"""Settings are found by trials, and what is told of them is what was measured."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time

import optuna
import pytest
from optuna.trial import TrialState

from gruta.cli.console import this_command
from gruta.cli.tune import _came
from gruta.errors import InputError
from gruta.processes import called
from gruta.settings import resolve
from gruta.tasks import registry
from gruta.tasks.forecast.settings import ForecastSettings
from gruta.tasks.trained import Trained
from gruta.tests.command import ROWS, launch, short, table
from gruta.train import Progress
from gruta.tune.on_ray import Tried
from gruta.tune.space import Choice, Range, space_of
from gruta.tune.sweep import Sweep, storage_at

GIVEN = {
    "horizon": 2,
    "lookback": 24,
    "hidden": 4,
    "batch_size": 4,
    "steps": 8,
    "log_every": 4,
    "validate_every": 2,
    "cell": "gru",
}


class Silent:
    def __call__(self, name, steps):
        return self

    def __enter__(self):
        return Progress()

    def __exit__(self, *error):
        return None


def begun(tmp_path, csv, storage=None, name="study", **more):
    task, given = registry.task("forecast"), GIVEN | more
    space = space_of(resolve(task.settings, given), given, [])
    data = task.open(csv, resolve(task.settings, given))
    storage = storage or storage_at(str(tmp_path / "trials.log"))
    return Sweep.begun(task, data, given, space, tmp_path, storage, name)


def states(sweep):
    return [trial.state for trial in sweep.study.trials]


def test_spaces_are_those_of_the_fields_but_for_what_is_set_and_what_is_asked_for():
    found = space_of(ForecastSettings(), {"hidden": 48}, ["learning-rate=0.01..0.1", "warmup"])
    assert found == {
        "cell": Choice(("gru", "lstm")),
        "batch_size": Range(8, 128, True, True),
        "learning_rate": Range(0.01, 0.1, False, False),
        "warmup": Range(0.0, 0.5, False, False),
    }


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        ("hiden=1..2", "hiden: no such setting; did you mean hidden?"),
        ("hidden=9", "hidden: is set, and so is not tried"),
        ("batch_size=8..4", "batch_size: expected LOW..HIGH, LOW..HIGH:log or a,b,c, got '8..4'"),
        ("batch_size=0..4:log", ""),
        ("warmup=0..1", "warmup: expected a number below 1"),
        ("cell=gru,qrnn", "cell: expected one of gru, lstm, rnn"),
        ("cell=gru..lstm", "cell: expected LOW..HIGH"),
        (
            "lookback=8..90",
            "lookback: is the same in all trials, as it decides how they are trained or",
        ),
        ("test_share", "test_share: is the same in all trials, as it decides how"),
    ],
)
def test_what_cannot_be_tried_is_told(asked, problem):
    if not problem:
        assert space_of(ForecastSettings(), {}, [asked])["batch_size"] == Range(1, 4, True, True)
        return
    with pytest.raises(InputError) as error:
        space_of(ForecastSettings(), {"hidden": 48}, [asked])
    assert problem in error.value.problems["space"]


def test_the_best_and_the_default_are_runs_and_the_same_command_goes_on(run_gruta, csv, tmp_path):
    out = tmp_path / "tune"
    options = short("--validate-every", 2, "--run", out, "--json", "--seed", 3)
    first = run_gruta("tune", "forecast", csv, *options, "--trials", 3)
    assert first.code == 0, first.err
    told = json.loads(first.out)
    assert (told["complete"], told["pruned"], told["failed"]) == (3, 0, 0)
    assert set(told["best"]["settings"]) == {"cell", "learning_rate"}
    assert told["default"]["settings"] == {"cell": "gru", "learning_rate": 0.008}
    assert told["best"]["validation"] <= told["default"]["validation"]
    best = Trained.load(out / "best", registry.task("forecast"))
    assert best.settings.learning_rate == told["best"]["settings"]["learning_rate"]
    alone = run_gruta("evaluate", out / "best", csv, "--json")
    assert json.loads(alone.out)["scores"] == told["best"]["scores"]
    page = (out / "report.html").read_text()
    assert "settings as they are" in page
    more = run_gruta("tune", "forecast", csv, *options, "--trials", 4)
    assert json.loads(more.out)["trials"] == 4
    other = run_gruta("tune", "forecast", csv, *options, "--trials", 4, "--space", "warmup")
    assert other.code == 2
    assert "the study was begun with another space of settings" in other.err
    assert "--name" in other.err


def test_trials_are_ended_by_the_validation_curve(tmp_path, csv):
    sweep = begun(tmp_path, csv)
    sweep.go_on(1, float("inf"), Silent())
    sweep.study.pruner = optuna.pruners.ThresholdPruner(upper=-1.0)
    sweep.go_on(3, float("inf"), Silent())
    assert states(sweep) == [TrialState.COMPLETE, TrialState.PRUNED, TrialState.PRUNED]
    assert list(sweep.study.trials[1].intermediate_values) == [2]  # no step further
    assert sorted(p.name for p in sweep.place(0).parent.iterdir()) == ["0000"]


def test_a_command_to_go_on_with_tells_no_password(monkeypatch):
    address = "postgresql://me:secret@host/trials"
    monkeypatch.setattr(sys, "argv", ["gruta", "tune", "forecast", "a b.csv", "--storage", address])
    told = "gruta tune forecast 'a b.csv' --storage postgresql://…@host/trials"
    assert shlex.split(this_command()) == shlex.split(told)


def test_settings_of_a_lost_process_are_tried_again(tmp_path, csv, monkeypatch):
    sweep = begun(tmp_path, csv, storage_at(f"sqlite:///{tmp_path}/trials.db"))
    trial = sweep.study.ask()
    params = {name: one.suggest(trial, name) for name, one in sweep.space.items()}
    ended = subprocess.Popen(["sleep", "60"])
    trial.set_user_attr("worker", called(ended.pid))
    ended.kill()
    ended.wait()
    elsewhere = sweep.study.ask()
    elsewhere.set_user_attr("worker", "another:1")  # begun a moment ago, and may live
    own = sweep.study.ask()
    own.set_user_attr("worker", called(os.getppid()))
    sweep.go_on(3, time.monotonic() + 2, Silent())
    found = sweep.study.trials
    assert [t.state for t in found[:3]] == [
        TrialState.FAIL,
        TrialState.RUNNING,
        TrialState.RUNNING,
    ]
    assert found[3].state == TrialState.COMPLETE
    assert found[3].params == params
    assert found[3].user_attrs["of"] == 0
    monkeypatch.setattr("gruta.tune.sweep.SILENT", 0.0)  # nobody has been heard of since
    sweep.go_on(3, float("inf"), Silent())
    assert len(sweep.ended) == 3
    assert {states(sweep)[1], states(sweep)[2]} == {TrialState.FAIL}


def test_settings_are_tried_again_twice_and_no_more(tmp_path, csv):
    sweep, again = begun(tmp_path, csv), []
    for _time in range(3):
        trial = sweep.study.ask()
        for name, one in sweep.space.items():
            one.suggest(trial, name)
        again.append(sweep.again(trial.number))
    assert again == [True, True, False]


def test_a_search_whose_trials_are_all_lost_ends_and_says_so(tmp_path, csv):
    sweep = begun(tmp_path, csv)
    for _i in range(3):
        sweep.interrupted(sweep.asked(1))  # which tells nothing of trials
    for _i in range(24):
        sweep.again(sweep.asked(1).number)
    with pytest.raises(InputError, match="the process of each was lost; is there enough memory"):
        sweep.asked(1)


def test_a_helper_that_was_killed_spoils_no_search(run_gruta, csv, tmp_path, monkeypatch):
    def helper():
        return subprocess.Popen(["sh", "-c", "kill -9 $$"], stdin=subprocess.PIPE)

    monkeypatch.setattr("gruta.cli.tune._helper", helper)
    reported = []
    monkeypatch.setattr("gruta.cli.tune._tell", lambda sweep, *how: reported.append(states(sweep)))
    options = short("--processes", 2, "--run", tmp_path / "tune", "--trials", 1)
    done = run_gruta("tune", "forecast", csv, *options)
    assert done.code == 0, done.err
    assert "a process that tried settings was lost; what it had under way is tried" in done.err
    assert reported == [[TrialState.COMPLETE]]


def test_what_came_of_a_trial_is_told_as_it_is():
    assert _came(Tried(best=0.0)) == "0.00000"
    assert _came(Tried()) == "no validation gave a number"
    assert _came(Tried(lost=True, again=True)) == "its process was lost; tried again"
    assert "lost each time; is there enough memory" in _came(Tried(lost=True))


def test_an_interrupted_trial_is_tried_again_by_who_goes_on(tmp_path, csv, monkeypatch):
    sweep = begun(tmp_path, csv)

    def cut(*given, **how):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("gruta.tune.sweep.fit", cut)
        with pytest.raises(KeyboardInterrupt):
            sweep.go_on(2, float("inf"), Silent())
    assert states(sweep) == [TrialState.FAIL, TrialState.WAITING]
    begun(tmp_path, csv).go_on(1, float("inf"), Silent())
    failed, again = begun(tmp_path, csv).study.trials
    assert again.state == TrialState.COMPLETE
    assert again.params == failed.params


@pytest.mark.parametrize("name", ["translate", "transcribe", "caption"])
def test_layers_can_be_tried_where_a_network_has_them(name):
    settings = registry.task(name).settings.model_construct()
    assert space_of(settings, {}, ["layers"])["layers"].has(settings.layers)


def test_the_help_of_a_search_is_of_the_search(run_gruta):
    told = run_gruta("tune", "forecast", "--help").out
    assert "found by trials" in told
    assert "Train a forecaster" not in told


def test_a_helper_ends_when_the_one_that_started_it_is_killed_and_shows_nothing(csv, tmp_path):
    out, steps = tmp_path / "tune", ("--steps", 100_000, "--validate-every", 2)
    process = launch("tune", "forecast", csv, *short(*steps, "--processes", 2, "--run", out))
    until = time.monotonic() + 60
    while len(running := list(out.glob("trials/forecast/*/metrics.jsonl"))) < 2:
        assert time.monotonic() < until
        assert process.poll() is None
        time.sleep(0.1)
    process.kill()
    _told, err = process.communicate(timeout=30)  # the helper has the same standard error
    trials = optuna.load_study(study_name="forecast", storage=storage_at(str(out / "trials.log")))
    (own,) = (t for t in trials.trials if f":{process.pid}:" in t.user_attrs.get("worker", ""))
    shown = {line.partition(":")[0] for line in err.splitlines()}
    assert shown <= {f"trial {own.number}"}
    assert len(running) == 2


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--on", "ray", "--address", "127.0.0.1:9"), "--address: no cluster of Ray there: "),
        (
            ("--on", "ray", "--address", "nowhere"),
            "--address: expected HOST:PORT, ray://HOST:PORT or auto, got 'nowhere'",
        ),
        (("--on", "dask"), "--on: expected ray, got 'dask'"),
        (("--address", "auto"), "--address: is that of a cluster of Ray; give --on ray too"),
    ],
)
def test_a_cluster_that_is_not_there_is_told_at_once(run_gruta, csv, tmp_path, options, problem):
    if "ray" in options:
        pytest.importorskip("ray")
    done = run_gruta("tune", "forecast", csv, *short("--run", tmp_path / "tune"), *options)
    assert done.code == 2
    assert problem in done.err


def test_sigterm_between_trials_ends_helpers_too(run_gruta, csv, tmp_path, monkeypatch):
    helpers = []

    def helper():
        helpers.append(subprocess.Popen(["sleep", "60"], stdin=subprocess.PIPE))
        return helpers[0]

    monkeypatch.setattr("gruta.cli.tune._helper", helper)
    monkeypatch.setattr(Sweep, "go_on", lambda *given: os.kill(os.getpid(), signal.SIGTERM))
    options = short("--processes", 2, "--run", tmp_path / "tune")
    done = run_gruta("tune", "forecast", csv, *options)
    assert done.code == 130
    assert done.err.count("to go on: gruta") == 1
    assert helpers[0].returncode == -signal.SIGTERM


def test_other_data_and_a_storage_that_is_none_are_refused(tmp_path, csv):
    begun(tmp_path, csv)
    csv.write_text(table(ROWS - 20))
    with pytest.raises(InputError, match="the study was begun with another data"):
        begun(tmp_path, csv)
    with pytest.raises(InputError, match=r"expected a directory to write trials\.log into"):
        storage_at(str(tmp_path / "nowhere" / "trials.log"))
    with pytest.raises(InputError, match=r"storage: strange://nowhere/x"):
        storage_at("strange://nowhere/x")


def test_studies_side_by_side_keep_their_own_trials(tmp_path, csv):
    one, other = begun(tmp_path, csv), begun(tmp_path, csv, name="a/b")
    one.go_on(1, float("inf"), Silent())
    other.go_on(1, float("inf"), Silent())
    assert one.place(0) != other.place(0)
    assert all((sweep.place(0) / "run.json").is_file() for sweep in (one, other))
    assert other.place(0).parent.parent == tmp_path / "trials"
