"""The compiled kernels against the reference, for every instruction set that this CPU has."""

import itertools
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gruta import kernels
from gruta.cells import gru
from gruta.cells.gru import reference

# Largest difference from the float64 reference, and largest error of an activation in ulp.
TOLERANCE = {np.float32: 3e-6, np.float64: 1e-14}
ACTIVATION_ULP = {np.float32: 2.5, np.float64: 3}

dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])
forms = pytest.mark.parametrize("reset_after", [True, False])


def surrounded(array):
    """A copy with NaN right before and after it in memory."""
    room = np.full(array.size + 128, np.nan, array.dtype)
    inside = room[64:-64].reshape(array.shape)
    inside[...] = array
    return inside


def poisoned(shape, dtype):
    return surrounded(np.full(shape, np.nan, dtype))


def untouched_around(inside):
    room = inside.base
    return np.isnan(room[:64]).all() and np.isnan(room[-64:]).all()


def draw(rng, B, T, I, H, dtype, biased=True):
    """x, h_0, w_ih, w_hh, b_ih, b_hh at the scale that networks start from."""
    scale = (I + H) ** -0.5
    inputs = [rng.normal(size=shape) for shape in [(T, B, I), (B, H)]]
    weights = [rng.normal(size=shape) * scale for shape in [(3 * H, I), (3 * H, H)]]
    biases = [rng.normal(size=3 * H) if biased else None for _ in range(2)]
    return [None if a is None else surrounded(a.astype(dtype)) for a in inputs + weights + biases]


def native_sequence(arguments, lengths, reverse, reset_after):
    """h, h_n and gates of the raw binding, which is given poisoned memory to write to."""
    (T, B, _), H, dtype = arguments[0].shape, arguments[1].shape[1], arguments[0].dtype
    outputs = [poisoned(shape, dtype) for shape in [(T, B, H), (B, H), (T, B, 4 * H)]]
    kernels.gru_sequence(*arguments, lengths, reverse, reset_after, *outputs)
    assert all(untouched_around(output) for output in outputs)
    return outputs


def assert_equals_reference(arguments, lengths, reverse, reset_after):
    h, h_n, gates = native_sequence(arguments, lengths, reverse, reset_after)
    exact = [None if a is None else a.astype(np.float64) for a in arguments]
    truth = reference.forward(*exact, reset_after=reset_after, lengths=lengths, reverse=reverse)
    tolerance = TOLERANCE[h.dtype.type]
    np.testing.assert_allclose(h, truth.h, rtol=0, atol=tolerance)
    np.testing.assert_allclose(h_n, truth.h_n, rtol=0, atol=tolerance)
    saved = np.concatenate([truth.r, truth.z, truth.n, truth.q], axis=-1)
    np.testing.assert_allclose(gates, saved, rtol=0, atol=4 * tolerance)


def run_python(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_extension_is_built_and_serves_what_was_asked_for():
    assert kernels.available(), kernels.why_missing()
    assert kernels.isa() == os.environ.get("GRUTA_ISA", kernels.isa())


@dtypes
@forms
@pytest.mark.parametrize("H", [1, 2, 7, 8, 9, 16, 31, 63, 64, 130])
def test_sequence_equals_reference(dtype, reset_after, H):
    rng = np.random.default_rng(H)
    for i, (B, T) in enumerate(itertools.product([1, 2, 3, 9, 33], [1, 2, 17])):
        I, reverse = [1, 3, 5, 64][i % 4], i % 2 > 0
        lengths = rng.integers(0, T + 1, B) if i % 3 else None
        arguments = draw(rng, B, T, I, H, dtype, biased=i % 5 > 0)
        assert_equals_reference(arguments, lengths, reverse, reset_after)


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.tuples(
        *[st.integers(low, high) for low, high in [(0, 20), (0, 40), (1, 70), (1, 70)]]
    ),
    dtype=st.sampled_from([np.float32, np.float64]),
    reverse=st.booleans(),
    reset_after=st.booleans(),
    ragged=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_sequence_equals_reference_at_any_size(sizes, dtype, reverse, reset_after, ragged, seed):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(0, sizes[1] + 1, sizes[0]) if ragged else None
    assert_equals_reference(draw(rng, *sizes, dtype), lengths, reverse, reset_after)


@dtypes
@forms
@pytest.mark.parametrize("reverse", [False, True])
def test_padding_is_not_read(dtype, reset_after, reverse):
    arguments = draw(np.random.default_rng(1), 5, 9, 3, 10, dtype)
    lengths = np.array([0, 1, 9, 4, 8])
    clean = native_sequence(arguments, lengths, reverse, reset_after)
    for b, length in enumerate(lengths):
        arguments[0][length:, b] = np.nan
    for before, after in zip(
        clean, native_sequence(arguments, lengths, reverse, reset_after), strict=True
    ):
        np.testing.assert_array_equal(before, after)
    np.testing.assert_array_equal(clean[1][0], arguments[1][0])


@dtypes
@forms
def test_final_state_may_overwrite_the_initial_one(dtype, reset_after):
    arguments = draw(np.random.default_rng(2), 5, 4, 3, 10, dtype)
    lengths = np.array([0, 1, 4, 2, 0])
    _, apart, _ = native_sequence(arguments, lengths, False, reset_after)
    h, h_0 = poisoned((4, 5, 10), dtype), arguments[1]
    kernels.gru_sequence(*arguments, lengths, False, reset_after, h, h_0, None)
    np.testing.assert_array_equal(h_0, apart)


@dtypes
@forms
@pytest.mark.parametrize(("B", "I", "H"), [(1, 40, 64), (3, 1, 7), (9, 5, 63)])
def test_steps_equal_the_sequence(dtype, reset_after, B, I, H):
    x, h_0, *weights = draw(np.random.default_rng(3), B, 12, I, H, dtype)
    whole, last = gru.sequence(x, h_0, *weights, reset_after=reset_after)
    cell, h = gru.Step(*weights, reset_after=reset_after), h_0.copy()
    for t in range(len(x)):
        cell.step(x[t], h)
        np.testing.assert_allclose(h, whole[t], rtol=0, atol=TOLERANCE[dtype])
    np.testing.assert_allclose(h, last, rtol=0, atol=TOLERANCE[dtype])
    alone = h_0[:1].copy()
    cell.step(x[0, :1], alone)
    np.testing.assert_allclose(alone, whole[0, :1], rtol=0, atol=TOLERANCE[dtype])


def test_step_keeps_its_own_weights():
    x, h_0, *weights = draw(np.random.default_rng(4), 2, 1, 3, 5, np.float32)
    cell, expected = gru.Step(*weights), gru.sequence(x, h_0, *weights)[1]
    for weight in weights:
        weight[...] = np.nan
    cell.step(x[0], h_0)
    np.testing.assert_allclose(h_0, expected, rtol=0, atol=TOLERANCE[np.float32])


def activations(x):
    """σ(x) and tanh(x), read off the gates of a GRU whose weights let x through."""
    one, zero = np.ones((3, 1), x.dtype), np.zeros((3, 1), x.dtype)
    h_0 = np.zeros((x.size, 1), x.dtype)
    r, z, n, _ = gru.sequence(x.reshape(1, -1, 1), h_0, one, zero, gates=True)[2][0].T
    np.testing.assert_array_equal(r, z)
    return r, n


@dtypes
def test_activations_are_exact_to_a_few_ulp(dtype):
    far = 110 if dtype == np.float32 else 760
    tiny = np.geomspace(np.finfo(dtype).smallest_subnormal, 1, 50_001)
    x = np.concatenate(
        [np.linspace(-far, far, 100_001), np.linspace(-10, 10, 100_001), tiny, -tiny]
    )
    x = x.astype(dtype)
    wide = x.astype(np.float64 if dtype == np.float32 else np.longdouble)
    with np.errstate(under="ignore"):
        e = np.exp(-abs(wide))
        truths = (np.where(wide < 0, e, 1) / (1 + e), np.tanh(wide))
        for got, truth in zip(activations(x), truths, strict=True):
            ulp = np.spacing(abs(truth).astype(dtype)).astype(truth.dtype)
            assert (abs(got - truth) / ulp).max() <= ACTIVATION_ULP[dtype]


@dtypes
def test_activations_saturate_and_pass_nan_on(dtype):
    most = np.finfo(dtype).max
    sigmoid, tanh = activations(np.array([-np.inf, -most, most, np.inf, np.nan], dtype))
    np.testing.assert_array_equal(sigmoid, [0, 0, 1, 1, np.nan])
    np.testing.assert_array_equal(tanh, [-1, -1, 1, 1, np.nan])


def test_threads_at_once_do_not_disturb_each_other():
    rng = np.random.default_rng(5)
    tasks = [draw(rng, 16, 50, 8, 96, np.float32) for _ in range(2)]
    cell = gru.Step(*tasks[0][2:])
    results: list[list[np.ndarray]] = [[], []]

    def work(i):
        x, h_0 = tasks[i][:2]
        for _ in range(20):
            results[i].append(gru.sequence(*tasks[i])[0])
            h = h_0.copy()
            for t in range(len(x)):
                cell.step(x[t], h)
            results[i].append(h)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for task, found in zip(tasks, results, strict=True):
        expected = [gru.sequence(*task)[0], gru.sequence(*task[:2], *tasks[0][2:])[1]] * 20
        for got, truth in zip(found, expected, strict=True):
            np.testing.assert_allclose(got, truth, rtol=0, atol=TOLERANCE[np.float32])


NATIVE_MISUSES = {
    "x": [
        (lambda a: a.tolist(), TypeError, r"x must be a NumPy array of numbers, got list"),
        (lambda a: a.astype(np.int32), TypeError, "x must be float32 or float64, got int32"),
        (lambda a: a[0], ValueError, r"x must have the shape \[T, B, I\] = .* got \[3, 5\]"),
        (lambda a: a[:, :, :0], ValueError, "I, the last axis of x, must be at least 1"),
        (lambda a: a[::-1], ValueError, "x must be C-contiguous.*numpy.ascontiguousarray"),
    ],
    "h_0": [
        (
            lambda a: a[1:],
            ValueError,
            r"h_0 must have the shape \[B, H\] = \[3, any\], got \[2, 6\]",
        ),
        (lambda a: a.astype(np.float64), TypeError, "h_0 must be float32, got float64"),
    ],
    "w_hh": [(lambda a: a[1:], ValueError, r"w_hh must .* \[3H, H\] = \[18, 6\], got \[17, 6\]")],
    "b_ih": [
        (lambda a: a[1:], ValueError, r"b_ih must have the shape \[3H\] = \[18\], got \[17\]")
    ],
    "lengths": [
        (lambda a: a + 4, ValueError, r"lengths\[1\] must be from 0 to T = 4, got 5"),
        (lambda a: a - 1, ValueError, r"lengths\[0\] must be from 0 to T = 4, got -1"),
        (lambda a: a.astype(np.int32), TypeError, "lengths must be int64, got int32"),
    ],
    "h": [(lambda a: a.copy()[:, :, ::-1], ValueError, "h must be C-contiguous")],
    "h_n": [
        (lambda a: np.broadcast_to(a, a.shape), ValueError, "h_n must be writable, got a read-only")
    ],
    "gates": [(lambda a: a[..., 1:], ValueError, r"gates .* = \[4, 3, 24\], got \[4, 3, 23\]")],
}


@pytest.mark.parametrize(
    ("name", "spoil", "error", "message"),
    [(name, *case) for name, cases in NATIVE_MISUSES.items() for case in cases],
)
def test_raw_binding_refuses_what_would_lead_it_astray(name, spoil, error, message):
    names = ["x", "h_0", "w_ih", "w_hh", "b_ih", "b_hh"]
    arguments = dict(
        zip(names, draw(np.random.default_rng(6), 3, 4, 5, 6, np.float32), strict=True),
        lengths=np.array([0, 1, 4]),
        reverse=False,
        reset_after=True,
        h=np.empty((4, 3, 6), np.float32),
        h_n=np.empty((3, 6), np.float32),
        gates=np.empty((4, 3, 24), np.float32),
    )
    kernels.gru_sequence(**arguments)
    arguments[name] = spoil(arguments[name])
    with pytest.raises(error, match=message):
        kernels.gru_sequence(**arguments)


def test_door_names_the_argument_at_fault():
    x, h_0, *weights = draw(np.random.default_rng(7), 3, 4, 5, 6, np.float32)
    with pytest.raises(TypeError, match=r"h_0 must be float32 .* got float64: convert it"):
        gru.sequence(x, h_0.astype(np.float64), *weights)
    with pytest.raises(ValueError, match=r"w_ih must .* \[3H, I\] = \[18, 4\], got \[18, 5\]"):
        gru.sequence(x[..., 1:], h_0, *weights)
    with pytest.raises(ValueError, match=r"x must have the axes \[T, B, I\]"):
        gru.sequence(x[0], h_0, *weights)
    with pytest.raises(TypeError, match="lengths must be integers, got float64"):
        gru.sequence(x, h_0, *weights, lengths=[1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match=r"h must have the shape \[B, H\] = \[3, 6\]"):
        gru.Step(*weights).step(x[0], h_0[:1])


def test_dtypes_without_a_kernel_are_served_by_the_reference():
    arguments = draw(np.random.default_rng(8), 3, 4, 5, 6, np.longdouble)
    h, h_n, gates = gru.sequence(*arguments, gates=True)
    truth = reference.forward(*arguments)
    assert h.dtype == np.longdouble
    np.testing.assert_array_equal(h, truth.h)
    np.testing.assert_array_equal(h_n, truth.h_n)
    np.testing.assert_array_equal(gates[..., -6:], truth.q)


@pytest.mark.skipif("GRUTA_ISA" in os.environ, reason="this is the run for one instruction set")
@pytest.mark.parametrize("isa", sorted({"baseline", "avx2", "avx512"} - {kernels.isa()}))
def test_every_other_instruction_set_of_this_cpu(isa):
    loaded = run_python("from gruta import kernels; print(kernels.isa())", GRUTA_ISA=isa)
    if "GRUTA_ISA must be one of" in loaded.stderr:
        pytest.skip(f"this CPU lacks {isa}")
    assert loaded.stdout.strip() == isa
    chosen = "built or sequence or activations or steps or padding"
    command = [sys.executable, "-m", "pytest", "-q", "-k", chosen, Path(__file__).name]
    run = subprocess.run(
        [*command, "-p", "no:cacheprovider"],
        cwd=Path(__file__).parent,
        env={**os.environ, "GRUTA_ISA": isa},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout


def test_unknown_instruction_set_is_refused():
    run = run_python("import gruta.kernels", GRUTA_ISA="sse9")
    assert run.returncode != 0
    assert "InputError: GRUTA_ISA must be one of the instruction sets" in run.stderr
    assert "baseline" in run.stderr
    assert "got 'sse9'" in run.stderr


def test_without_the_extension_the_reference_serves_and_one_warning_says_so():
    run = run_python("""
import sys, warnings
sys.modules["gruta.kernels._native"] = None
import numpy as np
from gruta import kernels
from gruta.cells import gru
from gruta.cells.gru import reference

arguments = [np.random.default_rng(0).normal(size=s) for s in [(4, 3, 5), (3, 6), (18, 5), (18, 6)]]
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    h, h_n = gru.sequence(*arguments)
    gru.sequence(*arguments)
    state = arguments[1].copy()
    gru.Step(*arguments[2:]).step(arguments[0][0], state)
truth = reference.forward(*arguments)
assert (h == truth.h).all() and (h_n == truth.h_n).all()
assert np.allclose(state, truth.h[0], rtol=0, atol=1e-14)
assert not kernels.available() and kernels.isa() == "" and "_native" in kernels.why_missing()
(warning,) = caught
assert warning.category is RuntimeWarning
assert "slower" in str(warning.message) and "pip install" in str(warning.message)
assert warning.filename == "<string>"
""")
    assert run.returncode == 0, run.stderr


def test_the_door_loads_no_torch():
    run = run_python("import sys, gruta.cells.gru; assert 'torch' not in sys.modules")
    assert run.returncode == 0, run.stderr
