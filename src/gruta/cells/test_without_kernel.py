"""The cells on NumPy arrays where there is no kernel: other dtypes, and no compiled extension."""

import subprocess
import sys

import numpy as np
import pytest

from gruta.cells import lstm
from gruta.tests.variants import VARIANTS, assert_close, assert_same

variants = pytest.mark.parametrize("variant", VARIANTS, ids=str)


def run_python(code):
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


@variants
@pytest.mark.parametrize("dtype", [np.longdouble, np.float16, ">f4"])
def test_other_dtypes_are_served_by_the_reference(variant, dtype):
    rng = np.random.default_rng(8)
    arrays = variant.draw(rng, 3, 4, 5, 6, np.float64).map(lambda a: a.astype(dtype))
    options = {"lengths": np.array([4, 0, 2]), "reset": rng.random((4, 3)) < 0.3, "reverse": True}
    gates = {"gates": True} if variant.saved else {}
    found = variant.sequence(arrays, **options, **gates, threads=2)
    truth = variant.reference(arrays, exact=False, **options)
    assert_same(found, truth)
    assert found[0].dtype == dtype or dtype == ">f4"
    cell = variant.step(arrays)
    assert_same(cell.sequence(arrays.x, *arrays.initial, **options), truth[: 1 + variant.states])


@variants
def test_steps_of_other_dtypes_equal_the_sequence(variant):
    arrays = variant.draw(np.random.default_rng(9), 3, 4, 5, 6, np.longdouble)
    cell, states = variant.step(arrays), [state.copy() for state in arrays.initial]
    for x in arrays.x:
        cell.step(x, *states)
    for state, expected in zip(states, variant.sequence(arrays)[1:], strict=True):
        np.testing.assert_allclose(state, expected, rtol=0, atol=1e-17)
    look_up, again = (
        cell.lookup(arrays.x[:, 0]).step,
        [state[:1].copy() for state in arrays.initial],
    )
    for row in range(4):
        look_up(np.array([row]), *again)
    for state, expected in zip(states, again, strict=True):
        np.testing.assert_allclose(state[:1], expected, rtol=0, atol=1e-17)
    with pytest.raises(ValueError, match="rows must be numbers from 0 to 3, got 4"):
        look_up(np.array([4]), *again)


def test_projection_to_the_same_size_is_served_by_the_reference():
    rng = np.random.default_rng(10)
    plain = VARIANTS[2].draw(rng, 3, 4, 5, 6, np.float32)
    w_hr = rng.normal(size=(6, 6)).astype(np.float32)
    projected = plain._replace(weights=(*plain.weights[:4], w_hr))
    truth = VARIANTS[2].reference(projected)
    assert_close(lstm.sequence(*projected.flat, gates=True), truth)
    cell = lstm.Step(*projected.weights)
    assert_close(cell.sequence(projected.x, *projected.initial), truth[:3])


def test_without_the_extension_the_reference_serves_and_one_warning_says_so():
    run_python("""
import sys, warnings
sys.modules["gruta.kernels._native"] = None
import numpy as np
from gruta import kernels
from gruta.tests.variants import VARIANTS, assert_close, assert_same

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    for variant in VARIANTS:
        arrays = variant.draw(np.random.default_rng(0), 3, 4, 5, 6, np.float32)
        gates = {"gates": True} if variant.saved else {}
        found = variant.door.sequence(*arrays.flat, **variant.options, **gates)
        assert_same(found, variant.reference(arrays, exact=False))
        for storage in [None, "float16", "bfloat16"]:
            cell = variant.step(arrays, storage=storage)
            whole = cell.sequence(arrays.x, *arrays.initial)
            if storage is None:
                assert_same(whole, found[: 1 + variant.states])
            else:
                assert 1e-5 < abs(whole[0] - found[0]).max() < 0.1
            states = [state.copy() for state in arrays.initial]
            for x in arrays.x:
                cell.step(x, *states)
            assert_close(states, whole[1:])
assert not kernels.available() and kernels.isa() == "" and "_native" in kernels.why_missing()
(warning,) = caught
assert warning.category is RuntimeWarning
assert "slower" in str(warning.message) and "pip install" in str(warning.message)
""")


@pytest.mark.parametrize("call", ["sequence(x, h, *weights)", "Step(*weights)"])
def test_warning_points_at_the_call(call):
    run_python(f"""
import sys, warnings
sys.modules["gruta.kernels._native"] = None
import numpy as np
from gruta.cells import gru
x, h, *weights = [np.zeros(shape) for shape in [(4, 3, 5), (3, 6), (18, 5), (18, 6)]]
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    gru.{call}
(warning,) = caught
assert warning.filename == "<string>" and warning.lineno == 9, (warning.filename, warning.lineno)
""")


@pytest.mark.parametrize("cell", ["gru", "lstm", "rnn"])
def test_the_door_loads_no_torch(cell):
    run_python(f"import sys, gruta.cells.{cell}; assert 'torch' not in sys.modules")
