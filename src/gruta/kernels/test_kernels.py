"""The compiled kernels against the reference, for every instruction set that this CPU has."""

import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gruta import kernels
from gruta.tests.variants import VARIANTS, Arrays, assert_close, assert_same

# Largest error of an activation in ulp.
ACTIVATION_ULP = 2
UNCORRECTED_ULP = 4
MARGIN = 64  # numbers before and after each array

variants = pytest.mark.parametrize("variant", VARIANTS, ids=str)
dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def surrounded(array):
    """A copy with NaN right before and after it in memory."""
    room = np.full(array.size + 2 * MARGIN, np.nan, array.dtype)
    inside = room[MARGIN:-MARGIN].reshape(array.shape)
    inside[...] = array
    return inside


def poisoned(shape, dtype):
    return surrounded(np.full(shape, np.nan, dtype))


def untouched_around(inside):
    room = inside.base
    return np.isnan(room[:MARGIN]).all() and np.isnan(room[-MARGIN:]).all()


def address(array):
    return 0 if array is None else array.ctypes.data


def pair(arrays):
    """Addresses for h and, in the LSTM, c; 0 where there is none."""
    h, c = (*arrays, None, None)[:2]
    return address(h), address(c)


def view(array):
    """Address, and the strides of steps and of rows in items."""
    if array is None:
        return 0, 0, 0
    return address(array), *(stride // array.itemsize for stride in array.strides[:2])


def fields(arrays, outputs, options):
    """The tuple `kernels.Pass` for h, the final states and the gates in `outputs`."""
    h, *finals, gates = outputs
    hold = options.get("hold", ())
    return kernels.Pass(
        address(options.get("lengths")),
        options.get("reverse", False),
        *view(options.get("reset")),
        address(options.get("restart", options.get("restart_h"))),
        address(options.get("restart_c")),
        address(options.get("dropout")),
        *pair(hold if isinstance(hold, tuple) else ()),
        *view(arrays.x),
        *pair(arrays.initial),
        *view(h),
        *pair(finals),
        address(gates),
    )


def empty_outputs(variant, arrays):
    """Poisoned memory for h, the final states and the gates, None where the cell has none."""
    (T, B, _), H, dtype = arrays.x.shape, arrays.initial[-1].shape[1], arrays.x.dtype
    finals = [poisoned(state.shape, dtype) for state in arrays.initial]
    saved = len(variant.saved)
    gates = poisoned((T, B, saved * H), dtype) if saved else None
    return [poisoned((T, B, arrays.initial[0].shape[1]), dtype), *finals, gates]


def run_layer(variant, directions, threads=1):
    """Every direction of a layer in one call: (arrays, outputs, options) of each."""
    (T, B, I), initial = directions[0][0].x.shape, directions[0][0].initial
    shape = (B, T, I, initial[-1].shape[1], initial[0].shape[1])
    hold = directions[0][2].get("hold", 0.0)
    kernels.layer_forward(
        variant.kernel,
        directions[0][0].x.dtype == np.float64,
        shape,
        [kernels.Weights(*map(address, arrays.weights)) for arrays, _, _ in directions],
        [fields(*direction) for direction in directions],
        0.0 if isinstance(hold, tuple) else hold,
        threads,
    )


def run_kernel(variant, arrays, threads=1, **options):
    """h, the final states and the gates, each found in memory that was poisoned."""
    arrays = arrays.map(surrounded)
    outputs = empty_outputs(variant, arrays)
    run_layer(variant, [(arrays, outputs, options)], threads)
    written = [output for output in outputs if output is not None]
    assert all(map(untouched_around, written))
    return written


def assert_equals_reference(variant, arrays, threads=1, **options):
    found = run_kernel(variant, arrays, threads, **options)
    assert_close(found, variant.reference(arrays, **options))


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


@variants
def test_the_kernels_are_what_the_references_are(variant):
    expected = variant.gates, variant.states, len(variant.saved)
    assert kernels.cell_facts()[variant.kernel] == expected


@dtypes
@variants
@pytest.mark.parametrize("H", [1, 2, 7, 8, 9, 16, 31, 63, 64, 130])
def test_sequence_equals_reference(dtype, variant, H):
    rng = np.random.default_rng(H)
    for i, (B, T) in enumerate(itertools.product([1, 2, 3, 9, 33], [1, 2, 17])):
        I, reverse = [1, 3, 5, 64][i % 4], i % 2 > 0
        lengths = rng.integers(0, T + 1, B) if i % 3 else None
        arrays = variant.draw(rng, B, T, I, H, dtype, biased=i % 5 > 0)
        assert_equals_reference(variant, arrays, lengths=lengths, reverse=reverse)


def draw_options(rng, variant, arrays, **chosen):
    """Masks and states for the options that are chosen, others left out."""
    (T, B, _), sizes = arrays.x.shape, [state.shape[1] for state in arrays.initial]
    dtype = arrays.x.dtype
    restart = [rng.normal(size=size).astype(dtype) for size in sizes]
    found = {
        "lengths": rng.integers(0, T + 1, B),
        "reverse": True,
        "reset": rng.random((T, B)) < 0.3,
        "restart_h": restart[0],
        "restart_c": restart[-1],
        "dropout": (rng.integers(0, 2, (B, sizes[0])) / 0.5).astype(dtype),
        "hold": tuple(rng.random((T, B, size)) < 0.3 for size in sizes),
        "held": 0.3,
    }
    found = {name: value for name, value in found.items() if chosen.get(name)}
    if "held" in found:
        found["hold"] = found.pop("held")
    if variant.states == 1:
        found.pop("restart_c", None)
        if "restart_h" in found:
            found["restart"] = found.pop("restart_h")
    return found


OPTIONS = ["lengths", "reverse", "reset", "dropout", "hold", "held", "restart_h", "restart_c"]


@settings(max_examples=150, deadline=None)
@given(
    variant=st.sampled_from(VARIANTS),
    sizes=st.tuples(
        *[st.integers(low, high) for low, high in [(0, 20), (0, 40), (1, 70), (1, 70)]]
    ),
    dtype=st.sampled_from([np.float32, np.float64]),
    chosen=st.fixed_dictionaries({name: st.booleans() for name in OPTIONS}),
    threads=st.integers(1, 3),
    seed=st.integers(0, 2**32 - 1),
)
def test_sequence_equals_reference_with_any_options(variant, sizes, dtype, chosen, threads, seed):
    rng = np.random.default_rng(seed)
    arrays = variant.draw(rng, *sizes, dtype)
    options = draw_options(rng, variant, arrays, **chosen)
    assert_equals_reference(variant, arrays, threads, **options)


@dtypes
@variants
@pytest.mark.parametrize("reverse", [False, True])
def test_padding_is_not_read(dtype, variant, reverse):
    arrays = variant.draw(np.random.default_rng(1), 5, 9, 3, 10, dtype)
    lengths = np.array([0, 1, 9, 4, 8])
    clean = run_kernel(variant, arrays, lengths=lengths, reverse=reverse)
    for b, length in enumerate(lengths):
        arrays.x[length:, b] = np.nan
    assert_same(run_kernel(variant, arrays, lengths=lengths, reverse=reverse), clean)
    for final, initial in zip(clean[1:], arrays.initial, strict=False):
        np.testing.assert_array_equal(final[0], initial[0])


@dtypes
@variants
@pytest.mark.parametrize("reverse", [False, True])
def test_final_states_may_overwrite_the_initial_ones(dtype, variant, reverse):
    arrays = variant.draw(np.random.default_rng(2), 5, 4, 3, 10, dtype)
    options = {
        "lengths": np.array([0, 1, 4, 2, 0]),
        "reset": np.random.default_rng(2).random((4, 5)) < 0.3,
        "reverse": reverse,
    }
    apart = run_kernel(variant, arrays, **options)
    h, *_, gates = empty_outputs(variant, arrays)
    run_layer(variant, [(arrays, [h, *arrays.initial, gates], options)])
    assert_same([h, *arrays.initial], apart[: 1 + variant.states])


@dtypes
@variants
def test_arrays_may_lie_in_memory_batch_first_and_with_gaps(dtype, variant):
    arrays = variant.draw(np.random.default_rng(3), 5, 4, 3, 10, dtype)
    reset = np.random.default_rng(3).random((4, 5)) < 0.3
    expected = run_kernel(variant, arrays, reset=reset)
    h, *finals, gates = empty_outputs(variant, arrays)
    x, room = np.full((5, 4, 9), np.nan, dtype), np.full((5, 4, h.shape[2] + 4), 7, dtype)
    x[..., 2:5] = arrays.x.transpose(1, 0, 2)
    inside = room[..., 3:-1].transpose(1, 0, 2)
    strided = Arrays(x[..., 2:5].transpose(1, 0, 2), *arrays[1:])
    options = {"reset": np.asfortranarray(reset)}
    run_layer(variant, [(strided, [inside, *finals, gates], options)])
    assert_same([inside, *finals], expected[: 1 + variant.states])
    assert (room[..., :3] == 7).all()
    assert (room[..., -1] == 7).all()


# B, T, I, H, and how three threads share a GRU's call: groups, members, whether these split the
# units instead of the batch.
SHARED = [
    ((7, 60, 9, 65), (1, 3, False)),
    ((2, 60, 9, 200), (1, 2, False)),
    ((1, 30, 70, 520), (1, 3, True)),
    ((2, 15, 5, 515), (1, 3, True)),
]


@pytest.mark.parametrize(("sizes", "plan"), SHARED)
def test_threads_share_the_rows_or_the_units(sizes, plan):
    B, T, I, H = sizes
    assert kernels.layer_plan("gru", (B, T, I, H, H), 1, 3) == plan


@pytest.mark.parametrize(
    ("sizes", "threads", "plan"),
    [
        ((1, 200, 64, 64), 16, (2, 1, False)),  # too small to wait for each other at every step
        ((4, 200, 64, 64), 32, (2, 4, False)),
        ((1, 50, 256, 512), 4, (2, 2, True)),
        ((1, 50, 256, 512), 2, (2, 1, False)),
        ((9, 50, 256, 512), 4, (1, 4, False)),
    ],
)
def test_two_directions_go_side_by_side_where_rows_are_few(sizes, threads, plan):
    B, T, I, H = sizes
    assert kernels.layer_plan("gru", (B, T, I, H, H), 2, threads) == plan


@dtypes
@variants
@pytest.mark.parametrize("sizes", [sizes for sizes, _ in SHARED])
def test_any_number_of_threads_gives_the_same_bits(dtype, variant, sizes):
    rng = np.random.default_rng(4)
    arrays = variant.draw(rng, *sizes, dtype)
    chosen = dict.fromkeys(OPTIONS, True) | {"reverse": False, "held": False}
    options = draw_options(rng, variant, arrays, **chosen)
    alone = run_kernel(variant, arrays, 1, **options)
    assert_close(alone, variant.reference(arrays, **options))
    for threads in [2, 3, 5]:
        assert_same(run_kernel(variant, arrays, threads, **options), alone)


@dtypes
@variants
@pytest.mark.parametrize(("B", "H"), [(1, 512), (2, 64), (9, 65)])
def test_directions_in_one_call_equal_each_alone(dtype, variant, B, H):
    rng = np.random.default_rng(5)
    sides = [variant.draw(rng, B, 40, 9, H, dtype) for _ in range(2)]
    sides[1] = Arrays(sides[0].x, *sides[1][1:])
    options = [{"reverse": False}, {"reverse": True}]
    alone = [run_kernel(variant, side, **o) for side, o in zip(sides, options, strict=True)]
    for threads in [1, 2, 3, 4]:
        outputs = [empty_outputs(variant, side) for side in sides]
        run_layer(variant, list(zip(sides, outputs, options, strict=True)), threads)
        for found, expected in zip(outputs, alone, strict=True):
            assert_same(found[: len(expected)], expected)


@dtypes
@pytest.mark.parametrize("variant", [v for v in VARIANTS if v.saved], ids=str)
def test_gates_may_be_left_out(dtype, variant):
    arrays = variant.draw(np.random.default_rng(6), 3, 4, 5, 10, dtype)
    outputs = [*empty_outputs(variant, arrays)[:-1], None]
    run_layer(variant, [(arrays, outputs, {})])
    assert_same(outputs[:-1], run_kernel(variant, arrays)[:-1])


def activations(x):
    """σ(x) and tanh(x), read off the gates of a GRU whose weights let x through."""
    one, zero = np.ones((3, 1), x.dtype), np.zeros((3, 1), x.dtype)
    arrays = Arrays(x.reshape(1, -1, 1), (np.zeros((x.size, 1), x.dtype),), (one, zero, None, None))
    r, z, n, _ = run_kernel(VARIANTS[0], arrays)[2][0].T
    np.testing.assert_array_equal(r, z)
    return r, n


def near_ceilings(dtype):
    """The numbers about those where σ(x) leaves the normal numbers, and σ and tanh become 1."""
    least = np.log(np.finfo(dtype).smallest_normal.astype(np.longdouble))
    middles = [least, *([-20, 20, 10, -10] if dtype == np.float32 else [-40, 40, 20, -20])]
    found = []
    for middle in middles:
        middle = dtype(middle)
        found += [middle + k * np.spacing(middle) for k in range(-64, 65)]
    return np.array(found, dtype)


@dtypes
def test_activations_are_exact_to_a_few_ulp(dtype):
    far = 110 if dtype == np.float32 else 760
    tiny = np.geomspace(np.finfo(dtype).smallest_subnormal, 1, 50_001)
    spread = [np.linspace(-far, far, 100_001), np.linspace(-10, 10, 100_001), tiny, -tiny]
    x = np.concatenate([part.astype(dtype) for part in spread] + [near_ceilings(dtype)])
    wide = x.astype(np.float64 if dtype == np.float32 else np.longdouble)
    least = np.finfo(dtype).smallest_normal  # what is below it is flushed, ...
    corrected = least / np.finfo(dtype).eps  # ... and with it, below this, the last correction
    with np.errstate(under="ignore"):
        e = np.exp(-abs(wide))
        truths = (np.where(wide < 0, e, 1) / (1 + e), np.tanh(wide))
        for got, truth in zip(activations(x), truths, strict=True):
            ulp = np.spacing(abs(truth).astype(dtype)).astype(truth.dtype)
            flushed = (got == 0) & (abs(truth) < least)
            most = np.where(abs(truth) < corrected, UNCORRECTED_ULP, ACTIVATION_ULP)
            assert (abs(got - truth) / ulp <= most)[~flushed].all()


@dtypes
def test_activations_saturate_and_pass_nan_on(dtype):
    most = np.finfo(dtype).max
    sigmoid, tanh = activations(np.array([-np.inf, -most, most, np.inf, np.nan], dtype))
    np.testing.assert_array_equal(sigmoid, [0, 0, 1, 1, np.nan])
    np.testing.assert_array_equal(tanh, [-1, -1, 1, 1, np.nan])


def test_the_faster_tier_is_there_on_demand():
    code = """if True:
        import numpy as np
        from gruta.cells import rnn
        from gruta.kernels import activations
        x = np.linspace(-30, 30, 20_001, dtype="f").reshape(1, -1, 1)
        x = np.append(x, np.array([-np.inf, np.inf], "f").reshape(1, -1, 1), axis=1)
        h = rnn.sequence(x, np.zeros((x.size, 1), "f"), np.ones((1, 1), "f"), np.zeros((1, 1), "f"))
        print(activations(), abs(h[0] - np.tanh(x.astype("d"))).max())
    """
    exact = run_python(code, GRUTA_ACTIVATIONS="exact").stdout.split()
    fast = run_python(code, GRUTA_ACTIVATIONS="fast").stdout.split()
    assert (exact[0], fast[0]) == ("exact", "fast")
    assert float(exact[1]) < 2e-7 < float(fast[1]) < 2e-6


def test_an_unknown_tier_is_refused():
    run = run_python("import gruta.kernels", GRUTA_ACTIVATIONS="faster")
    assert "InputError: GRUTA_ACTIVATIONS must be exact or fast, got 'faster'" in run.stderr


@pytest.mark.skipif("GRUTA_ISA" in os.environ, reason="this is the run for one instruction set")
@pytest.mark.parametrize("isa", sorted({"baseline", "avx2", "avx512"} - {kernels.isa()}))
def test_every_other_instruction_set_of_this_cpu(isa):
    loaded = run_python("from gruta import kernels; print(kernels.isa())", GRUTA_ISA=isa)
    if "GRUTA_ISA must be one of" in loaded.stderr:
        pytest.skip(f"this CPU lacks {isa}")
    assert loaded.stdout.strip() == isa
    doors = Path(__file__).parents[1] / "cells" / "test_arrays.py"
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__, str(doors)],
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
