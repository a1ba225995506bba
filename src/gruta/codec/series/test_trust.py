import math

import numpy as np
import pytest

from gruta.codec.series.trust import standard_error, trust

RNG = np.random.default_rng(0)
LINEAR = np.zeros((400, 1), np.float32)
NOISE = RNG.normal(size=LINEAR.shape).astype(np.float32)
SIGNAL = RNG.normal(size=LINEAR.shape).astype(np.float32)


def test_a_network_that_is_right_is_followed():
    assert trust(SIGNAL, LINEAR, SIGNAL + NOISE / 4) == 1.0


def test_a_network_that_says_nothing_is_left_aside():
    assert trust(SIGNAL, LINEAR, NOISE) == 0.0
    assert trust(LINEAR, LINEAR, NOISE) == 0.0


def test_a_network_of_which_little_is_known_is_followed_a_little():
    assert trust(SIGNAL, LINEAR, NOISE + SIGNAL / 9) == 0.25
    few = slice(0, 9), slice(None)
    gain = np.repeat(SIGNAL[few], 5, 1)  # each forecast of five steps: fewer than two stretches
    assert trust(gain, 0 * gain, gain) == 0.25


def test_a_network_that_goes_too_far_is_followed_half_the_way():
    assert trust(3 * SIGNAL, LINEAR, SIGNAL + NOISE / 4) == 0.5


def test_one_forecast_shows_nothing():
    assert trust(SIGNAL[:1], LINEAR[:1], SIGNAL[:1]) == 0.0
    long = SIGNAL[:12].reshape(3, 4)  # three origins, four steps each
    assert trust(long, 0 * long, long) == 0.0


def test_standard_error_counts_forecasts_that_overlap_as_those_side_by_side():
    values, deviation = np.array([1.0, 2.0, 3.0, 4.0], np.float32), math.sqrt(5 / 3)
    assert standard_error(values, 1) == pytest.approx(deviation / 2)
    assert standard_error(values, 2) == pytest.approx(deviation / math.sqrt(2))
    assert standard_error(values, 100) == pytest.approx(deviation)
    assert standard_error(values[:1], 1) == math.inf
