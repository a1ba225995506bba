"""Several networks as one: what they say on average, each trained once."""

import json
from dataclasses import replace

import numpy as np
import pytest

from gruta.errors import InputError
from gruta.locale import spoken
from gruta.report.page import render
from gruta.tasks.fitting import fit
from gruta.tasks.forecast import Forecaster
from gruta.tasks.forecast.conftest import ROWS, SMALL, hourly
from gruta.tasks.forecast.ensemble import Ensemble, members_of
from gruta.tasks.forecast.report import report
from gruta.tasks.forecast.task import TASK
from gruta.train import Interrupted, Progress

BOTH = SMALL | {"strategy": "both", "ensemble": 2, "steps": 4, "horizon": 5}


@pytest.fixture(scope="module")
def both(frame, tmp_path_factory):
    """Four networks in a run, and its directory."""
    place = tmp_path_factory.mktemp("ensemble") / "run"
    return Forecaster(**BOTH).fit(frame, run=place), place


def test_it_says_what_its_members_say_on_average(frame, series, both):
    trained, place = both[0].trained_, both[1]
    members = members_of(trained)
    assert list(members) == ["direct-0", "direct-1", "recursive-0", "recursive-1"]
    table, origins = trained.codec.encoding.table(series), np.array([80, 200])
    said = []
    for name, own in {"direct-1": {"seed": 1}, "recursive-0": {"strategy": "recursive"}}.items():
        alone = Forecaster(**SMALL | {"steps": 4, "horizon": 5} | own).fit(frame).trained_
        for weight, values in alone.weights.items():
            np.testing.assert_array_equal(members[name].weights[weight], values)
        own_run = Forecaster.load(place / "members" / name).trained_
        assert own_run.codec.to_json() == alone.codec.to_json() == members[name].codec.to_json()
    for one in members.values():
        own_table = one.codec.encoding.table(series)
        said.append(one.head.changes(own_table, origins, 5))
    found = trained.head.changes(table, origins, 5)
    np.testing.assert_allclose(found, np.mean(said, 0), atol=1e-6)


def test_one_member_is_what_it_is_alone(frame, series, fitted):
    trained = fitted.trained_
    table, origins = trained.codec.encoding.table(series), np.arange(80, 90)
    alone = Ensemble([trained.head])
    np.testing.assert_array_equal(
        alone.changes(table, origins, 3), trained.head.changes(table, origins, 3)
    )
    assert alone.size == trained.head.size


def test_the_intervals_of_one_member_are_its_own():
    long = hourly(6000)
    trained = Forecaster(**SMALL).fit(long).trained_
    assert trained.codec.optimism == 1  # so its linear path was calibrated as it is
    codec = TASK.combined([trained], TASK.read(long, trained.settings), trained.settings)
    # But for the validation part, which the lone one forecast by a path that did not know it.
    np.testing.assert_allclose(codec.spread, trained.codec.spread, rtol=0.02)
    assert codec.usual == pytest.approx(trained.codec.usual, rel=0.02)


def test_a_run_answers_as_what_was_trained_and_goes_on_learning(frame, both):
    forecaster, place = both
    loaded = Forecaster.load(place)
    assert loaded.predict(frame, missing_known="hold").equals(
        forecaster.predict(frame, missing_known="hold")
    )
    assert loaded.backtest(frame).scores == forecaster.backtest(frame).scores
    after = loaded.update(hourly(ROWS + 150), steps=1, learning_rate=1e-12, linear="kept")
    for name, weights in loaded.trained_.weights.items():
        np.testing.assert_allclose(after.trained_.weights[name], weights, atol=1e-6)
    assert after.trained_.codec.until > loaded.trained_.codec.until
    assert len(after.trained_.codec.members) == 4
    with pytest.raises(InputError, match="an ensemble: look into one of its networks"):
        loaded.xray(frame)
    lacking = {k: w for k, w in loaded.trained_.weights.items() if k != "direct-1/head.bias"}
    with pytest.raises(ValueError, match=r"head\.bias"):
        TASK.head(replace(loaded.trained_, weights=lacking))


class Stopping(Progress):
    """Ctrl-C as the second network begins to learn; which ones took steps."""

    def __init__(self, stop=True):
        self.stop, self.now, self.learned = stop, "", set()

    def part(self, name, number, count):
        self.now, self.count = name, count

    def step(self, record):
        self.learned.add(self.now)
        if self.stop and self.now == "direct-1":
            raise Interrupted


def test_a_member_that_is_done_is_not_trained_again(frame, tmp_path):
    settings = Forecaster(**SMALL | {"ensemble": 3}).settings
    with pytest.raises(Interrupted):
        fit(TASK, frame, settings, tmp_path / "run", progress=Stopping())
    again = Stopping(stop=False)
    found = fit(TASK, frame, settings, tmp_path / "run", resume=True, progress=again)
    assert again.learned == {"direct-1", "direct-2"}
    whole = fit(TASK, frame, settings, tmp_path / "whole")
    for name, weights in whole.trained.weights.items():
        np.testing.assert_array_equal(found.trained.weights[name], weights)
    assert found.trained.codec.to_json() == whole.trained.codec.to_json()
    assert {r["member"] for r in found.metrics} == {"direct-0", "direct-1", "direct-2"}


def test_parts_of_a_forecast_by_several_sum_to_it(frame):
    forecaster = Forecaster(**SMALL | {"ensemble": 2}).fit(frame)
    found = forecaster.explain(frame, at=str(frame["ds"][-10]))
    total = found.baseline + found.added.sum(0) + found.held
    np.testing.assert_allclose(total, found.forecast, rtol=1e-5)


@pytest.mark.parametrize("language", ["en", "pt_BR"])
def test_page_tells_what_each_is_worth(frame, both, language):
    forecaster, _ = both
    found = forecaster.evaluate(frame, stride=5)
    alone = [one.mae for one in found.members]
    assert len(set(alone)) == 4
    with spoken(language):
        told = report(found, forecaster.metrics_, forecaster.settings)
        page = render(told.title, told.lead, told.sections)
    expected = {"en": "It is the mean of 4 networks", "pt_BR": "É a média de 4 redes"}
    assert expected[language] in told.lead
    assert all(name in page for name in ("direct-1", "recursive-0"))
    assert json.dumps(forecaster.metrics_)


def test_two_strategies_that_are_one_are_refused():
    with pytest.raises(InputError, match="strategy: expected a block shorter than the horizon"):
        Forecaster(strategy="both")
