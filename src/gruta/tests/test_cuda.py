"""On a GPU: gradients are clipped, and layers seen, as they are on the CPU."""

import pytest
import torch
from torch import nn

import gruta.nn
from gruta.health import Clipper, watch
from gruta.insight import xray

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")

T, B, I, H = 40, 5, 3, 16


class Network(nn.Module):
    def __init__(self, library, cell):
        super().__init__()
        self.layer = getattr(library, cell)(I, H, num_layers=2)
        self.head = nn.Linear(H, 1)

    def forward(self, x):
        return self.head(self.layer(x)[0][-1])[:, 0]


libraries = pytest.mark.parametrize("library", [nn, gruta.nn], ids=["torch", "gruta"])
cells = pytest.mark.parametrize("cell", ["GRU", "LSTM", "RNN"])


def pair(library, cell):
    """The same network on the CPU and on the GPU, and an input on each."""
    torch.manual_seed(0)
    here, there = Network(library, cell), Network(library, cell).cuda()
    there.load_state_dict(here.state_dict())
    x = torch.randn(T, B, I)
    return (here, x), (there, x.cuda())


def loss(y):
    return (y - 1).square().mean()


@libraries
@cells
def test_watch_sees_the_same(library, cell):
    found = []
    for model, x in pair(library, cell):
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        with watch(model, every=2) as watching:
            for _ in range(3):
                loss(model(x)).backward()
                optimizer.step()
                optimizer.zero_grad()
        found.append(watching.records)
    here, there = found
    assert [r["step"] for r in there] == [0, 2]
    for a, b in zip(here, there, strict=True):
        for layer in ("layer l0", "layer l1"):
            assert b[layer] == pytest.approx(a[layer], rel=2e-2, abs=1e-6)


@libraries
@cells
def test_xray_sees_the_same(library, cell):
    here, there = (xray(model, x, loss=loss) for model, x in pair(library, cell))
    assert there.loss == pytest.approx(here.loss, rel=1e-4)
    for a, b in zip(here.views, there.views, strict=True):
        assert b.numbers == pytest.approx(a.numbers, rel=2e-2, abs=1e-6)
    assert there.contexts == pytest.approx(here.contexts, rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("mode", ["norm", "value", "layer", "agc"])
def test_clipping_does_the_same(mode):
    threshold = {"norm": 0.1, "value": 0.01, "layer": 0.05, "agc": 0.01}[mode]
    seen, gradients = [], []
    for model, x in pair(nn, "GRU"):
        loss(model(x)).backward()
        seen.append(Clipper(mode, threshold)(model))
        gradients.append(torch.cat([p.grad.flatten().cpu() for p in model.parameters()]))
    assert seen[0].clipped
    for measure in ("norm_before", "norm_after", "coefficient", "cosine"):
        here, there = (getattr(one, measure) for one in seen)
        assert there == pytest.approx(here, rel=1e-3)
    torch.testing.assert_close(gradients[1], gradients[0], rtol=1e-2, atol=1e-5)


def test_half_precision_is_unscaled_before_it_is_measured_and_skipped_where_it_overflows():
    (_, _), (model, x) = pair(nn, "GRU")
    scaler = torch.amp.GradScaler("cuda", init_scale=2.0**12)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    clipper = Clipper("norm", 0.1)
    loss(model(x)).backward()
    true = torch.cat([p.grad.flatten() for p in model.parameters()]).double().norm().item()
    optimizer.zero_grad()
    with torch.autocast("cuda", torch.float16):
        value = loss(model(x))
    scaler.scale(value).backward()
    seen = clipper(model, scaler=scaler, optimizer=optimizer)
    assert seen.norm_before == pytest.approx(true, rel=2e-2)
    assert seen.norm_after == pytest.approx(0.1)
    scaler.step(optimizer)
    scaler.update()
    optimizer.zero_grad()
    weights = [p.detach().clone() for p in model.parameters()]
    scaler.scale(loss(model(x)) * torch.inf).backward()
    assert clipper(model, scaler=scaler, optimizer=optimizer).nonfinite is not None
    scaler.step(optimizer)
    scaler.update()
    assert all(torch.equal(p, w) for p, w in zip(model.parameters(), weights, strict=True))
