"""Training without keeping the gates: the same numbers, from fewer bytes."""

import pytest
import torch

import gruta.nn
from gruta import kernels
from gruta.cells.op import compiled

pytestmark = pytest.mark.skipif(not kernels.available(), reason="nothing is saved in either case")
LAYERS = [gruta.nn.GRU, gruta.nn.LSTM, gruta.nn.RNN]
every_kind = pytest.mark.parametrize("kind", LAYERS, ids=lambda kind: kind.__name__)
OPTIONS = {"bidirectional": True, "recurrent_dropout": 0.3, "zoneout": 0.2, "learn_h0": True}
SAVING = [
    (gruta.nn.GRU, {}),
    (gruta.nn.LSTM, {}),
    (gruta.nn.GRU, {"layer_norm": True}),
    (gruta.nn.RNN, {"layer_norm": True}),  # without, the RNN saves none
]


def trained(layer, x, **call):
    """Output, final states and every gradient of one step from fixed noise."""
    torch.manual_seed(3)
    layer.zero_grad()
    x = x.clone().requires_grad_()
    out, final = layer(x, **call)
    states = final if isinstance(final, tuple) else (final,)
    loss = (out * torch.linspace(-1, 1, out.numel(), dtype=out.dtype).view_as(out)).sum()
    (loss + sum(s.square().sum() for s in states)).backward()
    return [out, *states, x.grad, *(p.grad.clone() for p in layer.parameters())]


@every_kind
@pytest.mark.parametrize("T", [1, 5, 300])
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("norm", [False, True], ids=["plain", "norm"])
def test_recomputing_gives_the_same_numbers(kind, T, batch_first, norm):
    options = OPTIONS | {"num_layers": 2, "batch_first": batch_first, "layer_norm": norm}
    layer = kind(3, 5, dtype=torch.float64, **options)
    x = torch.randn((4, T, 3) if batch_first else (T, 4, 3), dtype=torch.float64)
    resets = torch.rand(x.shape[:2]) < 0.02
    call = {"lengths": [T, 0, T // 2, 1], "reset_mask": resets}
    kept = trained(layer, x, **call)
    layer.recompute = True
    for a, b in zip(kept, trained(layer, x, **call), strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize(("kind", "options"), SAVING)
def test_recomputing_never_holds_the_gates_of_the_whole_sequence(kind, options, monkeypatch):
    longest = []
    whole = compiled.forward

    def forward(spec, x, *rest, save, **options):
        longest.append(x.shape[0] if save else 0)
        return whole(spec, x, *rest, save=save, **options)

    monkeypatch.setattr(compiled, "forward", forward)
    trained(kind(3, 5, recompute=True, **options), torch.randn(64, 32, 3))
    assert 0 < max(longest) <= 8


def test_gradients_of_gradients_still_work():
    layer = gruta.nn.GRU(2, 3, recompute=True, dtype=torch.float64)
    x = torch.randn(4, 2, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(lambda x: layer(x)[0], (x,), fast_mode=True)
