"""Gates that are saved in 16 bits: the same outputs, and gradients that are nearly the same."""

import copy
from functools import partial

import pytest
import torch

import gruta.nn
from gruta import kernels
from gruta.cells.op import tapped

pytestmark = pytest.mark.skipif(not kernels.available(), reason="autograd saves for itself")
GRU, LSTM, RNN = gruta.nn.GRU, gruta.nn.LSTM, gruta.nn.RNN
KINDS = {
    "gru": GRU,
    "gru-reset-before": partial(GRU, reset_after=False),
    "lstm": LSTM,
    "lstm-projected": partial(LSTM, proj_size=9),
}
NORMED = {name: partial(kind, layer_norm=True) for name, kind in (KINDS | {"rnn": RNN}).items()}
NOISE = {"recurrent_dropout": 0.2, "zoneout": 0.1, "learn_h0": True}
# Of a gradient's norm; what docs say, and room for other draws.
PLAIN, WITH_NORM, OVER_A_LONG_TIME = 6e-5, 6e-4, 2e-3


def trained(layer, x, w, **call):
    """Output, then every gradient of one step from fixed noise."""
    torch.manual_seed(3)
    layer.zero_grad()
    x = x.to(layer.weight_ih_l0.dtype, copy=True).requires_grad_()
    out, _ = layer(x, **call)
    out.backward(w.to(out.dtype))
    return [out.detach(), x.grad, *(p.grad.clone() for p in layer.parameters())]


def errors(kind, T, w=None, **call):
    """The worst error of a gradient over its norm, with whole gates and with halves."""
    torch.manual_seed(1)
    exact, whole = kind(7, 19, dtype=torch.float64), kind(7, 19)
    halved = kind(7, 19, save="half")
    for layer in (whole, halved):
        layer.load_state_dict(exact.state_dict())
    exact.load_state_dict({k: v.double() for k, v in whole.state_dict().items()})
    x = torch.randn(T, 6, 7)
    sides = 2 if exact.bidirectional else 1
    w = torch.randn(T, 6, sides * exact.state_sizes[0]) if w is None else w
    true, *found = (trained(layer, x, w, **call) for layer in (exact, whole, halved))
    assert torch.equal(found[0][0], found[1][0])
    return [
        max(float((a - b).norm() / b.norm()) for a, b in zip(own[1:], true[1:], strict=True))
        for own in found
    ]


@pytest.mark.parametrize(
    ("kind", "most"),
    [(kind, PLAIN) for kind in KINDS.values()] + [(kind, WITH_NORM) for kind in NORMED.values()],
    ids=[*KINDS, *(f"{name}-norm" for name in NORMED)],
)
@pytest.mark.parametrize("options", [{}, NOISE | {"bidirectional": True}], ids=["plain", "noise"])
def test_gradients_are_near_those_in_float64_and_outputs_are_the_same(kind, most, options):
    call = {"lengths": [40, 0, 13, 1, 40, 39]}
    if options:
        call["reset_mask"] = torch.rand(40, 6) < 0.05
    whole, halved = errors(partial(kind, **options), 40, **call)
    assert whole < halved < most


@pytest.mark.parametrize("kind", [GRU, LSTM])
def test_gates_that_stay_near_one_keep_their_gradient_over_a_thousand_steps(kind):
    w = torch.zeros(1000, 6, 19)
    w[-1].normal_()
    kind = partial(kind, init="chrono", longest_lag=1000)
    assert errors(kind, 1000, w)[1] < OVER_A_LONG_TIME


@pytest.mark.parametrize(("kind", "numbers"), [(GRU, 2), (LSTM, 3)], ids=["gru", "lstm"])
def test_half_of_the_gates_memory_is_saved(kind, numbers):
    saved = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: saved.append(t) or t, lambda t: t):
        kind(3, 16, save="half")(torch.randn(5, 4, 3))
    (gates,) = (t for t in saved if t.dtype is torch.int32)
    assert gates.nbytes == 5 * 4 * numbers * 16 * 4


def test_what_saturates_or_is_no_number_comes_back_so():
    layer = GRU(2, 3, save="half")
    whole = GRU(2, 3)
    with torch.no_grad():
        layer.bias_hh_l0.copy_(torch.tensor([60.0, -60, 0, 60, -60, 0, 1e6, -1e6, 1e30]))
    whole.load_state_dict(layer.state_dict())
    x, w = torch.randn(4, 2, 2), torch.ones(4, 2, 3)
    for a, b in zip(trained(layer, x, w), trained(whole, x, w), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-5)
    x[2, 0, 0] = torch.nan
    halved, kept = trained(layer, x, w), trained(whole, x, w)
    for a, b in zip(halved, kept, strict=True):
        assert torch.equal(a.isnan(), b.isnan())


@pytest.mark.parametrize("kind", [GRU, LSTM])
def test_a_compiled_layer_saves_halves_too(kind):
    torch._dynamo.reset()
    layer, x, w = kind(3, 5, save="half"), torch.randn(6, 2, 3), torch.randn(6, 2, 5)
    expected = trained(layer, x, w)
    out, _ = torch.compile(layer, backend="aot_eager", fullgraph=True)(x)
    found = torch.autograd.grad(out, tuple(layer.parameters()), w)
    torch.testing.assert_close(list(found), expected[2:], rtol=0, atol=0)


def test_who_taps_a_layer_sees_its_gates():
    whole, halved = GRU(3, 5), GRU(3, 5, save="half")
    halved.load_state_dict(whole.state_dict())
    x, w, seen = torch.randn(4, 2, 3), torch.ones(4, 2, 5), []
    for layer in (whole, halved):
        with tapped() as taps:
            trained(layer, x, w)
        seen.append(taps[0].gates)
    torch.testing.assert_close(*seen, rtol=0, atol=0)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_layers_in_16_bits_save_halves_of_their_float32(dtype):
    saved = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: saved.append(t) or t, lambda t: t):
        out, _ = GRU(3, 4, save="half", dtype=dtype)(torch.randn(5, 2, 3).to(dtype))
    out.sum().backward()
    assert [t.shape[-1] for t in saved if t.dtype is torch.int32] == [8]


def test_what_makes_no_sense_is_refused_by_name():
    with pytest.raises(ValueError, match="save: expected 'whole' or 'half', got 'double'"):
        GRU(2, 3, save="double")
    with pytest.raises(ValueError, match="save='half': recompute=True saves no gates"):
        LSTM(2, 3, save="half", recompute=True)
    refused = pytest.raises(ValueError, match="save='half': expected a layer in float32")
    with refused:
        GRU(2, 3, save="half", dtype=torch.float64)
    layer = GRU(2, 3, save="half").double()
    with refused:
        layer(torch.randn(4, 1, 2).double())
    with torch.no_grad():
        layer(torch.randn(4, 1, 2).double())


def test_a_layer_that_was_pickled_before_there_was_such_an_option_still_runs():
    layer, x = GRU(3, 4), torch.randn(5, 2, 3)
    old = copy.deepcopy(layer)
    del old.__dict__["save"]
    torch.testing.assert_close(old(x)[0], layer(x)[0], rtol=0, atol=0)
    old(x)[0].sum().backward()
    assert old.weight_hh_l0.grad is not None
