"""Where Keras is loaded, what is written for it is run by it before it is there."""

import sys

import pytest
from torch import nn

import gruta
from gruta.errors import InputError
from gruta.exchange import from_keras, proof_of, to_keras
from gruta.exchange.keras import layers

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

NAMES = "m.keras", "m.weights.h5"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "module",
    [
        nn.GRU(3, 4, num_layers=2, bidirectional=True),
        gruta.nn.GRU(3, 4, reset_after=False),
        nn.LSTM(3, 4, num_layers=2, bidirectional=True),
        nn.RNN(3, 4, nonlinearity="relu"),
    ],
    ids=["gru", "gru-before", "lstm", "rnn-relu"],
)
def test_keras_computes_what_is_written(keras, module, name, tmp_path):
    proof = to_keras(module, tmp_path / name)
    assert proof.by == f"Keras {keras.__version__}"
    assert 0 < proof.error < 1e-5


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_written_that_only_we_read_right(keras, name, tmp_path, monkeypatch):
    turned = {**layers.ORDER, "gru": (0, 1, 2)}  # on the way there and on the way back
    monkeypatch.setattr(layers, "ORDER", turned)
    with pytest.raises(InputError, match="the two sides differ by"):
        to_keras(nn.GRU(3, 4), tmp_path / name)
    assert not list(tmp_path.iterdir())
    monkeypatch.delitem(sys.modules, "keras")
    assert to_keras(nn.GRU(3, 4), tmp_path / name).by == ""


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("ignore:.*the file has weights alone")
def test_what_is_read_is_what_keras_computes_with_the_files_weights(
    keras, name, tmp_path, monkeypatch
):
    to_keras(nn.LSTM(3, 4, bidirectional=True), tmp_path / name)
    (module,) = from_keras(tmp_path / name).values()
    assert proof_of(module).by == f"Keras {keras.__version__}"
    assert 0 < proof_of(module).error < 1e-5
    monkeypatch.setattr(layers, "ORDER", {**layers.ORDER, "lstm": (0, 1, 3, 2)})
    with pytest.raises(InputError, match="the two sides differ by"):
        from_keras(tmp_path / name)


def test_of_many_weights_no_model_is_made(keras, tmp_path, monkeypatch):
    monkeypatch.setattr("gruta.exchange.keras.run._LARGE", 3)
    assert to_keras(nn.GRU(3, 4), tmp_path / "m.keras").by == ""
