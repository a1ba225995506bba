import math

import numpy as np
import pytest

from gruta.codec.series.trust import standard_error
from gruta.codec.series.trust import trust as trust_in

RNG = np.random.default_rng(0)
LINEAR = np.zeros((400, 1), np.float32)
NOISE = RNG.normal(size=LINEAR.shape).astype(np.float32)
SIGNAL = RNG.normal(size=LINEAR.shape).astype(np.float32)


def way(forecast, linear=LINEAR):
    return lambda share: (linear + share * (forecast - linear))[..., None]


def trust(at, target):
    return trust_in(at, target, (0.5,))


def test_a_network_that_is_right_is_followed():
    assert trust(way(SIGNAL), SIGNAL + NOISE / 4) == 1.0


def test_a_network_that_says_nothing_is_left_aside():
    assert trust(way(SIGNAL), NOISE) == 0.0
    assert trust(way(LINEAR), NOISE) == 0.0


def test_a_network_of_which_little_is_known_is_followed_a_little():
    assert trust(way(SIGNAL), NOISE + SIGNAL / 9) == 0.25
    few = slice(0, 9), slice(None)
    gain = np.repeat(SIGNAL[few], 5, 1)  # each forecast of five steps: fewer than two stretches
    assert trust(way(gain, 0 * gain), gain) == 0.25


def test_a_network_that_goes_too_far_is_followed_half_the_way():
    assert trust(way(3 * SIGNAL), SIGNAL + NOISE / 4) == 0.5


def test_one_forecast_shows_nothing():
    assert trust(way(SIGNAL[:1], LINEAR[:1]), SIGNAL[:1]) == 0.0
    long = SIGNAL[:12].reshape(3, 4)  # three origins, four steps each
    assert trust(way(long, 0 * long), long) == 0.0


def test_a_median_that_takes_the_other_quantiles_along_to_where_they_are_wrong_is_not_followed():
    target = np.where(RNG.random(LINEAR.shape) < 0.4, 10.0, 0.0).astype(np.float32)
    path, zero = np.full_like(LINEAR, 3), np.zeros_like(LINEAR)
    assert trust(way(zero, path), target) == 1.0
    apart = np.array([-3, 0, 7], np.float32)  # of 0 and 10 about the path
    assert trust_in(lambda s: way(zero, path)(s) + apart, target, (0.1, 0.5, 0.9)) == 0.0


def test_standard_error_counts_forecasts_that_overlap_as_those_side_by_side():
    values, deviation = np.array([1.0, 2.0, 3.0, 4.0], np.float32), math.sqrt(5 / 3)
    assert standard_error(values, 1) == pytest.approx(deviation / 2)
    assert standard_error(values, 2) == pytest.approx(deviation / math.sqrt(2))
    assert standard_error(values, 100) == pytest.approx(deviation)
    assert standard_error(values[:1], 1) == math.inf
