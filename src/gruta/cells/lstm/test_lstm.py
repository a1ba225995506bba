"""The LSTM's own promises: its equations, its cell state, and its projection."""

import numpy as np
import pytest
import torch

from gruta.cells.lstm import reference
from gruta.cells.lstm.op import LSTM
from gruta.cells.op import Walk, run


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def random_arguments(T=5, B=3, I=2, H=4, P=None):
    rng = np.random.default_rng(0)
    G, width = 4 * H, P or H
    shapes = [(T, B, I), (B, width), (B, H), (G, I), (G, width), (G,), (G,)]
    arguments = [rng.standard_normal(shape) for shape in shapes]
    return [*arguments, rng.standard_normal((P, H)) if P else None]


def as_tensors(arguments):
    """Leaves as the op takes them, without restart states and layer norm."""
    leaves = (None if a is None else torch.from_numpy(a).requires_grad_() for a in arguments)
    x, h_0, c_0, *weights = leaves
    return x, h_0, c_0, None, None, *weights, None, None, None, None


@pytest.mark.parametrize("P", [None, 3])
def test_one_step_by_hand(P, assert_close):
    x, h, c, w_ih, w_hh, b_ih, b_hh, w_hr = random_arguments(T=1, B=1, P=P)
    a_i, a_f, a_g, a_o = np.split(w_ih @ x[0, 0] + b_ih + w_hh @ h[0] + b_hh, 4)
    c_1 = sigmoid(a_f) * c[0] + sigmoid(a_i) * np.tanh(a_g)
    h_1 = sigmoid(a_o) * np.tanh(c_1)
    h_1 = h_1 if P is None else w_hr @ h_1
    trace = reference.forward(x, h, c, w_ih, w_hh, b_ih, b_hh, w_hr)
    assert_close((trace.h, trace.h_n, trace.c_n), (h_1[None, None], h_1[None], c_1[None]))


def test_open_forget_gate_and_closed_input_gate_carry_the_cell_state_and_its_gradient():
    arguments = random_arguments()
    arguments[5][:4], arguments[5][4:8] = -60.0, 60.0
    tensors = as_tensors(arguments)
    _, _, c_n = run(LSTM, Walk(), tensors)
    torch.testing.assert_close(c_n, tensors[2], rtol=0, atol=1e-15)
    d = torch.randn_like(c_n)
    (dc_0,) = torch.autograd.grad(c_n, tensors[2], d)
    torch.testing.assert_close(dc_0, d, rtol=0, atol=1e-15)


def test_projection_by_the_identity_changes_nothing(assert_close):
    plain = as_tensors(random_arguments())
    projected = (*plain[:9], torch.eye(4, dtype=torch.float64), *plain[10:])
    without, by_identity = run(LSTM, Walk(), plain), run(LSTM, Walk(), projected)
    assert_close(by_identity, without)
    d = [torch.randn_like(t) for t in without]
    leaves = [t for t in plain if t is not None]
    assert_close(
        torch.autograd.grad(by_identity, leaves, d), torch.autograd.grad(without, leaves, d)
    )


@pytest.mark.parametrize("P", [None, 3])
def test_gradient_through_time_of_a_cell_state_counts_its_own_output_too(P, assert_close):
    T, arguments = 5, random_arguments(T=5, P=P)
    trace = reference.forward(*arguments)
    rng = np.random.default_rng(1)
    d_outputs = [rng.standard_normal(a.shape) for a in trace[:3]]
    x, _, _, w_ih, w_hh, *_, w_hr = arguments
    expected = reference.backward(trace, *d_outputs, x, w_ih, w_hh, w_hr)
    x, _, _, *rest = as_tensors(arguments)
    dh, dh_n, dc_n = (torch.from_numpy(d) for d in d_outputs)
    for t in range(T):
        c = torch.from_numpy(trace.c[t]).requires_grad_()
        m = torch.from_numpy(trace.o[t]) * c.tanh()
        h = m if P is None else m @ rest[6].T
        loss, h_n, c_n = (dh[t] * h).sum(), h, c
        if t < T - 1:
            later, h_n, c_n = LSTM.composite(Walk(), x[t + 1 :], h, c, *rest)
            loss = loss + (dh[t + 1 :] * later).sum()
        loss = loss + (dh_n * h_n).sum() + (dc_n * c_n).sum()
        assert_close(torch.autograd.grad(loss, c), [expected.c[t]])
