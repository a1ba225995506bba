"""`gruta doctor`: what it prints, and with which code it ends."""

import json

import numpy as np
import pytest
from onnx import helper, load

from gruta.exchange.doctor.conftest import node_file

STATES = ("initial_h", "initial_c")


def test_a_file_is_told_run_and_mended(run_gruta, tmp_path):
    file = node_file(tmp_path / "m.onnx", "LSTM", given=(*STATES, "sequence_lens"))
    done = run_gruta("doctor", file, "--run", "--mend", tmp_path / "to.onnx")
    assert (done.code, done.err) == (0, "")
    assert "rec: LSTM, 3 inputs, 4 units, forwards" in done.out
    assert "onnx.reference" in done.out
    assert "WRONG, error" in done.out
    assert done.out.splitlines()[-1] == "rec: mended"
    told = json.loads(run_gruta("doctor", tmp_path / "to.onnx", "--run", "--json").out)
    assert {one["engine"] for one in told["engines"]} > {"onnxruntime", "tract", "MNN"}
    assert all(one["error"] < 1e-5 for one in told["tried"])


@pytest.mark.parametrize("way", ["--run", "--mend"])
def test_what_is_not_run_or_mended_is_told_all_the_same(way, run_gruta, tmp_path):
    model = load(node_file(tmp_path / "m.onnx"))
    model.graph.node.append(helper.make_node("Nothing", ["Y"], ["twice"]))
    model.graph.output[0].name = "twice"
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    more = [tmp_path / "to.onnx"] if way == "--mend" else []
    done = run_gruta("doctor", tmp_path / "m.onnx", way, *more)
    assert done.code == 2
    assert len(done.err.splitlines()) == 1
    assert "rec: GRU, 3 inputs" in done.out
    assert not (tmp_path / "to.onnx").exists()


def test_a_file_of_another_kind_ends_with_2_and_a_line(run_gruta, tmp_path):
    for name in ("m.onnx", "m.keras", "m.weights.h5", "m.safetensors", "m.param", "m.xml"):
        np.save(tmp_path / "m.npy", np.zeros(64))
        (tmp_path / "m.npy").rename(tmp_path / name)
        done = run_gruta("doctor", tmp_path / name)
        assert (done.code, done.out, len(done.err.splitlines())) == (2, "", 1), done
