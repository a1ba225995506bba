"""What is drawn, and how often."""

import numpy as np
import pytest

from gruta.codec.text.sampling import Sampling, drawn, probabilities

LIKELY = np.log(np.array([0.4, 0.3, 0.2, 0.1], np.float32))


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ({}, [0.4, 0.3, 0.2, 0.1]),
        ({"temperature": 0.0}, [1, 0, 0, 0]),
        ({"temperature": 0.5}, [16 / 30, 9 / 30, 4 / 30, 1 / 30]),
        ({"top_k": 2}, [4 / 7, 3 / 7, 0, 0]),
        ({"top_k": 9}, [0.4, 0.3, 0.2, 0.1]),
        ({"top_p": 0.69}, [4 / 7, 3 / 7, 0, 0]),
        ({"top_p": 0.71}, [4 / 9, 3 / 9, 2 / 9, 0]),
        ({"top_p": 1e-9}, [1, 0, 0, 0]),
        ({"min_p": 0.6}, [4 / 7, 3 / 7, 0, 0]),
        ({"min_p": 1.0}, [1, 0, 0, 0]),
    ],
)
def test_what_is_left_keeps_its_proportions(how, expected):
    np.testing.assert_allclose(probabilities(LIKELY, Sampling(**how)), expected, atol=1e-7)


def test_rows_are_told_apart():
    rows = np.stack([LIKELY, LIKELY[::-1]])
    found = probabilities(rows, Sampling(top_k=1))
    np.testing.assert_array_equal(found, [[1, 0, 0, 0], [0, 0, 0, 1]])


def test_what_was_said_becomes_less_likely_whatever_the_sign_of_its_logit():
    logits = np.array([1.0, -1.0, 0.5], np.float32)
    said = np.array([True, True, False])
    found = probabilities(logits, Sampling(repetition_penalty=2.0), said)
    wanted = np.exp([0.5, -2.0, 0.5])
    np.testing.assert_allclose(found, wanted / wanted.sum(), rtol=1e-7)


def test_the_impossible_is_never_drawn():
    logits = np.array([-np.inf, 0, -np.inf, 0, -np.inf], np.float32)
    found = probabilities(logits, Sampling(temperature=100.0, top_p=0.999, min_p=0.1))
    for uniform in (0.0, 0.5, 1 - 2**-53):
        for scale in (1, 3, 1e-300):
            assert drawn(scale * found[None], np.array([uniform]))[0] in (1, 3)


def test_draws_come_as_often_as_they_are_likely():
    found = np.tile(probabilities(LIKELY, Sampling()), (40_000, 1))
    units = drawn(found, np.random.default_rng(0).random(40_000))
    np.testing.assert_allclose(np.bincount(units) / 40_000, [0.4, 0.3, 0.2, 0.1], atol=0.01)
