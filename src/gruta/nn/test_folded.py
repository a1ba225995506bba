import numpy as np
import pytest
import torch
import torch.nn.functional as F

from gruta.nn.draws import drawing
from gruta.nn.folded import Folded
from gruta.runtime.blocks import require_shapes
from gruta.runtime.folded import Folded as OnArrays
from gruta.runtime.folded import convolved, folded_shapes, normed


@pytest.mark.parametrize(
    ("size", "steps"), [((13, 9), (2, 2, 1)), ((2, 3), (1, 1)), ((8, 3), (1,))]
)
def test_blocks_on_arrays_compute_what_the_layers_do(size, steps):
    widths = (6, 12, 16)[: len(steps)]
    with drawing(3):
        layers = Folded(3, widths, steps)
    weights = {f"fold.{n}": w.detach().numpy() for n, w in layers.state_dict().items()}
    for name, w in weights.items():
        if "norm" in name:
            w += np.random.default_rng(0).normal(size=w.shape, scale=0.3).astype("f")
    require_shapes(weights, folded_shapes("fold", 3, widths))
    x = torch.randn(5, 3, *size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = layers(x).numpy()
    np.testing.assert_allclose(OnArrays(weights, "fold", steps)(x.numpy()), expected, atol=1e-5)


def test_convolution_and_norm_are_those_of_torch():
    draw = np.random.default_rng(0)
    x, w = draw.normal(size=(2, 8, 7, 5)).astype("f"), draw.normal(size=(4, 8, 3, 3)).astype("f")
    for step in (1, 2, 3):
        expected = F.conv2d(torch.from_numpy(x), torch.from_numpy(w), stride=step, padding=1)
        np.testing.assert_allclose(convolved(x, w, step), expected.numpy(), atol=1e-5)
    gain, bias = draw.normal(size=(2, 8)).astype("f")
    x = 9 * x + 50
    of_torch = F.group_norm(torch.from_numpy(x), 4, *map(torch.from_numpy, (gain, bias)))
    np.testing.assert_allclose(normed(x, gain, bias, 4), of_torch.numpy(), atol=2e-5)


def test_a_picture_is_folded_alike_whatever_stands_beside_it():
    with drawing(0):
        layers = Folded(3, (8, 16), (2, 1))
    x = torch.randn(3, 3, 12, 12, generator=torch.Generator().manual_seed(1))
    other = torch.cat((x[:1], 100 * x[1:]))
    with torch.no_grad():
        np.testing.assert_allclose(layers(x)[0].numpy(), layers(other)[0].numpy(), atol=1e-6)


def test_weights_come_from_the_seed():
    with drawing(7):
        one = Folded(3, (8,), (1,)).state_dict()
    with drawing(7):
        other = Folded(3, (8,), (1,)).state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert one["conv0.weight"].std() == pytest.approx((2 / 27) ** 0.5, rel=0.15)
