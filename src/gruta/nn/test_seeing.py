"""Seeing what the layers do: `explain`, and `tapped`."""

import os
import subprocess
import sys

import pytest
import torch

import gruta.nn
from gruta import kernels
from gruta.cells.gru import reference
from gruta.cells.lstm import reference as lstm
from gruta.cells.op.path import Path
from gruta.nn import explain, tapped

pytestmark = pytest.mark.skipif(not kernels.available(), reason="there are no kernels to see")
LAYERS = [gruta.nn.GRU, gruta.nn.LSTM, gruta.nn.RNN]
every_kind = pytest.mark.parametrize("kind", LAYERS, ids=lambda kind: kind.__name__)


def told(module, input, **arguments):
    return [str(layer) for layer in explain(module, input, **arguments)]


@pytest.mark.parametrize("kind", [gruta.nn.GRU, gruta.nn.LSTM, gruta.nn.RNN])
def test_a_layer_with_every_option_that_trains_is_the_kernels(kind):
    layer = kind(3, 5, layer_norm=True, zoneout=0.2, recurrent_dropout=0.2, bidirectional=True)
    (line,) = told(layer, torch.zeros(4, 2, 3))
    assert "gruta's compiled kernel, since" in line


def test_explain_names_path_reason_and_instruction_set():
    layer = gruta.nn.GRU(3, 5, num_layers=2)
    found = explain(layer, torch.zeros(4, 2, 3))
    assert [e.layer for e in found] == [0, 1]
    assert {e.isa for e in found} == {kernels.isa()}
    assert str(found[0]).startswith("layer 0: gruta's compiled kernel, since float32 or float64")


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        (gruta.nn.GRU(3, 5, zoneout=0.1).eval(), "expectation of zoneout has no backward kernel"),
        (gruta.nn.GRU(3, 5, dtype=torch.bfloat16), "bfloat16"),
        (gruta.nn.GRU(3, 5, device="meta"), "the device is meta"),
    ],
    ids=["zoneout", "dtype", "device"],
)
def test_explain_says_why_there_is_no_kernel(module, reason):
    weight = module.weight_ih_l0
    (line,) = told(module, torch.zeros(4, 2, 3, dtype=weight.dtype, device=weight.device))
    assert reason in line
    assert "kernel, since" not in line


def test_explain_tells_how_threads_share_the_work(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    wide, x = gruta.nn.GRU(256, 512), torch.zeros(50, 1, 256)
    assert "2 threads a direction, which split the units" in told(wide, x)[0]
    assert "which split the rows" in told(wide, x.expand(50, 8, 256))[0]
    both = gruta.nn.GRU(256, 512, bidirectional=True)
    assert "2 directions side by side" in told(both, x)[0]
    assert "1 thread a direction" in told(gruta.nn.GRU(1, 1), torch.zeros(1, 1, 1))[0]


def test_the_environment_may_say_another_number_of_threads_than_torch():
    code = "from gruta.cells.op import threads; print(threads())"
    environment = os.environ | {"GRUTA_THREADS": "3"}
    told = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True)
    assert told.stdout == b"3\n"


def test_explain_refuses_what_is_no_layer_of_ours():
    with pytest.raises(TypeError, match=r"module: expected a GRU, LSTM or RNN .* got GRU"):
        explain(torch.nn.GRU(1, 1), torch.zeros(1, 1, 1))


@pytest.mark.parametrize("option", ["zoneout", "recurrent_dropout"])
def test_explain_counts_what_training_adds(option):
    layer = gruta.nn.GRU(3, 5, device="meta", **{option: 0.1})
    (line,) = told(layer, torch.zeros(4, 2, 3, device="meta"))
    assert "torch's op lacks an option of this call" in line
    (line,) = told(layer.eval(), torch.zeros(4, 2, 3, device="meta"))
    assert ("torch's own op" in line) == (option == "recurrent_dropout")


def test_explain_takes_a_packed_sequence():
    packed = torch.nn.utils.rnn.pack_sequence([torch.zeros(4, 3), torch.zeros(2, 3)])
    assert "compiled kernel" in told(gruta.nn.GRU(3, 5), packed)[0]


@every_kind
def test_taps_hold_the_gradient_that_reaches_each_state(kind):
    layer = kind(3, 5, num_layers=2, bidirectional=True, dtype=torch.float64)
    x = torch.randn(6, 2, 3, dtype=torch.float64)
    with tapped() as taps:
        out, _ = layer(x, lengths=[6, 4])
    (out * torch.arange(1.0, 11)).sum().backward()
    assert [tap.name for tap in taps] == ["l0", "l0_reverse", "l1", "l1_reverse"]
    top = taps[2]
    last = torch.arange(1.0, 6, dtype=torch.float64)  # nothing comes after the last step
    torch.testing.assert_close(top.through[0][5, 0], last)
    torch.testing.assert_close(top.through[0][3, 1], last)
    assert not top.through[0][4:, 1].any()
    assert not torch.equal(top.through[0][0, 0], last)
    assert len(top.through) == (2 if kind is gruta.nn.LSTM else 1)


def test_taps_hold_states_and_gates_of_the_reference():
    layer = gruta.nn.GRU(3, 5, dtype=torch.float64)
    x = torch.randn(6, 2, 3, dtype=torch.float64)
    with torch.no_grad(), tapped() as taps:
        layer(x)
    weights = [w.detach().numpy() for w in layer.all_weights[0]]
    truth = reference.forward(x.numpy(), torch.zeros(2, 5, dtype=torch.float64).numpy(), *weights)
    (tap,) = taps
    torch.testing.assert_close(tap.h.numpy(), truth.h)
    for letter, gate in tap.gates.items():
        torch.testing.assert_close(gate.numpy(), getattr(truth, letter))


def taps_of(layer, x, lengths):
    torch.manual_seed(1)
    with tapped() as taps:
        out, state = layer(x, lengths=lengths)
    last = state[1] if isinstance(state, tuple) else state
    ((out * torch.arange(out.shape[-1])).sum() + last.square().sum()).backward()
    return taps


@pytest.mark.parametrize(
    "options", [{}, {"zoneout": 0.4}, {"layer_norm": True}], ids=["plain", "zoneout", "norm"]
)
@pytest.mark.parametrize(
    ("kind", "form"),
    [
        (gruta.nn.GRU, {}),
        (gruta.nn.GRU, {"reset_after": False}),
        (gruta.nn.LSTM, {}),
        (gruta.nn.LSTM, {"proj_size": 2}),
        (gruta.nn.RNN, {"nonlinearity": "relu"}),
    ],
    ids=["gru", "gru-before", "lstm", "lstm-projected", "rnn"],
)
def test_composite_form_leaves_the_taps_of_the_kernel(monkeypatch, kind, form, options):
    layer = kind(3, 5, num_layers=2, bidirectional=True, dtype=torch.float64, **form, **options)
    x = torch.randn(6, 3, 3, dtype=torch.float64)
    expected = taps_of(layer, x, [6, 4, 0])
    monkeypatch.setattr("gruta.cells.op.layer.choose", lambda *call: Path.COMPOSITE)
    found = taps_of(layer, x, [6, 4, 0])
    assert [tap.name for tap in found] == [tap.name for tap in expected]
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours.h, theirs.h)
        torch.testing.assert_close(ours.gates, theirs.gates)
        torch.testing.assert_close(ours.through, theirs.through)


def test_taps_under_layer_norm_and_zoneouts_expectation_are_the_references():
    layer = gruta.nn.LSTM(3, 5, layer_norm=True, zoneout=0.3, dtype=torch.float64).eval()
    x, d = torch.randn(6, 2, 3, dtype=torch.float64), torch.randn(6, 2, 5, dtype=torch.float64)
    with tapped() as taps:
        out, _ = layer(x)
    out.backward(d)
    (*weights, w_hr), norm = layer.weights(0, "")
    assert w_hr is None
    weights, norm = ([w.detach().numpy() for w in each] for each in (weights, norm))
    zeros = torch.zeros(2, 5, dtype=torch.float64).numpy()
    x, d, (w_ih, w_hh, *rest) = x.numpy(), d.numpy(), weights
    truth = lstm.forward(x, zeros, zeros, w_ih, w_hh, *rest, norm=norm, hold=0.3)
    back = lstm.backward(truth, d, zeros, zeros, x, w_ih, w_hh, norm=norm, hold=0.3)
    torch.testing.assert_close(taps[0].gates["c"].numpy(), truth.c)
    torch.testing.assert_close(taps[0].through[0].numpy(), back.h)
    torch.testing.assert_close(taps[0].through[1].numpy(), back.c)


def test_nothing_is_kept_once_tapping_ends():
    layer = gruta.nn.GRU(3, 5)
    with tapped() as taps:
        pass
    out, _ = layer(torch.zeros(2, 1, 3))
    out.sum().backward()
    assert taps == []
