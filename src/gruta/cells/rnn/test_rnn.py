"""The plain RNN's own promises: its equation, and what its nonlinearity does to the gradient."""

import numpy as np
import pytest
import torch

from gruta.cells.op import Walk, run
from gruta.cells.rnn import reference
from gruta.cells.rnn.op import RELU, TANH


@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
def test_one_step_by_hand(nonlinearity, assert_close):
    rng = np.random.default_rng(0)
    shapes = [(1, 1, 3), (1, 6), (6, 3), (6, 6), (6,), (6,)]
    x, h, w_ih, w_hh, b_ih, b_hh = arguments = [rng.standard_normal(shape) for shape in shapes]
    a = w_ih @ x[0, 0] + b_ih + w_hh @ h[0] + b_hh
    expected = np.tanh(a) if nonlinearity == "tanh" else a * (a > 0)
    trace = reference.forward(*arguments, nonlinearity=nonlinearity)
    assert_close((trace.h, trace.h_n), (expected[None, None], expected[None]))


def powers(cell, scale, T=30):
    """h_n and ∂h_n/∂h_0 for W_hh = scale · identity, no input, and a small positive start."""
    h_0 = torch.full((1, 2), 1e-3, dtype=torch.float64, requires_grad=True)
    x, w_ih = h_0.new_zeros(T, 1, 1), h_0.new_zeros(2, 1)
    w_hh = scale * torch.eye(2, dtype=torch.float64)
    _, h_n = run(cell, Walk(), (x, h_0, None, w_ih, w_hh, *(None,) * 6))
    (dh_0,) = torch.autograd.grad(h_n, h_0, torch.ones_like(h_n))
    return h_n, dh_0


@pytest.mark.parametrize("scale", [0.5, 1.0, 1.5])
def test_gradient_shrinks_or_grows_as_a_power_of_the_weight(scale):
    h_n, dh_0 = powers(RELU, scale)
    torch.testing.assert_close(h_n, torch.full_like(h_n, 1e-3 * scale**30))
    torch.testing.assert_close(dh_0, torch.full_like(dh_0, scale**30))


def test_tanh_bounds_the_state_where_relu_lets_it_grow():
    (bounded, vanished), (grown, exploded) = powers(TANH, 1.5), powers(RELU, 1.5)
    assert (bounded < 1).all()
    assert (grown > 100).all()
    assert (vanished < exploded / 100).all()


def test_relu_passes_no_gradient_at_exactly_zero():
    h_0 = torch.zeros(1, 1, dtype=torch.float64, requires_grad=True)
    x, w = torch.zeros(1, 1, 1, dtype=torch.float64), torch.ones(1, 1, dtype=torch.float64)
    tensors = (x, h_0, None, w, w, *(None,) * 6)
    for outputs in (run(RELU, Walk(), tensors), RELU.composite(Walk(), *tensors)):
        (dh_0,) = torch.autograd.grad(outputs[1].sum(), h_0)
        assert dh_0.item() == 0
