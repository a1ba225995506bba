"""Layers of .keras files are Keras' own, in and out; what is no such file is refused."""

import io
import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from gruta.errors import InputError
from gruta.exchange.compute import compute
from gruta.exchange.conftest import KINDS, drawn
from gruta.exchange.doctor.look import examine
from gruta.exchange.keras.archive import read, snake
from gruta.exchange.keras.layers import layer_of
from gruta.exchange.keras.write import write

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def test_keras_own_files_are_read_as_keras_computes_them(keras, tmp_path):
    own, path = keras.layers, tmp_path / "model.keras"
    inside = keras.Sequential(
        [
            keras.Input((None, 6)),
            own.GRU(4, reset_after=False, return_sequences=True, name="lstm"),
            own.SimpleRNN(3, activation="relu", return_sequences=True),
        ],
        name="inside",
    )
    model = keras.Sequential(
        [
            keras.Input((None, 3)),
            own.GRU(4, return_sequences=True, name="encoder"),
            own.Bidirectional(own.LSTM(3, return_sequences=True), name="both"),
            inside,
            own.GRU(2, return_sequences=True, use_bias=False),
        ]
    )
    for weight in model.weights:
        weight.assign(np.random.default_rng(0).normal(size=weight.shape))
    model.save(path)
    kept = read(path)
    assert [one.name for one in kept][:3] == ["encoder", "both", "inside/lstm"]
    layers = [layer_of(one) for one in kept]
    x = np.random.default_rng(1).normal(size=(7, 2, 3)).astype(np.float32)
    found = x
    for layer in layers:
        found = compute([layer], found, truth=True)[0]
    wanted = keras.ops.convert_to_numpy(model(x.swapaxes(0, 1)))
    np.testing.assert_allclose(found.swapaxes(0, 1), wanted, atol=1e-5)


def test_where_states_and_masks_come_from_and_what_is_fixed_is_told(keras, tmp_path):
    own, path = keras.layers, tmp_path / "model.keras"
    x, h = keras.Input(batch_shape=(2, 7, 3)), keras.Input(batch_shape=(2, 4))
    first = own.GRU(4, return_sequences=True)(own.Masking(-1.0)(x), initial_state=h)
    second = own.Bidirectional(own.LSTM(3))(first)
    other = own.SimpleRNN(3)(x)
    keras.Model([x, h], [second, other]).save(path)
    told = {one.kind: (one.given_state, one.masked, one.fixed) for one in read(path)}
    assert told == {
        "GRU": (True, True, (2, 7)),
        "LSTM": (False, True, (2, 7)),
        "SimpleRNN": (False, False, (2, 7)),
    }


@pytest.mark.parametrize("directions", [(False,), (False, True)], ids=["forward", "both"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_is_loaded_by_keras_and_read_as_it_was(keras, kind, directions, tmp_path):
    rng, path = np.random.default_rng(0), tmp_path / "model.keras"
    layers = [
        drawn(rng, 3, 4, directions=directions, **KINDS[kind]),
        drawn(rng, 4 * len(directions), 4, directions=directions, **KINDS[kind]),
    ]
    write(layers, path)
    x = rng.normal(size=(7, 2, 3)).astype(np.float32)
    wanted = compute(layers, x, truth=True)[0]
    model = keras.saving.load_model(path)
    found = keras.ops.convert_to_numpy(model(x.swapaxes(0, 1)))
    np.testing.assert_allclose(found.swapaxes(0, 1), wanted, atol=1e-5)
    again = [layer_of(one) for one in read(path)]
    np.testing.assert_allclose(compute(again, x, truth=True)[0], wanted, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_with_lengths_are_what_keras_makes_of_a_mask(keras, kind, tmp_path):
    """Keras repeats a row's last output past its end: outputs are held together inside alone."""
    rng, path, lengths = np.random.default_rng(0), tmp_path / "model.keras", np.array([7, 3, 0])
    layer = drawn(rng, 3, 4, directions=(False, True), **KINDS[kind])
    write([layer], path)
    both = keras.saving.load_model(path).layers[0]
    count = 1 + (layer.cell == "lstm")
    states = rng.normal(size=(count, 2, 3, 4)).astype(np.float32)
    x = rng.normal(size=(7, 3, 3)).astype(np.float32)
    inside = np.arange(7)[:, None] < lengths
    y = keras.ops.convert_to_numpy(both(x.swapaxes(0, 1), mask=inside.T)).swapaxes(0, 1)
    h, *_ends = compute([layer], x, lengths=lengths, truth=True)
    np.testing.assert_allclose(y[inside], h[inside], atol=1e-5)
    for k, own in enumerate((both.forward_layer, both.backward_layer)):
        own.return_state, turned = True, slice(None, None, -1 if k else 1)
        first = [keras.ops.convert_to_tensor(s[k]) for s in states]
        found = own(x.swapaxes(0, 1), mask=inside.T, initial_state=first)
        y, *finals = (keras.ops.convert_to_numpy(one) for one in found)
        alone = replace(layer, sides=[layer.sides[k]])
        h, *ends = compute([alone], x, [s[k : k + 1] for s in states], lengths, truth=True)
        y = y.swapaxes(0, 1)[turned]
        np.testing.assert_allclose(y[inside], h[inside], atol=1e-5)
        for one, end in zip(finals, ends, strict=True):
            np.testing.assert_allclose(one, end[0], atol=1e-5)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"activation": "softsign"}, "activation='softsign'"),
        ({"recurrent_activation": "hard_sigmoid"}, "recurrent_activation='hard_sigmoid'"),
        ({"go_backwards": True}, "go_backwards=True"),
    ],
)
def test_what_no_layer_has_is_named(keras, options, named, tmp_path):
    path = tmp_path / "model.keras"
    keras.Sequential([keras.Input((None, 3)), keras.layers.GRU(4, **options)]).save(path)
    with pytest.raises(InputError, match=named):
        layer_of(read(path)[0])


def archive(config, weights=b""):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as made:
        made.writestr("config.json", config)
        made.writestr("model.weights.h5", weights)
    return content.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x05\x06" + 18 * b"\0",
        b"no zip",
        archive("{"),
        archive("[]"),
        archive('{"config": 3}'),
        archive("[" * 10**5),
        archive("{}").replace(b"PK\x01\x02\x14\x03\x14", b"PK\x01\x02\x14\x03\xc9"),  # version 20.1
        archive("{}").replace(b"\x14\0\0\0\0\0", b"\x14\0\1\0\0\0"),  # encrypted, it says
    ],
)
def test_what_is_no_keras_file_is_refused(content, tmp_path):
    path = tmp_path / "model.keras"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"no \.keras file"):
        read(path)


def test_what_zipfile_quotes_of_a_spoilt_file_is_cut(tmp_path):
    path = tmp_path / "model.keras"
    raw = archive(40000 * ".")
    path.write_bytes(raw[:26] + b"\xff\x7f" + raw[28:])  # how long the first member's name is
    with pytest.raises(InputError, match=r"no \.keras file") as told:
        read(path)
    assert len(str(told.value)) < 1000


def test_weights_that_do_not_fit_the_configuration_are_refused(tmp_path):
    rng, path = np.random.default_rng(0), tmp_path / "model.keras"
    write([drawn(rng, 3, 4, **KINDS["gru"])], path)
    with zipfile.ZipFile(path) as made:
        config = json.loads(made.read("config.json"))
        weights = made.read("model.weights.h5")
    config["config"]["layers"][1]["config"]["reset_after"] = False
    path.write_bytes(archive(json.dumps(config), weights))
    with pytest.raises(InputError, match="its weights do not belong together"):
        layer_of(read(path)[0])
    config["config"]["layers"][1]["class_name"] = "LSTM"
    path.write_bytes(archive(json.dumps(config), weights))
    with pytest.raises(InputError, match="no weights at layers/lstm/cell/vars"):
        read(path)


def test_classes_are_called_as_keras_calls_them():
    names = ["GRU", "SimpleRNN", "InputLayer", "Conv2D", "LSTM", "TimeDistributed"]
    assert [snake(name) for name in names] == [
        *("gru", "simple_rnn", "input_layer", "conv2d", "lstm", "time_distributed"),
    ]


def test_an_rnn_around_a_cell_is_the_cell_s_layer_and_what_is_not_read_is_told(keras, tmp_path):
    own, path = keras.layers, tmp_path / "model.keras"
    several = own.RNN([own.GRUCell(4), own.LSTMCell(3)], return_sequences=True, name="several")
    model = keras.Sequential(
        [
            keras.Input((None, 3)),
            own.RNN(own.GRUCell(4, reset_after=False), return_sequences=True, name="one"),
            own.Bidirectional(own.RNN(own.LSTMCell(2), return_sequences=True), name="both"),
        ]
    )
    for weight in model.weights:
        weight.assign(np.random.default_rng(0).normal(size=weight.shape))
    model.save(path)
    layers = [layer_of(one) for one in read(path)]
    assert [layer.kernel for layer in layers] == ["gru_reset_before", "lstm"]
    found = x = np.random.default_rng(1).normal(size=(7, 2, 3)).astype(np.float32)
    for layer in layers:
        found = compute([layer], found, truth=True)[0]
    wanted = keras.ops.convert_to_numpy(model(x.swapaxes(0, 1)))
    np.testing.assert_allclose(found.swapaxes(0, 1), wanted, atol=1e-5)
    told = examine(path)
    assert [layer.name for layer in told.layers] == ["one", "both"]
    assert "one: an RNN of cells, told as a GRU" in told.doubts[0]
    model.add(several)
    model.add(own.Dense(2))
    model.save(path)
    assert examine(path).doubts[-1].startswith("several: RNN is not read")
