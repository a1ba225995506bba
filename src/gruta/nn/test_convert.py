"""Layers of a model that is there already become gruta's and torch.nn's again, in place."""

import copy
import warnings

import pytest
import torch
from torch import nn
from torch.nn.utils import prune
from torch.nn.utils.parametrizations import spectral_norm, weight_norm

import gruta.nn
from gruta.nn import convert, revert


class Model(nn.Module):
    """Layers in several places, one of them in two; the first is kept in a list as well."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.GRU(3, 4, num_layers=2, bidirectional=True, batch_first=True)
        self.deep = nn.ModuleDict(
            {"lstm": nn.LSTM(8, 6, proj_size=4), "rnn": nn.RNN(4, 4, 1, "relu")}
        )
        self.cells = nn.ModuleList([nn.GRUCell(4, 5), nn.LSTMCell(4, 5), nn.RNNCell(4, 5)])
        self.again = self.deep["rnn"]
        self.kept = [self.encoder]
        self.head = nn.Linear(5, 2)

    def forward(self, x):
        h, _ = self.kept[0](x)
        h, _ = self.deep["lstm"](h)
        h, _ = self.again(self.deep["rnn"](h)[0])
        steps = [cell(h[:, 0]) for cell in self.cells]
        return self.head(sum(s[0] if isinstance(s, tuple) else s for s in steps))


NAMES = ("encoder", "deep.lstm", "deep.rnn", "cells.0", "cells.1", "cells.2")


def test_every_layer_and_cell_is_converted_in_place_and_back(assert_close):
    model, x = Model(), torch.randn(2, 7, 3)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    objects = dict(model.named_modules())
    parameters, state = list(model.parameters()), copy.deepcopy(model.state_dict())
    before = model(x)
    done = convert(model)
    assert tuple(done.changed) == NAMES
    assert done.changed["cells.1"] == "gruta.nn.LSTMCell"
    assert not done.left
    assert dict(model.named_modules()) == objects
    assert isinstance(model.encoder, gruta.nn.GRU)
    assert not isinstance(model.encoder, nn.GRU)
    assert_close(model(x), before)
    model(x).sum().backward()
    optimizer.step()
    trained = model(x)
    undone = revert(model)
    assert tuple(undone.changed) == NAMES
    assert type(model.encoder) is nn.GRU
    assert vars(model.encoder).keys() == vars(Model().encoder).keys()
    assert [id(p) for p in model.parameters()] == [id(p) for p in parameters]
    assert_close(model(x), trained)
    model.load_state_dict(state)
    assert_close(model(x), before)
    assert "deep.rnn: gruta.nn.RNN" in str(convert(model))


def test_a_layer_alone_is_converted_too(kind, assert_close):
    layer = kind.theirs(3, 4, num_layers=2, dropout=0.5, **kind.arguments).double().eval()
    x = torch.randn(5, 2, 3, dtype=torch.float64)
    before = layer(x)[0]
    assert list(convert(layer).changed) == [""]
    assert isinstance(layer, kind.ours)
    assert layer.dropout == 0.5
    assert_close(layer(x)[0], before)
    assert_close(copy.deepcopy(layer)(x)[0], before)
    fresh = kind.make(3, 4, num_layers=2).double()
    revert(fresh)
    fresh.load_state_dict(layer.state_dict())
    assert type(fresh) is kind.theirs
    assert_close(fresh(x)[0], before)


def _weight_norm(layer):
    weight_norm(layer, "weight_hh_l0")


def _old_weight_norm(layer):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        nn.utils.weight_norm(layer, "weight_hh_l0")


def _pruned(layer):
    prune.random_unstructured(layer, "weight_hh_l0", 0.5)


def _spectral_norm(layer):
    spectral_norm(layer, "weight_hh_l0")


@pytest.mark.parametrize("change", [_weight_norm, _old_weight_norm, _pruned, _spectral_norm])
def test_what_makes_the_weights_is_kept(kind, change, assert_close):
    layer = kind.theirs(3, 4, **kind.arguments).eval()
    change(layer)
    x, model = torch.randn(5, 2, 3), nn.Sequential(layer)
    before, names = layer(x)[0], list(layer.state_dict())
    convert(model)
    assert isinstance(layer, kind.ours)
    assert_close(layer(x)[0], before)
    assert list(layer.state_dict()) == names
    layer(x)[0].sum().backward()
    assert all(p.grad is not None for p in layer.parameters())
    if change in (_weight_norm, _spectral_norm):  # torch copies no weights that a hook makes
        assert_close(copy.deepcopy(model)[0](x)[0], before)
    revert(model)
    assert isinstance(layer, kind.theirs)
    assert_close(layer(x)[0], before)


def test_hooks_go_on(kind):
    layer, seen = kind.theirs(3, 4, **kind.arguments), []
    layer.register_forward_hook(lambda *_: seen.append("after"))
    layer.register_forward_pre_hook(lambda *_: seen.append("before"))
    convert(layer)
    layer(torch.randn(5, 2, 3))
    revert(layer)
    layer(torch.randn(5, 2, 3))
    assert seen == ["before", "after"] * 2


class Peephole(nn.LSTM):
    def forward(self, x):
        return x


@pytest.mark.filterwarnings("ignore:.torch.jit.* is deprecated:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:.*torch.ao.quantization is deprecated.*:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor:UserWarning")
def test_what_is_left_alone_is_said_and_why():
    quantised = torch.ao.quantization.quantize_dynamic(
        nn.Sequential(nn.GRU(3, 4)), {nn.GRU}, dtype=torch.qint8
    )[0]
    model = nn.ModuleDict(
        {"own": Peephole(3, 4), "script": torch.jit.script(nn.GRU(3, 4)), "int8": quantised}
    )
    done = convert(model)
    assert not done.changed
    assert set(done.left) == set(model)
    assert "test_convert.Peephole is a class of its own" in done.left["own"]
    assert "quantised" in done.left["int8"]
    assert "own: left as it is" in str(done)
    ours = nn.ModuleDict({"normed": gruta.nn.GRU(3, 4, layer_norm=True), "gru": gruta.nn.GRU(3, 4)})
    back = revert(ours)
    assert back.changed == {"gru": "torch.nn.GRU"}
    assert back.left == {"normed": "torch.nn has no layer_norm"}
    assert str(convert(nn.Linear(3, 4))) == "the model has no recurrent layers"
