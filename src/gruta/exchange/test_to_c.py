"""Layers become C in each of their forms, and nothing is written that was not proven."""

import shutil

import pytest
import torch
from torch import nn

import gruta.nn
from gruta.errors import InputError
from gruta.exchange import to_c
from gruta.exchange.c import build, layers

pytestmark = pytest.mark.skipif(not build.compilers(), reason="no C compiler is installed")

FORMS = {
    "gru": lambda: nn.GRU(3, 7, num_layers=2),
    "gru-before": lambda: gruta.nn.GRU(3, 7, reset_after=False),
    "lstm": lambda: nn.LSTM(1, 5),
    "rnn": lambda: nn.RNN(3, 4),
    "rnn-relu": lambda: gruta.nn.RNN(3, 4, num_layers=2, nonlinearity="relu"),
}


@pytest.mark.parametrize("weights", ["float32", "int8"])
@pytest.mark.parametrize("form", FORMS)
def test_a_layer_goes_to_c_with_its_proof(form, weights, tmp_path):
    torch.manual_seed(0)
    proof = to_c(FORMS[form](), tmp_path / "one-layer", weights=weights)
    assert 0 < proof.error < 5e-6
    header = (tmp_path / "one-layer" / "one_layer.h").read_text()
    assert "void one_layer_step(one_layer_state* s, const float x[ONE_LAYER_INPUTS]" in header


def test_nothing_is_written_where_the_two_sides_differ(tmp_path, monkeypatch):
    monkeypatch.setattr(layers, "_rounded", lambda given, weights: given)
    with pytest.raises(InputError, match="the two sides differ by"):
        to_c(nn.GRU(3, 9), tmp_path / "net", weights="int8")
    assert not (tmp_path / "net").exists()


def test_what_has_no_step_in_c_is_refused(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="layers that read backwards wait for the end"):
        to_c(nn.GRU(3, 4, bidirectional=True), tmp_path / "net")
    with pytest.raises(InputError, match="layer_norm"):
        to_c(gruta.nn.GRU(3, 4, layer_norm=True), tmp_path / "net")
    with pytest.raises(InputError, match="name: expected a name in C"):
        to_c(nn.GRU(3, 4), tmp_path / "net", name="a b")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(InputError, match="a compiler is needed"):
        to_c(nn.GRU(3, 4), tmp_path / "net")
