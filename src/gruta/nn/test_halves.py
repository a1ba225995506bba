"""Autocast and 16-bit layers on a CPU: torch's dtypes, nearer to the truth, and by the kernels."""

import pytest
import torch
from torch import nn

import gruta.nn
from gruta import kernels

HALVES = [torch.bfloat16, torch.float16]
either_half = pytest.mark.parametrize("half", HALVES, ids=str)


@pytest.fixture(scope="module", params=["GRU", "RNN"])
def twins(request):
    """gruta's layer, torch's, whose LSTM does not run so on every CPU, and the truth in float64."""
    torch.manual_seed(4)
    theirs = getattr(nn, request.param)(6, 20, num_layers=2, bidirectional=True)
    ours = getattr(gruta.nn, request.param)(6, 20, num_layers=2, bidirectional=True)
    truth = getattr(nn, request.param)(6, 20, num_layers=2, bidirectional=True).double()
    for layer in (ours, truth):
        layer.load_state_dict(theirs.state_dict())
    return ours, theirs, truth


def outcomes(layer, x):
    """The dtypes of what a layer returns, and its numbers and gradients in float64."""
    x = x.clone().requires_grad_()
    out, state = layer(x)
    d_out = torch.randn(out.shape, generator=torch.Generator().manual_seed(1)).to(out.dtype)
    found = torch.autograd.grad(out, [x, *layer.parameters()], d_out)
    dtypes = [t.dtype for t in (out, state, *found)]
    return dtypes, [t.detach().double() for t in (out, state, *found)]


def errors(found, truth):
    return torch.stack([(a - b).norm() / b.norm() for a, b in zip(found, truth, strict=True)])


@either_half
@pytest.mark.parametrize("given", [torch.float32, *HALVES], ids=str)
def test_autocast_has_torchs_dtypes_and_smaller_errors(twins, half, given):
    ours, theirs, truth = twins
    x = torch.randn(30, 4, 6).to(given)
    with torch.autocast("cpu", half):
        (dtypes, found), (their_dtypes, theirs_found) = outcomes(ours, x), outcomes(theirs, x)
    assert dtypes == their_dtypes
    _, right = outcomes(truth, x.double())
    assert (errors(found, right) <= errors(theirs_found, right)).all()


@either_half
def test_a_layer_kept_in_16_bits_has_torchs_dtypes_and_smaller_errors(twins, half):
    ours, theirs, truth = (type(t)(6, 20, 2, bidirectional=True) for t in twins)
    ours.load_state_dict(twins[0].state_dict())
    ours, theirs, truth = ours.to(half), theirs.to(half), truth.double()
    for layer in (theirs, truth):
        layer.load_state_dict(ours.state_dict())
    x = torch.randn(30, 4, 6).to(half)
    (dtypes, found), (their_dtypes, theirs_found) = outcomes(ours, x), outcomes(theirs, x)
    assert dtypes == their_dtypes == [half] * len(dtypes)
    _, right = outcomes(truth, x.double())
    assert (errors(found, right) <= errors(theirs_found, right)).all()


@either_half
@pytest.mark.parametrize("kept", [False, True], ids=["autocast", "kept in 16 bits"])
def test_the_kernels_serve_every_kind(kind, half, kept):
    layer = kind.make(4, 6)
    x = torch.randn(5, 2, 4)
    expected, _ = layer(x)
    if kept:
        layer, x = layer.to(half), x.to(half)
    with torch.autocast("cpu", half, enabled=not kept):
        (how,) = gruta.nn.explain(layer, x)
        out, state = layer(x)
        with torch.no_grad():
            torch.testing.assert_close(layer(x)[0], out)
    assert ("compiled kernel in float32" in str(how)) is kernels.available()
    assert {s.dtype for s in kind.tensors(state)} == {out.dtype}
    torch.testing.assert_close(out.float(), expected, rtol=0, atol=3e-2)
    if half is torch.bfloat16 and not kept:
        assert out.dtype is (torch.float32 if isinstance(layer, gruta.nn.GRU) else half)


def test_double_precision_passes_autocast_untouched(kind):
    layer, x = kind.make(4, 6, dtype=torch.float64), torch.randn(5, 2, 4).double()
    expected, _ = layer(x)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(layer(x)[0], expected)


def test_gradients_of_gradients_are_those_of_float32(kind):
    layer, x = kind.make(4, 6), torch.randn(5, 2, 4, requires_grad=True)

    def penalty(cast):
        with torch.autocast("cpu", torch.bfloat16, enabled=cast):
            loss = layer(x)[0].float().pow(3).sum()
            (dx,) = torch.autograd.grad(loss, x, create_graph=True)
            return torch.autograd.grad(dx.square().sum(), list(layer.parameters()))

    found, expected = (torch.cat([d.flatten() for d in penalty(cast)]) for cast in (True, False))
    assert (found - expected).norm() < 0.03 * expected.norm()


def test_compiled_in_one_piece_under_autocast_equals_eager(kind):
    layer, x = kind.make(4, 6), torch.randn(5, 2, 4)
    torch._dynamo.reset()
    compiled = torch.compile(layer, backend="aot_eager", fullgraph=True)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(compiled(x)[0], layer(x)[0])
