"""torch.jit.trace of a model with the layers in it: other lengths and batches, options, loading."""

import itertools
import subprocess
import sys

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import gruta.nn
from gruta.nn.conftest import TOLERANCE

pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.* is deprecated:DeprecationWarning")

LAYERS = {
    "gru": (gruta.nn.GRU, {}),
    "reset-before": (gruta.nn.GRU, {"reset_after": False}),
    "lstm": (gruta.nn.LSTM, {}),
    "lstm-projected": (gruta.nn.LSTM, {"proj_size": 2}),
    "rnn-tanh": (gruta.nn.RNN, {}),
    "rnn-relu": (gruta.nn.RNN, {"nonlinearity": "relu"}),
}
OPTIONS = {
    "stack": {"num_layers": 2, "bidirectional": True, "batch_first": True},
    "all-of-ours": {
        "num_layers": 2,
        "bidirectional": True,
        "learn_h0": True,
        "zoneout": 0.3,
        "layer_norm": True,
        "residual": True,
    },
}


class Call(nn.Module):
    """A call with some of the arguments that a layer takes; returns tensors alone."""

    def __init__(self, layer, given):
        super().__init__()
        self.layer, self.given = layer, given

    def forward(self, x, lengths, resets, *hx):
        named = {"lengths": lengths, "reset_mask": resets}
        named = {name: t for name, t in named.items() if name in self.given}
        if "packed" in self.given:
            x = pack_padded_sequence(x, lengths, self.layer.batch_first, enforce_sorted=False)
        state = None if "hx" not in self.given else hx if len(hx) > 1 else hx[0]
        out, state = self.layer(x, state, **named)
        out = out if torch.is_tensor(out) else pad_packed_sequence(out, self.layer.batch_first)[0]
        return (out, *state) if isinstance(state, tuple) else (out, state)


def call(layer, T, B):
    """Arguments of `Call`."""
    x = torch.randn((B, T, 3) if layer.batch_first else (T, B, 3)).double()
    lengths = torch.randint(1, T + 1, (B,))
    rows = layer.num_layers * layer.directions
    states = [torch.randn(rows, B, size).double() for size in layer.state_sizes]
    return x, lengths, torch.rand(x.shape[:2]) < 0.3, *states


@pytest.mark.parametrize("given", ["", "hx lengths", "reset_mask", "packed"])
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("kind", LAYERS.values(), ids=LAYERS)
def test_a_trace_computes_what_the_layer_does_at_every_length_and_batch(
    kind, options, given, assert_close
):
    layer = kind[0](3, 4, **kind[1], **options, dtype=torch.float64).eval()
    model = Call(layer, given)
    traced = torch.jit.trace(model, call(layer, 5, 2), check_trace=False)
    for T, B in ((8, 3), (1, 1)):
        arguments = call(layer, T, B)
        if "lengths" in given:
            arguments[1][0] = 0
        leaves = [arguments[0].requires_grad_(), *layer.parameters()]
        found = []
        for way in (traced, model):
            outputs = way(*arguments)
            loss = sum((o * o.detach().cos()).sum() for o in outputs)
            gradients = torch.autograd.grad(loss, leaves, allow_unused=True)
            zeros = [torch.zeros_like(w) for w in leaves]
            pairs = zip(gradients, zeros, strict=True)
            found.append([*outputs, *(z if d is None else d.view_as(z) for d, z in pairs)])
        assert_close(*found)


@pytest.mark.parametrize("kind", [LAYERS["reset-before"], LAYERS["lstm"]], ids=["gru", "lstm"])
def test_masks_are_drawn_anew_in_a_traced_training(kind):
    layer = kind[0](3, 4, recurrent_dropout=0.5, zoneout=0.3, **kind[1])
    traced = torch.jit.trace(layer, torch.randn(5, 2, 3), check_trace=False)
    x = torch.ones(7, 64, 3)
    out = traced(x)[0]
    assert out.shape[:2] == (7, 64)
    assert len(out[-1].unique(dim=0)) > 32
    assert not torch.equal(out, traced(x)[0])


def test_a_plain_layer_is_recorded_as_torchs_own_op(kind):
    layer = kind.make(3, 4, num_layers=2, bidirectional=True)
    graph = torch.jit.trace(layer, torch.randn(5, 2, 3)).inlined_graph
    ops = [node.kind() for node in graph.nodes()]
    assert ops.count(f"aten::{layer.mode.lower()}") == 2
    assert not {"aten::flip", "prim::Loop"} & set(ops)


@pytest.mark.parametrize("kind", [gruta.nn.GRU, gruta.nn.LSTM, gruta.nn.RNN])
def test_results_of_a_traced_layer_may_be_changed_in_place(kind):
    layer, x = kind(3, 5), torch.randn(4, 2, 3)
    out, state = torch.jit.trace(layer, x)(x)
    for result in (out, *state) if isinstance(state, tuple) else (out, state):
        result.mul_(2)
        result.detach_()


def test_a_check_leaves_no_trace_and_no_warning():
    for layer, x in itertools.product(
        (gruta.nn.GRU(3, 4), gruta.nn.LSTM(3, 4, batch_first=True)),
        (torch.randn(5, 2, 3), torch.randn(5, 3)),
    ):
        torch.jit.trace(layer, x)  # a warning of the tracer's is an error here
    with pytest.raises(RuntimeError, match=r"Expected 3, got 7"):
        torch.jit.trace(gruta.nn.GRU(3, 4), torch.randn(5, 2, 7))
    with pytest.raises(RuntimeError, match=r"Expected hidden size \(1, 2, 4\), got \[1, 9, 4\]"):
        torch.jit.trace(gruta.nn.GRU(3, 4), (torch.randn(5, 2, 3), torch.randn(1, 9, 4)))


def test_a_saved_trace_needs_no_gruta(tmp_path):
    layer = gruta.nn.LSTM(3, 4, layer_norm=True, bidirectional=True).eval()
    x = torch.randn(9, 3, 3)
    frozen = torch.jit.freeze(torch.jit.trace(layer, torch.randn(5, 2, 3)))
    with torch.no_grad():
        expected = layer(x)[0]
        torch.testing.assert_close(frozen(x)[0], expected, **TOLERANCE[torch.float32])
    frozen.save(str(tmp_path / "model.pt"))
    torch.save([x, expected], tmp_path / "case.pt")
    script = (
        "import sys, torch; x, expected = torch.load(sys.argv[1] + '/case.pt');"
        "out = torch.jit.load(sys.argv[1] + '/model.pt')(x)[0];"
        "torch.testing.assert_close(out, expected, rtol=1e-4, atol=1e-5);"
        "assert 'gruta' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], stderr=subprocess.PIPE)
    assert done.returncode == 0, done.stderr.decode()
