"""The short way: when it is taken, and that it gives what the other way gives."""

import warnings
from dataclasses import fields
from functools import partial

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.proxy_tensor import make_fx
from torch.nn.utils.parametrizations import weight_norm

from gruta import kernels, nn
from gruta.cells.op import short
from gruta.nn.options import Options

pytestmark = pytest.mark.skipif(not kernels.available(), reason="it leads to the kernels")


@pytest.fixture
def taken(monkeypatch):
    """Whether each call so far that asked for the short way went it."""
    found, layer = [], short.layer

    def watched(*arguments):
        answer = layer(*arguments)
        found.append(answer is not None)
        return answer

    monkeypatch.setattr(short, "layer", watched)
    return found


def generally(call, *arguments):
    """The result of a call that takes the general way."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(short, "_MET", False)
        return call(*arguments)


def both_ways(layer, *arguments):
    """The results of a call by the short way, if it serves, and by the other one."""
    with torch.no_grad():
        return layer(*arguments), generally(layer, *arguments)


def same(a, b):
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return a.shape == b.shape and a.stride() == b.stride() and torch.equal(a, b)


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (nn.GRU, {}),
        (nn.GRU, {"reset_after": False, "bias": False}),
        (nn.LSTM, {}),
        (nn.LSTM, {"proj_size": 3, "dtype": torch.float64}),
        (nn.RNN, {"nonlinearity": "relu"}),
    ],
)
def test_short_way_gives_the_same_bits_in_the_same_layout(kind, options, batch_first, taken):
    layer = kind(5, 7, batch_first=batch_first, **options)
    x = torch.randn(4, 6, 5, dtype=options.get("dtype"))
    quick, full = both_ways(layer, x)
    assert same(quick, full)
    state = quick[1]
    quick, full = both_ways(layer, x.flip(0), state)
    assert same(quick, full)
    assert taken == [True, False] * 2


KINDS = {
    "gru": nn.GRU,
    "gru-before": partial(nn.GRU, reset_after=False, bias=False),
    "lstm": nn.LSTM,
    "lstm-projected": partial(nn.LSTM, proj_size=3),
    "rnn": partial(nn.RNN, nonlinearity="relu"),
}
LARGE = 200  # steps, of which h is not copied


def gradients(layer, x, state, change=lambda out: out):
    """Of x, the state and the weights, from a gradient of every output that is not dense."""
    leaves = [x, *state, *layer.parameters()]
    hx = tuple(state) if len(state) > 1 else state[0]
    out, final = layer(x, hx)
    finals = final if isinstance(final, tuple) else (final,)
    out = change(out)
    loss = sum((t.mT * torch.linspace(-1, 1, t.shape[-2])).sum() for t in (out, *finals))
    return torch.autograd.grad(loss, leaves, retain_graph=True)


@pytest.mark.parametrize("T", [6, LARGE])
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_training_the_short_way_gives_the_same_bits(kind, batch_first, T, taken):
    layer = kind(5, 64, batch_first=batch_first)
    x = torch.randn(3, T, 5) if batch_first else torch.randn(T, 3, 5)
    state = [torch.randn(1, 3, s, requires_grad=True) for s in layer.state_sizes]
    for given in (x, x.mT.contiguous().mT, x.transpose(0, 1).contiguous().transpose(0, 1)):
        given.requires_grad_()
        for change in (torch.Tensor.clone, torch.relu_, torch.Tensor.exp_):
            quick = gradients(layer, given, state, change)
            assert same(quick, generally(gradients, layer, given, state, change))
    assert taken == [True, False] * 3 + [False] * 6 + [True, False] * 3


def test_only_what_is_asked_for_has_a_gradient(taken):
    layer, x = nn.LSTM(5, 7), torch.randn(4, 6, 5)
    layer.weight_ih_l0.requires_grad_(False)
    layer(x)[1][0].sum().backward()
    assert [p.grad is not None for p in layer.parameters()] == [False, True, True, True]
    for parameter in layer.parameters():
        parameter.requires_grad_(False)
    out, _ = layer(x)
    assert not out.requires_grad
    assert layer(x.requires_grad_())[0].requires_grad
    assert taken == [True] * 3


@pytest.mark.parametrize("batch_first", [False, True])
def test_second_derivatives_go_the_general_way(batch_first, taken):
    layer = nn.LSTM(3, 4, batch_first=batch_first, dtype=torch.float64)
    x = torch.randn(2, 3, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(lambda x: layer(x)[0], (x,))
    assert all(taken)


def test_gradients_may_be_asked_for_side_by_side():
    layer, x = nn.GRU(3, 4), torch.randn(2, 3, 3, requires_grad=True)
    out, d = layer(x)[0], torch.randn(5, 2, 3, 4)
    (found,) = torch.autograd.grad(out, x, d, is_grads_batched=True, retain_graph=True)
    for one, own in zip(d, found, strict=True):
        torch.testing.assert_close(torch.autograd.grad(out, x, one, retain_graph=True)[0], own)


def test_weight_that_was_changed_since_is_refused():
    layer = nn.GRU(5, 7)
    out, _ = layer(torch.randn(4, 6, 5))
    with torch.no_grad():
        layer.weight_hh_l0.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        out.sum().backward()


def test_inputs_and_weights_of_any_layout_are_right(taken):
    layer = weight_norm(nn.GRU(5, 7), "weight_hh_l0")
    for x in (torch.randn(6, 5, 4).mT, torch.randn(4, 6, 5)[::2], torch.randn(1, 1, 5)):
        assert same(*both_ways(layer, x))
    layer.weight_ih_l0 = torch.nn.Parameter(torch.randn(5, 21).T)
    assert same(*both_ways(layer, torch.randn(4, 6, 5)))
    assert taken[::2] == [False, True, True, False]


@pytest.mark.parametrize(
    "options",
    [
        {"num_layers": 2},
        {"bidirectional": True},
        {"zoneout": 0.1},
        {"recurrent_dropout": 0.5},
        {"layer_norm": True},
        {"learn_h0": True},
    ],
    ids=str,
)
def test_what_the_short_way_lacks_takes_the_other(options, taken):
    torch.manual_seed(0)
    layer, x = nn.GRU(5, 7, **options), torch.randn(4, 6, 5)
    with torch.no_grad():
        layer(x)
        nn.GRU(5, 7)(x, lengths=[4, 3, 2, 1, 0, 4])
        nn.GRU(5, 7)(x, reset_mask=torch.ones(4, 6, dtype=torch.bool))
        with torch.autocast("cpu"):
            nn.GRU(5, 7)(x)
        with nn.tapped() as taps:
            nn.GRU(5, 7)(x)
        torch.func.vmap(nn.GRU(5, 7))(x[None])
    assert len(taps) == 1
    assert not any(taken)


EVERY = {  # in the order of `Options`
    "proj_size": 3,
    "num_layers": 2,
    "bias": False,
    "batch_first": True,
    "dropout": 0.5,
    "bidirectional": True,
    "nonlinearity": "relu",
    "reset_after": False,
    "init": "orthogonal",
    "longest_lag": 9,
    "learn_h0": True,
    "recurrent_dropout": 0.5,
    "zoneout": 0.3,
    "layer_norm": True,
    "residual": True,
    "recompute": True,
    "save": "half",
}
NEEDED = {
    "dropout": {"num_layers": 2},
    "residual": {"num_layers": 2},
    "longest_lag": {"init": "chrono"},
}
ONLY = {"proj_size": nn.LSTM, "nonlinearity": nn.RNN}


@pytest.mark.parametrize("option", EVERY)
def test_no_option_is_lost_on_the_short_way(option):
    kind = ONLY.get(option, nn.GRU)
    layer, x = kind(5, 7, **{option: EVERY[option]}, **NEEDED.get(option, {})), torch.randn(4, 6, 5)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.normal_()
        torch.manual_seed(1)
        quick = layer(x)
    torch.manual_seed(1)
    assert same(quick, generally(layer, x))


def test_these_are_all_options():
    assert [*EVERY] == [f.name for f in fields(Options)][2:]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda gru: gru(torch.randn(4, 6, 3)), RuntimeError, "input.size"),
        (lambda gru: gru(torch.randn(0, 6, 5)), RuntimeError, "at least one time step"),
        (lambda gru: gru(torch.randn(4, 6, 5).double()), ValueError, "expected dtype"),
        (lambda gru: gru(torch.randn(4, 6, 5), torch.randn(1, 5, 7)), RuntimeError, "hidden size"),
        (lambda gru: gru(torch.randn(4, 6, 5), (torch.randn(1, 6, 7),)), TypeError, "a tensor"),
        (
            lambda gru: gru(torch.randn(4, 6, 5), torch.randn(1, 6, 7).double()),
            RuntimeError,
            "expected dtype",
        ),
    ],
)
def test_wrong_input_is_refused_as_ever(call, error, message):
    with torch.no_grad(), pytest.raises(error, match=message):
        call(nn.GRU(5, 7))


def test_tracing_records_the_computation():
    layer = nn.GRU(5, 7).eval()
    x, y = torch.randn(2, 4, 6, 5)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch says that tracing is old, and sizes are fixed
        traced = torch.jit.trace(layer, (x,))
        torch.testing.assert_close(traced(y)[0], layer(y)[0])
        graph = make_fx(lambda x: layer(x)[0])(x)
        torch.testing.assert_close(graph(y), layer(y)[0])


def test_fake_tensors_are_not_computed_on():
    layer, x = nn.GRU(5, 7), torch.randn(4, 6, 5)
    with torch.no_grad(), FakeTensorMode(allow_non_fake_inputs=True):
        out, _ = layer(x)
    assert type(out).__name__ == "FakeTensor"
    assert out.shape == (4, 6, 7)


def test_older_versions_of_torch_take_the_general_way(taken, monkeypatch):
    monkeypatch.setattr(short, "_MET", False)
    assert same(*both_ways(nn.LSTM(5, 7), torch.randn(4, 6, 5)))
    assert taken == [False, False]


@pytest.mark.parametrize("grad", [False, True])
def test_tensor_whose_numbers_are_not_in_its_memory_is_read_right(grad):
    layer, x, outlived = nn.GRU(5, 7), torch.randn(4, 6, 5), []
    torch.func.grad(lambda x: (outlived.append(2 * x), x.sum())[1])(x)
    with torch.set_grad_enabled(grad):
        torch.testing.assert_close(layer(torch._neg_view(x))[0], layer(-x)[0])
        torch.testing.assert_close(layer(outlived[0])[0], layer(2 * x)[0])
        functional, _ = layer(torch._to_functional_tensor(x))
        torch.testing.assert_close(torch._from_functional_tensor(functional), layer(x)[0])
        torch.testing.assert_close(
            layer(torch._efficientzerotensor(4, 6, 5))[0], layer(torch.zeros(4, 6, 5))[0]
        )


def test_gradient_that_is_negated_on_reading_is_read_so():
    layer, x, d = nn.GRU(5, 7), torch.randn(4, 6, 5, requires_grad=True), torch.randn(4, 6, 7)
    (expected,) = torch.autograd.grad(layer(x)[0], x, -d)
    (found,) = torch.autograd.grad(layer(x)[0], x, torch._neg_view(d))
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("grad", [False, True])
def test_weight_of_another_shape_is_refused(grad):
    layer = nn.GRU(5, 7)
    layer.weight_hh_l0 = torch.nn.Parameter(torch.randn(3, 3))
    message = r"weight_hh_l0: expected a weight of shape \[21, 7\], got \[3, 3\]"
    with torch.set_grad_enabled(grad), pytest.raises(RuntimeError, match=message):
        layer(torch.randn(4, 6, 5))
