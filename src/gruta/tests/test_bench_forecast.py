"""Forecasters compared, on a tiny series and by contestants that only pretend to learn."""

import io
import json
import sys
from datetime import datetime
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from gruta.bench.forecast import run, worker
from gruta.bench.forecast.contestants import CONTESTANTS, DEFAULT
from gruta.bench.forecast.outcomes import Job, Outcome, Stage, scored
from gruta.bench.forecast.results import race
from gruta.bench.forecast.rivals import LEVELS
from gruta.bench.forecast.rivals import Stage as Trained
from gruta.bench.forecast.sets import SETS, Exam, ForecastSet
from gruta.bench.process import WorkerError
from gruta.cli import main

TINY = "usmelec"


def months():
    stamps = pl.datetime_range(datetime(2000, 1, 1), datetime(2007, 12, 1), "1mo", eager=True)
    years, month = np.divmod(np.arange(96.0), 12)
    return pl.DataFrame({"ds": stamps, "y": 10 + years + month})


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    monkeypatch.setitem(SETS, TINY, ForecastSet(TINY, months, "1mo", 4, (12,), 24, 3, 12))
    installed = SimpleNamespace(find_spec=lambda name: None if name == "darts" else object())
    monkeypatch.setattr(run, "find_spec", installed.find_spec)


class Quiet:
    def begins(self, done, total, job):
        assert done < total

    def ends(self, found):
        pass


class Pretender:
    """Errs by so much in each stage."""

    def __init__(self, *errors):
        self.errors = errors

    def train(self, exam, way, seed, seconds):
        def off(error):
            return lambda: np.repeat((exam.truth + error)[..., None], len(LEVELS), axis=-1)

        return [Trained(k + 1.0, off(error)) for k, error in enumerate(self.errors)]


def plan(**other):
    settings = {"sets": [TINY], "contestants": ["gruta", "neuralforecast", "darts", "autoets"]}
    return run.Plan(**(settings | {"seeds": 2, "seconds": 7.0} | other))


ERRORS = {
    ("gruta", DEFAULT): (3, 1),
    ("gruta", "longer"): (3, 0.5),
    ("neuralforecast", DEFAULT): (9, 8),
    ("neuralforecast", "short input, small"): (4, 2),
    ("autoets", DEFAULT): (2.5,),
}


def asker(asked, broken=()):
    def ask(job, forecasts):
        asked.append(job)
        if job.contestant in broken:
            raise WorkerError("it fell over")
        fake = Pretender(*ERRORS.get((job.contestant, job.way), (6, 5)))
        found = worker.perform(fake, Exam(SETS[job.set], job.part), {
            "way": job.way, "seed": job.seed, "seconds": job.seconds, "file": str(forecasts)
        })  # fmt: skip
        return found | {"peak": 10**8}

    return ask


def test_what_is_learned_from_ends_before_what_is_forecast():
    for part, first, last in (("validation", 62, 72), ("test", 72, 96)):
        exam = Exam(SETS[TINY], part)
        assert (exam.rows, exam.end) == (first, last)
        assert exam.origins[0] == first - 1
        assert exam.origins[-1] + exam.set.horizon < last
        assert np.array_equal(exam.truth[0], exam.y[first : first + 4])


def test_scores_are_ours():
    exam = Exam(SETS[TINY], "test")
    forecast = np.repeat((exam.truth + 2)[..., None], 3, axis=-1)
    forecast[..., 0] -= 1
    found = scored(exam, forecast)
    assert found["mae"] == pytest.approx(2)
    assert found["mase"] == pytest.approx(2)  # a year adds 1
    assert found["crps"] == pytest.approx(2 / 3 * (0.9 * 1 + 0.5 * 2 + 0.1 * 2))
    assert found["coverage"] == 0


def test_the_better_way_is_chosen_before_the_test_and_shown_beside_the_default(tmp_path):
    asked = []
    report = run.measure(plan(), tmp_path, asker(asked), Quiet())
    assert [(job.contestant, job.way) for job in asked if job.part == "validation"] == [
        (name, way)
        for name in ("gruta", "neuralforecast")
        for way in CONTESTANTS[name].ways
        if way != DEFAULT
    ]
    tests = [(job.contestant, job.way, job.seed) for job in asked if job.part == "test"]
    drawn = [
        ("gruta", DEFAULT),
        ("gruta", "longer"),
        ("neuralforecast", DEFAULT),
        ("neuralforecast", "short input, small"),
    ]
    assert tests[:5] == [*((*who, 0) for who in drawn), ("autoets", DEFAULT, 0)]
    assert tests[5:] == [(*who, 1) for who in drawn]
    assert report.missing == {"darts": ["darts"]}
    assert [(line.contestant, line.better, line.rank) for line in report.lines] == [
        ("gruta", True, 1),
        ("gruta", False, 2),
        ("neuralforecast", True, 3),
        ("autoets", False, 4),
        ("neuralforecast", False, 5),
    ]
    assert report.best_statistical() == "autoets"
    assert not report.lost()
    assert json.loads(json.dumps(report.plain()))["mean_ranks"][0]["rank"] == 1


def test_what_is_done_is_not_done_again_and_a_failure_is(tmp_path):
    asked = []
    first = run.measure(plan(), tmp_path, asker(asked, broken=("autoets",)), Quiet())
    (failed,) = [one for one in first.outcomes if one.problem]
    assert (failed.job.contestant, failed.problem) == ("autoets", "it fell over")
    asked.clear()
    second = run.measure(plan(), tmp_path, asker(asked), Quiet())
    assert [job.contestant for job in asked] == ["autoets"]
    assert len(second.lines) == len(first.lines) + 1
    asked.clear()
    run.measure(plan(seeds=3), tmp_path, asker(asked), Quiet())
    assert {job.seed for job in asked} == {2}


def test_another_version_is_measured_anew(tmp_path, monkeypatch):
    only = plan(contestants=["autoets"], seeds=1)
    run.measure(only, tmp_path, asker([]), Quiet())
    asked = []
    kind = type(CONTESTANTS["autoets"])
    monkeypatch.setattr(kind, "versions", lambda self: {"gruta": "another"})
    run.measure(only, tmp_path, asker(asked), Quiet())
    assert len(asked) == 1


def test_forecasts_that_are_not_numbers_are_refused(tmp_path):
    exam = Exam(SETS[TINY], "test")
    job = {"way": DEFAULT, "seed": 0, "seconds": 1, "file": str(tmp_path / "f.npz")}
    with pytest.raises(ValueError, match="not all numbers"):
        worker.perform(Pretender(1, np.nan), exam, job)


def test_the_same_error_is_one_that_both_reach():
    def outcomes(*seeds):
        job = Job("darts", TINY, "test", DEFAULT, 0, 9.0)
        return [Outcome(job, stages=[Stage(at, {"mae": mae}) for at, mae in own]) for own in seeds]

    gruta = outcomes([(1, 4.0), (2, 2.0)], [(1.5, 4.0), (3, 1.0)])
    peer = outcomes([(1, 9.0), (4, 3.0), (9, 2.5)])
    found = race(gruta, peer)
    assert (found.error, found.gruta, found.peer, found.ratio) == (2.5, 3, 9, 3)
    faster = race(gruta, outcomes([(1, 0.5)]))
    assert (faster.error, faster.gruta, faster.peer) == (1.5, 3, 1)


def test_a_worker_answers_with_results_and_with_errors(monkeypatch):
    # A fork of a process in which polars has worked may hang in polars: here the child needs none.
    monkeypatch.setattr(worker, "perform", lambda rival, exam, job: {"training": rival})
    jobs = [{"set": TINY, "part": "test"}, {"set": "none of them", "part": "test"}]
    answers = io.StringIO()
    worker.serve(5.0, [json.dumps(job) for job in jobs], answers)
    done, failed = map(json.loads, answers.getvalue().splitlines())
    assert done["training"] == 5
    assert done["peak"] > 10**7
    assert "none of them" in failed["error"]


@pytest.fixture
def bench(monkeypatch, capfd, tmp_path):
    monkeypatch.setenv("GRUTA_LANG", "en")
    monkeypatch.setenv("COLUMNS", "140")
    monkeypatch.chdir(tmp_path)

    class Workers:
        def __init__(self, logs):
            assert logs.is_dir()

        def __enter__(self):
            return asker([])

        def __exit__(self, *_):
            pass

    monkeypatch.setattr(run, "workers", Workers)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["gruta", "bench", "forecast", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        return end.value.code or 0, *capfd.readouterr()

    return call


def test_tables_and_json(bench):
    asked = ("--only", f"{TINY},neuralforecast", "--only", "darts,autoets", "--seeds", "2")
    code, out, err = bench(*asked)
    assert code == 0, err
    assert "darts RNNModel is not installed and left out: pip install 'gruta[peers]'" in err
    assert "4/15 usmelec, neuralforecast GRU, short input, validation: MAE 5.00" in err
    assert "neuralforecast GRU, short input, small" in out
    assert "Mean rank: gruta 1.0, by default 2.0; AutoETS, the best statistical model, 4.0." in out
    code, out, err = bench(*asked, "--json", "-")
    assert code == 0, err
    assert {line["contestant"] for line in json.loads(out)["lines"]} == {
        "gruta", "neuralforecast", "autoets"
    }  # fmt: skip


def test_a_name_that_is_none_is_refused(bench):
    code, _, err = bench("--only", "prophet")
    assert code == 2
    assert "--only: expected some of elecdemand, newark" in err
