"""The cells on NumPy arrays: sequences and steps, by the kernel and where there is none."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gruta import kernels
from gruta.cells import rnn
from gruta.tests.variants import VARIANTS, Arrays, assert_close, assert_same

variants = pytest.mark.parametrize("variant", VARIANTS, ids=str)
dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])
every_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble])
storages = pytest.mark.parametrize("storage", ["float16", "bfloat16"])


@pytest.fixture(autouse=True, scope="module")
def _poisoned_memory():
    """Memory that NumPy hands out uninitialised holds NaN, so no test passes by reading it."""
    with pytest.MonkeyPatch.context() as patch:
        empty = np.empty

        def poisoned(*arguments, **options):
            array = empty(*arguments, **options)
            if array.dtype.kind == "f":
                array.fill(np.nan)
            return array

        patch.setattr(np, "empty", poisoned)
        yield


def with_gates(variant):
    """The option that asks for all that the door can hand back."""
    return {"gates": True} if variant.saved else {}


def in_steps(cell, arrays):
    """h `[T, B, P]` and the final states, made one step at a time."""
    states, found = [state.copy() for state in arrays.initial], []
    for x in arrays.x:
        cell.step(x, *states)
        found.append(states[0].copy())
    return np.stack(found), *states


@dtypes
@variants
@pytest.mark.parametrize("H", [1, 7, 8, 63, 64])
def test_sequence_equals_reference(dtype, variant, H):
    rng = np.random.default_rng(H)
    for i, (B, T) in enumerate(itertools.product([1, 2, 9], [1, 17])):
        arrays = variant.draw(rng, B, T, [1, 5, 64][i % 3], H, dtype, biased=i % 5 > 0)
        options = {
            "lengths": rng.integers(0, T + 1, B) if i % 3 else None,
            "reverse": i % 2 > 0,
            "reset": rng.random((T, B)) < 0.3 if i % 4 else None,
        }
        truth = variant.reference(arrays, **options)
        assert_close(variant.sequence(arrays, **options, **with_gates(variant)), truth)
        cell = variant.step(arrays)
        assert_close(
            cell.sequence(arrays.x, *arrays.initial, **options), truth[: 1 + variant.states]
        )


@settings(max_examples=100, deadline=None)
@given(
    variant=st.sampled_from(VARIANTS),
    sizes=st.tuples(
        *[st.integers(low, high) for low, high in [(0, 20), (0, 30), (1, 70), (1, 70)]]
    ),
    dtype=st.sampled_from([np.float32, np.float64]),
    reverse=st.booleans(),
    ragged=st.booleans(),
    resets=st.booleans(),
    threads=st.integers(1, 3),
    seed=st.integers(0, 2**32 - 1),
)
def test_sequence_equals_reference_at_any_size(
    variant, sizes, dtype, reverse, ragged, resets, threads, seed
):
    rng, (B, T, _, _) = np.random.default_rng(seed), sizes
    arrays = variant.draw(rng, *sizes, dtype)
    options = {
        "lengths": rng.integers(0, T + 1, B) if ragged else None,
        "reverse": reverse,
        "reset": rng.random((T, B)) < 0.3 if resets else None,
    }
    found = variant.sequence(arrays, **options, **with_gates(variant), threads=threads)
    assert_close(found, variant.reference(arrays, **options))
    cell = variant.step(arrays)
    again = cell.sequence(arrays.x, *arrays.initial, **options, threads=threads)
    assert_same(again, found[: 1 + variant.states])


@dtypes
@variants
@pytest.mark.parametrize("reverse", [False, True])
def test_padding_is_not_read(dtype, variant, reverse):
    arrays = variant.draw(np.random.default_rng(1), 5, 9, 3, 10, dtype)
    options = {"lengths": [0, 1, 9, 4, 8], "reverse": reverse}
    clean = variant.sequence(arrays, **options, **with_gates(variant))
    for b, length in enumerate(options["lengths"]):
        arrays.x[length:, b] = np.nan
    assert_same(variant.sequence(arrays, **options, **with_gates(variant)), clean)
    for final, initial in zip(clean[1:], arrays.initial, strict=False):
        np.testing.assert_array_equal(final[0], initial[0])


@dtypes
@variants
@pytest.mark.parametrize(("B", "I", "H"), [(1, 40, 64), (3, 1, 7), (9, 5, 63), (1, 1, 1)])
def test_steps_equal_the_sequence(dtype, variant, B, I, H):
    arrays = variant.draw(np.random.default_rng(3), B, 12, I, H, dtype)
    cell, whole = variant.step(arrays), variant.sequence(arrays)
    assert_same(in_steps(cell, arrays), whole)
    assert_same(cell.sequence(arrays.x, *arrays.initial), whole)


@variants
@pytest.mark.parametrize("storage", [None, "float16", "bfloat16", "int8"])
@pytest.mark.parametrize(("B", "I", "H"), [(1, 40, 64), (3, 1, 7), (37, 5, 63), (1, 9, 130)])
def test_a_step_looked_up_in_a_table_has_the_bits_of_its_row(storage, variant, B, I, H):
    rng = np.random.default_rng(6)
    arrays = variant.draw(rng, B, 4, I, H, np.float32)
    table, rows = rng.standard_normal((150, I), np.float32), rng.integers(0, 150, (4, B))
    for threads in (1, 2):
        cell = variant.step(arrays, storage=storage, threads=threads)
        look_up = cell.lookup(table).step
        expected, found = ([s.copy() for s in arrays.initial] for _ in range(2))
        for some in rows:
            cell.step(table[some], *expected)
            look_up(some, *found)
            assert_same(found, expected)


@variants
def test_rows_that_a_table_lacks_are_refused(variant):
    arrays = variant.draw(np.random.default_rng(7), 2, 1, 3, 5, np.float64)
    look_up = variant.step(arrays).lookup(np.zeros((4, 3))).step
    for bad in ([0, 4], [-1, 0]):
        with pytest.raises(ValueError, match=r"rows must be numbers from 0 to 3, got (4|-1)"):
            look_up(np.array(bad), *arrays.initial)
    with pytest.raises(TypeError, match="rows"):
        look_up(np.zeros(2), *arrays.initial)
    with pytest.raises(ValueError, match="table"):
        variant.step(arrays).lookup(np.zeros((4, 2)))


@dtypes
@variants
@pytest.mark.parametrize(("I", "H"), [(5, 63), (40, 64), (3, 130)])
def test_a_row_alone_equals_the_row_in_any_batch(dtype, variant, I, H):
    arrays = variant.draw(np.random.default_rng(4), 37, 5, I, H, dtype)
    whole = variant.sequence(arrays, **with_gates(variant))
    for rows in [slice(b, b + n) for n in range(1, 15) for b in (0, 11, 37 - n)]:
        part = Arrays(arrays.x[:, rows], tuple(s[rows] for s in arrays.initial), arrays.weights)
        expected = [a[rows] if a.ndim == 2 else a[:, rows] for a in whole]
        assert_same(variant.sequence(part, **with_gates(variant)), expected)


@dtypes
@variants
@pytest.mark.parametrize("sizes", [(7, 60, 9, 65), (1, 20, 8, 520)])
def test_any_number_of_threads_gives_the_same_bits(dtype, variant, sizes):
    arrays = variant.draw(np.random.default_rng(5), *sizes, dtype)
    alone, cell = variant.sequence(arrays), variant.step(arrays)
    for threads in [2, 3, 64]:
        assert_same(variant.sequence(arrays, threads=threads), alone)
        assert_same(cell.sequence(arrays.x, *arrays.initial, threads=threads), alone)


@variants
def test_arrays_in_any_order_of_memory_are_taken(variant):
    arrays = variant.draw(np.random.default_rng(6), 4, 6, 5, 9, np.float32)
    expected = variant.sequence(arrays)
    reset = np.zeros((6, 4), bool)
    for change in [batch_first, np.asfortranarray, with_gaps, backwards, misaligned, read_only]:
        changed = arrays.map(change)
        given_reset = np.asfortranarray(reset)
        assert_same(variant.sequence(changed, reset=given_reset), expected)
        assert_same(variant.step(changed).sequence(changed.x, *changed.initial), expected)


def batch_first(array):
    return array.swapaxes(0, 1).copy().swapaxes(0, 1) if array.ndim == 3 else array


def with_gaps(array):
    room = np.full([2 * extent for extent in array.shape], np.nan, array.dtype)
    inside = room[tuple([slice(None, None, 2)] * array.ndim)]
    inside[...] = array
    return inside


def backwards(array):
    return array[::-1].copy()[::-1]


def misaligned(array):
    inside = np.zeros(array.nbytes + 1, np.uint8)[1:].view(array.dtype).reshape(array.shape)
    inside[...] = array
    assert not inside.flags.aligned
    return inside


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


@every_dtype
@variants
def test_initial_states_are_left_as_they_were(dtype, variant):
    for T, lengths in [(4, None), (4, [0, 0, 0]), (0, None)]:
        arrays = variant.draw(np.random.default_rng(7), 3, T, 5, 6, dtype)
        before = arrays.map(np.copy)
        found = variant.sequence(arrays, lengths=lengths)
        for final in found[1:]:
            final.fill(7)
        assert_same(arrays.flat[: 1 + variant.states], before.flat[: 1 + variant.states])


@every_dtype
@variants
def test_step_keeps_its_own_weights(dtype, variant):
    arrays = variant.draw(np.random.default_rng(8), 2, 3, 4, 5, dtype)
    expected, cell = variant.sequence(arrays), variant.step(arrays)
    for weight in arrays.weights:
        if weight is not None:
            weight.fill(np.nan)
    assert_same(cell.sequence(arrays.x, *arrays.initial), expected)


def rounded(weight, storage):
    """A float32 matrix rounded to 16 bits, by NumPy or by picking the nearest of two neighbours."""
    if weight is None or weight.ndim == 1:
        return weight
    if storage == "float16":
        return weight.astype(np.float16).astype(np.float32)
    below = (weight.view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)
    above = (below.view(np.uint32) + np.uint32(0x10000)).view(np.float32)
    to_below, to_above = abs(weight - below), abs(above - weight)
    odd = below.view(np.uint32) >> np.uint32(16) & np.uint32(1)
    return np.where((to_above < to_below) | ((to_above == to_below) & (odd == 1)), above, below)


@storages
@variants
@pytest.mark.parametrize(("B", "I", "H"), [(1, 40, 64), (9, 5, 63), (3, 1, 1), (20, 3, 130)])
def test_weights_of_16_bits_equal_rounded_ones(storage, variant, B, I, H):
    arrays = variant.draw(np.random.default_rng(9), B, 12, I, H, np.float32)
    near = arrays._replace(weights=tuple(rounded(w, storage) for w in arrays.weights))
    cell = variant.step(arrays, storage=storage)
    found = cell.sequence(arrays.x, *arrays.initial)
    if not rounds_rows(storage):
        assert_close(found, variant.reference(near)[: 1 + variant.states])
        assert_same(found, variant.sequence(near))
    assert_same(in_steps(cell, arrays), found)
    assert_same(cell.sequence(arrays.x, *arrays.initial, threads=3), found)


def rounds_rows(storage):
    """Whether the CPU's matrix unit computes, for which x and h are rounded like the weights."""
    return storage == "bfloat16" and kernels.isa() == "avx512amx"


class MeetsRounded(np.ndarray):
    """A matrix whose products are with rows in bfloat16."""

    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        plain = [i.view(np.ndarray) if isinstance(i, MeetsRounded) else i for i in inputs]
        if ufunc is np.matmul and isinstance(inputs[1], MeetsRounded):
            rows = rounded(np.ascontiguousarray(plain[0], np.float32), "bfloat16")
            plain = [rows.astype(np.float64), plain[1].astype(np.float64)]
        return getattr(ufunc, method)(*plain, **options)


@variants
@pytest.mark.parametrize(("B", "I", "H"), [(1, 40, 64), (9, 5, 63), (3, 1, 1), (50, 33, 130)])
def test_on_the_matrix_unit_rows_are_rounded_as_the_weights_are(variant, B, I, H):
    if not rounds_rows("bfloat16"):
        pytest.skip("this CPU has no matrix unit; check_kernels has its numbers")
    arrays = variant.draw(np.random.default_rng(9), B, 6, I, H, np.float32)
    near = tuple(
        w if w is None or w.ndim == 1 else rounded(w, "bfloat16").view(MeetsRounded)
        for w in arrays.weights
    )
    cell = variant.step(arrays, storage="bfloat16")
    # A step's second product reads what the step has made, which may be rounded to the other side.
    second = variant.projected or variant.name == "gru-reset-before"
    states = [state.copy() for state in arrays.initial]
    for x in arrays.x:
        expected = variant.forward(x[None], *states, *near)[1 : 1 + variant.states]
        cell.step(x, *states)
        for a, e in zip(states, expected, strict=True):
            allowed = 2e-3 if second else 3e-6
            np.testing.assert_allclose(a, e, rtol=0, atol=allowed * max(1, abs(e).max()))
            assert (abs(a - e) > 3e-6 * max(1, abs(e).max())).mean() < 0.1


@storages
@variants
def test_weights_of_16_bits_are_the_same_ones_without_a_kernel(storage, variant, monkeypatch):
    monkeypatch.setattr(kernels, "available", lambda: False)
    monkeypatch.setattr(kernels, "warn_missing", lambda: None)
    arrays = variant.draw(np.random.default_rng(9), 3, 4, 5, 6, np.float32)
    near = arrays._replace(weights=tuple(rounded(w, storage) for w in arrays.weights))
    found = variant.step(arrays, storage=storage).sequence(arrays.x, *arrays.initial)
    assert_same(found, variant.sequence(near))


@storages
@pytest.mark.parametrize("native", [True, False])
def test_every_weight_is_rounded_to_the_nearest_with_ties_to_even(storage, native, monkeypatch):
    monkeypatch.setattr(kernels, "available", lambda: native)
    monkeypatch.setattr(kernels, "warn_missing", lambda: None)
    rng = np.random.default_rng(10)
    any_bits = rng.integers(0, 2**32, 20_000, dtype=np.uint32).view(np.float32)
    near_half = (rng.normal(size=20_000) * 2.0 ** rng.integers(-28, 18, 20_000)).astype(np.float32)
    bfloat16_ties = (rng.integers(0, 2**16, 2000, dtype=np.uint32) << 16 | 0x8000).view(np.float32)
    halves = rng.integers(0, 0x7C00, 2000).astype(np.uint16).view(np.float16)
    above = np.nextafter(halves, np.float16(np.inf)).astype(np.float32)
    float16_ties = (halves.astype(np.float32) + above) / 2
    overflowing = np.array([65519, 65520, -65520], np.float32)  # where float16 ends
    w = np.concatenate([any_bits, near_half, bfloat16_ties, float16_ties, overflowing])
    w = w[abs(w) < 3.38e38]  # the largest bfloat16 is a little above
    found = [read_weights(part[:, None], storage) for part in np.array_split(w, 100)]
    with np.errstate(over="ignore", under="ignore"):
        expected = rounded(w[:, None], storage)[:, 0]
    found = np.concatenate(found)
    # The kernels may flush products below the smallest normal number, see denormals.h.
    expected[(abs(expected) < np.finfo(np.float32).smallest_normal) & (found == 0)] = 0
    np.testing.assert_array_equal(found, expected)


def read_weights(w, storage):
    """Weights `[H, 1]` as a ReLU network uses them: what it makes of 1, less what of -1."""
    H = len(w)
    cell = rnn.Step(w, np.zeros((H, H), np.float32), nonlinearity="relu", storage=storage)
    h = np.zeros((2, H), np.float32)
    cell.step(np.array([[1], [-1]], np.float32), h)
    return h[0] - h[1]
