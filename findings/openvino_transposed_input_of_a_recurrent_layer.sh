#!/usr/bin/env bash
# openvino 2026.4.1 on a CPU: who else reads a recurrent layer's input transposed gets it as it was.
#
# ONNX's GRU, LSTM and RNN read [steps, rows, numbers], OpenVINO's own read [rows, steps, numbers]: it
# puts a Transpose before them, and then lets the operator do without. A Transpose of the same two axes
# that stands in the file for another node is taken for that one, and does nothing any more. The shape
# is right, the numbers are not; the recurrent layer itself is right.
#
# Output seen:
#   alone: transposed
#   beside a RNN: not transposed
#   beside a GRU: not transposed
#   beside a LSTM: not transposed
#   beside a GRU, batch and time free: not transposed
#   beside a GRU, by another permutation: transposed
set -euo pipefail
here=$(mktemp -d) && trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/env"
"$here/env/bin/pip" install --quiet openvino==2026.4.1 onnx==1.23.2 numpy==2.4.6
"$here/env/bin/python" - << 'PYTHON'
import numpy as np
import onnx
import openvino
from onnx import TensorProto, helper, numpy_helper

T, B, I, H = 7, 3, 3, 4
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
TURN = (1, 0, 2)


def outcome(kind="", shape=(T, B, I), perm=TURN):
    rng, value = np.random.default_rng(0), helper.make_tensor_value_info
    nodes = [
        helper.make_node("Transpose", ["X"], ["turned"], perm=perm),
        helper.make_node("Exp", ["turned"], ["Z"]),
    ]
    outputs, held = [value("Z", TensorProto.FLOAT, ("z0", "z1", "z2"))], {}
    if kind:
        G = GATES[kind]
        held = {"W": rng.normal(size=(1, G * H, I)), "R": rng.normal(size=(1, G * H, H))}
        nodes.append(helper.make_node(kind, ["X", "W", "R"], ["Y"], hidden_size=H))
        outputs.append(value("Y", TensorProto.FLOAT, ("y0", 1, "y2", H)))
    graph = helper.make_graph(
        nodes,
        "one",
        [value("X", TensorProto.FLOAT, shape)],
        outputs,
        [numpy_helper.from_array(a.astype("f"), name) for name, a in held.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(made)
    core = openvino.Core()
    run = core.compile_model(core.read_model(made.SerializeToString()), "CPU")
    x = rng.normal(size=(T, B, I)).astype("f")
    found = list(run({"X": x}).values())[0]
    wanted = np.exp(x.transpose(perm))
    assert found.shape == wanted.shape
    if np.allclose(found, wanted, rtol=1e-2):
        return "transposed"
    assert np.allclose(found.ravel(), np.exp(x).ravel(), rtol=1e-2)
    return "not transposed"


asked = {
    "alone": (),
    "beside a RNN": ("RNN",),
    "beside a GRU": ("GRU",),
    "beside a LSTM": ("LSTM",),
    "beside a GRU, batch and time free": ("GRU", ("T", "B", I)),
    "beside a GRU, by another permutation": ("GRU", (T, B, I), (2, 0, 1)),
}
found = {name: outcome(*how) for name, how in asked.items()}
for name, what in found.items():
    print(f"{name}: {what}")
right, wrong = "transposed", "not transposed"
assert list(found.values()) == [right, wrong, wrong, wrong, wrong, right], "the behaviour has changed"
PYTHON
