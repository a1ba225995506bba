"""What the doctor says of ONNX files, and that what it mends comes out right."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from gruta.errors import InputError
from gruta.exchange.doctor import engines, truth
from gruta.exchange.doctor.conftest import H, I, node_file
from gruta.exchange.doctor.mend import mend
from gruta.exchange.doctor.onnx import examine
from gruta.exchange.doctor.tried import asked
from gruta.exchange.onnx.read import load


def test_a_layer_is_told_with_all_that_decides(path):
    node_file(path, "LSTM", given=("initial_h", "initial_c", "sequence_lens", "P"), clip=2.0)
    (layer,) = examine(path).layers
    assert (layer.name, layer.cell, layer.inputs, layer.hidden) == ("rec", "lstm", I, H)
    assert layer.activations == ("Sigmoid", "Tanh", "Tanh")
    assert (layer.clip, layer.peepholes, layer.lengths, layer.initial) == (2.0, True, True, "given")
    assert (layer.free_batch, layer.free_time, layer.final) == (True, True, True)
    (fixed,) = examine(node_file(path, fixed=(9, 2))).layers
    assert (fixed.free_batch, fixed.free_time, fixed.fixed_time) == (False, False, 9)
    assert fixed.reset == "before"


def test_a_reset_form_that_the_biases_contradict_is_doubted(path):
    (doubt,) = examine(node_file(path)).doubts
    assert "linear_before_reset=0" in doubt
    assert not examine(node_file(path, linear_before_reset=1)).doubts
    assert not examine(node_file(path, bias=False)).doubts


def unrolled(path, steps):
    """A plain network whose steps are written out, its time axis declared free."""
    rng = np.random.default_rng(0)
    nodes, h = [], "h0"
    for k in range(steps):
        at = [f"at{k}", f"to{k}"]
        nodes += [
            helper.make_node("Slice", ["X", *at, "axis"], [f"x{k}"]),
            helper.make_node("Squeeze", [f"x{k}", "axis"], [f"s{k}"]),
            helper.make_node("MatMul", [f"s{k}", "W"], [f"wx{k}"]),
            helper.make_node("MatMul", [h, "R"], [f"rh{k}"]),
            helper.make_node("Add", [f"wx{k}", f"rh{k}"], [f"a{k}"]),
            helper.make_node("Tanh", [f"a{k}"], [f"h{k + 1}"]),
        ]
        h = f"h{k + 1}"
    held = {"W": rng.normal(size=(I, H)), "R": rng.normal(size=(H, H))}
    held |= {f"at{k}": [k] for k in range(steps)} | {f"to{k}": [k + 1] for k in range(steps)}
    arrays = {n: np.asarray(a, "f4" if n in "WR" else "i8") for n, a in held.items()}
    arrays["axis"] = np.array([0], "i8")
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "unrolled",
        [
            value("X", TensorProto.FLOAT, ("T", "B", I)),
            value("h0", TensorProto.FLOAT, ("B", H)),
        ],
        [value(h, TensorProto.FLOAT, ("B", H))],
        [numpy_helper.from_array(a, n) for n, a in arrays.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(made.SerializeToString())


def test_steps_that_are_written_out_under_a_free_time_axis_are_found(path):
    unrolled(path, 5)
    (doubt,) = examine(path).doubts
    assert "written out: 5 of them" in doubt
    unrolled(path, 1)
    (doubt,) = examine(path).doubts
    assert "holds one step" in doubt


def test_what_the_rounds_of_a_loop_give_is_stacked(path):
    onnxruntime = pytest.importorskip("onnxruntime")
    value = helper.make_tensor_value_info
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["on"], ["still"]),
            helper.make_node("Cast", ["k"], ["number"], to=TensorProto.FLOAT),
            helper.make_node("Add", ["X", "number"], ["more"]),
        ],
        "body",
        [value("k", TensorProto.INT64, ()), value("on", TensorProto.BOOL, ())],
        [
            value("still", TensorProto.BOOL, ()),
            value("number", TensorProto.FLOAT, ()),
            value("more", TensorProto.FLOAT, ("B", I)),
        ],
    )
    graph = helper.make_graph(
        [helper.make_node("Loop", ["rounds", ""], ["numbers", "each"], body=body)],
        "one",
        [value("X", TensorProto.FLOAT, ("B", I))],
        [value("numbers", TensorProto.FLOAT, ("n",)), value("each", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.array(5), "rounds")],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    given = {"X": np.ones((2, I), np.float32)}
    session = onnxruntime.InferenceSession(made.SerializeToString())
    for one, other in zip(truth.outputs(made, given), session.run(None, given), strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_the_reference_cannot_run_is_named(path):
    made = load(node_file(path))
    made.graph.node.append(helper.make_node("Mystery", ["X"], ["Z"], domain="elsewhere"))
    made.opset_import.append(helper.make_opsetid("elsewhere", 1))
    made.graph.output.append(helper.make_tensor_value_info("Z", TensorProto.FLOAT, None))
    path.write_bytes(made.SerializeToString())
    with pytest.raises(InputError, match=r"the reference does not compute it: .*Mystery"):
        asked(path)
    node_file(path, fixed=(10**6, 10**6))
    with pytest.raises(InputError, match="X: an input of 1000000·1000000·3 numbers is larger"):
        asked(path)


def test_what_openvino_would_take_for_its_own_transpose_is_told(path):
    (layer,) = examine(node_file(path, turned_beside=True)).layers
    (row,) = (one for one in engines.table("onnx", [layer]) if one.engine == "openvino")
    assert layer.turned_beside
    assert row.verdict == "wrong"
    assert not examine(node_file(path)).layers[0].turned_beside


def test_steps_that_are_written_out_beside_a_layer_are_found_too(path):
    unrolled(path, 5)
    apart, whole = load(path), load(node_file(path, "LSTM", given=("initial_h", "initial_c")))
    whole.graph.node.extend(apart.graph.node)
    whole.graph.output.extend(apart.graph.output)
    whole.graph.input.append(apart.graph.input[1])
    for one in apart.graph.initializer:
        one.name = f"plain_{one.name}" if one.name in "WR" else one.name
    whole.graph.initializer.extend(apart.graph.initializer)
    for node in whole.graph.node:
        if node.op_type == "MatMul":
            node.input[1] = f"plain_{node.input[1]}"
    path.write_bytes(whole.SerializeToString())
    found = examine(path)
    assert [layer.cell for layer in found.layers] == ["lstm"]
    assert "written out: 5 of them" in found.doubts[0]


STATES = {"GRU": ("initial_h",), "LSTM": ("initial_h", "initial_c"), "RNN": ("initial_h",)}


@pytest.mark.parametrize("kind", STATES)
@pytest.mark.parametrize(
    "attributes",
    [{"layout": 1}, {"direction": "reverse"}, {"direction": "bidirectional", "layout": 1}],
    ids=["layout", "reverse", "both"],
)
@pytest.mark.parametrize("more", [(), ("sequence_lens",)], ids=["whole", "lengths"])
@pytest.mark.parametrize("stateful", [True, False], ids=["state", "zeros"])
def test_what_is_mended_gives_the_numbers_of_the_standard(path, kind, attributes, more, stateful):
    node_file(path, kind, given=(*(STATES[kind] if stateful else ()), *more), **attributes)
    to = path.with_name("mended.onnx")
    assert set(mend(path, to).values()) == {"mended"}
    before, after = load(path), load(to)
    rng = np.random.default_rng(1)
    for T, B in ((7, 3), (1, 1)):
        given = truth.drawn(before, T, B, rng)
        wanted, found = truth.outputs(before, given), truth.outputs(after, given)
        for one, other in zip(found, wanted, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-5)
    layers = examine(to).layers
    verdicts = {row.engine: row.verdict for row in engines.table("onnx", layers)}
    assert (verdicts["onnxruntime"], verdicts["openvino"], verdicts["tract"]) == ("right",) * 3


def test_a_reset_form_is_changed_where_that_is_asked_for(path):
    to = path.with_name("mended.onnx")
    mend(node_file(path), to)
    assert examine(to).layers[0].reset == "before"
    (said,) = mend(path, to, reset_after=True).values()
    assert "linear_before_reset is 1" in said
    assert examine(to).layers[0].reset == "after"


def test_what_cannot_be_mended_stays_and_is_named(path):
    to = path.with_name("mended.onnx")
    (said,) = mend(node_file(path, clip=0.5, linear_before_reset=1), to).values()
    assert "left as it is" in said
    assert "clip=0.5" in said
    assert examine(to).layers[0].clip == 0.5


@pytest.mark.parametrize("content", [b"", b"\x00" * 64, b"PK\x03\x04 no model", b"\x08\x08\x12"])
def test_what_is_no_onnx_file_is_refused(path, content):
    path.write_bytes(content)
    with pytest.raises(InputError, match="no ONNX file"):
        examine(path)


def test_a_file_cut_short_is_refused(path):
    whole = node_file(path).read_bytes()
    for end in (len(whole) // 2, len(whole) - 3):
        path.write_bytes(whole[:end])
        with pytest.raises(InputError):
            examine(path)


def apart(path):
    """A model of a layer and a product, its weights in a file of their own."""
    model = onnx.load(node_file(path, "LSTM", given=("initial_h", "sequence_lens")))
    model.graph.node[0].input[6] = "initial_h"  # as PyTorch starts both at the same zeros
    more = np.eye(H, dtype=np.float32) * 2
    model.graph.initializer.append(numpy_helper.from_array(more, "two"))
    model.graph.node.append(helper.make_node("MatMul", ["Y", "two"], ["twice"]))
    model.graph.output[0].name = "twice"
    kept = path.with_suffix(".data")
    onnx.save(model, path, save_as_external_data=True, location=kept.name, size_threshold=0)
    return kept


def test_weights_in_a_file_of_their_own_are_run_and_come_along_when_it_is_mended(path, tmp_path):
    apart(path)
    (tmp_path / "elsewhere").mkdir()
    to = tmp_path / "elsewhere" / "mended.onnx"
    assert set(mend(path, to).values()) == {"mended"}
    before = asked(path)
    for given, wanted in zip(before.given, before.wanted, strict=True):
        for one, other in zip(truth.outputs(load(to), given), wanted, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-5)
    held = [one.name for one in load(to).graph.initializer]
    assert "two" in held
    assert not {"W", "R", "B"}.intersection(held)


@pytest.mark.parametrize("spoil", [lambda kept: kept.unlink(), lambda kept: kept.write_bytes(b"")])
def test_weights_that_are_not_beside_the_file_are_named(spoil, path):
    spoil(apart(path))
    for read in (asked, lambda file: mend(file, file.with_name("mended.onnx"))):
        with pytest.raises(InputError, match=r"model\.onnx: the weight \w+ cannot be read"):
            read(path)
    assert not path.with_name("mended.onnx").exists()


def test_weights_that_are_too_many_are_refused_before_they_are_read(path, monkeypatch):
    kept = apart(path)
    monkeypatch.setattr("gruta.exchange.onnx.read.LARGEST", path.stat().st_size + 100)
    assert kept.stat().st_size > 100
    with pytest.raises(InputError, match="bytes are more than an ONNX file can have"):
        asked(path)


def test_what_cannot_be_written_is_told_in_a_line(path):
    model = onnx.load(node_file(path))
    model.graph.output[0].name = "nobody"
    model.graph.node.append(helper.make_node("Relu", ["missing"], ["nobody"]))
    path.write_bytes(model.SerializeToString())
    with pytest.raises(InputError, match="what would be written is not valid") as refused:
        mend(path, path.with_name("mended.onnx"))
    assert "\n" not in str(refused.value)
