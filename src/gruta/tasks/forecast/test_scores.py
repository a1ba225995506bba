import numpy as np
import pytest

from gruta.codec.series.infer import parse
from gruta.codec.series.series import Columns, Series
from gruta.tasks.forecast.scores import coverage, mase, point_scores, seasonal_errors

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
