"""Misuse of the cells on NumPy arrays: what is refused, and in which words."""

import re

import numpy as np
import pytest

from gruta import kernels
from gruta.cells import gru, lstm, rnn
from gruta.tests.variants import VARIANTS

NAMED = {variant.name: variant for variant in VARIANTS}


def arguments(variant, **changed):
    """A call's arguments by name, B = 3, T = 4, I = 5, H = 6, some of them replaced."""
    arrays = NAMED[variant].draw(np.random.default_rng(6), 3, 4, 5, 6, np.float32)
    names = ["x", *["h_0", "c_0"][: len(arrays.initial)], "w_ih", "w_hh", "b_ih", "b_hh", "w_hr"]
    return dict(zip(names, arrays.flat, strict=False)) | changed


MISUSES = [
    ("gru", "x", lambda a: a[0], ValueError, "x must have the axes [T, B, I], got an array of the"),
    ("gru", "x", lambda a: a.astype(int), TypeError, "x must be of a floating-point dtype"),
    ("gru", "x", lambda a: a[..., :0], ValueError, "I, the last axis of x, and H, that of a state"),
    ("gru", "h_0", lambda a: a[0], ValueError, "h_0 must have the axes [B, H], got"),
    ("gru", "h_0", lambda a: a[1:], ValueError, "shape [B, H] = [3, 6], got [2, 6]"),
    ("gru", "h_0", np.float64, TypeError, "h_0 must be float32 like the other"),
    ("gru", "w_ih", lambda a: a[:, 1:], ValueError, "w_ih must have the shape [3H, I] = [18, 5]"),
    ("gru", "w_hh", lambda a: a[1:], ValueError, "w_hh must have the shape [3H, H] = [18, 6]"),
    ("gru", "b_ih", lambda a: a[1:], ValueError, "b_ih must have the shape [3H] = [18], got [17]"),
    ("gru", "b_hh", np.float64, TypeError, "convert it with b_hh.astype(numpy.float32)"),
    ("lstm", "c_0", lambda a: a[:, 1:], ValueError, "c_0 must have the shape [B, H] = [3, 6]"),
    ("lstm", "w_hh", lambda a: a[1:], ValueError, "w_hh must have the shape [4H, H] = [24, 6]"),
    ("lstm-projected", "c_0", lambda a: a[0], ValueError, "c_0 must have the axes [B, H], got"),
    ("lstm-projected", "h_0", lambda a: a[0], ValueError, "h_0 must have the axes [B, P], got"),
    ("lstm-projected", "w_hh", lambda a: a[1:], ValueError, "shape [4H, P] = [24, 3], got [23, 3]"),
    ("lstm-projected", "w_hr", lambda a: a[1:], ValueError, "w_hr must have the shape [P, H] = [3"),
    ("rnn-tanh", "w_ih", lambda a: a[1:], ValueError, "w_ih must have the shape [H, I] = [6, 5]"),
    ("rnn-relu", "b_ih", lambda a: a[1:], ValueError, "b_ih must have the shape [H] = [6]"),
]  # fmt: skip


@pytest.mark.parametrize(("variant", "name", "spoil", "error", "message"), MISUSES)
def test_sequence_names_the_argument_at_fault(variant, name, spoil, error, message):
    call, cell = arguments(variant), NAMED[variant]
    cell.door.sequence(**call, **cell.options)
    call[name] = spoil(call[name])
    with pytest.raises(error, match=re.escape(message)):
        cell.door.sequence(**call, **cell.options)


OPTION_MISUSES = [
    ({"lengths": [1.0, 2.0, 3.0]}, TypeError, "lengths must be integers, got float64"),
    ({"lengths": [1, 2]}, ValueError, "lengths must have the shape [B] = [3], got [2]"),
    ({"lengths": [0, 5, 4]}, ValueError, "lengths[1] must be from 0 to T = 4, got 5"),
    ({"lengths": [-1, 5, 4]}, ValueError, "lengths[0] must be from 0 to T = 4, got -1"),
    ({"lengths": np.array([0, 2**64 - 1, 4], np.uint64)}, ValueError, "got 18446744073709551615"),
    ({"reset": np.zeros((4, 3))}, TypeError, "reset must be bool, got float64: compare it"),
    ({"reset": np.zeros((3, 4), bool)}, ValueError, "shape [T, B] = [4, 3], got [3, 4]"),
    ({"threads": 0}, ValueError, "threads must be an integer of at least 1, got 0"),
]


@pytest.mark.parametrize(("options", "error", "message"), OPTION_MISUSES)
@pytest.mark.parametrize("cell", VARIANTS, ids=str)
def test_options_are_checked(cell, options, error, message):
    arrays = cell.draw(np.random.default_rng(6), 3, 4, 5, 6, np.float32)
    with pytest.raises(error, match=re.escape(message)):
        cell.sequence(arrays, **options)
    with pytest.raises(error, match=re.escape(message)):
        cell.step(arrays).sequence(arrays.x, *arrays.initial, **options)


def test_weights_that_do_not_agree_are_refused_before_they_are_packed():
    call = arguments("lstm-projected")
    weights = [call[name] for name in ["w_ih", "w_hh", "b_ih", "b_hh", "w_hr"]]
    with pytest.raises(ValueError, match=re.escape("w_ih must have the axes [4H, I], got")):
        lstm.Step(weights[0][0], *weights[1:])
    with pytest.raises(ValueError, match=re.escape("w_hr must have the axes [P, H], got")):
        lstm.Step(*weights[:4], weights[4][0])
    with pytest.raises(ValueError, match=re.escape("shape [4H, I] = [24, 5], got [23, 5]")):
        lstm.Step(weights[0][1:], *weights[1:])
    with pytest.raises(ValueError, match=re.escape("w_hr must have the shape [P, H] = [3, 6]")):
        lstm.Step(*weights[:4], np.zeros((4, 6), np.float32))
    with pytest.raises(TypeError, match="w_hh must be float32 like the other arguments"):
        lstm.Step(weights[0], weights[1].astype(np.float64), *weights[2:])


@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize(
    ("storage", "dtype", "error", "message"),
    [
        ("int4", np.float32, ValueError, "storage must be None, 'float16', 'bfloat16' or 'int8'"),
        ("int8", np.float64, TypeError, "storage='int8' is for float32 weights, got float64"),
        ("float16", np.float64, TypeError, "storage='float16' is for float32 weights, got float64"),
        ("bfloat16", np.float16, TypeError, "storage='bfloat16' is for float32 weights"),
    ],
)  # fmt: skip
def test_storage_is_checked(native, storage, dtype, error, message, monkeypatch):
    monkeypatch.setattr(kernels, "available", lambda: native)
    monkeypatch.setattr(kernels, "warn_missing", lambda: None)
    weights = [np.zeros((18, size), dtype) for size in (5, 6)]
    with pytest.raises(error, match=re.escape(message)):
        gru.Step(*weights, storage=storage)


def test_nonlinearity_is_checked():
    call = arguments("rnn-tanh")
    message = "nonlinearity must be 'tanh' or 'relu', got 'sigmoid': name one of them"
    with pytest.raises(ValueError, match=message):
        rnn.sequence(**call, nonlinearity="sigmoid")
    with pytest.raises(ValueError, match=message):
        rnn.Step(call["w_ih"], call["w_hh"], nonlinearity="sigmoid")


# What the call is given instead of x [3, 5], h [3, 3] and c [3, 6] in float32.
STEP_MISUSES = [
    ("x", lambda a: a.tolist(), TypeError, "x must be a NumPy array of numbers, got list"),
    ("x", lambda a: a[:, 1:], ValueError, r"x must have the shape \[B, I\] = .* got \[3, 4\]"),
    ("h", lambda a: a[1:], ValueError, r"h must have the shape \[B, P\] = \[3, 3\], got \[2, 3\]"),
    ("h", lambda a: a.astype(np.float64), TypeError, "h must be float32.*, got float64"),
    ("c", lambda a: a[1:], ValueError, r"c must have the shape \[B, H\] = \[3, 6\], got \[2, 6\]"),
    ("c", lambda a: None, TypeError, "c must be a NumPy array of numbers, got NoneType"),
]


@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize(("name", "spoil", "error", "message"), STEP_MISUSES)
def test_step_names_the_argument_at_fault(native, name, spoil, error, message, monkeypatch):
    monkeypatch.setattr(kernels, "available", lambda: native)
    monkeypatch.setattr(kernels, "warn_missing", lambda: None)
    call = arguments("lstm-projected")
    cell = lstm.Step(*(call[name] for name in ["w_ih", "w_hh", "b_ih", "b_hh", "w_hr"]))
    arrays = {"x": call["x"][0], "h": call["h_0"], "c": call["c_0"]}
    cell.step(*arrays.values())
    arrays[name] = spoil(arrays[name])
    with pytest.raises(error, match=message):
        cell.step(*arrays.values())


def misaligned(a):
    """A copy that begins a byte after where its numbers would."""
    return np.frombuffer(bytearray(1 + a.nbytes), np.uint8)[1:].view(a.dtype).reshape(a.shape)


@pytest.mark.parametrize(
    ("name", "spoil", "message"),
    [
        ("x", lambda a: a[::-1], "x must be C-contiguous, got a strided view"),
        ("h", lambda a: a[:, ::-1], "h must be C-contiguous, got a strided view"),
        ("h", misaligned, "h must be aligned to its numbers, got one that begins between two"),
        ("h", lambda a: np.broadcast_to(a, a.shape), "h must be writable, got a read-only array"),
    ],
)
def test_step_of_the_kernel_takes_arrays_as_they_lie(name, spoil, message):
    call = arguments("gru")
    cell = gru.Step(call["w_ih"], call["w_hh"])
    arrays = {"x": call["x"][0], "h": call["h_0"]}
    arrays[name] = spoil(arrays[name])
    with pytest.raises(ValueError, match=message):
        cell.step(*arrays.values())


def test_step_of_the_kernel_reads_arrays_of_derived_classes():
    call = arguments("gru")
    cell = gru.Step(call["w_ih"], call["w_hh"])
    expected, h = call["h_0"].copy(), call["h_0"].copy().view(np.recarray)
    cell.step(call["x"][0], expected)
    cell.step(call["x"][0].view(np.recarray), h)
    assert np.array_equal(h, expected)


@pytest.mark.parametrize(
    ("dtype", "message"),
    [
        (np.int32, "x must be float32, got int32"),
        (np.dtype(np.float32).newbyteorder(), "x must be in this machine's byte order"),
    ],
)
def test_step_of_the_kernel_takes_numbers_of_its_kind_alone(dtype, message):
    call = arguments("gru")
    cell = gru.Step(call["w_ih"], call["w_hh"])
    with pytest.raises(TypeError, match=message):
        cell.step(call["x"][0].astype(dtype), call["h_0"])
