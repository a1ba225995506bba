"""torch.onnx.export of a model with the layers in it, run by ONNX Runtime at other sizes."""

import logging
from collections import Counter

import numpy as np
import pytest
import torch
from torch import nn
from torch.export import Dim
from torch.nn.utils.rnn import pack_padded_sequence

import gruta.nn

onnx = pytest.importorskip("onnx", reason="needs onnx, onnxscript and onnxruntime")
runtime = pytest.importorskip("onnxruntime", reason="needs onnx, onnxscript and onnxruntime")
pytest.importorskip("onnxscript", reason="needs onnx, onnxscript and onnxruntime")

pytestmark = [  # what the exporters say of themselves
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.isinstance.treespec, LeafSpec:FutureWarning"),
    pytest.mark.filterwarnings("ignore:# The axis name:UserWarning"),
]

KINDS = {
    "gru": (gruta.nn.GRU, {}, "GRU"),
    "reset-before": (gruta.nn.GRU, {"reset_after": False}, "GRU"),
    "lstm": (gruta.nn.LSTM, {}, "LSTM"),
    "rnn-tanh": (gruta.nn.RNN, {}, "RNN"),
    "rnn-relu": (gruta.nn.RNN, {"nonlinearity": "relu"}, "RNN"),
}


@pytest.fixture(autouse=True, scope="module")
def _quiet():
    """Without the exporter's remarks on packages that are not there."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    runtime.set_default_logger_severity(3)


class Tagger(nn.Module):
    """Tokens, a layer with lengths and a state in and out, and a head."""

    def __init__(self, layer):
        super().__init__()
        self.embedding, self.layer = nn.Embedding(11, 3), layer
        self.head = nn.Linear(8 if layer.bidirectional else 4, 5)

    def forward(self, tokens, lengths, *hx):
        states = hx if len(hx) > 1 else hx[0]
        out, state = self.layer(self.embedding(tokens), states, lengths=lengths)
        return self.head(out), *(state if isinstance(state, tuple) else (state,))


def case(layer, B, T):
    """Arguments of a `Tagger` whose first row is empty."""
    lengths = torch.randint(1, T + 1, (B,))
    lengths[0] = 0
    rows = layer.num_layers * layer.directions
    states = [torch.randn(rows, B, 4) for _ in layer.state_names]
    return torch.randint(0, 11, (B, T)), lengths, *states


def export(model, arguments, path, dynamo, b="batch", t="time"):
    """Write a `Tagger` in which batch and time are free, under these names.

    Returns the checked file, and what the exporter returns.
    """
    states = len(arguments) - 2
    if dynamo:
        b, t = (Dim(name) if isinstance(name, str) else name for name in (b, t))
        free = {"dynamic_shapes": ({0: b, 1: t}, {0: b}, ({1: b},) * states), "verbose": False}
    else:
        names = ["tokens", "lengths", *[f"state_{k}" for k in range(states)]]
        axes = {name: {1: b} for name in names[2:]} | {"tokens": {0: b, 1: t}, "lengths": {0: b}}
        free = {"input_names": names, "dynamic_axes": axes}
    program = torch.onnx.export(model, arguments, path, dynamo=dynamo, **free)
    loaded = onnx.load(path)
    onnx.checker.check_model(loaded, full_check=True)
    return loaded, program


def run(path, arguments):
    session = runtime.InferenceSession(path)
    names = [given.name for given in session.get_inputs()]
    return session.run(None, {n: a.numpy() for n, a in zip(names, arguments, strict=True)})


@torch.no_grad()
def assert_same(model, path, program, B, T):
    """What ONNX Runtime computes, and the program that the exporter captured, is the model's."""
    arguments = case(model.layer, B, T)
    ways = [run(path, arguments)]
    if program is not None:
        ways.append(program.exported_program.module()(*arguments))
    for way in ways:
        for found, expected in zip(way, model(*arguments), strict=True):
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("dynamo", [False, True], ids=["torchscript", "dynamo"])
@pytest.mark.parametrize(("kind", "options", "operator"), KINDS.values(), ids=KINDS)
def test_a_layer_is_one_node_that_is_right_at_other_sizes(
    kind, options, operator, dynamo, tmp_path
):
    layer = kind(3, 4, num_layers=2, bidirectional=True, batch_first=True, dropout=0.1, **options)
    model, path = Tagger(layer).eval(), str(tmp_path / "model.onnx")
    loaded, program = export(model, case(layer, 2, 6), path, dynamo)
    assert Counter(node.op_type for node in loaded.graph.node)[operator] == 2
    for B, T in ((3, 9), (1, 1)):
        assert_same(model, path, program, B, T)


@pytest.mark.parametrize("dynamo", [False, True], ids=["torchscript", "dynamo"])
def test_the_second_export_is_like_the_first_whatever_its_axes_are_called(dynamo, tmp_path):
    path = str(tmp_path / "model.onnx")
    axes = [("batch", "time"), ("n", "s"), ("time", "batch")]
    for b, t in [*axes, (Dim.DYNAMIC, Dim.AUTO)] if dynamo else axes:
        layer = gruta.nn.RNN(3, 4, batch_first=True, bias=False)
        model = Tagger(layer).eval()
        _, program = export(model, case(layer, 2, 6), path, dynamo, b, t)
        assert_same(model, path, program, 3, 8)


@pytest.mark.parametrize("dynamo", [False, True], ids=["torchscript", "dynamo"])
@pytest.mark.parametrize(
    ("layer", "named"),
    [
        (gruta.nn.GRU(3, 4, zoneout=0.1, layer_norm=True), "GRU has no zoneout, layer_norm"),
        (gruta.nn.LSTM(3, 4, proj_size=2), "LSTM has no proj_size"),
        (gruta.nn.RNN(3, 4, dtype=torch.bfloat16), "RNN has no weights of torch.bfloat16"),
    ],
    ids=str,
)
def test_what_onnx_cannot_say_is_refused_in_a_sentence(layer, named, dynamo, tmp_path):
    model = nn.Sequential(layer).eval()
    x = torch.randn(5, 2, 3, dtype=layer.weight_hh_l0.dtype)
    with pytest.raises(Exception, match=f"ONNX's {named}; export a model without"):
        torch.onnx.export(model, (x,), str(tmp_path / "m.onnx"), dynamo=dynamo, verbose=False)


class Packs(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = gruta.nn.GRU(3, 4)

    def forward(self, x, lengths):
        return self.layer(pack_padded_sequence(x, lengths))[1]


def test_packed_sequences_and_float64_are_told_of(tmp_path):
    path = str(tmp_path / "model.onnx")
    with pytest.raises(gruta.InputError, match=r"ONNX has no packed sequences; give .* lengths="):
        torch.onnx.export(Packs(), (torch.randn(5, 2, 3), torch.tensor([5, 3])), path, dynamo=False)
    model = nn.Sequential(gruta.nn.GRU(3, 4).double())
    with pytest.warns(UserWarning, match=r"runs no recurrent layer of float64.*model.float\(\)"):
        torch.onnx.export(model, (torch.randn(5, 2, 3).double(),), path, dynamo=False)
