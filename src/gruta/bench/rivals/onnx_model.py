"""The cells as ONNX models of one node, made without an exporter."""

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from gruta.bench.cases import GATES, Case
from gruta.bench.inputs import Inputs

OPSET, IR_VERSION = 17, 8  # old enough for every runtime

ORDER = {"gru": (1, 0, 2), "lstm": (0, 3, 1, 2), "rnn": (0,)}
"""ONNX's gates by their place in torch.nn: z, r, n and i, o, f, g."""


def model(case: Case, inputs: Inputs) -> bytes:
    """Inputs X `[T, B, I]`, h_0 (and c_0) `[1, B, H]`; outputs Y `[T, 1, B, H]`, h_n (and c_n)."""
    T, B, I, H = case.T, case.B, case.I, case.H
    pair = case.cell == "lstm"
    states, finals = (["h_0", "c_0"], ["h_n", "c_n"]) if pair else (["h_0"], ["h_n"])
    weights = {
        "W": _reordered(case, inputs.w_ih)[None],
        "R": _reordered(case, inputs.w_hh)[None],
        "B": np.concatenate([_reordered(case, b) for b in (inputs.b_ih, inputs.b_hh)])[None],
    }
    options = {"linear_before_reset": 1} if case.cell == "gru" else {}
    node = helper.make_node(
        case.cell.upper(),
        inputs=["X", "W", "R", "B", "", *states],
        outputs=["Y", *finals],
        hidden_size=H,
        **options,
    )

    def value(name: str, *shape: int) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    graph = helper.make_graph(
        [node],
        case.key,
        inputs=[value("X", T, B, I), *(value(name, 1, B, H) for name in states)],
        outputs=[value("Y", T, 1, B, H), *(value(name, 1, B, H) for name in finals)],
        initializer=[numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    made.ir_version = IR_VERSION
    onnx.checker.check_model(made)
    serialized: bytes = made.SerializeToString()
    return serialized


def _reordered(case: Case, rows: NDArray[np.float32]) -> NDArray[np.float32]:
    gates = np.split(rows, GATES[case.cell])
    return np.concatenate([gates[i] for i in ORDER[case.cell]])
