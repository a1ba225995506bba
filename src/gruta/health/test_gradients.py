"""What `clip_grad_norm_` takes, a clipper takes."""

import math

import pytest
import torch
from torch import nn

from gruta.health import Clipper
from gruta.health.test_attached import MODES


def of_every_kind():
    """Parameters of mixed types, with long gradients; the conjugate is not computed yet."""
    dtypes = (torch.bfloat16, torch.float16, torch.float32, torch.float64, torch.complex64)
    torch.manual_seed(0)
    parameters = [nn.Parameter(torch.ones(3, 2, dtype=dtype)) for dtype in dtypes]
    for p in parameters:
        p.grad = torch.randn(3, 2).to(p.dtype) * (3 + 1j if p.is_complex() else 3)
    lazy = nn.Parameter(torch.ones(3, dtype=torch.complex128))
    (lazy.conj() * torch.tensor([1 + 2j, 3j, 4])).sum().real.backward()
    assert lazy.grad.is_conj()
    return [*parameters, lazy, nn.Parameter(torch.ones(2))]


def test_mixed_and_complex_gradients_are_clipped_as_torch_clips_them():
    expected, own = of_every_kind(), of_every_kind()
    expected[5].grad = expected[5].grad.resolve_conj()  # or torch refuses
    norm = nn.utils.clip_grad_norm_(expected, 1.0)
    seen = Clipper("norm", 1.0)(own)
    assert seen.norm_before == pytest.approx(norm.item(), rel=1e-3)
    for a, b in zip(own, expected, strict=True):
        if b.grad is not None:
            tolerance = 1e-2 if b.dtype in (torch.bfloat16, torch.float16) else 1e-3
            torch.testing.assert_close(a.grad, b.grad, rtol=tolerance, atol=1e-4)


def parts(parameters):
    """Every real number of the gradients, in float64."""
    found = [p.grad.resolve_conj() for p in parameters if p.grad is not None]
    reals = [torch.view_as_real(g) if g.is_complex() else g for g in found]
    return torch.cat([g.double().flatten() for g in reals])


@pytest.mark.parametrize("mode", MODES)
def test_every_way_tells_what_it_did_to_mixed_gradients(mode):
    own = of_every_kind()
    before = parts(own)
    seen = Clipper(mode, MODES[mode])(own)
    after = parts(own)
    assert seen.norm_before == pytest.approx(before.norm().item())
    assert seen.norm_after == pytest.approx(after.norm().item(), rel=2e-3)
    cosine = torch.cosine_similarity(before, after, dim=0).item()
    assert seen.cosine == pytest.approx(cosine, abs=1e-3)
    if mode == "value":
        assert after.abs().max() <= 0.3 + 1e-3


def test_one_tensor_and_parameters_that_come_twice_are_taken_once():
    p = nn.Parameter(torch.zeros(2))
    p.grad = torch.tensor([3.0, 4.0])
    assert Clipper("norm", 2.5)(p).norm_before == 5.0
    assert Clipper("norm", 1.25)([p, p]).norm_before == 2.5
    assert p.grad.norm().item() == pytest.approx(1.25)


def test_half_gradients_longer_than_their_type_are_clipped():
    p = nn.Parameter(torch.zeros(4, 3, dtype=torch.float16))
    for mode, threshold in (("norm", 1.0), ("value", 1e5), ("value", 1.0), ("agc", 1e-2)):
        p.grad = torch.full((4, 3), 6e4, dtype=torch.float16)
        seen = Clipper(mode, threshold)(p)
        assert seen.norm_before == pytest.approx(6e4 * math.sqrt(12), rel=1e-3)
        assert p.grad.double().norm().item() == pytest.approx(seen.norm_after, rel=2e-2)
        assert seen.clipped == (threshold < 1e5)


def test_gradients_that_have_a_graph_of_their_own_are_clipped():
    p = nn.Parameter(torch.tensor([3.0, 4.0]))
    (p.grad,) = torch.autograd.grad(p.square().sum(), p, create_graph=True)
    assert p.grad.requires_grad
    clipper = Clipper("norm", 1.0)
    assert clipper(p).norm_before == 10.0
    torch.optim.SGD([p], 1.0).step()
    assert p.tolist() == pytest.approx([2.4, 3.2])


def test_sparse_gradients_are_clipped_in_the_steps_of_their_optimizer():
    for mode, threshold, expected in (("norm", 1.0, 1.0), ("value", 0.5, 1.0)):
        embedding = nn.Embedding(5, 2, sparse=True)
        optimizer = torch.optim.SparseAdam(embedding.parameters())
        Clipper(mode, threshold).attach(optimizer, embedding)
        embedding(torch.tensor([1, 1, 3])).sum().backward()
        optimizer.step()
        assert embedding.weight.grad.to_dense().norm().item() == pytest.approx(expected)
