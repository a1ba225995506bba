"""Targets that are learned as differences from the value, or the season, before."""

import datetime as dt

import numpy as np
import polars as pl
import pytest
import torch

from gruta.codec.series.difference import filled
from gruta.codec.series.encoding import Encoding
from gruta.codec.series.features import Past, future_features, windows
from gruta.codec.series.infer import parse
from gruta.codec.series.series import Columns, Series
from gruta.errors import InputError
from gruta.tasks.forecast import Forecaster
from gruta.tasks.forecast.head import forecast_changes
from gruta.tasks.forecast.source import series_for

SMALL = {"horizon": 5, "hidden": 4, "steps": 12, "batch_size": 8, "log_every": 4}


def shops(count=3, rows=90, holes=0.05):
    """Days with a week's shape, each shop on a line of its own, with values missing."""
    draw, parts = np.random.default_rng(0), []
    for i in range(count):
        day = np.arange(rows - 9 * i)
        y = 50 * i + (i + 1) * (day + 10 * (day % 7 == 0)) + 0.5 * draw.normal(size=len(day))
        y[3 : len(day) - 2][draw.random(len(day) - 5) < holes] = np.nan
        stamps = [dt.date(2024, 1, 1) + dt.timedelta(days=int(d)) for d in day]
        parts.append(pl.DataFrame({"shop": [f"s{i}"] * len(day), "ds": stamps, "y": y}))
    return pl.concat(parts)


def lone(y):
    frequency, none = parse("1d"), np.empty((len(y), 0))
    times = frequency.after(np.datetime64("2024-01-01", "us"), len(y))
    return Series.lone(times, np.array(y, float), none, none, Columns(), frequency, "frame")


def read_at(table, origins):
    return future_features(table, origins, np.arange(1, table.horizon + 1))


def test_a_gap_holds_the_last_value_of_its_phase():
    gone = np.nan
    y = [gone, 1.0, 2.0, 3.0, gone, gone, gone, gone, 8.0]
    found = filled(lone(y), 3)
    assert found.tolist() == [1.0, 1.0, 2.0, 3.0, 1.0, 2.0, 3.0, 1.0, 8.0]
    assert filled(lone(y), 1).tolist() == [1.0, 1.0, 2.0, 3.0, 3.0, 3.0, 3.0, 3.0, 8.0]


@pytest.mark.parametrize("transform", ["difference", "seasonal"])
def test_changes_sum_up_to_what_came_and_bases_are_known_at_the_origin(transform):
    y = np.random.default_rng(0).normal(size=120).cumsum()
    y[[40, 88, 95]] = np.nan
    series = lone(y)
    encoding = Encoding.fit(series, np.array([80]), 8, 10, transform=transform)
    table, origins = encoding.table(series), np.array([84, 90, 94])
    found = encoding.decode(table.base(origins) + table.changes(origins), series, origins)
    truth = y[origins[:, None] + np.arange(1, 11)]
    np.testing.assert_allclose(found, truth, rtol=1e-5)
    later = lone(np.where(np.arange(120) > 84, 1e6, y))
    for what in (lambda t: t.base(origins[:1]), lambda t: read_at(t, origins[:1])):
        np.testing.assert_array_equal(what(encoding.table(later)), what(table))
    assert encoding.from_json(encoding.to_json()).apart == encoding.apart


def test_the_same_change_a_season_before_is_read():
    series = lone(np.arange(100) ** 2)
    encoding = Encoding.fit(series, np.array([90]), 8, 3, transform="difference")
    table = encoding.table(series)
    name = "sum of difference of y over as many steps, a season (7) before"
    place = encoding.future_names().index(name)
    read = read_at(table, np.array([80]))[0, :, place] * encoding.target.scale[0]
    assert read == pytest.approx([74**2 - 73**2, 75**2 - 73**2, 76**2 - 73**2])


@pytest.mark.parametrize("transform", ["difference", "seasonal", "log+seasonal"])
def test_head_and_network_agree_on_differences_with_gaps(transform):
    frame = shops().with_columns(pl.col("y") + 20)
    forecaster = Forecaster(**SMALL, series="shop", transform=transform, longest_gap=0.5)
    trained = forecaster.fit(frame).trained_
    table = trained.codec.encoding.table(series_for(trained, frame))
    origins = np.arange(60, 80)
    newest = np.full((len(origins), 1), table.lookback - 1)
    batch = windows(table, Past(table), origins, newest, table.lookback)
    tensors = {name: torch.from_numpy(values) for name, values in batch.items()}
    with torch.no_grad():
        theirs = trained.network(tensors)[0][:, 0].numpy()
    np.testing.assert_allclose(forecast_changes(trained.head, table, origins), theirs, atol=1e-5)


def test_what_leaves_the_range_of_training_is_forecast_on_and_goes_on_learning(tmp_path):
    frame = shops(count=1, rows=200, holes=0).drop("shop")
    forecaster = Forecaster(**SMALL, transform="seasonal").fit(frame[:150], run=tmp_path / "run")
    found = Forecaster.load(tmp_path / "run").predict(frame[:195])
    assert found["forecast"].to_list() == pytest.approx(frame["y"][-5:].to_list(), abs=3)
    assert (found["q10"] < found["q90"]).all()
    assert forecaster.backtest(frame[:170], windows=2).scores[0].mae < 3
    newer = forecaster.update(frame, steps=4)
    assert newer.trained_.codec.encoding.apart == 7
    assert next(one.column for one in newer.update_.drift.inputs) == "difference of y"
    with pytest.raises(InputError, match="transform: parts add up"):
        forecaster.explain(frame)


def test_a_season_that_is_not_there_cannot_be_taken_from():
    frame = pl.DataFrame({"ds": range(100), "y": np.random.default_rng(0).normal(size=100)})
    with pytest.raises(InputError, match="transform: expected a series with a season"):
        Forecaster(**SMALL, transform="seasonal", frequency="row").fit(frame)


def test_counts_are_not_forecast_below_0_where_their_differences_fall():
    y = np.maximum(0, 60 - np.arange(120)) + np.random.default_rng(0).poisson(0.2, 120)
    days = [dt.date(2024, 1, 1) + dt.timedelta(days=i) for i in range(120)]
    frame = pl.DataFrame({"ds": days, "y": y.astype(float)})
    for transform in ("difference", "seasonal"):
        found = Forecaster(**SMALL, transform=transform).fit(frame).predict(frame[:62])
        assert min(found.select("forecast", "q10", "q90").min().row(0)) == 0
