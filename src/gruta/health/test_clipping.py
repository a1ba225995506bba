import math

import pytest
import torch
from torch import nn

from gruta.errors import InputError
from gruta.health.clipping import Clipper


def with_gradients(*gradients):
    """Named parameters a, b, ... with these gradients, None for none."""
    parameters = []
    for name, gradient in zip("abcd", gradients, strict=False):
        p = nn.Parameter(torch.zeros(3))
        p.grad = None if gradient is None else torch.tensor(gradient)
        parameters.append((name, p))
    return parameters


def whole(named):
    return torch.cat([p.grad.double() for _, p in named if p.grad is not None])


LONG = [3.0, 0.0, -4.0], [0.0, 12.0, 0.0]  # of norm 13


def test_norm_is_cut_to_the_threshold_and_direction_kept():
    named = with_gradients(*LONG)
    before = whole(named)
    clipping = Clipper("norm", 2.0)(named)
    after = whole(named)
    assert after.norm().item() == pytest.approx(2.0, rel=1e-6)
    assert torch.cosine_similarity(after, before, dim=0).item() == pytest.approx(1.0, abs=1e-7)
    assert (clipping.norm_before, clipping.norm_after) == (13.0, 2.0)
    assert clipping.coefficient == pytest.approx(2 / 13)
    assert clipping.clipped


@pytest.mark.parametrize("mode", ["norm", "value"])
def test_short_gradient_is_left_alone(mode):
    named = with_gradients(*LONG)
    before = whole(named)
    clipping = Clipper(mode, 13.0)(named)
    assert torch.equal(whole(named), before)
    assert (clipping.norm_after, clipping.coefficient, clipping.clipped) == (13.0, 1.0, False)


def test_value_cuts_components_and_turns_the_gradient():
    named = with_gradients(*LONG)
    before = whole(named)
    clipping = Clipper("value", 3.5)(named)
    assert whole(named).tolist() == [3.0, 0.0, -3.5, 0.0, 3.5, 0.0]
    assert torch.cosine_similarity(whole(named), before, dim=0) < 0.95
    assert clipping.clipped
    assert clipping.norm_after == pytest.approx(math.sqrt(9 + 2 * 3.5**2))


def test_none_only_measures():
    named = with_gradients(*LONG)
    before = whole(named)
    clipping = Clipper("none", 1.0)(named)
    assert torch.equal(whole(named), before)
    assert (clipping.norm_before, clipping.norm_after, clipping.clipped) == (13.0, 13.0, False)


def test_norm_beyond_the_squares_of_float32_is_finite():
    named = with_gradients([1e25, 0.0, 0.0], [0.0, -1e25, 0.0])
    assert torch.cat([p.grad for _, p in named]).square().sum().isinf()
    clipping = Clipper("norm", 1.0)(named)
    assert clipping.nonfinite is None
    assert clipping.norm_before == pytest.approx(math.sqrt(2) * 1e25)
    assert whole(named).tolist() == pytest.approx([math.sqrt(0.5), 0, 0, 0, -math.sqrt(0.5), 0])


@pytest.mark.parametrize("mode", ["norm", "value", "none"])
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_gradient_that_is_not_finite_is_named_and_nothing_changed(mode, bad):
    named = with_gradients(LONG[0], None, [0.0, bad, 0.0], LONG[1])
    before = whole(named)
    clipper = Clipper(mode, 1.0)
    clipping = clipper(named)
    assert clipping.nonfinite == "c"
    assert not clipping.clipped
    torch.testing.assert_close(whole(named), before, rtol=0, atol=0, equal_nan=True)
    assert (clipper.steps, clipper.nonfinite_in_a_row) == (0, 1)


def test_patience_counts_bad_steps_in_a_row():
    clipper = Clipper(patience=2)
    bad, good = with_gradients([math.nan] * 3), with_gradients(LONG[0])
    for named, exhausted in ((bad, False), (good, False), (bad, False), (bad, True)):
        clipper(named)
        assert clipper.exhausted is exhausted


def test_clipped_share_counts_finite_steps_and_survives_a_state_dict():
    clipper = Clipper("norm", 6.0)
    assert clipper.clipped_share == 0.0
    for gradient in ([3.0, 0.0, 4.0], [0.0, 12.0, 0.0], [5.0, 0.0, 0.0], [math.nan] * 3, [1.0] * 3):
        clipper(with_gradients(gradient))
    clipper(with_gradients([math.inf] * 3))
    assert clipper.clipped_share == 1 / 4
    resumed = Clipper("norm", 6.0)
    resumed.load_state_dict(clipper.state_dict())
    assert resumed.clipped_share == 1 / 4
    assert resumed.nonfinite_in_a_row == 1


def test_parameters_without_gradients_have_norm_zero():
    clipping = Clipper()(with_gradients(None, None))
    assert (clipping.norm_before, clipping.norm_after, clipping.clipped) == (0.0, 0.0, False)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"mode": "length"}, "clip: expected one of norm, value, none, got 'length'"),
        ({"threshold": 0.0}, "clip_threshold: expected a positive number, got 0.0"),
        ({"threshold": math.nan}, "clip_threshold"),
        ({"patience": 0}, "patience: expected at least 1, got 0"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        Clipper(**arguments)
