"""What made a forecast: all parts sum to it, and what is known to matter comes out."""

import datetime as dt
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from gruta.codec.series.series import Columns
from gruta.data.repair import Policies
from gruta.data.series import read_series
from gruta.errors import InputError
from gruta.locale import spoken
from gruta.report.page import Figure, Table
from gruta.tasks.forecast import Forecaster
from gruta.tasks.forecast.conftest import SMALL
from gruta.tasks.forecast.explain.importance import importances
from gruta.tasks.forecast.explain.shapley import shapley
from gruta.tasks.forecast.explain.sources import Parts, inputs_at, sources
from gruta.tasks.forecast.task import TASK

ALONE = {"frequency": "row", "lookback": 6, "hidden": 4, "steps": 5, "validate_every": 5}
"""A forecaster of rows that trains in a moment."""


def rows(**columns):
    """A frame with stamps, whose steps are its rows: no season, no calendar."""
    start, count = dt.datetime(2024, 1, 1), len(next(iter(columns.values())))
    return pl.DataFrame({"ds": [start + dt.timedelta(hours=i) for i in range(count)], **columns})


def trusting(forecaster, trust=1.0):
    """The same, whose network counts however little it learned."""
    trained = forecaster.trained_
    other = Forecaster(**forecaster.get_params())
    other.trained_ = replace(trained, codec=replace(trained.codec, trust=trust))
    return other


@pytest.fixture(scope="module")
def trusted(fitted):
    return trusting(fitted)


def share(found, kind, column):
    every = zip(found.sources, found.shares, strict=True)
    return sum(s for source, s in every if (source.kind, source.column) == (kind, column))


def test_parts_sum_to_the_forecast(trusted, series):
    found = trusted.explain(series, at="2024-01-15T06:00")
    assert np.abs(found.correction).max() > 1e-3
    total = found.baseline + found.added.sum(0) + found.held
    np.testing.assert_allclose(total, found.forecast, atol=1e-5)
    expected = trusted.evaluate(series, start="2024-01-15T06:00", stride=999).median[0]
    np.testing.assert_allclose(found.forecast, expected, atol=1e-5)


def test_parts_sum_to_the_forecast_where_values_are_missing(frame):
    holes = frame.with_columns(y=pl.when(pl.int_range(pl.len()) % 37 != 5).then(pl.col("y")))
    found = trusting(Forecaster(**SMALL | {"steps": 40}).fit(holes)).explain(
        holes, at="2024-01-15T06:00"
    )
    assert np.abs(found.correction).max() > 1e-3
    total = found.baseline + found.added.sum(0) + found.held
    np.testing.assert_allclose(total, found.forecast, atol=1e-5)


def test_inputs_are_their_reference_and_their_parts(trusted, series):
    trained = trusted.trained_
    encoding = trained.codec.encoding
    table, every = encoding.table(series), sources(encoding)
    inputs = inputs_at(table, np.array([300, 301]))
    parts = Parts(table, inputs, every, trained.head.means)
    for name, x in inputs.items():
        whole = parts.reference[name] + parts.parts[name].sum(0)
        np.testing.assert_allclose(whole, x, atol=1e-5)
    assert parts.parts["past"].any((1, 2, 3)).all()  # each source has a part


def test_what_each_lag_adds_sums_to_what_the_targets_past_adds(trusted, series):
    found = trusted.explain(series, at="2024-01-15T06:00")
    own = [i for i, s in enumerate(found.sources) if s.kind in ("own", "season")]
    np.testing.assert_allclose(found.by_lag.sum(1), found.linear[own].sum(0), atol=1e-5)
    assert found.shares_by_range.sum() == pytest.approx(1)


def test_change_between_two_forecasts_of_the_same_stamps_is_the_sum_of_its_parts(trusted, series):
    later = trusted.explain(series, at="2024-01-15T06:00")
    earlier = trusted.explain(series, at="2024-01-15T05:00")
    change = later.change_from(earlier)
    assert len(change.times) == 2
    total = change.added.sum(0) + change.baseline + change.held
    np.testing.assert_allclose(total, change.difference, atol=1e-5)
    np.testing.assert_allclose(change.difference, later.forecast[:2] - earlier.forecast[1:])
    with pytest.raises(InputError, match="no step in common"):
        later.change_from(trusted.explain(series, at="2024-01-14T06:00"))


def test_a_plan_that_was_changed_is_what_changed_the_forecast(trusted, frame):
    ahead = frame.with_columns(
        plan=pl.when(pl.int_range(pl.len()) >= pl.len() - 2).then(5.0).otherwise(pl.col("plan"))
    )
    at = str(frame["ds"][-3])
    change = trusted.explain(ahead, at=at).change_from(trusted.explain(frame, at=at))
    plan = [s.column for s in change.sources].index("plan")
    np.testing.assert_allclose(change.linear.sum(0), change.linear[plan], atol=1e-6)
    assert np.abs(change.linear[plan]).max() > 0.1


def test_a_known_column_that_the_target_copies_gets_all_and_noise_gets_nothing():
    rng = np.random.default_rng(0)
    plan, noise = rng.normal(size=(2, 600))
    y = 50 + 10 * plan + 0.3 * rng.normal(size=600)
    data = rows(y=y, plan=plan, noise=noise)
    forecaster = Forecaster(known=("plan",), past=("noise",), horizon=2, **ALONE).fit(data)
    found = forecaster.explain(data, at=data["ds"][590])
    assert share(found, "known", "plan") > 0.9
    assert share(found, "past", "noise") < 0.05


def test_the_lags_of_an_autoregression_come_out():
    rng = np.random.default_rng(1)
    y = np.zeros(3000)
    for t in range(2, 3000):
        y[t] = 1.2 * y[t - 1] - 0.5 * y[t - 2] + rng.normal()
    data = rows(y=y + 100)
    forecaster = Forecaster(horizon=1, ridge=1e-6, **ALONE).fit(data)
    found = forecaster.explain(data, at=data["ds"][2900])
    less = y[2899::-1][:6] + 100 - forecaster.trained_.codec.encoding.target.mean[0]
    np.testing.assert_allclose(found.by_lag[0] / less, [1.2, -0.5, 0, 0, 0, 0], atol=0.06)


def test_a_series_is_named_where_there_are_several(frame):
    two = pl.concat([frame.with_columns(shop=pl.lit(name)) for name in ("north", "south")])
    forecaster = Forecaster(**SMALL, series="shop").fit(two)
    at = str(frame["ds"][-3])
    assert forecaster.explain(two, at=at, series="south").series == "south"
    with pytest.raises(InputError, match="series: expected one of those in frame, north, south"):
        forecaster.explain(two, at=at)


@pytest.mark.parametrize("at", ["2024-01-01T03:00", "2030-01-01"])
def test_a_stamp_that_cannot_be_forecast_is_refused(fitted, series, at):
    with pytest.raises(InputError, match="at: expected the first stamp of a forecast, with 51 row"):
        fitted.explain(series, at=at)


def test_where_the_network_is_not_trusted_the_linear_path_is_all(fitted, series):
    found = trusting(fitted, 0.0).explain(series, at="2024-01-15T06:00")
    assert not found.network.any()
    np.testing.assert_allclose(found.baseline + found.linear.sum(0), found.forecast, atol=1e-5)


@pytest.mark.parametrize("parts", [3, 12])
def test_values_of_parts_sum_to_the_whole_and_those_of_a_product_are_even(parts):
    def value(chosen):
        return np.column_stack([chosen[:, :3].all(1), chosen @ np.arange(parts)])

    found = shapley(parts, value)
    np.testing.assert_allclose(found[:, 1], np.arange(parts))
    np.testing.assert_allclose(found[:, 0].sum(), 1)
    np.testing.assert_allclose(found[:3, 0], 1 / 3, atol=0.0 if parts == 3 else 0.1)
    assert not found[3:, 0].any()


def test_the_worth_of_inputs_is_that_of_the_copied_column_and_none_of_noise():
    rng = np.random.default_rng(0)
    plan, noise = rng.normal(size=(2, 900))
    data = rows(y=50 + 10 * plan + 0.3 * rng.normal(size=900), plan=plan, noise=noise)
    settings = ALONE | {"known": ("plan",), "past": ("noise",), "horizon": 2}
    forecaster = Forecaster(**settings).fit(data)
    series = read_series(data, Columns(known=("plan",), past=("noise",)), policies=Policies("row"))
    found = importances(forecaster.trained_, series)
    worth = {one.source.column: one for one in found.each}
    assert found.each[0].source.column == "plan"
    # Of two independent normal values of deviation 10: the mean distance is 2 · 10 / √π.
    assert worth["plan"].rise == pytest.approx(20 / np.pi**0.5, rel=0.2)
    assert abs(worth["noise"].rise) < max(0.05, 3 * worth["noise"].error)


@pytest.mark.parametrize("language", ["en", "pt_BR"])
def test_the_page_shows_a_lone_median_and_a_single_step(frame, language):
    short = SMALL | {"quantiles": (0.5,), "horizon": 1}
    forecaster = Forecaster(**short).fit(frame)
    with spoken(language):
        told = forecaster.report(forecaster.explain(frame, at=str(frame["ds"][-1])))
        assert [f.name for s in told.sections for f in s.content if isinstance(f, Figure)] == [
            "sources",
            "lags",
        ]
    if language == "en":
        assert told.lead.startswith("For 2024-01-18 11:00 the forecast is ")


def test_the_report_of_a_training_says_what_the_inputs_are_worth(fitted, frame):
    found = TASK.evaluate(fitted.trained_, **TASK.held_out(frame, fitted.settings))
    told = TASK.report(fitted.trained_, found, [])
    worth = next(s for s in told.sections if s.title == "What its inputs are worth")
    names = {row[0] for item in worth.content if isinstance(item, Table) for row in item.rows}
    assert names == {"the past of y", "y a season (24) before", "plan", "wind", "calendar"}


def test_texts_and_holidays_are_sources_of_their_own_and_a_transform_is_refused():
    draw, rows = np.random.default_rng(0), 200
    stamps = [dt.datetime(2024, 1, 1) + dt.timedelta(days=i) for i in range(rows)]
    sale = np.where(draw.random(rows) < 0.3, "sale", "none")
    y = 5 + 2 * (sale == "sale") + draw.normal(size=rows) / 10
    plan = draw.normal(size=rows)
    frame = pl.DataFrame({"ds": stamps, "y": y, "promo": sale, "plan": plan})
    small = {"known": ("promo", "plan"), "hidden": 4, "steps": 4, "horizon": 2, "lookback": 7}
    forecaster = Forecaster(**small, holidays="BR").fit(frame)
    found = forecaster.explain(frame, at="2024-07-10")
    whole = found.baseline + (found.linear + found.network).sum(0) + found.held
    np.testing.assert_allclose(whole, found.forecast, rtol=1e-5)
    names = [source.name for source in found.sources]
    assert {"plan", "promo = sale", "holiday of BR"} <= set(names)
    moved = np.abs(found.linear[[names.index("promo = sale"), names.index("plan")]]).sum(1)
    assert moved[0] > 2 * moved[1]
    with pytest.raises(InputError, match="transform: parts add up"):
        Forecaster(**small, transform="log").fit(frame).explain(frame)
