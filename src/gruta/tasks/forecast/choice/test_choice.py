"""Settings that are found out before training: in which order, by what rule, and in what time."""

import math

import numpy as np
import polars as pl
import pytest

from gruta.errors import InputError
from gruta.locale import spoken
from gruta.report.page import render
from gruta.runs import CHOICE, Run
from gruta.tasks.forecast import Forecaster
from gruta.tasks.forecast.choice import trial, trying
from gruta.tasks.forecast.choice.report import table, why
from gruta.tasks.forecast.choice.trial import Candidate, Choice, Plan, Trial
from gruta.tasks.forecast.task import TASK
from gruta.tasks.forecast.test_power import SMALL, growing
from gruta.tasks.trained import Trained

START = Candidate("none", 24, 48)
PLAN = Plan(START, ("log", "difference", "seasonal"), (12, 48), (24, 96), networks=True)
NOISE = np.random.default_rng(0).normal(size=64)


def errors(mean, spread=0.1):
    """Of 64 origins, about this mean."""
    return mean + spread * (NOISE - NOISE.mean())


def tried_all(missed, plan=PLAN):
    """All trials of a plan, whose errors a function of candidate and kind tells."""
    choice, order = Choice(0.0, 1), []
    while (upcoming := plan.upcoming(choice)) is not None:
        order.append(upcoming)
        made = Trial(*upcoming, missed(*upcoming), 1.0)
        choice = Choice(0.0, 1, (*choice.trials, made))
    return choice, order


def test_what_the_linear_path_finds_promising_is_tried_on_networks_first():
    level = {"none": 1.0, "log": 0.9, "difference": 0.8, "seasonal": 3.0}

    def missed(candidate, network):
        mean = level[candidate.transform] - 0.1 * (candidate.lookback == 48)
        return errors(mean - 0.1 * (network and candidate.hidden == 96), 0.1 * mean)

    choice, order = tried_all(missed)
    by_line = [candidate for candidate, network in order if not network]
    on_networks = [candidate for candidate, network in order if network]
    assert [one.transform for one in by_line] == ["none", "log", "difference", "seasonal"] + 2 * [
        "difference"
    ]
    assert [one.lookback for one in by_line] == [24, 24, 24, 24, 12, 48]
    assert on_networks == [
        START,
        Candidate("difference", 48, 48),
        Candidate("difference", 24, 48),
        Candidate("difference", 12, 48),
        Candidate("difference", 48, 24),
        Candidate("difference", 48, 96),
        Candidate("log", 24, 48),  # and never the seasonal one, which is three times as far off
    ]
    assert choice.found.candidate == Candidate("difference", 48, 96)
    assert Choice.from_json(choice.to_json()).to_json() == choice.to_json()


def test_what_gains_no_more_than_chance_is_not_taken():
    plan = Plan(START, ("log",))
    noise, impossible = errors(0.0, 0.5), np.full(64, np.nan)
    for log, taken in ((0.99 + noise, "none"), (0.8 + noise, "log"), (impossible, "none")):
        of = {"none": errors(1.0), "log": log}
        choice, _ = tried_all(lambda c, _, of=of: of[c.transform], plan)
        assert choice.found.candidate.transform == taken


@pytest.mark.parametrize("broken", [{}, {"trials": [{}]}, []])
def test_a_broken_choice_is_refused(broken):
    with pytest.raises(InputError, match=r"choice\.json"):
        Choice.from_json(broken)


def with_end(frame, rows, factor):
    """The last rows multiplied."""
    late = pl.int_range(pl.len()) >= len(frame) - rows
    return frame.with_columns(y=pl.when(late).then(pl.col("y") * factor).otherwise("y"))


def test_growth_is_found_out_and_the_test_has_no_part_in_it(tmp_path):
    frame, found = growing(rows=300), []
    for i, factor in enumerate((1.0, 7.0)):
        run = tmp_path / str(i)
        forecaster = Forecaster(**SMALL, transform="auto")
        forecaster.fit(with_end(frame, 30, factor), run=run)
        found.append(Run(run).read_json(CHOICE))
    assert forecaster.trained_.settings.transform == found[0]["chosen"]["transform"] != "none"
    assert forecaster.trained_.codec.encoding.transformed
    assert [one["missed"] for one in found[0]["trials"]] == [
        one["missed"] for one in found[1]["trials"]
    ]
    assert not any(one["network"] for one in found[0]["trials"])


def test_no_transform_is_taken_where_none_is_needed():
    rng = np.random.default_rng(0)
    level = growing().with_columns(y=3 * rng.normal(size=240))
    trained = Forecaster(**SMALL, transform="auto").fit(level).trained_
    assert trained.settings.transform == "none"
    tried = {one["transform"] for one in trained.choice["trials"]}
    assert not any(name.startswith(("log", "boxcox")) for name in tried)  # not above 0


class PowerCut(Exception):
    pass


def test_a_trial_that_was_made_is_not_made_again(tmp_path, monkeypatch):
    frame = growing(rows=160)
    attempt, candidates = trying._scored, []

    def counted(cuts, candidate, forecast):
        if len(candidates) == 3:
            candidates.append(None)
            raise PowerCut
        candidates.append(candidate)
        return attempt(cuts, candidate, forecast)

    monkeypatch.setattr(trying, "_scored", counted)
    forecaster = Forecaster(**SMALL, transform="auto")
    with pytest.raises(PowerCut):
        forecaster.fit(frame, run=tmp_path / "cut")
    forecaster.fit(frame, run=tmp_path / "cut", resume=True)
    made = [one for one in candidates if one is not None]
    assert len(made) == len(set(made)) == 9
    monkeypatch.undo()
    whole = Forecaster(**SMALL, transform="auto").fit(frame).trained_.choice
    kept = Run(tmp_path / "cut").read_json(CHOICE)
    for one, other in zip(kept["trials"], whole["trials"], strict=True):
        assert one | {"seconds": 0} == other | {"seconds": 0}
    forecaster.fit(frame, run=tmp_path / "cut", resume=True)
    assert Run(tmp_path / "cut").read_json(CHOICE) == kept


def test_networks_are_tried_and_the_run_is_that_of_what_was_chosen(tmp_path, monkeypatch):
    monkeypatch.setattr(trial, "FIRST_NETWORKS", 1)
    small = SMALL | {"hidden": 48, "steps": 4, "transform": "log"}
    frame = growing(rows=160)
    forecaster = Forecaster(**small, auto=600).fit(frame, run=tmp_path / "run")
    settings, choice = forecaster.trained_.settings, forecaster.trained_.choice
    assert {one["hidden"] for one in choice["trials"] if one["network"]} == {24, 48, 96}
    assert settings.auto == 0
    assert choice["chosen"].keys() == {"auto", "lookback", "hidden"}
    assert not list((tmp_path / "run").glob(".trial*"))
    alone = Forecaster(**small | choice["chosen"]).fit(frame)
    loaded = Forecaster.load(tmp_path / "run")
    loaded.save(tmp_path / "saved")
    for one in (forecaster, loaded, Forecaster.load(tmp_path / "saved")):
        assert one.predict(frame).equals(alone.predict(frame))
    assert loaded.trained_.choice == choice
    found = forecaster.evaluate(frame, stride=4)
    for language, caption in (("en", "What was tried"), ("pt_BR", "O que se experimentou")):
        with spoken(language):
            told = TASK.report(Trained.load(tmp_path / "run", TASK), found, forecaster.metrics_)
            assert caption in render(told.title, told.lead, told.sections)


@pytest.mark.parametrize("budget", [1e-9, 0.02])
def test_too_small_a_budget_says_so_and_the_settings_stay(budget, monkeypatch):
    attempt = trying._scored

    def slow(*of):
        missed = attempt(*of)
        trying.time.sleep(0.03)
        return missed

    monkeypatch.setattr(trying, "_scored", slow)
    frame = growing(rows=160)
    found = Forecaster(**SMALL, auto=budget).fit(frame)
    assert len(found.trained_.choice["trials"]) == 1
    assert "seconds were too few" in why(found.trained_.choice).replace(" s ", " seconds ")
    assert found.predict(frame).equals(Forecaster(**SMALL).fit(frame).predict(frame))
    assert math.isclose(table(found.trained_.choice).rows[0][-1], found.trained_.choice["seconds"])


def test_a_network_does_not_outlive_the_budget(monkeypatch):
    clock = trying._Clock(trying.Progress(), trying.time.perf_counter() - 1)
    with pytest.raises(trying._OutOfTime):
        clock.step({})


def test_what_is_set_is_not_tried():
    frame = growing(rows=160)
    data = TASK.read(frame, settings := Forecaster(**SMALL, transform="log", auto=9).settings)
    plan = trying.planned(data, settings, TASK.fit_codec(data, settings).encoding)
    assert plan == Plan(Candidate("log", 24, 4), (), [12, 48], (), networks=True)
