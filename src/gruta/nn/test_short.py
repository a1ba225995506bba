"""The short way through inference: when it is taken, and that it gives what the other way gives."""

import pytest
import torch
from torch.nn.utils.parametrizations import weight_norm

from gruta import kernels, nn
from gruta.cells.op import short

pytestmark = pytest.mark.skipif(not kernels.available(), reason="it leads to the kernels")


@pytest.fixture
def taken(monkeypatch):
    """Whether each call so far went the short way to its end."""
    found, forward = [], short.forward

    def watched(*arguments):
        answer = forward(*arguments)
        found.append(answer is not None)
        return answer

    monkeypatch.setattr(short, "forward", watched)
    return found


def both_ways(layer, *arguments):
    """The results of a call without gradients, and with them, which is never the short way."""
    with torch.no_grad():
        quick = layer(*arguments)
    return quick, layer(*arguments)


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
    assert taken == [True, True]


def test_inputs_and_weights_of_any_layout_are_right(taken):
    layer = weight_norm(nn.GRU(5, 7), "weight_hh_l0")
    for x in (torch.randn(6, 5, 4).mT, torch.randn(4, 6, 5)[::2], torch.randn(1, 1, 5)):
        assert same(*both_ways(layer, x))
    layer.weight_ih_l0 = torch.nn.Parameter(torch.randn(5, 21).T)
    assert same(*both_ways(layer, torch.randn(4, 6, 5)))
    assert taken == [False, True, True, False]


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
    assert taken == []


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
