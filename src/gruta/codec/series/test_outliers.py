"""Spikes are found by what came before them; peaks, trends, counts and new levels are none."""

import json

import numpy as np
import pytest

from gruta.codec.series.infer import parse
from gruta.codec.series.outliers import Outliers
from gruta.codec.series.series import Columns, Series

DAYS = np.arange(1200)
DRAW = np.random.default_rng(0)
WEEK = np.array([0, 0, 0, 0, 0, 9, 4])[DAYS % 7]
NOISE = DRAW.normal(size=1200)
CALM = {
    "weeks and a trend": WEEK + 0.01 * DAYS + 0.3 * NOISE,
    "growth": np.exp(0.003 * DAYS) * (2 + WEEK + 0.3 * NOISE),
    "a peak every year": NOISE + 60 * (DAYS % 365 == 357),
    "counts": DRAW.poisson(0.7, 1200).astype(float),
    "sales now and then": DRAW.poisson(9, 1200) * (DRAW.random(1200) < 0.05) * 1.0,
    "a walk": NOISE.cumsum(),
    "heavy tails": np.exp(DRAW.normal(size=1200)),
    "a switch": (DAYS // 50 % 2).astype(float),
    "nothing": np.zeros(1200),
}


def series(*values, step="1d"):
    target, none = np.concatenate(values), np.empty((sum(map(len, values)), 0))
    return Series(
        target=target,
        known=none,
        past=none,
        starts=np.cumsum([0, *map(len, values)]),
        begins=np.full(len(values), np.datetime64("2021-01-04", "us")),
        ids=tuple(f"s{i}" for i in range(len(values))),
        columns=Columns(),
        frequency=parse(step),
        source="frame",
    )


def rows(*values, train=900, policy="flag"):
    own = series(*values)
    return Outliers.fit(own, np.full(len(values), train), policy).found(own).rows.tolist()


def spiked(values, *spikes):
    values = values.copy()
    for row, by in spikes:
        values[row] += by
    return values


@pytest.mark.parametrize("kind", CALM)
def test_what_a_series_usually_does_is_no_outlier(kind):
    (peak, *others) = [*rows(CALM[kind]), None]
    assert peak is None if kind != "a peak every year" else (peak, others) == (357, [None])


def test_spikes_are_found_in_training_and_after_it_each_series_by_its_own_measure():
    calm = CALM["weeks and a trend"]
    low = spiked(calm, (300, 30.0), (301, -30.0), (1100, 30.0), (1199, -30.0))
    assert rows(low, 1000 * calm, spiked(0.01 * calm, (500, 2.0))) == [300, 301, 1100, 1199, 2900]


def test_a_new_level_is_unlike_what_was_before_for_three_rows():
    shifted = CALM["weeks and a trend"] + 100.0 * (DAYS >= 950)
    assert rows(shifted) == [950, 951, 952]


def test_no_row_is_judged_by_later_ones_nor_by_the_rows_behind_the_training_part():
    calm = spiked(CALM["a walk"], (400, 500.0), (950, 500.0))
    other = np.where(DAYS > 1000, 1e6 * NOISE, calm)
    assert [row for row in rows(other) if row <= 1000] == rows(calm) == [400, 950]


def test_gaps_and_what_is_too_short_to_tell_are_none():
    gaps = CALM["weeks and a trend"].copy()
    gaps[100:130] = gaps[-1] = np.nan
    assert rows(gaps) == []
    assert rows(spiked(CALM["a walk"][:40], (35, 1e6)), train=40) == []


@pytest.mark.parametrize(("policy", "value"), [("flag", 999.0), ("mask", np.nan), ("clip", None)])
def test_models_read_outliers_as_the_policy_has_it_and_the_series_stays(policy, value):
    calm = CALM["weeks and a trend"]
    own = series(np.where(DAYS == 950, 999.0, calm))
    fitted = Outliers.fit(own, np.array([900]), policy)
    again = Outliers.from_json(own.ids, json.loads(json.dumps(fitted.to_json())))
    read = again.treated(own).target[950]
    if value is None:
        (near,), (limit,) = fitted.found(own).near, fitted.limits
        value = near + limit
        assert calm.min() < near < value < calm.max() + 20
    np.testing.assert_equal(read, value)
    assert own.target[950] == 999


def test_a_series_of_another_name_is_measured_by_its_own_values():
    fitted = Outliers.fit(series(CALM["a walk"]), np.array([900]), "flag")
    new = series(CALM["counts"], spiked(1e6 * CALM["a walk"], (700, 1e9)))
    assert fitted.found(new).rows.tolist() == [1900]


@pytest.mark.parametrize(
    "step", ["30min", "1h", "business day", "1w", "1 month", "row (1d)", "row (1)"]
)
def test_spikes_are_found_whatever_the_step(step):
    own = series(spiked(NOISE, (1000, 50.0)), step=step)
    assert Outliers.fit(own, np.array([900]), "flag").found(own).rows.tolist() == [1000]
