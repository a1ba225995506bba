"""Cuts at the end of series: none is forecast by what has seen it, and all add up."""

import numpy as np
import polars as pl
import pytest

from gruta.codec.series.features import Past
from gruta.errors import InputError
from gruta.locale import spoken
from gruta.report.page import render
from gruta.tasks.forecast import Forecaster
from gruta.tasks.forecast.conftest import ROWS, SMALL
from gruta.tasks.forecast.forecasts import quantiles
from gruta.tasks.forecast.head import carried_states, forecast_changes


@pytest.fixture(scope="module")
def anew(frame, tmp_path_factory):
    """A backtest with a network for each cut, and its directory."""
    place = tmp_path_factory.mktemp("backtest")
    return Forecaster(**SMALL).backtest(frame, refit=True, stride=1, run=place), place


def test_each_cut_is_forecast_by_what_was_trained_before_it(frame, anew):
    found, place = anew
    assert [len(cut.found.origins) for cut in found.cuts] == [14, 14, 12]
    for i, cut in enumerate(found.cuts, 1):
        first = ROWS - 14 * (4 - i)
        assert cut.stamp == np.datetime64(frame["ds"][first])
        assert cut.found.origins[0] == first - 1
        unlike = pl.when(pl.int_range(pl.len()) < first).then("y").otherwise(-1.0).alias("y")
        alone = Forecaster(**SMALL | {"test_from": str(cut.stamp)}).fit(frame.with_columns(unlike))
        trained = Forecaster.load(place / f"cut-{i}")
        assert trained.trained_.codec.until < cut.stamp
        for name, weights in trained.trained_.weights.items():
            np.testing.assert_array_equal(weights, alone.trained_.weights[name])


def test_finished_cuts_are_not_trained_again(frame, anew, monkeypatch, tmp_path):
    found, place = anew
    monkeypatch.setattr("gruta.tasks.fitting.fit", lambda *_, **__: pytest.fail("trained"))
    again = Forecaster(**SMALL).backtest(frame, refit=True, stride=1, run=place)
    assert again.to_json() == found.to_json()
    assert again.frame().equals(found.frame())
    with pytest.raises(InputError, match="started with another hidden"):
        Forecaster(**SMALL | {"hidden": 6}).backtest(frame, refit=True, run=place)
    changed = frame.with_columns(y=pl.col("y") + 1)
    with pytest.raises(InputError, match="started with other data"):
        Forecaster(**SMALL).backtest(changed, refit=True, run=place)


def test_scores_of_all_are_those_of_their_forecasts(anew):
    found, _ = anew
    table = found.frame()
    assert table.columns[:3] == ["cut", "origin", "ds"]
    by_cut = [table.filter(cut=i + 1) for i in range(3)]
    for part, cut in zip(by_cut, found.cuts, strict=True):
        mae = (part["forecast"] - part["y"]).abs().mean()
        assert mae == pytest.approx(cut.found.scores[0].mae)
    for score in found.scores:
        column = "forecast" if score.model == "gru" else score.model
        assert (table[column] - table["y"]).abs().mean() == pytest.approx(score.mae)
    counts = [len(part) for part in by_cut]
    mase = [cut.found.scores[0].mase for cut in found.cuts]
    assert found.scores[0].mase == pytest.approx(np.average(mase, weights=counts))
    assert set(found.differences) == {"naive", "drift", "seasonal naive 24", "linear"}


def test_one_network_forecasts_what_it_has_not_seen(frame, fitted):
    found = fitted.backtest(frame, stride=1)
    whole = fitted.evaluate(frame, stride=1)
    np.testing.assert_array_equal(found.pooled.origins, whole.origins)
    np.testing.assert_allclose(found.pooled.median, whole.median, rtol=1e-6)
    assert found.scores[0].mae == pytest.approx(whole.scores[0].mae)
    assert found.scores[0].mase == pytest.approx(whole.scores[0].mase)
    assert fitted.backtest(frame, windows=1).scores == fitted.evaluate(frame, stride=3).scores
    with pytest.raises(InputError, match=r"windows: .* 42 such rows, got 15"):
        fitted.backtest(frame, windows=15)


def test_cuts_that_leave_nothing_before_them_are_refused(frame):
    with pytest.raises(InputError, match="windows: expected so few that there are rows before"):
        Forecaster(**SMALL).backtest(frame, windows=200, refit=True)
    settings = SMALL | {"validation_from": "2024-01-10"}
    with pytest.raises(InputError, match="validation_from: a backtest validates before each cut"):
        Forecaster(**settings).backtest(frame, refit=True)


def test_cuts_of_several_series_lie_at_the_same_moments(frame):
    late = frame.with_columns(unique_id=pl.lit("b"))[200:]
    two = pl.concat([frame.with_columns(unique_id=pl.lit("a")), late])
    found = Forecaster(**SMALL | {"series": "unique_id"}).backtest(two, refit=True, windows=2)
    for cut in found.cuts:
        table = cut.found.frame()
        starts = table.group_by("unique_id").agg(pl.col("ds").min())
        assert starts["ds"].to_list() == [cut.stamp.astype(object)] * 2
    assert (np.diff(found.pooled.origins) > 0).all()


@pytest.mark.parametrize("cell", ["gru", "lstm", "rnn"])
def test_carried_state_is_that_of_who_reads_from_the_start(frame, series, cell, monkeypatch):
    monkeypatch.setattr("gruta.tasks.forecast.head._ROWS_AT_ONCE", 50)
    settings = SMALL | {"tbptt": 16, "cell": cell, "lookback": 3}
    forecaster = Forecaster(**settings).fit(frame)
    trained = forecaster.trained_
    # So short a training may leave the head at zero.
    noise = np.random.default_rng(0).normal(size=trained.weights["head.weight"].shape)
    trained.weights["head.weight"][:] = noise
    table, head = trained.codec.encoding.table(series), trained.head
    origins = np.array([60, 109, 110, 300, ROWS - 4])
    past, first = Past(table), table.first_origin - table.lookback
    carried = carried_states(head, table, past, origins)
    for origin, state in zip(origins, carried[0], strict=True):
        slow, _ = head.read(past(np.arange(first, origin + 1))[None])
        np.testing.assert_allclose(state, slow[-1, 0], rtol=1e-5, atol=1e-6)
    windows = forecast_changes(head, table, origins)
    assert np.abs(forecast_changes(head, table, origins, carry=True) - windows).max() > 1e-6
    found = forecaster.backtest(frame, carry=True, stride=1)
    expected = quantiles(trained, series, found.pooled.origins, carry=True)
    np.testing.assert_allclose(found.pooled.quantiles, expected, rtol=1e-5)


def test_a_state_that_training_did_not_carry_is_not_carried(frame, fitted):
    with pytest.raises(InputError, match="carry: expected a network that was trained with tbptt"):
        fitted.backtest(frame, carry=True)


@pytest.mark.parametrize("language", ["en", "pt_BR"])
@pytest.mark.usefixtures("undrawn")
def test_page_has_a_section_a_cut_and_one_of_all(anew, language):
    found, _ = anew
    with spoken(language):
        told = Forecaster(**SMALL).report(found)
        page = render(told.title, told.lead, told.sections)
    names = {"en": ["All cuts", "Cut 2, from"], "pt_BR": ["Todos os cortes", "Corte 2, a partir"]}
    assert all(name in page for name in names[language])
    assert len(told.sections) == 5
