"""Misuse raises what torch.nn raises, with a message that says what was expected."""

import math
import re
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn, zeros
from torch.nn.utils.rnn import pack_padded_sequence

import gruta.nn

I, H, T, B = 3, 4, 5, 2
WRONG_ARGUMENTS = [
    {"input_size": 0},
    {"input_size": -1},
    {"input_size": 2.0},
    {"hidden_size": 0},
    {"hidden_size": -4},
    {"hidden_size": "4"},
    {"num_layers": 0},
    {"num_layers": -1},
    {"num_layers": 1.5},
    {"bias": 1},
    {"bias": "yes"},
    {"bias": None},
    {"batch_first": 1},
    {"dropout": -0.1},
    {"dropout": 1.1},
    {"dropout": math.nan},
    {"dropout": True},
    {"dropout": "0.5"},
    {"dropout": None},
    {"proj_size": -1},
    {"proj_size": 0},
    {"proj_size": 2},
    {"proj_size": H},
    {"proj_size": H + 1},
    {"nonlinearity": "gelu"},
    {"momentum": 0.9},
]


def packed(*shape: int, dtype: torch.dtype = torch.float32) -> Any:
    return pack_padded_sequence(zeros(*shape, dtype=dtype), [5, 3])


WRONG_CALLS: dict[str, Callable[[Any, Callable[..., Any]], Any]] = {
    "0-D input": lambda layer, hx: layer(zeros(())),
    "1-D input": lambda layer, hx: layer(zeros(I)),
    "4-D input": lambda layer, hx: layer(zeros(1, T, B, I)),
    "list as input": lambda layer, hx: layer([[1.0, 2.0, 3.0]]),
    "input of another size": lambda layer, hx: layer(zeros(T, B, I + 1)),
    "unbatched input of another size": lambda layer, hx: layer(zeros(T, I + 1)),
    "packed input of another size": lambda layer, hx: layer(packed(T, B, I + 1)),
    "packed 4-D input": lambda layer, hx: layer(packed(T, B, I, 1)),
    "input of another dtype": lambda layer, hx: layer(zeros(T, B, I).double()),
    "integers as input": lambda layer, hx: layer(zeros(T, B, I).long()),
    "no time steps": lambda layer, hx: layer(zeros(0, B, I)),
    "no time steps, unbatched": lambda layer, hx: layer(zeros(0, I)),
    "hx of more layers": lambda layer, hx: layer(zeros(T, B, I), hx(2, B, H)),
    "hx of another batch": lambda layer, hx: layer(zeros(T, B, I), hx(1, B + 1, H)),
    "hx of another size": lambda layer, hx: layer(zeros(T, B, I), hx(1, B, H + 1)),
    "hx without a batch": lambda layer, hx: layer(zeros(T, B, I), hx(B, H)),
    "hx with a batch": lambda layer, hx: layer(zeros(T, I), hx(1, 1, H)),
    "unbatched hx of another size": lambda layer, hx: layer(zeros(T, I), hx(1, H + 1)),
    "packed, hx of another batch": lambda layer, hx: layer(packed(T, B, I), hx(1, B + 1, H)),
    "hx of another dtype": lambda layer, hx: layer(
        zeros(T, B, I), hx(1, B, H, dtype=torch.float64)
    ),
}
GIVEN = {"input_size": I, "hidden_size": H}
BOTH = [
    pytest.param(getattr(gruta.nn, name), getattr(nn, name), id=name)
    for name in ("RNN", "LSTM", "GRU")
]
both_libraries = pytest.mark.parametrize(("ours", "theirs"), BOTH)


def raised(call: Callable[[], Any]) -> type[Exception] | None:
    try:
        call()
    except Exception as error:
        return type(error)
    return None


def pair(layer: Any) -> Callable[..., Any]:
    """A function that makes zeros as the layer takes its state."""
    if type(layer).__name__ == "LSTM":
        return lambda *shape, **options: (zeros(*shape, **options), zeros(*shape, **options))
    return zeros


@both_libraries
@pytest.mark.parametrize("wrong", WRONG_ARGUMENTS, ids=str)
def test_wrong_argument_raises_what_torch_raises(ours, theirs, wrong):
    expected = raised(lambda: theirs(**GIVEN | wrong))
    assert raised(lambda: ours(**GIVEN | wrong)) is expected
    if expected:
        (name,) = wrong
        with pytest.raises(expected, match=name):
            ours(**GIVEN | wrong)


@both_libraries
@pytest.mark.parametrize("wrong", WRONG_CALLS)
def test_wrong_call_raises_what_torch_raises(ours, theirs, wrong):
    layers = ours(I, H), theirs(I, H)
    found, expected = (
        raised(lambda layer=layer: WRONG_CALLS[wrong](layer, pair(layer))) for layer in layers
    )
    assert expected is not None
    assert found is expected


def test_wrong_dtype_names_both_and_the_remedy():
    with pytest.raises(ValueError, match=re.escape("input.to(torch.float32)")):
        gruta.nn.GRU(I, H)(zeros(T, B, I).double())
    with pytest.raises(ValueError, match=re.escape("the weights', got torch.float64")):
        gruta.nn.LSTM(I, H)(packed(T, B, I, dtype=torch.float64))  # torch stumbles later


@pytest.mark.parametrize("hx", [(zeros(1, B, H),), (zeros(1, B, H),) * 2, "h"], ids=len)
@pytest.mark.parametrize("layer", [gruta.nn.GRU(I, H), gruta.nn.RNN(I, H)], ids=str)
def test_state_that_is_no_tensor_is_refused(layer, hx):
    with pytest.raises(TypeError, match="hx: expected a tensor, got"):
        layer(zeros(T, B, I), hx)


@pytest.mark.parametrize("hx", [zeros(2, 1, B, H), (zeros(1, B, H),), (None, None)], ids=len)
def test_lstm_state_that_is_no_pair_is_refused(hx):
    with pytest.raises(TypeError, match="expected a tuple of the tensors h_0 and c_0, got"):
        gruta.nn.LSTM(I, H)(zeros(T, B, I), hx)


def test_lstm_takes_its_state_as_a_list_as_torchs_does():
    ours, theirs = gruta.nn.LSTM(I, H), nn.LSTM(I, H)
    theirs.load_state_dict(ours.state_dict())
    x, hx = torch.randn(T, B, I), [torch.randn(1, B, H), torch.randn(1, B, H)]
    torch.testing.assert_close(ours(x, hx), theirs(x, hx))


@both_libraries
def test_dropout_of_a_single_layer_warns_as_torchs_does(ours, theirs):
    for layer in (ours, theirs):
        with pytest.warns(UserWarning, match="num_layers"):
            layer(I, H, dropout=0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ours(I, H, num_layers=2, dropout=0.5)


@both_libraries
def test_arguments_by_position_mean_what_torchs_mean(ours, theirs):
    relu = ("relu",) if theirs is nn.RNN else ()
    given = (I, H, 2, *relu, False, True, 0.5, True)
    assert repr(ours(*given)).replace("nonlinearity='relu', ", "").replace(
        ", nonlinearity='relu'", ""
    ) == repr(theirs(*given))


STRANGE: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "to_padded_tensor(0.0), and give its rows' steps as lengths": lambda x: (
        torch.nested.nested_tensor(list(x))
    ),
    "got a nested tensor": lambda x: torch.nested.nested_tensor(
        [x[0], x[1, 1:]], layout=torch.jagged
    ),
    "layout torch.sparse_coo; make it dense, x.to_dense": lambda x: x.to_sparse(),
    "layout torch.sparse_csr": lambda x: x.to_sparse_csr(),
    "layout torch._mkldnn": lambda x: x.to_mkldnn(),
    "quantised one of torch.quint8": lambda x: torch.quantize_per_tensor(x, 0.1, 0, torch.quint8),
    "MaskedTensor; fill it": lambda x: torch.masked.masked_tensor(x, x > 0),
}


@pytest.mark.filterwarnings("ignore:The PyTorch API of:UserWarning")  # torch's, of each in turn
@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support:UserWarning")
@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor:UserWarning")
@pytest.mark.parametrize("grad", [True, False])
@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
def test_a_tensor_that_is_no_dense_block_is_refused_in_a_sentence(name, grad):
    layer = getattr(gruta.nn, name)(I, H, batch_first=True)
    with torch.set_grad_enabled(grad):
        for message, change in STRANGE.items():
            with pytest.raises(RuntimeError, match=re.escape(message)):
                layer(change(torch.randn(B, T, I)))
        with pytest.raises(ValueError, match=re.escape("look tokens up in an nn.Embedding")):
            layer(zeros(B, T, I).long())
