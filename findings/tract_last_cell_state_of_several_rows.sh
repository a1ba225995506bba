#!/usr/bin/env bash
# tract 0.23.9: the last cell state of an ONNX LSTM that starts at zeros is given of one row alone.
#
# The standard lets initial_h and initial_c be left out: they are zeros then. A batch of three runs as
# long as nobody asks for Y_c; with Y_c among the outputs it ends in an error. With both states as
# inputs, or with two directions, it is right.
#
# Output seen:
#   1 row, with Y_c: runs
#   3 rows, without Y_c: runs
#   3 rows, with Y_c: Clashing resolution for expression. 1=1 != 3.
#   3 rows, both ways, with Y_c: runs
set -euo pipefail
here=$(mktemp -d) && trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/env"
"$here/env/bin/pip" install --quiet tract==0.23.9 onnx==1.23.2 numpy==2.4.6
"$here/env/bin/python" - "$here" << 'PYTHON'
import re
import sys

import numpy as np
import onnx
import tract
from onnx import TensorProto, helper, numpy_helper

T, I, H = 5, 3, 4


def outcome(rows, names, directions=1):
    rng = np.random.default_rng(0)
    shapes = {"W": (directions, 4 * H, I), "R": (directions, 4 * H, H)}
    held = {name: rng.normal(size=shape).astype("f") for name, shape in shapes.items()}
    way = "bidirectional" if directions == 2 else "forward"
    node = helper.make_node("LSTM", ["X", "W", "R"], names, hidden_size=H, direction=way)
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [node],
        "one",
        [value("X", TensorProto.FLOAT, (T, rows, I))],
        [value(n, TensorProto.FLOAT, (T, directions, rows, H)[n != "Y" :]) for n in names],
        [numpy_helper.from_array(array, name) for name, array in held.items()],
    )
    path = f"{sys.argv[1]}/model.onnx"
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(made, full_check=True)
    onnx.save(made, path)
    run = tract.onnx().load(path).into_model().into_runnable()
    try:
        found, *_finals = run.run([np.ones((T, rows, I), "f")])
    except Exception as error:
        return re.search(r"Clashing resolution for expression. [^(]*[.]", str(error))[0]
    assert found.to_numpy().shape == (T, directions, rows, H)
    return "runs"


finals = ["Y", "Y_h", "Y_c"]
asked = {
    "1 row, with Y_c": (1, finals),
    "3 rows, without Y_c": (3, finals[:2]),
    "3 rows, with Y_c": (3, finals),
    "3 rows, both ways, with Y_c": (3, finals, 2),
}
found = {name: outcome(*how) for name, how in asked.items()}
for name, what in found.items():
    print(f"{name}: {what}")
clash = "Clashing resolution for expression. 1=1 != 3."
assert list(found.values()) == ["runs", "runs", clash, "runs"], "the behaviour has changed"
PYTHON
