import itertools
import math

import numpy as np
import polars as pl
import pytest

from gruta.codec.series.infer import parse
from gruta.codec.series.series import Columns, Series
from gruta.tasks.forecast.scores import (
    coverage,
    crps,
    difference,
    mase,
    overlapping,
    pinball,
    point_scores,
    seasonal_error,
    seasonal_errors,
    standard_error,
)

TRUTH = np.array([[1.0, 2.0], [0.0, 4.0]])
FORECAST = np.array([[2.0, 2.0], [0.0, 2.0]])


def test_scores_are_those_worked_out_by_hand():
    # |F − A| is 1, 0, 0, 2; |F| + |A| is 3, 4, 0, 6.
    expected = {"smape": 200 * (1 / 3 + 0 + 0 + 2 / 6) / 4, "mae": 3 / 4, "rmse": (5 / 4) ** 0.5}
    assert point_scores(TRUTH, {"m": FORECAST})["m"] == pytest.approx(expected)


def test_smape_is_two_hundred_at_most_and_zero_where_both_are_zero():
    zeros = np.zeros((1, 3))
    scores = point_scores(zeros, {"same": zeros, "other": zeros + 1e-9})
    assert scores["same"]["smape"] == 0
    assert scores["other"]["smape"] == pytest.approx(200)


def test_models_are_scored_apart():
    scores = point_scores(TRUTH, {"exact": TRUTH, "m": FORECAST})
    assert scores["exact"] == {"smape": 0, "mae": 0, "rmse": 0}
    assert scores["m"]["mae"] == 0.75


def test_coverage_counts_the_bounds_in():
    low, high = np.array([[0.0, 2.5], [0.0, 1.0]]), np.array([[1.0, 3.0], [1.0, 3.0]])
    assert coverage(TRUTH, low, high) == 0.5  # 1 and 0 lie within, 2 below, 4 above


def lone(target):
    days = np.arange(len(target)).astype("M8[D]").astype("M8[us]")
    empty = np.empty((len(target), 0))
    return Series.lone(days, target, empty, empty, Columns(), parse("1d"), "test")


def test_mase_is_in_units_of_the_seasonal_naive_error():
    train = np.array([1.0, 2.0, 4.0, 1.0, 5.0, 4.0])
    assert seasonal_errors(lone(train), 3) == pytest.approx([1.0])  # 0, 3, 0
    assert seasonal_errors(lone(train), 1) == pytest.approx([(1 + 2 + 3 + 4 + 1) / 5])
    assert seasonal_errors(lone(train), 6) == (0.0,)
    assert mase(3.0, 1.5) == 2.0
    assert mase(3.0, 0.0) is None


def test_point_scores_are_their_definitions_to_the_last_digits():
    draw = np.random.default_rng(0)
    truth, forecast = draw.normal(size=(2, 30, 7)) * 10.0 ** draw.integers(-3, 4, (2, 30, 7))
    truth[0, :3] = forecast[0, :2] = 0.0
    pairs = list(zip(truth.ravel().tolist(), forecast.ravel().tolist(), strict=True))
    smape = [200 * abs(f - a) / (abs(f) + abs(a)) if f or a else 0.0 for a, f in pairs]
    expected = {
        "smape": math.fsum(smape) / len(pairs),
        "mae": math.fsum(abs(f - a) for a, f in pairs) / len(pairs),
        "rmse": math.sqrt(math.fsum((f - a) ** 2 for a, f in pairs) / len(pairs)),
    }
    assert point_scores(truth, {"m": forecast})["m"] == pytest.approx(expected, rel=1e-12)
    train = draw.normal(size=60).tolist()
    scale = math.fsum(abs(b - a) for a, b in zip(train, train[12:], strict=False)) / 48
    assert seasonal_error(np.array(train), 12) == pytest.approx(scale, rel=1e-12)


def test_pinball_by_hand():
    # 3 above the quantile costs 3·τ, 2 below it 2·(1 − τ).
    found = pinball(np.array([3.0, -2.0]), np.zeros((2, 3)), (0.1, 0.5, 0.9))
    assert found.tolist() == pytest.approx([(0.3 + 1.8) / 2, 1.25, (2.7 + 0.2) / 2], rel=1e-12)


def test_crps_of_one_value_is_its_absolute_error():
    assert crps(np.array([[5.0]]), np.full((1, 1, 3), 2.0), (0.1, 0.5, 0.9)) == pytest.approx(3.0)


def test_crps_of_many_quantiles_is_that_of_the_distribution():
    """Of the standard normal, by the closed form of Gneiting and Raftery (2007, section 4.2)."""
    from statistics import NormalDist

    normal, truth = NormalDist(), 0.7
    levels = (np.arange(20_000) + 0.5) / 20_000
    quantiles = np.array([normal.inv_cdf(level) for level in levels])[None]
    exact = truth * (2 * normal.cdf(truth) - 1) + 2 * normal.pdf(truth) - 1 / math.sqrt(math.pi)
    assert crps(np.array([truth]), quantiles, levels) == pytest.approx(exact, abs=1e-5)


def test_crps_is_the_mean_over_equal_samples_in_its_other_form():
    """E|X − y| − E|X − X'| / 2, X one of n samples, which are the quantiles of levels (i − ½)/n."""
    samples, truth = [-1.0, 0.5, 0.5, 4.0], 1.5
    energy = np.mean([abs(x - truth) for x in samples])
    energy -= np.mean([abs(a - b) for a, b in itertools.product(samples, samples)]) / 2
    levels = (np.arange(4) + 0.5) / 4
    assert crps(np.array([truth]), np.array([samples]), levels) == pytest.approx(energy, rel=1e-12)


def test_utilsforecast_has_the_same_in_other_units():
    """The factors of the README beside."""
    from utilsforecast import losses

    draw, levels = np.random.default_rng(0), (0.1, 0.5, 0.9)
    truth, quantiles = draw.normal(size=50), np.sort(draw.normal(size=(50, 3)), axis=-1)
    columns = {f"q{i}": quantiles[:, i] for i in range(3)}
    frame = pl.DataFrame({"unique_id": np.zeros(50, int), "y": truth} | columns)
    one = losses.quantile_loss(frame, {"m": "q2"}, q=0.9)["m"][0]
    assert pinball(truth, quantiles, levels)[2] == pytest.approx(one, rel=1e-12)
    scaled = losses.scaled_crps(frame, {"m": list(columns)}, quantiles=np.array(levels))["m"][0]
    size = np.abs(truth).mean()
    assert crps(truth, quantiles, levels) == pytest.approx(size * scaled, rel=1e-12)


def test_standard_error_of_independent_values_is_the_usual_one():
    values = np.random.default_rng(0).normal(size=64_000)
    error, blocks = standard_error(values, 1)
    assert blocks == 1600
    assert error == pytest.approx(1 / math.sqrt(64_000), rel=0.06)


def test_standard_error_sees_that_neighbours_are_alike():
    independent = np.random.default_rng(0).normal(size=400)
    alike = np.repeat(independent, 24)  # as if each were forecast 24 times
    usual, _ = standard_error(independent, 1)
    assert standard_error(alike, 24)[0] == pytest.approx(usual, rel=0.1)
    assert np.isnan(standard_error(alike[:100], 24)[0])


def test_series_of_one_moment_count_as_one():
    """Ten moments in stretches of two; the sums of the stretches, less the mean 3: by hand."""
    moments = np.array([*range(10), 0, 1, 9])
    values = np.array([1.0, 1, 2, 2, 3, 3, 4, 4, 5, 5, 0, 4, 5])
    apart = [(1 - 3) + (1 - 3) + (0 - 3) + (4 - 3), -1 - 1, 0, 1 + 1, 2 + 2 + 2]
    error, blocks = standard_error(values, 1, moments)
    assert (float(values.mean()), blocks) == (3, 5)
    assert error == pytest.approx(math.sqrt(sum(a * a for a in apart) * 5 / 4) / 13)
    panel, days = np.tile(values[:10], 40), np.tile(np.arange(10), 40)
    assert standard_error(panel, 1, days) == pytest.approx(standard_error(values[:10], 1))
    missed = np.stack([panel, np.full(400, np.nan)], 1)
    missed[0] = np.nan
    found = difference(missed, np.zeros((400, 2)), 1, days)
    assert (found.error, found.blocks) == standard_error(panel[1:], 1, days[1:])


def test_forecasts_overlap_by_the_clock_not_by_their_rows():
    begins = np.array([0, 2, 4, 0, 2, 4, 9])
    assert overlapping(begins, begins + 2) == 2
    assert overlapping(begins, begins + 1) == 1
    assert overlapping(begins[:1], begins[:1]) == 1


@pytest.mark.parametrize(
    ("shift", "origins", "beyond"), [(0.3, 400, True), (0.0, 400, False), (0.3, 4, False)]
)
def test_difference_is_told_beyond_chance_alone(shift, origins, beyond):
    draw = np.random.default_rng(0)
    simple = np.abs(draw.normal(size=(origins, 3)))
    found = difference(simple + shift + draw.normal(size=simple.shape), simple, 1)
    assert found.beyond_chance == beyond
    assert (found.error is None) == (origins == 4)
