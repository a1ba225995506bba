"""The cells as ONNX models of a node a layer, made without an exporter."""

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
    if inputs.passes:
        return _stack(case, inputs)
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
    return _serialized(graph)


def _stack(case: Case, inputs: Inputs) -> bytes:
    """A node a layer: X `[T, B, I]` to Y `[T, 1, B, D * H]`, from zeros."""
    T, B, H, D = case.T, case.B, case.H, case.directions
    options = {"linear_before_reset": 1} if case.cell == "gru" else {}
    nodes, arrays, x = [], dict[str, NDArray[np.generic]](), "X"
    for layer in range(case.layers):
        sides = inputs.passes[layer * D : (layer + 1) * D]
        names = [f"{name}{layer}" for name in "WRB"]
        arrays[names[0]] = np.stack([_reordered(case, w_ih) for w_ih, *_ in sides])
        arrays[names[1]] = np.stack([_reordered(case, w_hh) for _, w_hh, *_ in sides])
        arrays[names[2]] = np.stack(
            [np.concatenate([_reordered(case, b) for b in biases]) for _, _, *biases in sides]
        )
        last = layer == case.layers - 1
        shape, read, out = f"shape{layer}", f"x{layer}", "Y" if last else f"x{layer + 1}"
        arrays[shape] = np.array([T, 1, B, D * H] if last else [T, B, D * H], np.int64)
        kind, way = case.cell.upper(), "bidirectional" if D == 2 else "forward"
        nodes += [
            helper.make_node(
                kind, [x, *names], [f"{read}_apart"], hidden_size=H, direction=way, **options
            ),
            helper.make_node("Transpose", [f"{read}_apart"], [f"{read}_beside"], perm=[0, 2, 1, 3]),
            helper.make_node("Reshape", [f"{read}_beside", shape], [out]),
        ]
        x = out
    graph = helper.make_graph(
        nodes,
        case.key,
        inputs=[helper.make_tensor_value_info("X", TensorProto.FLOAT, (T, B, case.I))],
        outputs=[helper.make_tensor_value_info("Y", TensorProto.FLOAT, (T, 1, B, D * H))],
        initializer=[numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    return _serialized(graph)


def _serialized(graph: onnx.GraphProto) -> bytes:
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    made.ir_version = IR_VERSION
    onnx.checker.check_model(made)
    serialized: bytes = made.SerializeToString()
    return serialized


def _reordered(case: Case, rows: NDArray[np.float32]) -> NDArray[np.float32]:
    gates = np.split(rows, GATES[case.cell])
    return np.concatenate([gates[i] for i in ORDER[case.cell]])
