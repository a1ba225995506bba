"""What the doctor says of files for devices: those of ncnn, OpenVINO and TensorFlow's LiteRT."""

from pathlib import Path

import pytest

from gruta.errors import InputError
from gruta.exchange.conftest import KINDS, drawn
from gruta.exchange.doctor.engines import table
from gruta.exchange.doctor.look import examine
from gruta.exchange.weights.ncnn import NCNN, files

DATA = Path(__file__).parent / "data"
HEAD = "7767517\n2 2\nInput x 0 1 x\n"


@pytest.mark.parametrize("kind", ["gru", "lstm", "rnn-tanh"])
def test_what_is_written_for_ncnn_is_told(kind, rng, tmp_path):
    layer = drawn(rng, 3, 4, **KINDS[kind])
    text, _raw = files(layer.kernel, NCNN.out(layer, layer.sides[0]))
    (tmp_path / "m.param").write_text(text)
    found = examine(tmp_path / "m.param")
    (told,) = found.layers
    assert (told.cell, told.inputs, told.hidden, told.initial) == (layer.cell, 3, 4, "given")
    assert told.reset == ("after" if layer.cell == "gru" else "")
    assert any("ncnn has no batch" in doubt for doubt in found.doubts)
    assert any("of one with ReLU pnnx writes this too" in d for d in found.doubts) == (
        layer.cell == "rnn"
    )


@pytest.mark.parametrize(
    ("line", "doubt"),
    [
        ("GRU g 1 1 x y 0=4 1=85 2=0", "g: 85 weights are those of no GRU of 4 units"),
        ("LSTM l 1 1 x y 0=2 1=96 2=0 3=8", "l: a projection of h to 2"),
        ("nn.GRUCell c 1 1 x y", "c: nn.GRUCell is no layer of ncnn: it does not load"),
    ],
)
def test_what_ncnn_would_not_compute_is_told(line, doubt, tmp_path):
    (tmp_path / "m.param").write_text(HEAD + line + "\n")
    assert any(doubt in said for said in examine(tmp_path / "m.param").doubts)


def test_a_layer_that_pnnx_wrote_without_its_sizes_does_not_load(tmp_path):
    (tmp_path / "m.param").write_text(HEAD + "GRU g 4 2 x W R B y h\n")
    (row,) = table("ncnn", examine(tmp_path / "m.param").layers)
    assert (row.engine, row.verdict) == ("ncnn", "refused")
    (tmp_path / "m.param").write_text(HEAD + "GRU g 1 1 x y 0=4 1=36 2=0\n")
    assert table("ncnn", examine(tmp_path / "m.param").layers)[0].verdict == "right"


def test_both_directions_and_a_start_at_zeros_are_told(tmp_path):
    (tmp_path / "m.param").write_text(HEAD + "LSTM l 1 1 x y 0=4 1=96 2=2\n")
    (told,) = examine(tmp_path / "m.param").layers
    assert (told.direction, told.inputs, told.initial) == ("bidirectional", 3, "zeros")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"7767517", "expected ncnn's text form"),
        (b"\x93\x22\x00\xff", "expected ncnn's text form, which begins with 7767517"),
        (HEAD.encode() + b"GRU g 9 9 x y 0=4", r"row 4: expected a layer of ncnn, found 'GRU g 9"),
        (HEAD.encode() + b"GRU g 1 -1 x y", "row 4: expected a layer of ncnn"),
        (HEAD.encode() + b"GRU g 1 1 x y 0", "row 4: expected a layer of ncnn"),
    ],
)
def test_what_is_no_param_file_is_named(content, message, tmp_path):
    (tmp_path / "m.param").write_bytes(content)
    with pytest.raises(InputError, match=message):
        examine(tmp_path / "m.param")


def test_options_that_are_no_numbers_are_no_layer(tmp_path):
    (tmp_path / "m.param").write_text(HEAD + "GRU g 1 1 x y 0=four\n")
    assert examine(tmp_path / "m.param").layers[0].refused


def test_openvino_says_of_its_own_file_what_it_ignores():
    found = examine(DATA / "lstm-lengths-fp16.xml")
    (told,) = found.layers
    assert (told.name, told.cell, told.inputs, told.hidden) == ("encoder", "lstm", 3, 4)
    assert (told.direction, told.initial, told.precision) == ("bidirectional", "given", "float16")
    assert told.lengths
    assert told.free_batch
    assert told.free_time
    assert "stored in 16 bits" in found.doubts[0]
    assert "lengths are ignored while batch or time are free" in found.doubts[1]
    (row,) = table("openvino", found.layers)
    assert (row.engine, row.verdict) == ("openvino", "wrong")


def test_openvino_s_fixed_sizes_clip_and_reset_form_are_told():
    found = examine(DATA / "gru-before.xml")
    (told,) = found.layers
    assert (told.reset, told.clip, told.fixed_time, told.free_batch) == ("before", 0.5, 5, False)
    assert (told.initial, told.lengths, told.precision) == ("constant", False, "float32")
    assert not found.doubts


def test_a_cell_outside_a_loop_is_one_step(tmp_path):
    text = (DATA / "gru-before.xml").read_text()
    one = text.replace('type="GRUSequence"', 'type="GRUCell"')
    one = one.replace("<dim>2</dim>\n\t\t\t\t\t<dim>5</dim>\n", "<dim>2</dim>\n")
    (tmp_path / "m.xml").write_text(one)
    found = examine(tmp_path / "m.xml")
    assert "a GRUCell outside a loop is one step" in found.doubts[-1]
    loop = '<net><layers><layer id="0" type="TensorIterator"><body>{}</body></layer></layers></net>'
    inside = one[one.index("<layers>") : one.index("</edges>") + len("</edges>")]
    (tmp_path / "m.xml").write_text(loop.format(inside))
    looped = examine(tmp_path / "m.xml")
    assert [layer.name for layer in looped.layers] == ["decoder"]
    assert not looped.doubts


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "too large, or it declares entities"),
        ("<net><layers>", "no element found"),
        ("<html/>", r"expected the XML of an OpenVINO model \(<html>\)"),
        ('<!DOCTYPE net [<!ENTITY a "b">]><net>&a;</net>', "it declares entities"),
    ],
)
def test_what_is_no_openvino_file_is_named(content, message, tmp_path):
    (tmp_path / "m.xml").write_text(content)
    with pytest.raises(InputError, match=message):
        examine(tmp_path / "m.xml")


@pytest.mark.parametrize(
    ("name", "cell", "reset", "steps"),
    [
        ("gru", "gru", "after", None),
        ("gru-before", "gru", "before", 5),
        ("lstm", "lstm", "", None),
        ("rnn", "rnn", "", 5),
    ],
)
def test_the_loops_of_litert_are_told_as_layers(name, cell, reset, steps):
    found = examine(DATA / f"{name}.tflite")
    (told,) = found.layers
    assert (told.cell, told.inputs, told.hidden, told.reset) == (cell, 3, 4, reset)
    assert (told.fixed_time, told.free_batch) == (steps, False)
    assert not found.doubts


def test_steps_that_are_written_out_and_operators_that_pip_lacks_are_told():
    written_out = examine(DATA / "unrolled.tflite")
    assert not written_out.layers
    assert "written out, 5 tanh in all" in written_out.doubts[0]
    flex = examine(DATA / "flex.tflite")
    assert flex.layers[0].free_batch
    assert "FlexTensorListReserve" in flex.doubts[0]
    assert table("tflite", flex.layers)[0].verdict == "refused"


@pytest.mark.parametrize(
    "content", [b"", b"\0\0\0\0TFL3", b"\xff" * 64, b"PK\3\4TFL3" + b"\xff" * 64]
)
def test_what_is_no_tflite_file_is_named(content, tmp_path):
    (tmp_path / "m.tflite").write_bytes(content)
    with pytest.raises(InputError, match=r"it is no whole \.tflite file"):
        examine(tmp_path / "m.tflite")


def test_what_openvino_s_x_does_not_say_its_weights_do(tmp_path):
    text = (DATA / "gru-before.xml").read_text()
    x = "<dim>2</dim>\n\t\t\t\t\t<dim>5</dim>\n\t\t\t\t\t<dim>3</dim>\n"
    assert x in text
    (tmp_path / "m.xml").write_text(text.replace(x, x.replace("3", "-1")))
    assert examine(tmp_path / "m.xml").layers[0].inputs == 3
