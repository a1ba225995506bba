"""Whatever the attributes say is computed as ONNX Runtime does, or refused by name."""

import numpy as np
import pytest
from onnx import TensorProto, helper

from gruta.errors import InputError
from gruta.exchange.layer import GATES
from gruta.exchange.onnx.operator import Operator
from gruta.exchange.onnx.run import INPUTS, run

T, B, I, H = 6, 3, 3, 4
F, G = "Sigmoid", "Tanh"

CASES = [
    ("GRU", {"clip": 0.3, "linear_before_reset": 1}, ()),
    ("GRU", {"clip": 0.3, "direction": "bidirectional"}, ("sequence_lens",)),
    ("GRU", {"activations": ["HardSigmoid", "Softsign"]}, ()),
    ("LSTM", {"clip": 0.2, "direction": "reverse"}, ("P",)),
    ("LSTM", {"input_forget": 1}, ("sequence_lens",)),
    (
        "LSTM",
        {"activations": [F, "Affine", G], "activation_alpha": [0.7], "activation_beta": [0.1]},
        (),
    ),
    ("LSTM", {"activations": [F, G, "Elu"], "activation_alpha": [0.5]}, ("P",)),
    ("RNN", {"activations": ["LeakyRelu"], "activation_alpha": [0.2]}, ()),
    ("RNN", {"activations": [G, "Relu"], "direction": "bidirectional"}, ("sequence_lens",)),
    (
        "RNN",
        {"activations": ["ScaledTanh"], "activation_alpha": [0.5], "activation_beta": [2.0]},
        (),
    ),
    ("RNN", {"activations": ["Softplus"]}, ()),
    ("RNN", {"activations": ["ThresholdedRelu"], "activation_alpha": [0.3]}, ()),
]


def drawn(kind, attributes, given):
    """Inputs in the standard's order, None where one is left out."""
    rng = np.random.default_rng(0)
    D = 2 if attributes.get("direction") == "bidirectional" else 1
    G = GATES[kind.lower()]
    shapes = {"X": (T, B, I), "W": (D, G * H, I), "R": (D, G * H, H), "B": (D, 2 * G * H)}
    shapes |= {"initial_h": (D, B, H), "initial_c": (D, B, H), "P": (D, 3 * H)}
    found = {name: rng.uniform(-1, 1, shape).astype(np.float32) for name, shape in shapes.items()}
    found["sequence_lens"] = np.array([T, 2, 5], np.int32)
    left_out = {"P", "sequence_lens"} - set(given)
    names = INPUTS if kind == "LSTM" else INPUTS[:6]
    return [None if name in left_out else found[name] for name in names]


def by_onnx_runtime(kind, attributes, inputs):
    onnxruntime = pytest.importorskip("onnxruntime")
    named = {name: a for name, a in zip(INPUTS, inputs, strict=False) if a is not None}
    outputs = ["Y", "Y_h", "Y_c"][: 3 if kind == "LSTM" else 2]
    names = [name if name in named else "" for name in INPUTS[: len(inputs)]]
    node = helper.make_node(kind, names, outputs, hidden_size=H, **attributes)
    kinds = {np.dtype("f4"): TensorProto.FLOAT, np.dtype("i4"): TensorProto.INT32}
    graph = helper.make_graph(
        [node],
        "one",
        [helper.make_tensor_value_info(n, kinds[a.dtype], a.shape) for n, a in named.items()],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in outputs],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    session = onnxruntime.InferenceSession(
        made.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(None, named)


@pytest.mark.parametrize(("kind", "attributes", "given"), CASES)
def test_attributes_mean_what_they_mean_to_onnx_runtime(kind, attributes, given):
    inputs = drawn(kind, attributes, given)
    found = run(Operator.of(kind, attributes), inputs)
    for one, other in zip(found, by_onnx_runtime(kind, attributes, inputs), strict=True):
        np.testing.assert_allclose(one, other, atol=2e-6)


@pytest.mark.parametrize(
    ("kind", "attributes", "message"),
    [
        ("GRU", {"activations": ["Sigmoid", "Swish"]}, "Swish"),
        ("GRU", {"activations": ["Sigmoid"]}, "expected 2"),
        ("GRU", {"direction": "sideways"}, "sideways"),
        ("GRU", {"clip": -1.0}, "clip"),
        ("GRU", {"peephole": 1}, "no attribute peephole"),
        ("LSTM", {"activations": [F, "Affine", G]}, "Affine has no parameters"),
        (
            "RNN",
            {"activations": ["LeakyRelu"], "activation_alpha": [0.1, 0.2]},
            "expected 1 numbers",
        ),
        ("Conv", {}, "expected a GRU, LSTM or RNN"),
    ],
)
def test_what_the_standard_has_not_is_refused_by_name(kind, attributes, message):
    with pytest.raises(InputError, match=message):
        Operator.of(kind, attributes)


def test_shapes_that_do_not_belong_together_are_named():
    inputs = drawn("GRU", {}, ())
    inputs[5] = inputs[5][:, :2]
    with pytest.raises(InputError, match=r"initial_h: expected the shape \[1, 3, 4\]"):
        run(Operator.of("GRU", {}), inputs)


def test_an_empty_row_keeps_its_state():
    inputs = drawn("LSTM", {}, ("sequence_lens",))
    inputs[4] = np.array([0, 2, 5], np.int32)
    Y, Y_h, Y_c = run(Operator.of("LSTM", {"clip": 9.0}), inputs)
    np.testing.assert_array_equal(Y_h[0, 0], inputs[5][0, 0])
    np.testing.assert_array_equal(Y_c[0, 0], inputs[6][0, 0])
    assert not Y[:, 0, 0].any()
