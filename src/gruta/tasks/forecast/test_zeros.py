"""Counts that are often 0: the score of all quantiles decides, also on the simple forecasts."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from gruta.codec.series.codec import MOST_ZEROS
from gruta.locale import spoken
from gruta.report.page import render
from gruta.tasks.forecast import Forecaster
from gruta.tasks.forecast.backtest_report import by_cut
from gruta.tasks.forecast.report import report, scores, verdict
from gruta.tasks.forecast.scores import crps
from gruta.tasks.forecast.task import TASK

SMALL = {"horizon": 4, "hidden": 4, "steps": 12, "batch_size": 8, "log_every": 4}


def counts(share=0.7, rows=260):
    """What is sold a day of two parts: nothing on most days, and else a few."""
    draw, parts = np.random.default_rng(3), []
    for name, size in (("bolt", 2), ("gear", 9)):
        some = draw.random(rows) > share
        days = [dt.date(2024, 1, 1) + dt.timedelta(days=i) for i in range(rows)]
        sold = np.where(some, 1 + draw.poisson(size, rows), 0).astype(float)
        parts.append(pl.DataFrame({"part": [name] * rows, "ds": days, "y": sold}))
    return pl.concat(parts)


@pytest.fixture(scope="module")
def found():
    frame = counts()
    forecaster = Forecaster(**SMALL, series="part").fit(frame)
    return forecaster, forecaster.evaluate(frame, stride=1)


def test_many_zeros_are_found_out_and_the_crps_decides(found):
    forecaster, evaluation = found
    codec = forecaster.trained_.codec
    assert codec.intermittent
    assert codec.zeros == pytest.approx(0.7, abs=0.05)
    assert [m.name for m in evaluation.metrics if m.judged] == ["crps"]
    by_name = {score.model: score for score in evaluation.scores}
    own = by_name["gru"].crps
    assert evaluation.lost_to == [n for n, s in by_name.items() if n != "gru" and s.crps < own]
    for name, difference in evaluation.differences.items():
        assert own - by_name[name].crps == pytest.approx(difference.value)
        assert difference.to_json().keys() >= {"crps_above", "standard_error"}
    few = Forecaster(**SMALL, series="part").fit(counts(share=MOST_ZEROS - 0.1))
    assert few.evaluate(counts(share=MOST_ZEROS - 0.1)).judged == "mae"


def test_simple_forecasts_have_quantiles_of_what_they_missed_before(found):
    _, evaluation = found
    for name, values in evaluation.baseline_quantiles.items():
        assert (np.diff(values, axis=-1) >= 0).all()
        assert (values >= 0).all()
        score = next(score for score in evaluation.scores if score.model == name)
        assert score.crps == pytest.approx(crps(evaluation.truth, values, evaluation.levels))
    i = evaluation.levels.index(0.5)
    np.testing.assert_array_equal(
        evaluation.baseline_quantiles["naive"][..., i], evaluation.baselines["naive"]
    )
    usual, series = evaluation.baseline_quantiles["past values"], evaluation.series
    for place in (0, -1):
        origin = evaluation.origins[place]
        past = series.target[series.starts[series.of(origin)] : origin + 1]
        np.testing.assert_allclose(usual[place, 0], np.quantile(past, evaluation.levels))


def test_what_comes_later_has_no_part_in_the_simple_forecasts(found):
    forecaster, evaluation = found
    frame = counts()
    late = pl.col("ds") > frame["ds"][int(evaluation.origins[0])]
    other = frame.with_columns(y=pl.when(late).then(50.0).otherwise("y"))
    again = forecaster.evaluate(other, stride=1)
    for name, values in evaluation.baseline_quantiles.items():
        np.testing.assert_array_equal(again.baseline_quantiles[name][0], values[0])


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "69% of the values that training saw are 0"),
        ("pt_BR", "dos valores que o treino viu são 0"),
    ],
)
def test_the_report_says_why_and_leads_with_the_crps(found, language, said):
    forecaster, evaluation = found
    with spoken(language):
        assert said in verdict(evaluation)
        assert scores(evaluation).columns[1].title == "CRPS"
        told = report(evaluation, forecaster.metrics_, forecaster.trained_.settings)
        assert said in render(told.title, told.lead, told.sections)


def test_cuts_are_compared_by_the_crps_too(found):
    forecaster, _ = found
    backtested = forecaster.backtest(counts(), windows=2)
    shown = [row[-1] for row in by_cut(backtested).rows]
    assert shown == [score.crps for score in backtested.scores]
    assert TASK.verdict(backtested.pooled).count("CRPS") >= 2
