"""Modules become arrays and modules again, and what nothing outside has words for is said."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

import gruta.nn
from gruta.errors import InputError
from gruta.exchange.compute import compute
from gruta.exchange.torch_layers import from_torch, to_torch

MODULES = {
    "gru": lambda: nn.GRU(3, 4, num_layers=2, bidirectional=True),
    "gru-before": lambda: gruta.nn.GRU(3, 4, num_layers=2, reset_after=False),
    "lstm": lambda: nn.LSTM(3, 4, bias=False, dtype=torch.float64),
    "rnn": lambda: nn.RNN(3, 4, nonlinearity="relu"),
    "normed": lambda: weight_norm(gruta.nn.GRU(3, 4), "weight_hh_l0"),
}


@pytest.mark.parametrize("make", MODULES.values(), ids=MODULES)
def test_a_module_comes_back_as_it_was(make):
    module = make().eval()
    layers = from_torch(module)
    again = to_torch(layers)
    x = torch.randn(5, 2, 3, dtype=module.weight_ih_l0.dtype)
    with torch.no_grad():
        y, state = module(x)
        torch.testing.assert_close(again(x)[0], y)
    found, *finals = compute(layers, x.numpy())
    np.testing.assert_allclose(found, y.numpy(), atol=1e-6)
    np.testing.assert_allclose(
        finals[0], (state[0] if len(finals) > 1 else state).numpy(), atol=1e-6
    )


@pytest.mark.parametrize(
    ("module", "named"),
    [
        (nn.LSTM(3, 4, proj_size=2), "proj_size=2"),
        (gruta.nn.GRU(3, 4, zoneout=0.1, layer_norm=True), "zoneout, layer_norm"),
        (gruta.nn.RNN(3, 4, learn_h0=True), "learn_h0"),
    ],
)
def test_what_nothing_outside_has_words_for_is_named(module, named):
    with pytest.raises(InputError, match=named):
        from_torch(module)
    with pytest.raises(TypeError, match="got Linear"):
        from_torch(nn.Linear(3, 4))


def test_layers_are_copies_unless_they_are_to_share():
    module = torch.nn.GRU(3, 4)
    (apart,), (shared,) = from_torch(module), from_torch(module, share=True)
    with torch.no_grad():
        module.weight_hh_l0.fill_(7)
    assert not (apart.sides[0].w_hh == 7).any()
    assert (shared.sides[0].w_hh == 7).all()
