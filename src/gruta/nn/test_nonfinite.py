"""NaN and infinity pass as in torch and stay in their row; what is tiny becomes 0."""

import platform

import numpy as np
import pytest
import torch
from torch import nn

import gruta.nn
from gruta.cells.gru import reference as gru
from gruta.cells.lstm import reference as lstm
from gruta.cells.rnn import reference as rnn

T, B, I, H = 5, 3, 2, 9
PAIRS = {
    "gru": (gruta.nn.GRU, nn.GRU, {}),
    "lstm": (gruta.nn.LSTM, nn.LSTM, {}),
    "rnn": (gruta.nn.RNN, nn.RNN, {}),
    "relu": (gruta.nn.RNN, nn.RNN, {"nonlinearity": "relu"}),
}


def poisoned(value, where):
    """x and h_0 with one number replaced, in row 1."""
    torch.manual_seed(0)
    x, h_0 = torch.randn(T, B, I), torch.randn(1, B, H)
    if where == "x":
        x[2, 1, 0] = value
    else:
        h_0[0, 1, 3] = value
    return x, h_0


def reference(kind, layer, x, h_0):
    """h by the reference."""
    x, h_0, *weights = (t.detach().numpy() for t in (x, h_0[0], *layer.all_weights[0]))
    with np.errstate(all="ignore"):
        if kind == "lstm":
            return lstm.forward(x, h_0, np.zeros_like(h_0), *weights).h
        if kind == "gru":
            return gru.forward(x, h_0, *weights).h
        form = "relu" if kind == "relu" else "tanh"
        return rnn.forward(x, h_0, *weights, nonlinearity=form).h


@pytest.mark.parametrize("where", ["x", "h_0"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", PAIRS)
def test_what_is_not_finite_passes_as_in_torch(kind, value, where):
    ours, theirs, options = PAIRS[kind]
    layer, other = ours(I, H, **options), theirs(I, H, **options)
    other.load_state_dict(layer.state_dict())
    x, h_0 = poisoned(value, where)
    found, gradients = [], []
    for one in (layer, other):
        given = x.clone().requires_grad_()
        state = (h_0, torch.zeros_like(h_0)) if kind == "lstm" else h_0
        out, _ = one(given, state)
        out.backward(torch.ones_like(out))
        found.append(out.detach())
        gradients.append(given.grad)
    whole = [0, 2]
    assert torch.isfinite(found[0][:, whole]).all()
    assert torch.isfinite(gradients[0][:, whole]).all()
    torch.testing.assert_close(gradients[0][:, whole], gradients[1][:, whole])
    finite = [torch.isfinite(out) for out in found]
    assert torch.equal(*finite)
    torch.testing.assert_close(found[0][finite[0]], found[1][finite[0]])
    truth = torch.from_numpy(reference(kind, layer, x, h_0))
    assert torch.equal(torch.isfinite(truth), finite[0])
    torch.testing.assert_close(truth[finite[0]], found[0][finite[0]])


@pytest.mark.skipif(
    platform.machine().lower() not in ("x86_64", "amd64"), reason="elsewhere nothing is flushed"
)
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("kind", ["gru", "lstm", "rnn"])
def test_gradient_that_vanishes_ends_in_zeros_and_torch_computes_on_as_before(
    kind, threads, monkeypatch
):
    monkeypatch.setenv("GRUTA_THREADS", str(threads))
    torch.manual_seed(0)
    x = torch.randn(600, 4, I, requires_grad=True)
    layer = PAIRS[kind][0](I, H)
    layer(x)[0][-1].sum().backward()
    sizes = x.grad.abs()
    smallest = torch.finfo(torch.float32).smallest_normal
    assert (sizes[0] == 0).all()
    assert ((sizes == 0) | (sizes >= smallest)).all()
    assert torch.tensor(smallest) / 2 > 0
