"""What a proof lets pass, and what it does not."""

import numpy as np
import pytest

from gruta.errors import InputError
from gruta.exchange.compute import compute
from gruta.exchange.conftest import drawn
from gruta.exchange.proof import apart, prove


@pytest.mark.parametrize("one", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_as_far_off_as_can_be(one):
    found = np.array([0.0, one, 0.5], np.float32)
    assert apart(found, np.zeros(3, np.float32)) == np.inf
    assert apart(found, found) == np.inf


def test_a_difference_is_in_units_of_what_is_given():
    assert apart(np.array([1.0, 4.0]), np.array([1.5, 2.0]), np.array([1.0, 8.0])) == 0.5
    assert apart(np.zeros((0, 2)), np.zeros((0, 2))) == 0


def test_one_nan_of_the_other_side_is_no_proof(rng, kind):
    layer = drawn(rng, 3, 4, **kind)

    def spoilt(x, states, counts):
        y, *finals = compute([layer], x, states, counts)
        y = y.copy()
        y.reshape(-1)[:1] = np.nan
        return y, *finals

    with pytest.raises(InputError, match="differ by inf"):
        prove([layer], spoilt)
