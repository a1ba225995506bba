"""The table of engines is run again, cell by cell: a release that mends itself is noticed.

`make engines` makes what is not in this Python. What ends or hangs an engine's process is not
tried: tract on a file without an initial state whose batch or time are free.
"""

import os

import numpy as np
import pytest

from gruta.exchange.compute import compute
from gruta.exchange.conftest import KINDS, drawn
from gruta.exchange.doctor import page
from gruta.exchange.doctor.conftest import node_file
from gruta.exchange.doctor.engines import ENGINES, misread, table
from gruta.exchange.doctor.finding import Recurrent
from gruta.exchange.doctor.look import examine
from gruta.exchange.doctor.tried import Asked, Trial, asked, trials
from gruta.exchange.onnx.write import pieces

STATES = {"gru": ["initial_h"], "lstm": ["initial_h", "initial_c"], "rnn": ["initial_h"]}
ACTIVATIONS = {"gru": ["Sigmoid", "Elu"], "lstm": ["Sigmoid", "Elu", "Tanh"], "rnn": ["Elu"]}
CLOSE, FAR = 1e-5, 1e-3
T, B, I, H = 7, 3, 3, 4


def needed(engines, engine):
    if engine not in engines:
        pytest.skip(f"{engine} is not here: make engines")
    return engines[engine]


def verdict(trial: Trial, far=FAR) -> str:
    if trial.error is None:
        return "refused"
    return "right" if trial.error < far else "wrong"


def require_some_right(engine, kind, layers, found, far=FAR):
    """An engine that fails for a reason of its own would look as if it refused what it should."""
    hopes = [row for layer in layers for row in table(kind, [layer]) if row.engine == engine]
    if any(row.verdict == "right" for row in hopes):
        assert any(verdict(trial, far) == "right" for trial in found), found[0]


def made(path, layer: Recurrent):
    """A file with such a layer."""
    attributes = {"direction": layer.direction}
    if layer.reset:
        attributes["linear_before_reset"] = int(layer.reset == "after")
    if not layer.plain_activations:
        attributes["activations"] = ACTIVATIONS[layer.cell]
    elif layer.activations == ("Relu",):
        attributes["activations"] = ["Relu"]
    said = {"clip": layer.clip, "layout": layer.layout, "input_forget": int(layer.input_forget)}
    attributes |= {key: value for key, value in said.items() if value}
    states = [] if layer.initial == "zeros" else STATES[layer.cell]
    extra = {"P": layer.peepholes, "sequence_lens": layer.lengths}
    return node_file(
        path,
        layer.cell.upper(),
        given=[*states, *(name for name, wanted in extra.items() if wanted)],
        kept=states if layer.initial == "constant" else (),
        fixed=None if layer.free_time else (T, B),
        dtype=np.dtype(layer.precision),
        **attributes,
    )


def cases():
    """The page's, and what its rules say of other cells."""
    usual = {"initial": "given", "final": True}
    more = [
        Recurrent("lstm", "lstm", I, H, clip=0.5, **usual),
        Recurrent("lstm", "lstm", I, H, plain_activations=False, **usual),
        Recurrent("lstm", "lstm", I, H, layout=1, **usual),
        Recurrent("lstm", "lstm", I, H, direction="reverse", **usual),
        Recurrent("lstm", "lstm", I, H, direction="bidirectional", **usual),
        Recurrent("lstm", "lstm", I, H, initial="constant", final=True),
        Recurrent("lstm", "lstm", I, H, lengths=True, **usual),
        Recurrent("rnn", "rnn", I, H, clip=0.5, **usual),
        Recurrent("rnn", "rnn", I, H, plain_activations=False, **usual),
        Recurrent("rnn", "rnn", I, H, layout=1, **usual),
        Recurrent("rnn", "rnn", I, H, layout=1, initial="zeros", final=True),
        Recurrent("rnn", "rnn", I, H, direction="reverse", **usual),
        Recurrent("rnn", "rnn", I, H, lengths=True, **usual),
    ]
    return [case.layer for case in page._onnx()] + more


@pytest.mark.parametrize("engine", [one.name for one in ENGINES["onnx"]])
def test_an_engine_does_with_onnx_files_what_its_table_says(engine, engines, tmp_path):
    one = needed(engines, engine)
    paths = [made(tmp_path / f"{k}.onnx", layer) for k, layer in enumerate(cases())]
    told, changed = [examine(path).layers for path in paths], []
    found = trials(one, [asked(path) for path in paths])
    require_some_right(engine, "onnx", [one for (one,) in told], found)
    for layers, trial in zip(told, found, strict=True):
        (row,) = (row for row in table("onnx", layers) if row.engine == engine)
        if row.verdict != verdict(trial):
            changed.append((row.verdict, trial, layers))
        assert row.verdict != "right" or trial.error is None or trial.error < CLOSE
    assert not changed


def written(path, form, directions, lengths):
    """Two layers as `to_onnx` writes them, and what the reference makes of them."""
    rng = np.random.default_rng(0)
    first = drawn(rng, I, H, directions=directions, **form)
    layers = [first, drawn(rng, H * len(directions), H, directions=directions, **form)]
    path.write_bytes(b"".join(pieces(layers, batch_first=len(directions) == 2, lengths=lengths)))
    given, wanted = [], []
    for T, B in ((1, 1), (7, 3), (40, 2)):
        x = rng.normal(size=(T, B, I)).astype(np.float32)
        shape = (1 + (form["cell"] == "lstm"), 2 * len(directions), B, H)
        states = list(rng.normal(size=shape).astype(np.float32))
        counts = np.linspace(0, T, B).astype(np.int64) if lengths else None
        y, *finals = compute(layers, x, states, counts, truth=True)
        late = len(directions) == 2
        named = dict(zip(("h_0", "c_0"), states, strict=False))
        named["x"] = x.swapaxes(0, 1) if late else x
        given.append(named | ({"lengths": counts} if lengths else {}))
        wanted.append([y.swapaxes(0, 1) if late else y, *finals])
    return Asked(path, given, wanted)


@pytest.mark.parametrize("engine", ["onnxruntime-web", "openvino", "tract"])
def test_what_is_written_is_right_in_an_engine_or_that_it_is_not_is_said(engine, engines, tmp_path):
    one, files, forms = needed(engines, engine), [], []
    for kind, form in KINDS.items():
        for directions in ((False,), (True,), (False, True)):
            for lengths in (False, True):
                forms.append((kind, lengths))
                files.append(written(tmp_path / f"{len(files)}.onnx", form, directions, lengths))
    for (kind, lengths), file, trial in zip(forms, files, trials(one, files), strict=True):
        said = [note for note in misread(examine(file.path).layers) if engine in note]
        if engine == "tract" and (kind, lengths) == ("lstm", True):
            assert trial.error < 40 * 2e-6  # c, by as much a step past a row's end
            continue
        assert verdict(trial) == ("wrong" if said else "right"), (kind, lengths, trial)
        assert said or trial.error < CLOSE
        assert bool(said) == ((engine, kind) == ("tract", "rnn-relu"))


KERAS = {
    "GRU": ("GRU", {}),
    "GRU, reset_after=False": ("GRU", {"reset_after": False}),
    "GRU, go_backwards": ("GRU", {"go_backwards": True}),
    "GRU, hard_sigmoid": ("GRU", {"recurrent_activation": "hard_sigmoid"}),
    "GRU, reset_after=False, hard_sigmoid": (
        "GRU",
        {"reset_after": False, "recurrent_activation": "hard_sigmoid"},
    ),
    "LSTM": ("LSTM", {}),
    "LSTM, hard_sigmoid": ("LSTM", {"recurrent_activation": "hard_sigmoid"}),
    "SimpleRNN": ("SimpleRNN", {}),
    "Bidirectional GRU": ("Bidirectional", {}),
    "GRU, time free": ("GRU", {"steps": None}),
    "LSTM, time free": ("LSTM", {"steps": None}),
    "SimpleRNN, time free": ("SimpleRNN", {"steps": None}),
}


def keras_file(path, kind, options):
    """A file of one layer, and what Keras makes of inputs of several lengths."""
    os.environ.setdefault("KERAS_BACKEND", "torch")
    keras = pytest.importorskip("keras")
    rng, steps = np.random.default_rng(0), options.get("steps", T)
    how = {"return_sequences": True} | {k: v for k, v in options.items() if k != "steps"}
    inside = keras.layers.GRU if kind == "Bidirectional" else getattr(keras.layers, kind)
    layer = inside(H, **how)
    layer = keras.layers.Bidirectional(layer) if kind == "Bidirectional" else layer
    model = keras.Sequential([keras.Input(batch_shape=(B, steps, I)), layer])
    for weight in model.weights:
        weight.assign(rng.uniform(-1, 1, weight.shape))
    model.save(path)
    given = [
        {"x": rng.normal(size=(B, length, I)).astype(np.float32)}
        for length in ((T, T) if steps else (T, 11))
    ]
    wanted = [[keras.ops.convert_to_numpy(model(one["x"]))] for one in given]
    return Asked(path, given, wanted)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize(
    ("engine", "far"),
    [("TensorFlow.js", FAR), ("hls4ml", 2e-2), ("keras-export-torch", FAR)],
)
def test_an_engine_does_with_keras_files_what_its_table_says(engine, far, engines, tmp_path):
    one, changed = needed(engines, engine), []
    files = [keras_file(tmp_path / f"{k}.keras", *case) for k, case in enumerate(KERAS.values())]
    told, found = [examine(one.path).layers for one in files], trials(one, files)
    require_some_right(engine, "keras", [one for (one,) in told], found, far)
    for name, layers, trial in zip(KERAS, told, found, strict=True):
        (row,) = (row for row in table("keras", layers) if row.engine == engine)
        if row.verdict != verdict(trial, far):
            changed.append((name, row.verdict, trial))
    assert not changed
