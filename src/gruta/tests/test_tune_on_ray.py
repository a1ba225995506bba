"""Settings by trials that Ray trains, also where processes are killed: `make test-ray`."""

import json
import os
import signal
import threading
import time

import pytest
from optuna.trial import TrialState

from gruta.runs import MODEL
from gruta.tests.command import short
from gruta.tests.test_tune import begun, states
from gruta.tune.on_ray import AT, _UnderWay, go_on_ray

ray = pytest.importorskip("ray")

# What Ray leaves open as it ends is its own.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(autouse=True)
def no_cluster(monkeypatch):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)


def test_settings_of_a_killed_process_are_tried_again_and_the_study_is_the_same(tmp_path, csv):
    sweep, told = begun(tmp_path, csv, steps=60), []

    def kill():
        until = time.monotonic() + 100
        while time.monotonic() < until:
            for trial in sweep.study.get_trials(deepcopy=False, states=[TrialState.RUNNING]):
                if at := trial.user_attrs.get(AT):
                    os.kill(int(at.split(":")[1]), signal.SIGKILL)
                    return
            time.sleep(0.02)

    killer = threading.Thread(target=kill)
    killer.start()
    ended = lambda trial, tried: told.append((trial.number, tried.lost))  # noqa: E731
    go_on_ray(sweep, 4, float("inf"), 2, told=ended)
    killer.join()
    assert not ray.is_initialized()
    failed = [t for t in sweep.study.trials if t.state == TrialState.FAIL]
    assert len(failed) == 1
    (again,) = (t for t in sweep.study.trials if t.user_attrs.get("of") == failed[0].number)
    assert again.params == failed[0].params
    assert len(sweep.ended) == 4
    lost = [(failed[0].number, True)]
    assert sorted(told) == sorted(lost + [(trial.number, False) for trial in sweep.ended])
    assert (sweep.place(sweep.best.number) / MODEL).is_file()
    values = sweep.study.trials[sweep.default.number].intermediate_values
    assert sweep.default.value == min(values.values())


def test_a_trial_that_is_worse_than_others_ends_early_also_where_the_board_is_lost(
    tmp_path, csv, monkeypatch
):
    import optuna

    hear, lost = _UnderWay._hear, []

    def heard_and_lost(self, news):
        if news[0] and not lost:
            lost.append(self._board)
            ray.kill(self._board, no_restart=False)
        else:
            hear(self, news)

    monkeypatch.setattr(_UnderWay, "_hear", heard_and_lost)
    sweep = begun(tmp_path, csv, steps=4000)
    sweep.study.pruner = optuna.pruners.ThresholdPruner(upper=-1.0)
    go_on_ray(sweep, 1, float("inf"), 1)
    assert lost
    assert states(sweep) == [TrialState.PRUNED]
    assert max(sweep.study.trials[0].intermediate_values) < 4000
    assert not sweep.place(0).exists()


def test_the_command_gives_the_same_report_and_goes_on_without_ray(run_gruta, csv, tmp_path):
    out = tmp_path / "tune"
    options = short("--validate-every", 2, "--run", out, "--json")
    first = run_gruta("tune", "forecast", csv, *options, "--trials", 2, "--on", "ray")
    assert first.code == 0, first.err
    assert first.err.count("trial ") == 2
    told = json.loads(first.out)
    assert (told["complete"], told["failed"]) == (2, 0)
    assert (out / "best" / MODEL).is_file()
    more = run_gruta("tune", "forecast", csv, *options, "--trials", 3)
    assert json.loads(more.out)["trials"] == 3
