"""Arrays in another order, and by rows, however they lie."""

import numpy as np
import pytest

from gruta.exchange.layer import blocks, by_rows


@pytest.mark.parametrize("shape", [(6, 1), (6, 130), (130, 6), (0, 4), (4, 0)])
@pytest.mark.parametrize("way", [slice(None), slice(None, None, -1)], ids=["ahead", "back"])
def test_what_is_turned_comes_by_rows(shape, way):
    array = np.arange(np.prod(shape), dtype=np.float32).reshape(shape[::-1]).T[way]
    made = by_rows(array, np.float64)
    np.testing.assert_array_equal(made, array)
    assert made.flags.c_contiguous
    assert made.dtype == np.float64


def test_what_lies_by_rows_is_not_copied():
    array = np.zeros((5, 3), np.float32)
    assert by_rows(array, np.float32) is array


@pytest.mark.parametrize("turned", [False, True])
def test_blocks_change_places_along_either_axis(turned, rng):
    array = rng.normal(size=(6, 70)) if not turned else rng.normal(size=(70, 6)).T
    made, other = blocks(array, (1, 0, 2)), blocks(array.T, (1, 0, 2), axis=1)
    expected = np.concatenate([array[2:4], array[:2], array[4:]])
    np.testing.assert_array_equal(made, expected)
    np.testing.assert_array_equal(other, expected.T)
    assert made.flags.c_contiguous
    assert other.flags.c_contiguous


def test_a_bias_has_blocks_too():
    np.testing.assert_array_equal(blocks(np.arange(6), (2, 0, 1)), [4, 5, 0, 1, 2, 3])
