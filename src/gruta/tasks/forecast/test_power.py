"""Targets that are learned as their logarithm or as a power of them."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from gruta.codec.series.infer import parse
from gruta.codec.series.power import LARGEST, likeliest_power, restored, transformed
from gruta.codec.series.series import Columns, Series
from gruta.errors import InputError
from gruta.tasks.forecast import Forecaster

SMALL = {"horizon": 12, "hidden": 4, "steps": 12, "batch_size": 8, "log_every": 4}


def growing(rows=240, seed=0):
    """Months that grow by two per cent each, with a season that grows along."""
    rng = np.random.default_rng(seed)
    months = [dt.date(2000 + i // 12, i % 12 + 1, 1) for i in range(rows)]
    at = np.arange(rows)
    logs = 0.02 * at + 0.3 * np.sin(2 * np.pi * at / 12) + 0.02 * rng.normal(size=rows)
    return pl.DataFrame({"ds": months, "y": 100 * np.exp(logs)})


def lone(y):
    frequency = parse("1d")
    times = frequency.after(np.datetime64("2024-01-01", "us"), len(y))
    none = np.empty((len(y), 0))
    return Series.lone(times, y, none, none, Columns(), frequency, "frame")


@pytest.mark.parametrize("power", [0.0, 0.01, 0.5, 1.0, 2.0])
def test_what_is_transformed_comes_back(power):
    y = np.array([1e-3, 0.5, 1.0, 20.0, 1e6, np.nan])
    z = transformed(y, power)
    assert restored(z, power) == pytest.approx(y, rel=1e-9, nan_ok=True)
    assert (np.diff(z[:-1]) > 0).all()
    edges = restored(np.array([-1e9, 1e9]), power)
    assert 0 <= edges[0] < edges[1] <= LARGEST * (1 + 1e-9)


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
def test_the_likeliest_power_is_that_which_made_the_values(power):
    z = 40 + 4 * np.random.default_rng(0).normal(size=20_000)
    values = restored(z / 10 if power == 0 else z, power)
    assert likeliest_power(lone(values)) == pytest.approx(power, abs=0.1)


def test_the_likeliest_power_agrees_with_scipys():
    stats = pytest.importorskip("scipy.stats")
    y = np.random.default_rng(1).gamma(3.0, 20.0, 3_000)
    assert likeliest_power(lone(y)) == pytest.approx(
        stats.boxcox_normmax(y, method="mle"), abs=0.006
    )


@pytest.mark.parametrize("transform", ["log", "boxcox"])
def test_growth_by_per_cents_is_forecast_on(transform, tmp_path):
    frame = growing()
    forecaster = Forecaster(**SMALL, transform=transform).fit(frame[:-12], run=tmp_path / "run")
    found = forecaster.predict(frame[:-12])
    assert (found["forecast"] / frame["y"][-12:] - 1).abs().mean() < 0.03
    assert (found["q10"] < found["forecast"]).all()
    assert (found["forecast"] < found["q90"]).all()
    assert (found["q10"] > 0).all()
    loaded = Forecaster.load(tmp_path / "run")
    assert loaded.predict(frame[:-12]).equals(found)
    assert loaded.trained_.codec.encoding.power == pytest.approx(0, abs=0.2)
    scores = {score.model: score for score in forecaster.evaluate(frame).scores}
    assert scores["linear"].values["mase"] < scores["naive"].values["mase"]


def test_a_series_that_training_did_not_see_is_scaled_when_transformed():
    shops = [growing(seed=i).with_columns(shop=pl.lit(f"shop {i}")) for i in range(3)]
    forecaster = Forecaster(**SMALL, transform="log", series="shop").fit(pl.concat(shops[:2]))
    found = forecaster.predict(shops[2])
    larger = forecaster.predict(shops[2].with_columns(y=pl.col("y") * 1_000))
    for name in ("q10", "forecast", "q90"):
        assert larger[name].to_list() == pytest.approx(1_000 * found[name], rel=1e-4)


@pytest.mark.parametrize("row", [3, 238])
def test_a_value_without_a_logarithm_is_refused_by_its_stamp(row):
    frame = growing()
    stamp = frame["ds"][row]
    torn = frame.with_columns(y=pl.when(pl.int_range(pl.len()) == row).then(0.0).otherwise("y"))
    expected = rf"'y': expected values above 0, .* found 0 at {stamp}; take transform none"
    with pytest.raises(InputError, match=expected):
        Forecaster(**SMALL, transform="log").fit(torn)
    forecaster = Forecaster(**SMALL, transform="log").fit(frame)
    with pytest.raises(InputError, match=expected):
        forecaster.predict(torn)
