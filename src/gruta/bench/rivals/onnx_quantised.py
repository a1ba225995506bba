"""ONNX models whose weights ONNX Runtime's own tool has quantised, dynamically.

That tool knows the LSTM, and no GRU: a step of one is written out as products of matrices, which it
knows.
"""

import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from gruta.bench.cases import ROW, STACK, Case
from gruta.bench.inputs import Inputs
from gruta.bench.rivals.onnx_model import IR_VERSION, OPSET, model

CELLS = {"step": ("gru", "lstm"), ROW: ("lstm",), STACK: ("lstm",)}
"""Of which there is one, by regime."""


def quantised(case: Case, inputs: Inputs) -> bytes:
    """Inputs and outputs as those of `onnx_model.model`; a step of the GRU has no Y."""
    with tempfile.TemporaryDirectory() as place:
        plain, small = Path(place, "plain.onnx"), Path(place, "small.onnx")
        plain.write_bytes(_step(case, inputs) if case.cell == "gru" else model(case, inputs))
        # Without VNNI sums of two products of 8 bits overflow, but for weights of 7.
        quantize_dynamic(plain, small, weight_type=QuantType.QInt8, reduce_range=True)
        return small.read_bytes()


def _step(case: Case, inputs: Inputs) -> bytes:
    """A step of the GRU, gates in torch.nn's order."""
    H = case.H
    arrays = {
        "W": inputs.w_ih.T.copy(),
        "R": inputs.w_hh.T.copy(),
        "b_i": inputs.b_ih,
        "b_h": inputs.b_hh,
        "sizes": np.array([H, H, H], np.int64),
        "one": np.ones(1, np.float32),
    }
    lines = [
        ("MatMul", ["X", "W"], ["xW"]),
        ("Add", ["xW", "b_i"], ["a"]),
        ("MatMul", ["h_0", "R"], ["hR"]),
        ("Add", ["hR", "b_h"], ["g"]),
        ("Split", ["a", "sizes"], ["a_r", "a_z", "a_n"]),
        ("Split", ["g", "sizes"], ["g_r", "g_z", "q"]),
        ("Add", ["a_r", "g_r"], ["s_r"]),
        ("Sigmoid", ["s_r"], ["r"]),
        ("Add", ["a_z", "g_z"], ["s_z"]),
        ("Sigmoid", ["s_z"], ["z"]),
        ("Mul", ["r", "q"], ["rq"]),
        ("Add", ["a_n", "rq"], ["s_n"]),
        ("Tanh", ["s_n"], ["n"]),
        ("Sub", ["one", "z"], ["other"]),
        ("Mul", ["other", "n"], ["new"]),
        ("Mul", ["z", "h_0"], ["kept"]),
        ("Add", ["new", "kept"], ["h_n"]),
    ]
    nodes = [
        helper.make_node(kind, given, made, **({"axis": 2} if kind == "Split" else {}))
        for kind, given, made in lines
    ]

    def value(name: str, width: int) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, case.B, width))

    graph = helper.make_graph(
        nodes,
        case.key,
        inputs=[value("X", case.I), value("h_0", H)],
        outputs=[value("h_n", H)],
        initializer=[numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    made.ir_version = IR_VERSION
    onnx.checker.check_model(made)
    serialized: bytes = made.SerializeToString()
    return serialized
