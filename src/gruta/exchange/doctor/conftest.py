"""ONNX files of one recurrent node, with what is asked for, and engines that are asked."""

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from gruta.exchange.doctor.engines import ENGINES
from gruta.exchange.doctor.tried import trials
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
    looped=False,
    turned_beside=False,
    **attributes,
):
    """given: the optional inputs, as the graph's own; kept: those of them that the file holds;
    fixed: (T, B), else both are free; looped: in a Loop, which hands on h;
    turned_beside: X comes out as well, its first two axes changed.
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
    ends = {n: y if n == "Y" else state for n in outputs}
    if looped:
        node, ends = _twice(node, real, state, held), {"Y_h": state}
        held = {"rounds": np.array(2), "go": np.array(True)}
    beside = [helper.make_node("Transpose", ["X"], ["X_turned"], perm=[1, 0, 2])] * turned_beside
    ends |= {"X_turned": (x[1], x[0], I)} if turned_beside else {}
    graph = helper.make_graph(
        [node, *beside],
        "one",
        [helper.make_tensor_value_info(n, types[n], shapes[n]) for n in inputs],
        [helper.make_tensor_value_info(n, real, shape) for n, shape in ends.items()],
        [numpy_helper.from_array(a, n) for n, a in held.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(made.SerializeToString())
    return path


def _twice(node, real, state, held):
    """A Loop of two rounds around a node and its weights, whose last state goes round."""
    value = helper.make_tensor_value_info
    node.input[5], node.output[:] = "h", ["", "h_next"]
    body = helper.make_graph(
        [node, helper.make_node("Identity", ["on"], ["still"])],
        "body",
        [
            value("round", TensorProto.INT64, ()),
            value("on", TensorProto.BOOL, ()),
            value("h", real, state),
        ],
        [value("still", TensorProto.BOOL, ()), value("h_next", real, state)],
        [numpy_helper.from_array(a, n) for n, a in held.items()],
    )
    return helper.make_node("Loop", ["rounds", "go", "initial_h"], ["Y_h"], "loop", body=body)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.onnx"


CLOSE, FAR = 1e-5, 1e-3
"""The most that a right answer is off, and the least that a wrong one is, where nothing is said."""


def rules(kind):
    """Every rule of a format's table, as a parameter that says which it is."""
    return [
        pytest.param(engine, rule, id=f"{engine.name}-{rule.verdict}-{rule.why()}")
        for engine in ENGINES[kind]
        for rule in engine.rules
    ]


def deciding(engine, layer):
    """The rules that a cell of the table stands on: what does not load gives no wrong number."""
    held = [rule for rule in engine.rules if rule.when(layer)]
    return [rule for rule in held if rule.verdict == "refused"] or held


def verdict(trial, far=FAR):
    if trial.error is None:
        return "refused"
    return "right" if trial.error < far else "wrong"


def answers(engines, engine, asked):
    """What an engine makes of files; skips where it is not here."""
    if engine not in engines:
        pytest.skip(f"{engine} is not here: make engines")
    return trials(engines[engine], asked)


def require_some_right(engine, layers, found, far=FAR):
    """One that fails for a reason of its own would look as if it refused what it should."""
    pairs = zip(layers, found, strict=True)
    hopes = [trial for layer, trial in pairs if not deciding(engine, layer)]
    assert not hopes or any(verdict(trial, far) == "right" for trial in hopes), hopes[0]
