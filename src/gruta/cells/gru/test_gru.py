"""The GRU's own promises: its equations, its two forms, and what its gates do to memory."""

import numpy as np
import pytest
import torch

from gruta.cells.gru import reference
from gruta.cells.gru.op import RESET_AFTER, RESET_BEFORE
from gruta.cells.op import Walk, run

CELLS = [pytest.param(RESET_AFTER, id="after"), pytest.param(RESET_BEFORE, id="before")]


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def random_arguments(T=5, B=3, I=2, H=4):
    rng = np.random.default_rng(0)
    shapes = [(T, B, I), (B, H), (3 * H, I), (3 * H, H), (3 * H,), (3 * H,)]
    return [rng.standard_normal(shape) for shape in shapes]


def as_tensors(arguments):
    """x, h_0 and the weights as the op takes them, without restart state and layer norm."""
    x, h_0, *weights = (torch.from_numpy(a) for a in arguments)
    return x, h_0, None, *weights, None, None, None, None


def biased(gate, value):
    """Arguments with a bias of r (gate 0) or z (gate 1) that outweighs all else in the gate."""
    arguments = random_arguments()
    H = arguments[1].shape[1]
    arguments[4][gate * H : (gate + 1) * H] = value
    return arguments


@pytest.mark.parametrize("reset_after", [True, False])
def test_one_step_in_the_words_of_the_textbook(reset_after, assert_close):
    x, h, w_input, w_hidden, b_input, b_hidden = random_arguments(T=1, B=1)
    H = h.shape[1]
    reset, update, candidate = (slice(k * H, (k + 1) * H) for k in range(3))

    def of_input(gate):
        return w_input[gate] @ x[0, 0] + b_input[gate]

    def of_hidden(gate, state=h[0]):
        return w_hidden[gate] @ state + b_hidden[gate]

    gate_reset = sigmoid(of_input(reset) + of_hidden(reset))
    gate_update = sigmoid(of_input(update) + of_hidden(update))
    if reset_after:
        r = np.tanh(gate_reset * of_hidden(candidate) + of_input(candidate))
    else:
        r = np.tanh(of_hidden(candidate, gate_reset * h[0]) + of_input(candidate))
    u = gate_update * h[0]
    h_t = r * (1 - gate_update) + u

    arguments = x, h, w_input, w_hidden, b_input, b_hidden
    trace = reference.forward(*arguments, reset_after=reset_after)
    by_hand = [a[None, None] for a in (gate_reset, gate_update, r, h_t)]
    assert_close((trace.r, trace.z, trace.n, trace.h), by_hand)


@pytest.mark.parametrize("cell", CELLS)
def test_update_gate_at_one_keeps_the_state_and_its_gradient(cell):
    tensors = as_tensors(biased(gate=1, value=60.0))
    h_0 = tensors[1].requires_grad_()
    h, h_n = run(cell, Walk(), tensors)
    torch.testing.assert_close(h, h_0.expand_as(h), rtol=0, atol=1e-15)
    d = torch.randn_like(h_n)
    (dh_0,) = torch.autograd.grad(h_n, h_0, d)
    torch.testing.assert_close(dh_0, d, rtol=0, atol=1e-15)


def test_forms_agree_where_the_reset_gate_lets_everything_through(assert_close):
    tensors = as_tensors(biased(gate=0, value=60.0))
    assert_close(run(RESET_AFTER, Walk(), tensors), run(RESET_BEFORE, Walk(), tensors))


@pytest.mark.parametrize("reset_after", [True, False])
def test_reset_gate_at_zero_hides_the_state_from_the_candidate(reset_after, assert_close):
    arguments = biased(gate=0, value=-60.0)
    x, _, w_ih, _, b_ih, b_hh = arguments
    trace = reference.forward(*arguments, reset_after=reset_after)
    from_input = x @ w_ih[8:].T + b_ih[8:]
    assert_close([trace.n], [np.tanh(from_input if reset_after else from_input + b_hh[8:])])
