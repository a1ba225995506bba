"""The standard's own cases of GRU, LSTM and RNN come out of our import and run."""

import importlib

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from gruta.exchange.onnx.read import read
from gruta.exchange.onnx.run import run

KINDS = ("GRU", "LSTM", "RNN")


def cases():
    """Those that the onnx package makes of the three operators, as their modules are imported."""
    made = importlib.import_module("onnx.backend.test.case.node")
    for name in ("gru", "lstm", "rnn"):
        importlib.import_module(f"{made.__name__}.{name}")
    found = [case for case in made._NodeTestCases if case.model.graph.node[0].op_type in KINDS]
    assert len(found) >= 14
    return found


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_a_case_of_the_standard(case, tmp_path):
    path = tmp_path / "case.onnx"
    path.write_bytes(case.model.SerializeToString())
    (node,) = read(path)
    assert node.operator is not None, node.refused
    names = [one.name for one in case.model.graph.input]
    own = case.model.graph.node[0].input
    for inputs, outputs in case.data_sets:
        arrays = dict(zip(names, map(as_array, inputs), strict=True))
        found = run(node.operator, [arrays.get(name) for name in own])
        said = [name for name in case.model.graph.node[0].output]
        wanted = [as_array(o) for o in outputs]
        got = [array for array, name in zip(found, said, strict=False) if name]
        for one, other in zip(got, wanted, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def as_array(given):
    return (
        numpy_helper.to_array(given) if isinstance(given, onnx.TensorProto) else np.asarray(given)
    )
