"""The ops that torch.compile sees: well registered, and one a layer."""

import subprocess
import sys

import pytest
import torch
import torch._inductor.config

import gruta.nn
from gruta import kernels
from gruta.cells.op import compiled, library
from gruta.cells.op.fields import NO_MASKS, Masks

pytestmark = pytest.mark.skipif(not kernels.available(), reason="the ops call the kernels")


def call(save, lengths, norm=False):
    """The arguments of `gruta::layer` for a bidirectional LSTM without biases."""
    spec = compiled.Spec("lstm", 2, (False, True), 0.0)
    layer = gruta.nn.LSTM(3, 5, bias=False)
    w_ih, w_hh = layer.parameters()
    own = [torch.randn(2, 5), torch.randn(2, 5), None, None, w_ih, w_hh, None, None, None]
    own += [torch.randn(20, requires_grad=True) for _ in range(4 * norm)]
    masks = [Masks(lengths), NO_MASKS]
    there = tuple(t is not None for t in own * 2)
    text = library.encode(
        library.Call(spec, there, tuple(tuple(m is not None for m in side) for side in masks))
    )
    x = torch.randn(4, 2, 3, requires_grad=True)
    given = [t for t in own * 2 if t is not None]
    return text, x, given, [] if lengths is None else [lengths], save, 0.0


@pytest.mark.parametrize("lengths", [None, torch.tensor([4, 0])], ids=["whole", "lengths"])
@pytest.mark.parametrize("norm", [False, True], ids=["plain", "norm"])
def test_the_op_keeps_what_it_is_registered_with(lengths, norm):
    torch.library.opcheck(torch.ops.gruta.layer.default, call(True, lengths, norm))


def test_sizes_and_zoneout_may_change_under_a_compiled_layer():
    torch._dynamo.reset()
    layers = [gruta.nn.GRU(3, 5, zoneout=p).eval() for p in (0.0, 0.1, 0.3)]
    run = torch.compile(lambda layer, x: layer(x)[0], backend="eager", fullgraph=True, dynamic=True)
    with torch.no_grad():
        for layer in layers:
            for T, B in ((4, 2), (6, 3)):
                x = torch.randn(T, B, 3)
                torch.testing.assert_close(run(layer, x), layer(x)[0])


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("kind", [gruta.nn.GRU, gruta.nn.LSTM, gruta.nn.RNN])
def test_a_compiled_layer_is_one_op(kind, training):
    found = []

    def backend(graph, _inputs):
        found.extend(n.target for n in graph.graph.nodes if n.op == "call_function")
        return graph

    torch._dynamo.reset()
    layer = kind(3, 5, num_layers=2, bidirectional=True)
    x = torch.randn(4, 2, 3, requires_grad=training)
    run = torch.compile(layer, backend=backend, fullgraph=True)
    with torch.set_grad_enabled(training):
        out, _ = run(x, lengths=torch.tensor([4, 2]))
    torch.testing.assert_close(out, layer(x, lengths=torch.tensor([4, 2]))[0])
    assert found.count(torch.ops.gruta.layer) + found.count(torch.ops.gruta.layer.default) == 2


@pytest.mark.filterwarnings("ignore:`torch.jit.script_method:DeprecationWarning")  # inductor's
@pytest.mark.parametrize("backend", ["aot_eager", "inductor"])
@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("kind", [gruta.nn.GRU, gruta.nn.LSTM, gruta.nn.RNN])
def test_results_of_a_compiled_layer_may_be_changed_in_place(kind, batch_first, backend):
    layer, x = kind(3, 5, batch_first=batch_first), torch.randn(4, 2, 3)

    def loss(x, run=layer):
        out, state = run(x)
        final = state[0] if isinstance(state, tuple) else state
        final[:, 1] = 0
        out.relu_()
        return out.square().sum() + final.exp().sum()

    def compiled(function):
        return torch.compile(function, backend=backend, fullgraph=True)

    torch._dynamo.reset()
    weights = tuple(layer.parameters())
    expected = torch.autograd.grad(loss(x), weights)
    with torch._inductor.config.patch(fx_graph_cache=False):
        inside = torch.autograd.grad(compiled(loss)(x), weights)
        outside = torch.autograd.grad(loss(x, compiled(lambda x: layer(x))), weights)
    torch.testing.assert_close([inside, outside], [expected, expected])


def test_a_saved_program_is_loaded_where_the_layers_are_imported(tmp_path):
    layer = gruta.nn.LSTM(3, 5, bidirectional=True)
    free = {"input": {0: torch.export.Dim("time"), 1: torch.export.Dim("batch")}}
    program = torch.export.export(layer, (torch.randn(6, 2, 3),), dynamic_shapes=free)
    x = torch.randn(9, 3, 3)
    torch.export.save(program, tmp_path / "program.pt2")
    torch.save([x, layer(x)[0].detach()], tmp_path / "case.pt")
    script = (
        "import sys, torch, gruta.nn; x, expected = torch.load(sys.argv[1] + '/case.pt');"
        "out, _ = torch.export.load(sys.argv[1] + '/program.pt2').module()(x);"
        "torch.testing.assert_close(out, expected)"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], stderr=subprocess.PIPE)
    assert done.returncode == 0, done.stderr.decode()
