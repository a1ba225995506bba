"""What is written gives ONNX Runtime the reference's numbers, at any batch, time and lengths."""

import copy

import numpy as np
import onnx
import pytest

from gruta.errors import InputError
from gruta.exchange.compute import compute
from gruta.exchange.conftest import drawn
from gruta.exchange.onnx import graph
from gruta.exchange.onnx.read import read
from gruta.exchange.onnx.write import IR_VERSION, OPSET, model, pieces
from gruta.files import staged

BOTH = (False, True)


def session(made):
    onnxruntime = pytest.importorskip("onnxruntime")
    return onnxruntime.InferenceSession(
        made.SerializeToString(), providers=["CPUExecutionProvider"]
    )


@pytest.mark.parametrize("lengths", [False, True], ids=["whole", "lengths"])
@pytest.mark.parametrize("batch_first", [False, True], ids=["time", "batch"])
@pytest.mark.parametrize(
    "directions", [(False,), (True,), BOTH], ids=["forward", "reverse", "both"]
)
def test_onnx_runtime_computes_what_the_reference_does(rng, kind, directions, batch_first, lengths):
    first = drawn(rng, 3, 4, directions=directions, **kind)
    layers = [first, drawn(rng, 4 * len(directions), 4, directions=directions, **kind)]
    run = session(model(layers, batch_first=batch_first, lengths=lengths))
    states = 1 + (kind["cell"] == "lstm")
    for T, B in ((1, 1), (7, 3), (40, 2)):
        x = rng.normal(size=(T, B, 3)).astype(np.float32)
        initial = [rng.normal(size=(2 * len(directions), B, 4)).astype(np.float32)] * states
        given = dict(zip(("h_0", "c_0"), initial, strict=False))
        given["x"] = x.swapaxes(0, 1) if batch_first else x
        counts = np.linspace(0, T, B).astype(np.int64) if lengths else None
        if counts is not None:
            given["lengths"] = counts
        y, *finals = run.run(None, given)
        truth, *ends = compute(layers, x, initial, counts, truth=True)
        np.testing.assert_allclose(y.swapaxes(0, 1) if batch_first else y, truth, atol=1e-5)
        for found, end in zip(finals, ends, strict=True):
            np.testing.assert_allclose(found, end, atol=1e-5)


def test_what_is_written_is_read_as_it_was(rng, kind, tmp_path):
    layers = [drawn(rng, 3, 4, **kind), drawn(rng, 4, 4, **kind)]
    path = tmp_path / "model.onnx"
    path.write_bytes(model(layers).SerializeToString())
    found = [node.layer() for node in read(path)]
    for one, other in zip(found, layers, strict=True):
        assert (one.cell, one.nonlinearity) == (other.cell, other.nonlinearity)
        assert one.cell != "gru" or one.reset_after == other.reset_after
        for a, b in zip(one.sides[0].arrays, other.sides[0].arrays, strict=True):
            np.testing.assert_array_equal(a, b)


def test_a_file_is_written_piece_by_piece_as_protobuf_writes_it(rng, kind, tmp_path):
    layers = [drawn(rng, 3, 40, **kind)]
    path = tmp_path / "model.onnx"
    path.write_bytes(b"".join(pieces(layers, lengths=True)))
    found = onnx.load(path)
    onnx.checker.check_model(found, full_check=True)
    assert found.SerializeToString() == model(layers, lengths=True).SerializeToString()
    assert len(path.read_bytes()) == len(found.SerializeToString())


def test_a_file_larger_than_onnx_can_have_is_refused_before_a_byte_is_made(monkeypatch):
    made = graph.Graph()
    made.node("Add", made.input("x", np.float32, 4), made.constant("b", np.ones(4, "f")), out="y")
    made.output("y", np.float32, 4)
    size = sum(len(bytes(piece)) for piece in copy.deepcopy(made).pieces("g", OPSET, IR_VERSION))
    monkeypatch.setattr(graph, "LARGEST", size)
    assert next(copy.deepcopy(made).pieces("g", OPSET, IR_VERSION))
    monkeypatch.setattr(graph, "LARGEST", size - 1)
    with pytest.raises(InputError, match=f"{size} bytes are more than an ONNX file can have"):
        next(made.pieces("g", OPSET, IR_VERSION))
    assert made.constants


def test_what_goes_wrong_while_a_piece_is_made_is_not_told_of_the_file(tmp_path):
    def spoilt():
        yield b"a"
        raise OSError(2, "gone", "source")

    with pytest.raises(OSError, match="source"), staged(tmp_path / "target", spoilt()):
        pass
    assert not list(tmp_path.iterdir())
