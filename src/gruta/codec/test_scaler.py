import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from gruta.codec.scaler import Scaler
from gruta.errors import InputError

tables = arrays(
    np.float64,
    array_shapes(min_dims=2, max_dims=2, max_side=8),
    elements=st.one_of(
        st.integers(-1000, 1000).map(float),
        st.floats(-1e300, 1e300).filter(lambda value: value == 0 or abs(value) > 1e-150),
    ),
)


@given(tables)
def test_decode_undoes_encode(rows: np.ndarray) -> None:
    scaler = Scaler.fit(rows)
    largest = np.abs(rows).max(axis=0)
    error = np.abs(scaler.decode(scaler.encode(rows)) - rows)
    assert (error <= 1e-14 * largest).all()


@given(tables)
def test_the_same_scaler_comes_back_from_json(rows: np.ndarray) -> None:
    scaler = Scaler.fit(rows)
    again = Scaler.from_json(json.loads(json.dumps(scaler.to_json())))
    np.testing.assert_array_equal(again.mean, scaler.mean)
    np.testing.assert_array_equal(again.scale, scaler.scale)


def test_columns_come_to_mean_0_and_deviation_1() -> None:
    rows = np.array([[1.0, 10.0], [3.0, 10.0], [5.0, 40.0]])
    scaler = Scaler.fit(rows)
    np.testing.assert_allclose(scaler.mean, [3, 20])
    np.testing.assert_allclose(scaler.scale, [np.sqrt(8 / 3), np.sqrt(200)])
    np.testing.assert_allclose(scaler.encode(rows[1:2]), [[0, -np.sqrt(0.5)]], atol=1e-15)


def test_a_column_that_never_varies_becomes_exactly_0() -> None:
    rows = np.full((3, 1), 0.1)
    assert rows.mean() != 0.1, "rounding must be at work for this test to mean anything"
    scaler = Scaler.fit(rows)
    assert scaler.scale.tolist() == [1.0]
    assert not scaler.encode(rows).any()


def test_huge_and_tiny_values_keep_a_finite_scale() -> None:
    scaler = Scaler.fit(np.array([[1e300, 1e-300], [-1e300, 3e-300]]) / 2)
    np.testing.assert_allclose(scaler.scale, [5e299, 5e-301])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"mean": [0.0]}, "expected mean and scale as lists: 'scale'"),
        ({"mean": ["a"], "scale": [1.0]}, "expected mean and scale as lists"),
        ({"mean": [0.0, 1.0], "scale": [1.0]}, r"of one length, got \(2,\) and \(1,\)"),
        ({"mean": [0.0], "scale": [0.0]}, "scales above 0"),
        ({"mean": [float("nan")], "scale": [1.0]}, "finite means"),
    ],
)
def test_a_broken_scaler_is_refused(content: dict[str, list[float]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Scaler.from_json(content)
