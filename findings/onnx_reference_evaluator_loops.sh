#!/usr/bin/env bash
# onnx 1.23.2: its reference evaluator joins what the rounds of a Loop give, and needs a condition.
#
# By the standard a scan output has a first axis of rounds. The evaluator stacks outputs of one axis,
# joins those of two along the first, and makes a column of numbers; its Scan has it right. A condition
# may be left out: the Loop then ends by its count. The evaluator takes that for false, and fails.
#
# Output seen (ONNX Runtime 1.32.0 | the evaluator):
#   a number a round: [5] | [5, 1]
#   [3] a round: [5, 3] | [5, 3]
#   [2, 3] a round: [5, 2, 3] | [10, 3]
#   [3] a round, without a condition: [5, 3] | ValueError
set -euo pipefail
here=$(mktemp -d) && trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/env"
"$here/env/bin/pip" install --quiet onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
"$here/env/bin/python" - << 'PYTHON'
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

ROUNDS = 5


def outcome(shape, condition="go"):
    value = helper.make_tensor_value_info
    body = helper.make_graph(
        [helper.make_node("Identity", ["on"], ["still"]), helper.make_node("Exp", ["X"], ["each"])],
        "body",
        [value("round", TensorProto.INT64, ()), value("on", TensorProto.BOOL, ())],
        [value("still", TensorProto.BOOL, ()), value("each", TensorProto.FLOAT, shape)],
    )
    held = {"rounds": np.array(ROUNDS), "go": np.array(True)}
    graph = helper.make_graph(
        [helper.make_node("Loop", ["rounds", condition], ["all"], body=body)],
        "one",
        [value("X", TensorProto.FLOAT, shape)],
        [value("all", TensorProto.FLOAT, (ROUNDS, *shape))],
        [numpy_helper.from_array(a, name) for name, a in held.items() if name in ("rounds", condition)],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(made, full_check=True)
    given = {"X": np.ones(shape, np.float32)}
    session = onnxruntime.InferenceSession(made.SerializeToString())
    wanted = list(session.run(None, given)[0].shape)
    try:
        return wanted, list(ReferenceEvaluator(made).run(None, given)[0].shape)
    except ValueError:
        return wanted, "ValueError"


asked = {
    "a number a round": ((),),
    "[3] a round": ((3,),),
    "[2, 3] a round": ((2, 3),),
    "[3] a round, without a condition": ((3,), ""),
}
found = {name: outcome(*how) for name, how in asked.items()}
for name, (wanted, got) in found.items():
    print(f"{name}: {wanted} | {got}")
seen = [[5, 1], [5, 3], [10, 3], "ValueError"]
assert [got for _wanted, got in found.values()] == seen, "the behaviour has changed"
PYTHON
