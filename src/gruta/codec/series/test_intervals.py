import numpy as np
import pytest

from gruta.codec.series.intervals import spread, stretch

LEVELS = (0.1, 0.25, 0.5, 0.9)


@pytest.fixture
def targets():
    return np.random.default_rng(0).normal(size=(400, 5)).astype(np.float32)


def test_stretched_quantiles_cover_what_they_promise_on_the_rows_they_were_fitted_on(targets):
    # Four times too narrow on one side, twice too wide on the other.
    forecast = np.broadcast_to(np.float32([-0.3, -0.15, 0.0, 2.6]), (400, 5, 4))
    stretched = stretch(forecast, spread(forecast, targets, LEVELS), LEVELS)
    below = (targets[..., None] <= stretched).mean((0, 1))
    assert below.tolist()[:2] == pytest.approx([0.1, 0.25], abs=1e-3)
    assert below.tolist()[3] == pytest.approx(0.9, abs=1e-3)


def test_median_stays_and_order_holds(targets):
    forecast = np.broadcast_to(np.float32([-0.1, -0.09, 0.0, 0.1]), (400, 5, 4))
    stretched = stretch(forecast, np.float32([0.5, 3.0, 1.0, 2.0]), LEVELS)
    assert stretched[0, 0].tolist() == pytest.approx([-0.27, -0.05, 0.0, 0.2])
    assert spread(forecast, targets, LEVELS)[2] == 1


def test_quantiles_without_any_distance_stay_as_they_are():
    forecast = np.zeros((8, 2, 4))
    assert spread(forecast, np.zeros((8, 2)), LEVELS).tolist() == [1.0] * 4
    assert spread(forecast, np.ones((8, 2)), LEVELS).tolist() == [1.0] * 4
