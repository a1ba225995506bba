"""The table of engines that take Keras files is run again, as `test_engines` has those of ONNX."""

import os

import numpy as np
import pytest

from gruta.exchange.doctor.conftest import (
    FAR,
    answers,
    deciding,
    require_some_right,
    rules,
    verdict,
)
from gruta.exchange.doctor.engines import ENGINES, table
from gruta.exchange.doctor.look import examine
from gruta.exchange.doctor.tried import Asked

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

T, B, I, H = 7, 3, 3, 4
FARS = {"hls4ml": 5e-2}
"""What is wrong of an engine that computes with a fixed point."""

KERAS = {
    "GRU": ("GRU", {}),
    "GRU, reset_after=False": ("GRU", {"reset_after": False}),
    "GRU, go_backwards": ("GRU", {"go_backwards": True}),
    "GRU, hard_sigmoid": ("GRU", {"recurrent_activation": "hard_sigmoid"}),
    "GRU, reset_after=False, hard_sigmoid": (
        "GRU",
        {"reset_after": False, "recurrent_activation": "hard_sigmoid"},
    ),
    "GRU, initial_state": ("GRU", {"reset_after": False, "state": True}),
    "GRU, masked": ("GRU", {"reset_after": False, "mask": True}),
    "LSTM, initial_state": ("LSTM", {"state": True}),
    "LSTM, masked": ("LSTM", {"mask": True}),
    "LSTM": ("LSTM", {}),
    "LSTM, hard_sigmoid": ("LSTM", {"recurrent_activation": "hard_sigmoid"}),
    "SimpleRNN": ("SimpleRNN", {}),
    "Bidirectional GRU": ("Bidirectional", {}),
    "GRU, batch free": ("GRU", {"rows": None}),
    "GRU, time free": ("GRU", {"steps": None}),
    "LSTM, time free": ("LSTM", {"steps": None}),
    "SimpleRNN, time free": ("SimpleRNN", {"steps": None}),
}


def keras_file(path, kind, options):
    """A file of one layer, and what Keras makes of inputs of several lengths."""
    os.environ.setdefault("KERAS_BACKEND", "torch")
    keras = pytest.importorskip("keras")
    usual = {"rows": B, "steps": T, "state": False, "mask": False}
    rows, steps, state, mask = ({**usual, **options}[name] for name in usual)
    how = {"return_sequences": True} | {k: v for k, v in options.items() if k not in usual}
    inside = keras.layers.GRU if kind == "Bidirectional" else getattr(keras.layers, kind)
    layer = inside(H, **how)
    layer = keras.layers.Bidirectional(layer) if kind == "Bidirectional" else layer
    count = state * (1 + (kind == "LSTM"))
    states = [keras.Input(batch_shape=(rows, H)) for _one in range(count)]
    x = keras.Input(batch_shape=(rows, steps, I))
    read = keras.layers.Masking(0.0)(x) if mask else x
    begin = {"initial_state": states if count > 1 else states[0]} if states else {}
    y = layer(read, **begin)
    model, rng = keras.Model([x, *states], y), np.random.default_rng(0)
    for weight in model.weights:
        weight.assign(rng.uniform(-1, 1, weight.shape))
    model.save(path)
    given = []
    for length in (T, T) if steps else (T, 11):
        own = {"x": rng.normal(size=(B, length, I)).astype(np.float32)}
        if mask:
            own["x"][1, 3:] = 0
        drawn = (rng.uniform(-1, 1, (B, H)).astype(np.float32) for _state in states)
        given.append(own | {f"state{k}": one for k, one in enumerate(drawn)})
    wanted = [[keras.ops.convert_to_numpy(model(list(one.values())))] for one in given]
    return Asked(path, given, wanted)


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """The cases' files, each with its layer as the doctor tells of it."""
    folder = tmp_path_factory.mktemp("cases")
    files = [keras_file(folder / f"{k}.keras", *case) for k, case in enumerate(KERAS.values())]
    return [(file, *examine(file.path).layers) for file in files]


@pytest.fixture(scope="module")
def ran(told, engines):
    """What an engine makes of each case; run once, and not where it is not here."""

    kept, layers = {}, [layer for _file, layer in told]

    def of(engine):
        if engine.name not in kept:
            found = answers(engines, engine.name, [file for file, _layer in told])
            require_some_right(engine, layers, found, FARS.get(engine.name, FAR))
            kept[engine.name] = found
        return kept[engine.name]

    return of


def said(engine, trial):
    return verdict(trial, FARS.get(engine.name, FAR))


@pytest.mark.parametrize(("engine", "rule"), rules("keras"))
def test_an_engine_still_does_with_keras_files(engine, rule, told, ran):
    own = [k for k, (_file, layer) in enumerate(told) if deciding(engine, layer) == [rule]]
    assert own, "no case stands on this rule alone"
    found = [ran(engine)[k] for k in own]
    assert [said(engine, one) for one in found] == [rule.verdict] * len(own), found


@pytest.mark.parametrize("engine", ENGINES["keras"], ids=lambda one: one.name)
def test_what_no_rule_speaks_of_is_right_and_what_several_do_is_as_they_say(engine, told, ran):
    changed = []
    for name, (_file, layer), trial in zip(KERAS, told, ran(engine), strict=True):
        (row,) = (row for row in table("keras", [layer]) if row.engine == engine.name)
        if len(deciding(engine, layer)) != 1 and row.verdict != said(engine, trial):
            changed.append((name, row.verdict, trial))
    assert not changed
