"""Products of whole numbers: worked by hand, by the kernels, and where there are none."""

import subprocess
import sys

import numpy as np
import pytest

from gruta import kernels
from gruta.cells import gru, integers, rnn
from gruta.tests.variants import TOLERANCE, VARIANTS, assert_same

variants = pytest.mark.parametrize("variant", VARIANTS, ids=str)


def test_a_product_worked_by_hand():
    # 127 / 1 a unit: 127, -64 (from -63.5, to the even one), 32 (31.75); weights by 254 / 127 = 2.
    rows = np.array([[1, -0.5, 0.25]], np.float32)
    weights = np.array([[254, 3, -128], [0, 0, 0]], np.float32)
    found = integers.product(rows, weights)
    sums = 127 * 127 - 64 * 2 + 32 * -64  # 1.5 rounds to 2
    expected = np.float32(sums) * (np.float32(2) * (np.float32(1) / np.float32(127)))
    np.testing.assert_array_equal(found, [[expected, 0]])
    assert found[0, 0] == pytest.approx(254 - 1.5 - 32, rel=0.01)


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_a_row_with_no_finite_number_makes_nothing_that_is_one(number):
    rows = np.array([[1, number], [1, 2]], np.float32)
    found = integers.product(rows, np.ones((3, 2), np.float32))
    assert np.isnan(found[0]).all()
    assert np.isfinite(found[1]).all()


def in_integers(weights):
    """Weights whose products are the truth's."""
    matrix = integers.as_integers
    return tuple(w if w is None or w.ndim < 2 else matrix(w) for w in weights)


def steps_by_reference(variant, arrays, found):
    """What the reference makes of each step, from the state with which it was begun: a whole number
    that lies between two may fall to either side, and all that follows with it.
    """
    before = list(arrays.initial)
    for x, *after in zip(arrays.x, *found, strict=True):
        trace = variant.forward(x[None], *before, *in_integers(arrays.weights))
        yield after, trace[1 : 1 + variant.states]
        before = after


def in_steps(cell, arrays):
    """The states after each step `[T, B, size]`, each."""
    states, found = [state.copy() for state in arrays.initial], []
    for x in arrays.x:
        cell.step(x, *states)
        found.append([state.copy() for state in states])
    return [np.stack(part) for part in zip(*found, strict=True)]


@variants
@pytest.mark.parametrize(("B", "I", "H"), [(1, 40, 64), (3, 1, 7), (9, 5, 63), (1, 130, 33)])
def test_steps_are_those_of_the_truth(variant, B, I, H):
    arrays = variant.draw(np.random.default_rng(H), B, 6, I, H, np.float32)
    found = in_steps(variant.step(arrays, storage="int8"), arrays)
    # A product that reads what the step itself has made may find another whole number beside.
    own = max(abs(w).max() for w in arrays.weights if w is not None and w.ndim == 2) / 127 * 4
    second = variant.projected or variant.name == "gru-reset-before"
    for after, expected in steps_by_reference(variant, arrays, found):
        for a, e in zip(after, expected, strict=True):
            scale = max(1, abs(e).max())
            allowed = own if second else TOLERANCE[np.float32] * scale
            np.testing.assert_allclose(a, e, rtol=0, atol=allowed)
            assert (abs(a - e) > TOLERANCE[np.float32] * scale).mean() < 0.02


@variants
@pytest.mark.parametrize(("B", "I", "H"), [(1, 40, 64), (9, 5, 63), (20, 3, 130)])
def test_a_sequence_has_the_bits_of_its_steps_and_of_each_row_alone(variant, B, I, H):
    arrays = variant.draw(np.random.default_rng(1), B, 9, I, H, np.float32)
    cell = variant.step(arrays, storage="int8")
    whole = cell.sequence(arrays.x, *arrays.initial)
    assert_same(in_steps(cell, arrays)[:1], whole[:1])
    assert_same(cell.sequence(arrays.x, *arrays.initial, threads=3), whole)
    for b in (0, B - 1):
        row = slice(b, b + 1)
        alone = cell.sequence(arrays.x[:, row], *(s[row] for s in arrays.initial))
        assert_same(alone, [a[:, row] if a.ndim == 3 else a[row] for a in whole])


@variants
def test_they_come_near_what_the_weights_themselves_give(variant):
    arrays = variant.draw(np.random.default_rng(2), 3, 20, 40, 64, np.float32)
    found = variant.step(arrays, storage="int8").sequence(arrays.x, *arrays.initial)
    exact = variant.sequence(arrays)
    for f, e in zip(found, exact, strict=True):
        assert 0 < abs(f - e).max() < 0.05 * max(1, abs(e).max())


@variants
def test_without_a_kernel_the_truth_stands_in(variant, monkeypatch):
    arrays = variant.draw(np.random.default_rng(3), 3, 5, 7, 12, np.float32)
    options = {"lengths": [5, 0, 3], "reverse": True}
    truth = variant.forward(arrays.x, *arrays.initial, *in_integers(arrays.weights), **options)
    monkeypatch.setattr(kernels, "available", lambda: False)
    monkeypatch.setattr(kernels, "warn_missing", lambda: None)
    cell = variant.step(arrays, storage="int8")
    assert_same(cell.sequence(arrays.x, *arrays.initial, **options), truth[: 1 + variant.states])
    table, looked_up, stepped = arrays.x[0], *([s.copy() for s in arrays.initial] for _ in "ab")
    cell.lookup(table).step(np.array([2, 0, 1]), *looked_up)
    cell.step(table[[2, 0, 1]], *stepped)
    assert_same(looked_up, stepped)


def test_sums_that_32_bits_cannot_hold_are_refused():
    weights = [np.zeros((3, size), np.float32) for size in (2**17 + 1, 1)]
    with pytest.raises(ValueError, match="storage='int8' adds up 131072 products at most, got 131"):
        gru.Step(*weights, storage="int8")


RELU = """
import sys
import numpy as np
from gruta import kernels
from gruta.cells import gru, rnn
rng = np.random.default_rng(5)
weights = [rng.standard_normal(shape, np.float32) / 12 for shape in ((70, 37), (70, 70), 70, 70)]
x, h = rng.standard_normal((30, 5, 37), np.float32), rng.standard_normal((5, 70), np.float32)
found = rnn.Step(*weights, nonlinearity="relu", storage="int8").sequence(x, h)
gates = [rng.standard_normal(shape, np.float32) / 12 for shape in ((210, 37), (210, 70), 210, 210)]
more = gru.Step(*gates, storage="int8").sequence(x, h)
sys.stdout.buffer.write(kernels.isa().encode() + b" " + found[0].tobytes() + more[0].tobytes())
"""


def test_every_instruction_set_has_the_same_bits(monkeypatch):
    """Of ReLU, whose activation is exact: σ and tanh have last digits of their own in each width,
    with VNNI those of the set without.
    """
    found, gated = {}, {}
    for isa in ("baseline", "avx2", "avxvnni", "avx512", "avx512vnni", "avx512amx"):
        monkeypatch.setenv("GRUTA_ISA", isa)
        done = subprocess.run([sys.executable, "-c", RELU], capture_output=True, check=False)
        if b"GRUTA_ISA must be one of" in done.stderr:
            continue
        assert done.returncode == 0, done.stderr.decode()
        name, _blank, both = done.stdout.partition(b" ")
        found[isa], gated[isa] = both[: len(both) // 2], both[len(both) // 2 :]
        assert name.decode() == isa
    assert "baseline" in found
    assert len(set(found.values())) == 1
    for narrow, wide in (("avx2", "avxvnni"), ("avx512", "avx512vnni")):
        assert wide not in gated or gated[wide] == gated[narrow]


def test_weights_that_are_whole_numbers_are_kept_as_they_are():
    rng = np.random.default_rng(6)
    whole = rng.integers(-127, 128, (12, 9)).astype(np.int8)
    whole[:, 0] = 127
    weights = whole * rng.uniform(1e-3, 3, (12, 1)).astype(np.float32)
    np.testing.assert_array_equal(integers.weights_to_whole(weights).numbers, whole)
    cell = rnn.Step(weights, np.zeros((12, 12), np.float32), nonlinearity="relu", storage="int8")
    h = np.zeros((9, 12), np.float32)
    cell.step(np.eye(9, dtype=np.float32), h)
    np.testing.assert_allclose(h, np.maximum(weights.T, 0), rtol=3e-7)
