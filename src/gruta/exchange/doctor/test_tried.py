"""Engines in processes that answer wrongly, half, or not at all."""

import json
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from gruta.errors import InputError
from gruta.exchange.doctor import tried
from gruta.exchange.doctor.conftest import node_file
from gruta.exchange.doctor.openvino_alone import alone
from gruta.exchange.doctor.tried import SIZES, Asked, There, asked, asked_keras, there, trials
from gruta.exchange.engines import run as runner

DATA = Path(__file__).parent / "data"


def script(path, text):
    path.write_text(text)
    path.chmod(0o755)
    return str(path)


def trial_of(python, path):
    (found,) = trials(There("onnxruntime", "1", python), [asked(node_file(path))])
    return found


def test_an_engine_that_ends_halfway_has_failed(path, tmp_path):
    half = script(tmp_path / "half", '#!/bin/sh\n: > "$3/out0.npz"; echo Killed >&2; exit 137\n')
    found = trial_of(half, path)
    assert (found.error, found.failed) == (None, "Killed")


def test_an_engine_that_answers_nan_is_not_right(path, tmp_path):
    text = f"""#!{sys.executable}
import sys
import numpy as np
for k, steps in enumerate((7, 1, 11)):
    B = (3, 1, 2)[k]
    y, h = np.full((steps, 1, B, 4), np.nan, "f"), np.zeros((1, B, 4), "f")
    np.savez(f"{{sys.argv[3]}}/out{{k}}.npz", y, h)
"""
    python = script(tmp_path / "nan", text)
    trial = trial_of(python, path)
    assert trial.error == np.inf
    told = json.loads(json.dumps(trial.to_json(), allow_nan=False))
    assert (told["error"], told["failed"]) == (None, "")


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_layers_of_a_keras_file_are_asked_as_keras_computes_them(tmp_path):
    os.environ.setdefault("KERAS_BACKEND", "torch")
    keras, path = pytest.importorskip("keras"), tmp_path / "m.keras"
    both = keras.layers.Bidirectional(keras.layers.GRU(4, return_sequences=True))
    model = keras.Sequential([keras.Input((None, 3)), both, keras.layers.LSTM(5)])
    model.save(path)
    found = asked_keras(path)
    assert [one["x"].shape for one in found.given] == [(3, 7, 3), (1, 1, 3), (2, 11, 3)]
    for given, (wanted,) in zip(found.given, found.wanted, strict=True):
        own = keras.ops.convert_to_numpy(model(given["x"]))
        np.testing.assert_allclose(wanted, own, atol=1e-5)
    keras.Sequential([model, keras.layers.Dense(2)]).save(path)
    with pytest.raises(InputError, match="only recurrent layers one behind the other,"):
        asked_keras(path)


def openvino_file(name, folder, kind):
    """One of ours, with weights by chance."""
    path = folder / "m.xml"
    shutil.copy(DATA / f"{name}.xml", path)
    weights = np.random.default_rng(0).normal(size=512).astype(kind)
    path.with_suffix(".bin").write_bytes(weights.tobytes())
    return path


def test_layers_of_an_openvino_file_are_run_alone(tmp_path):
    pytest.importorskip("openvino")
    (found,) = tried.tried(openvino_file("gru-before", tmp_path, np.float32))
    assert (found.engine, found.failed) == ("openvino", "")
    assert found.error <= 1e-5
    path = openvino_file("lstm-lengths-fp16", tmp_path, np.float16)
    (engine,) = (one for one in there() if one.engine == "openvino")
    (file,) = alone(path, tmp_path, SIZES)
    assert file.given[0]["lengths"].tolist() == [7, 3, 0]
    one_step = Asked(file.path, file.given[1:2], file.wanted[1:2])
    assert trials(engine, [one_step])[0].error <= 1e-5
    (free,) = tried.tried(path)
    assert free.error > 0.1  # lengths are overlooked, as the doctor says


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('offset="40"', 'offset="4000"', "decoder is not run: its weights have no place"),
        ('from-layer="3"', 'from-layer="6"', "decoder is not run: its weights are computed"),
        ('id="7"', 'id="seven"', "decoder is not run: its inputs are not those of a layer"),
        ("GRUSequence", "GRUCell", "is not run: a cell, or a layer in a loop"),
    ],
)
def test_what_of_an_openvino_file_is_not_run_is_named(old, new, message, tmp_path):
    path = openvino_file("gru-before", tmp_path, np.float32)
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(InputError, match=message):
        alone(path, tmp_path, SIZES)
    path.with_suffix(".bin").unlink()
    with pytest.raises(InputError, match=r"its weights are expected in .*, which is not there"):
        tried.tried(path)


def test_a_place_that_has_no_engines_is_told_with_what_it_said(tmp_path):
    with pytest.raises(InputError, match=r"a folder with node_modules \(that folder has none\)"):
        there([tmp_path])
    ill = script(tmp_path / "ill", "#!/bin/sh\necho first >&2; echo no module numpy >&2; exit 1\n")
    with pytest.raises(InputError, match=r"ill: expected a Python .* \(no module numpy\)"):
        there([tmp_path / "ill"])
    assert ill


def test_a_place_that_does_not_answer_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(tried, "_SECONDS", 0.2)
    script(tmp_path / "slow", "#!/bin/sh\nexec sleep 20\n")
    monkeypatch.setattr(tried.sys, "executable", str(tmp_path / "slow"))
    with pytest.raises(InputError, match=r"timed out after 0\.2 seconds"):
        there()


def test_an_engine_whose_package_is_called_otherwise_is_listed(monkeypatch):
    def version(package):
        raise runner.PackageNotFoundError(package)

    monkeypatch.setattr(runner, "version", version)
    assert runner.found()["onnx.reference"] == "?"


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not here")
def test_what_is_no_number_comes_back_from_node_as_it_is(tmp_path, monkeypatch):
    package = tmp_path / "onnxruntime-web"
    package.mkdir()
    (package / "index.js").write_text(
        """
exports.env = { wasm: {} }
exports.Tensor = function (type, data, dims) { Object.assign(this, { type, data, dims }) }
exports.InferenceSession = { create: async () => ({ run: async ({ x }) => ({ y: x }) }) }
"""
    )
    monkeypatch.setenv("NODE_MODULES", str(tmp_path))
    x = np.array([[1.5, np.nan], [np.inf, -np.inf]], np.float32)
    counts = np.array([3, -2], np.int64)
    said = {"onnx": "m.onnx", "outputs": ["y"]}
    (found,), (whole,) = runner._by_node(said, [{"x": x}, {"x": counts}])
    np.testing.assert_array_equal(found, x)
    np.testing.assert_array_equal(whole, counts)
