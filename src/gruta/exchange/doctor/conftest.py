"""ONNX files of one recurrent node, with what is asked for."""

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from gruta.exchange.layer import GATES

I, H = 3, 4


def node_file(
    path,
    kind="GRU",
    *,
    given=("initial_h",),
    kept=(),
    fixed=None,
    bias=True,
    dtype=np.float32,
    **attributes,
):
    """given: the optional inputs, as the graph's own; kept: those of them that the file holds;
    fixed: (T, B), else both are free.
    """
    rng = np.random.default_rng(0)
    D = 2 if attributes.get("direction") == "bidirectional" else 1
    T, B = fixed or ("time", "batch")
    G = GATES[kind.lower()]
    weights = {"W": (D, G * H, I), "R": (D, G * H, H)} | ({"B": (D, 2 * G * H)} if bias else {})
    held = {n: rng.uniform(-1, 1, s).astype(dtype) for n, s in weights.items()}
    if "P" in given:
        held["P"] = rng.uniform(-1, 1, (D, 3 * H)).astype(dtype)
    late = attributes.get("layout")
    x, state = ((B, T, I), (B, D, H)) if late else ((T, B, I), (D, B, H))
    shapes = {"X": x, "initial_h": state, "initial_c": state, "sequence_lens": (B,)}
    held |= {n: rng.uniform(-1, 1, shapes[n]).astype(dtype) for n in kept}
    inputs = [n for n in shapes if n == "X" or (n in given and n not in kept)]
    names = ["X", "W", "R", "B" if bias else "", "sequence_lens", "initial_h"]
    names += ["initial_c", "P"] if kind == "LSTM" else []
    known = {*inputs, *held}
    outputs = ["Y", "Y_h", "Y_c"][: 3 if kind == "LSTM" else 2]
    node = helper.make_node(
        kind, [n if n in known else "" for n in names], outputs, "rec", hidden_size=H, **attributes
    )
    y = (B, T, D, H) if late else (T, D, B, H)
    real = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    types = {n: TensorProto.INT32 if n == "sequence_lens" else real for n in inputs}
    graph = helper.make_graph(
        [node],
        "one",
        [helper.make_tensor_value_info(n, types[n], shapes[n]) for n in inputs],
        [helper.make_tensor_value_info(n, real, y if n == "Y" else state) for n in outputs],
        [numpy_helper.from_array(a, n) for n, a in held.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(made.SerializeToString())
    return path


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.onnx"
