import numpy as np
import pytest

from gruta.tasks.forecast.baselines import drift, naive, seasonal_naive

Y = np.array([0.0, 10, 20, 30, 1, 11, 21, 31, 2, 12, np.nan, np.nan])


def test_naive_repeats_the_value_at_the_origin():
    assert naive(Y, np.array([5, 9]), 3).tolist() == [[11] * 3, [12] * 3]


def test_drift_goes_on_as_the_series_went_from_its_first_value():
    y = np.array([1.0, 9.0, 2.0, 3.0, 7.0])
    assert drift(y, np.array([2, 4]), 2).tolist() == [[2.5, 3.0], [8.5, 10.0]]


def test_seasonal_naive_repeats_the_last_season_before_the_origin():
    assert seasonal_naive(Y, np.array([7, 9]), 2, 4).tolist() == [[1, 11], [21, 31]]


def test_seasonal_naive_beyond_a_season_goes_back_further():
    assert seasonal_naive(Y, np.array([9]), 6, 4).tolist() == [[21, 31, 2, 12, 21, 31]]


@pytest.mark.parametrize("horizon", [1, 3])
def test_baselines_are_exact_where_the_truth_is_zero(horizon):
    y = np.array([0.0, 7, 0, 7, 0, 7])
    assert seasonal_naive(y, np.array([3]), 1, 2)[0, 0] == 0
    assert (naive(y, np.array([2]), horizon) == 0).all()
