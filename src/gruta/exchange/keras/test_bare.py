"""Weights that Keras saved alone are its own layers, and its models load what is written so."""

import warnings

import h5py
import numpy as np
import pytest
import torch
from torch import nn

import gruta
from gruta.errors import InputError
from gruta.exchange import from_keras, to_keras
from gruta.exchange.conftest import KINDS, drawn
from gruta.exchange.doctor.look import examine
from gruta.exchange.keras.bare import each
from gruta.exchange.keras.layers import layer_of
from gruta.exchange.keras.write import bare_pieces

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def test_weights_alone_are_the_layers_of_the_whole_file(keras, tmp_path):
    own, bare = keras.layers, tmp_path / "model.weights.h5"
    inside = keras.Sequential(
        [keras.Input((None, 6)), own.GRU(4, reset_after=False, return_sequences=True, name="lstm")],
        name="inside",
    )
    counted = [own.SimpleRNN(2, return_sequences=True, name=f"n{k}") for k in range(11)]
    model = keras.Sequential(
        [
            keras.Input((None, 3)),
            own.GRU(4, return_sequences=True, name="encoder"),
            own.Bidirectional(own.LSTM(3, return_sequences=True), name="both"),
            inside,
            *counted,
            own.GRU(2, use_bias=False, name="last"),
            own.Dense(2),
        ]
    )
    for weight in model.weights:
        weight.assign(np.random.default_rng(0).normal(size=weight.shape))
    model.save(tmp_path / "model.keras")
    model.save_weights(bare)
    whole = from_keras(tmp_path / "model.keras")
    with pytest.warns(UserWarning, match="the file has weights alone") as told:
        found = from_keras(bare)
    assert len(told) == len(found)
    count = ["simple_rnn", *(f"simple_rnn_{k}" for k in range(1, 11))]
    assert list(found) == ["bidirectional", "gru", "gru_1", "sequential/gru", *count]
    names = ["both", "encoder", "last", "inside/lstm", *(f"n{k}" for k in range(11))]
    for name, module in zip(names, found.values(), strict=True):
        assert repr(whole[name]) == repr(module)
        for mine, wanted in zip(module.parameters(), whole[name].parameters(), strict=True):
            torch.testing.assert_close(mine, wanted, rtol=0, atol=0)
    doubts = examine(bare).doubts
    assert "bidirectional: the file has weights alone; taken for a LSTM with" in doubts[0]
    assert doubts[2].endswith("reset_after=True, go_backwards=False")  # no bias that would tell


@pytest.mark.parametrize("both", [False, True], ids=["forward", "both"])
@pytest.mark.parametrize(
    ("make", "options"),
    [
        (gruta.nn.GRU, {}),
        (gruta.nn.GRU, {"reset_after": False}),
        (nn.LSTM, {}),
        (nn.RNN, {"nonlinearity": "relu"}),
    ],
    ids=["gru", "gru-before", "lstm", "rnn-relu"],
)
def test_the_model_that_the_proof_describes_loads_what_is_written(
    keras, make, options, both, tmp_path
):
    path = tmp_path / "module.weights.h5"
    module = make(3, 4, num_layers=2, bidirectional=both, batch_first=True, **options)
    proof = to_keras(module, path)
    assert proof.error < 1e-5
    (note,) = proof.notes
    layers = eval(f"[{note.partition('has ')[2]}]", vars(keras.layers))  # noqa: S307
    model = keras.Sequential([keras.Input((None, 3)), *layers])
    model.load_weights(path)
    x = torch.randn(2, 7, 3)
    found = model.predict(x.numpy(), verbose=0)
    np.testing.assert_allclose(found, module(x)[0].detach().numpy(), atol=1e-5)


def test_a_plain_h5_is_not_written(tmp_path):
    with pytest.raises(InputError, match=r"ends in \.keras, or in \.weights\.h5"):
        to_keras(nn.GRU(3, 4), tmp_path / "model.h5")
    assert not list(tmp_path.iterdir())


def written(path):
    path.write_bytes(b"".join(bare_pieces([drawn(np.random.default_rng(0), 3, 4, **KINDS["gru"])])))
    return path


def keras_2(file):
    file.attrs["layer_names"] = ["gru"]


def moved(file):
    file.move("layers/gru", "layers/lstm")


def no_cell(file):
    del file["layers/gru/cell/vars/1"]
    file["layers/gru/cell/vars/1"] = np.zeros((4, 8), np.float32)


def narrow(file):
    del file["layers/gru/cell/vars/0"]
    file["layers/gru/cell/vars/0"] = np.zeros((3, 11), np.float32)


def short(file):
    file["layers/gru/cell/vars/3"] = np.zeros(4, np.float32)


def words(file):
    del file["layers/gru/cell/vars/0"]
    file["layers/gru/cell/vars/0"] = np.zeros((3, 12), "S4")


def elsewhere(file):
    del file["layers/gru/cell/vars/0"]
    file["layers/gru/cell/vars/0"] = h5py.ExternalLink("other.h5", "w")


def outside(file):
    del file["layers/gru/cell/vars/0"]
    raw = [("/etc/hostname", 0, h5py.h5f.UNLIMITED)]
    file["layers/gru/cell/vars"].create_dataset("0", (3, 12), np.float32, external=raw)


def unpacked(file):
    del file["layers/gru/cell/vars/0"]
    file["layers/gru/cell/vars"].create_dataset("0", (2**40, 12), np.float32, chunks=True)


def one_way(file):
    file.move("layers/gru", "layers/bidirectional/forward_layer")


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (keras_2, "Keras 2 wrote it: load it"),
        (moved, "lstm: its weights do not belong together"),
        (no_cell, "its weights do not belong together"),
        (narrow, "its weights do not belong together"),
        (short, "expected two or three weights"),
        (words, "floating-point"),
        (elsewhere, "lie whole in the file"),
        (outside, "lie whole in the file"),
        (unpacked, "lie whole in the file"),
        (one_way, "no weights at layers/bidirectional/backward_layer/cell/vars"),
    ],
)
def test_what_contradicts_itself_or_lies_elsewhere_is_refused(spoil, named, tmp_path):
    path = written(tmp_path / "model.weights.h5")
    with h5py.File(path, "r+") as file:
        spoil(file)
    with pytest.raises(InputError, match=named):
        list(map(layer_of, each(path)))


@pytest.mark.parametrize("content", [b"", b"PK\x05\x06" + 18 * b"\0"])
def test_another_kind_of_file_is_refused(content, tmp_path):
    path = tmp_path / "model.weights.h5"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"model\.weights\.h5: it is no \.weights\.h5 file"):
        from_keras(path)


def test_groups_that_hold_each_other_end(tmp_path):
    path = written(tmp_path / "model.weights.h5")
    with h5py.File(path, "r+") as file:
        file["layers/again"] = file["layers"]
        file["layers/whole"] = file["/"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert len(from_keras(path)) == 1


def test_what_such_a_file_leaves_open_is_taken_as_its_user_says(tmp_path):
    path = tmp_path / "m.weights.h5"
    makes = [gruta.nn.GRU(3, 4, reset_after=False, bias=False), nn.RNN(3, 4, nonlinearity="relu")]
    for module, own in zip(makes, [{"reset_after": False}, {"activation": "relu"}], strict=True):
        module.batch_first = True
        to_keras(module, path)
        with h5py.File(path, "r+") as file:
            (group,) = (one for one in file["layers"] if one != "input_layer")
            if not module.bias:
                del file[f"layers/{group}/cell/vars/2"]
        with pytest.warns(UserWarning, match="go_backwards=False") as said:
            found = from_keras(path, settings={group: own})[group]
        assert not any(name in str(said[0].message) for name in own)
        x = torch.randn(2, 7, 3)
        torch.testing.assert_close(found(x)[0], module(x)[0], atol=1e-5, rtol=0)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            rest = (
                {"activation": "tanh", "recurrent_activation": "sigmoid"} if group == "gru" else {}
            )
            from_keras(path, settings={group: rest | own | {"go_backwards": False}})


@pytest.mark.filterwarnings("ignore:.*the file has weights alone")
@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"gru": {"reset_before": True}}, "settings: gru: expected some of activation, .*'reset_b"),
        ({"gru": {"reset_after": False}}, "expected some of activation.*got 'reset_after'"),
        ({"gru": {"activation": "relu"}}, "no layer of gruta has activation='relu'"),
        ({"gru_1": {}}, "settings: expected some of gru, got 'gru_1'"),
    ],
)
def test_settings_that_the_file_does_not_leave_open_are_refused(settings, named, tmp_path):
    path = written(tmp_path / "m.weights.h5")
    with pytest.raises(InputError, match=named):
        from_keras(path, settings=settings)
    to_keras(nn.GRU(3, 4), tmp_path / "m.keras")
    with pytest.raises(InputError, match="it says its settings itself"):
        from_keras(tmp_path / "m.keras", settings=settings)
