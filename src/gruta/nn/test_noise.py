"""Recurrent dropout and zoneout: what they draw in training, and what stands in evaluation."""

import math
from itertools import pairwise

import pytest
import torch

import gruta.nn

P = 0.3  # of the tests that count how often something happens


def randomised(layer):
    """The layer with every parameter drawn anew, so that none is at a value without effect."""
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.normal_(std=0.5)
    return layer


def assert_share(mask, p):
    """`mask` is true about as often as a coin of probability p says: within five deviations."""
    assert mask.numel() > 1000
    share = mask.double().mean().item()
    assert abs(share - p) < 5 * math.sqrt(p * (1 - p) / mask.numel())


# Recurrent dropout


def counting(p, T, B, H, **options):
    """An RNN whose h, where nothing is dropped, goes 1, 1 + h, 1 + (1 + h), ..."""
    layer = gruta.nn.RNN(
        1, H, nonlinearity="relu", recurrent_dropout=p, dtype=torch.float64, **options
    )
    with torch.no_grad():
        for name, parameter in layer.named_parameters():
            if name.startswith("weight_hh"):
                parameter.copy_(torch.eye(H))
            else:
                parameter.fill_(float(name.startswith("bias_ih")))
    return layer(torch.zeros(T, B, 1).double())[0]


def test_recurrent_dropout_drops_the_same_units_at_all_steps_and_never_the_carried_state():
    T, B, H = 5, 8, 300
    h = counting(0.5, T, B, H)
    dropped = torch.ones(T).double()
    kept = torch.tensor([2.0**t - 1 for t in range(1, T + 1)]).double()
    units = h.flatten(1).T  # [B*H, T]
    is_dropped, is_kept = ((units == way).all(1) for way in (dropped, kept))
    assert (is_dropped ^ is_kept).all()
    assert_share(is_dropped, 0.5)
    is_dropped = is_dropped.view(B, H)
    assert not torch.equal(is_dropped[0], is_dropped[1])


def test_recurrent_dropout_scales_what_it_keeps_and_drops_with_its_probability():
    h = counting(P, 2, 20, 200)[1]
    assert_share(h == 1, P)
    kept = h[h != 1]
    torch.testing.assert_close(kept, torch.full_like(kept, 1 + 1 / (1 - P)))


def test_each_direction_and_layer_drops_units_of_its_own():
    ahead, back = counting(0.5, 2, 4, 100, bidirectional=True).chunk(2, dim=-1)
    assert not torch.equal(ahead[1] == 1, back[0] == 1)
    first = counting(0.5, 2, 4, 100)
    second = counting(0.5, 2, 4, 100, num_layers=2)
    assert not torch.equal(first[1] == 1, second[1] == 1)


# Zoneout


def test_zoneout_holds_each_unit_of_each_state_with_its_probability(kind):
    layer = randomised(kind.make(3, 6, zoneout=P, dtype=torch.float64))
    x, initial = torch.randn(1, 2000, 3).double(), kind.initial(layer, 2000, torch.float64)
    final = kind.tensors(layer(x, kind.given(initial))[1])
    held = [new == old for new, old in zip(final, initial, strict=True)]
    for mask in held:
        assert_share(mask, P)
        assert_share(mask[..., 0] & mask[..., 1], P * P)
    if len(held) == 2:
        assert_share(held[0][..., 0] & held[1][..., 0], P * P)


def test_zoneout_holds_other_units_at_every_step():
    layer = randomised(gruta.nn.GRU(3, 50, zoneout=P))
    h, _ = layer(torch.randn(20, 8, 3), torch.randn(1, 8, 50))
    held = [new == old for old, new in pairwise(h)]
    assert_share(torch.stack(held), P)
    assert_share(torch.stack([a & b for a, b in pairwise(held)]), P * P)


def test_zoneout_in_evaluation_is_the_expectation(kind, assert_close):
    options = {"dtype": torch.float64, "num_layers": 1}
    layer = randomised(kind.make(3, 6, zoneout=P, **options)).eval()
    plain = kind.make(3, 6, **options)
    plain.load_state_dict(layer.state_dict())
    x, initial = torch.randn(1, 4, 3).double(), kind.initial(layer, 4, torch.float64)
    found = kind.tensors(layer(x, kind.given(initial))[1])
    free = kind.tensors(plain(x, kind.given(initial))[1])
    assert_close(
        found, tuple(P * old + (1 - P) * new for old, new in zip(initial, free, strict=True))
    )
    many, *_ = kind.tensors(
        layer.train()(
            x[:, :1].expand(1, 20000, 3),
            kind.given([s[:, :1].expand(1, 20000, -1).contiguous() for s in initial]),
        )[1]
    )
    torch.testing.assert_close(many.mean(1), found[0][:, 0], rtol=0, atol=0.03)


@pytest.mark.parametrize("noise", ["recurrent_dropout", "zoneout"])
def test_noise_is_drawn_in_training_alone_and_by_torchs_seed(kind, noise):
    layer, x = kind.make(3, 6, num_layers=2, **{noise: 0.5}), torch.randn(5, 4, 3)

    def output(seed):
        torch.manual_seed(seed)
        return layer(x)[0]

    assert torch.equal(output(1), output(1))
    assert not torch.equal(output(1), output(2))
    layer.eval()
    assert torch.equal(output(1), output(2))


def test_recurrent_dropout_does_nothing_in_evaluation(kind):
    layer, x = kind.make(3, 6, num_layers=2, recurrent_dropout=0.5), torch.randn(5, 4, 3)
    plain = kind.make(3, 6, num_layers=2)
    plain.load_state_dict(layer.state_dict())
    assert torch.equal(layer.eval()(x)[0], plain(x)[0])
