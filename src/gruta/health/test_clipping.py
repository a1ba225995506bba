import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from gruta.errors import InputError
from gruta.health import (
    ClippedTooEarly,
    Clipper,
    NonFiniteGradient,
    SkippedStep,
    propose,
)
from gruta.health.rules import RULES


def with_gradients(*gradients):
    """Named parameters a, b, ... with these gradients, None for none."""
    parameters = []
    for name, gradient in zip("abcd", gradients, strict=False):
        p = nn.Parameter(torch.zeros(3))
        p.grad = None if gradient is None else torch.tensor(gradient)
        parameters.append((name, p))
    return parameters


def whole(named):
    return torch.cat([p.grad.double().flatten() for _, p in named if p.grad is not None])


LONG = [3.0, 0.0, -4.0], [0.0, 12.0, 0.0]  # of norm 13


def steps(mode, threshold, norms):
    """The norms after clipping of steps whose gradients have these norms."""
    clipper = Clipper(mode, threshold)
    return [clipper(with_gradients([n, 0.0, 0.0])).norm_after for n in norms]


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


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_value_cuts_components_and_turns_the_gradient(dtype):
    named = [(name, nn.Parameter(p.detach().to(dtype))) for name, p in with_gradients(*LONG)]
    for (_, p), gradient in zip(named, LONG, strict=True):
        p.grad = torch.tensor(gradient, dtype=dtype)
    before = whole(named)
    clipping = Clipper("value", 3.5)(named)
    assert whole(named).tolist() == [3.0, 0.0, -3.5, 0.0, 3.5, 0.0]
    assert torch.cosine_similarity(whole(named), before, dim=0) < 0.95
    assert clipping.clipped
    assert clipping.norm_after == pytest.approx(math.sqrt(9 + 2 * 3.5**2))
    turned = torch.cosine_similarity(whole(named), before, dim=0).item()
    assert clipping.cosine == pytest.approx(turned, abs=1e-7)


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


@pytest.mark.parametrize("mode", RULES)
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_gradient_that_is_not_finite_is_named_and_nothing_changed(mode, bad):
    named = with_gradients(LONG[0], None, [0.0, bad, 0.0], LONG[1])
    before = whole(named)
    clipper = Clipper(mode, 1.0)
    clipping = clipper.clip(named)
    assert clipping.nonfinite == "c"
    assert not clipping.clipped
    torch.testing.assert_close(whole(named), before, rtol=0, atol=0, equal_nan=True)
    assert (clipper.steps, clipper.nonfinite_in_a_row) == (0, 1)


def test_steps_that_are_not_finite_are_dropped_until_patience_ends():
    clipper = Clipper(patience=2)

    def bad():
        return with_gradients([math.nan] * 3, LONG[0])

    for named, dropped in ((bad(), True), (with_gradients(*LONG), False), (bad(), True)):
        clipper(named)
        assert all((p.grad is None) == dropped for _, p in named)
    with pytest.raises(NonFiniteGradient, match=r"2 steps in a row .* last that of a; lower"):
        clipper(bad())
    assert (clipper.steps, clipper.skipped_steps) == (1, 3)


def test_loss_that_is_not_finite_drops_the_step():
    named = with_gradients(*LONG)
    assert Clipper()(named, torch.tensor(math.nan)).nonfinite == "loss"
    assert named[0][1].grad is None


def test_layers_are_cut_one_by_one():
    named = with_gradients(*LONG)
    clipping = Clipper("layer", 6.0)(named)
    assert [p.grad.norm().item() for _, p in named] == [5.0, 6.0]
    assert clipping.norm_after == pytest.approx(math.hypot(5, 6))
    assert clipping.cosine == pytest.approx((25 + 72) / 13 / math.hypot(5, 6))


def test_agc_cuts_units_by_the_norm_of_their_weights():
    weight, bias = nn.Parameter(torch.tensor([[3.0, 4.0], [0.0, 0.0]])), nn.Parameter(torch.ones(4))
    weight.grad, bias.grad = torch.tensor([[6.0, 8.0], [0.0, 1.0]]), torch.full((4,), 0.1)
    before = whole([("", weight), ("", bias)])
    clipping = Clipper("agc", 0.5)([("weight", weight), ("bias", bias)])
    rows = weight.grad.norm(dim=1).tolist()
    assert rows == pytest.approx([0.5 * 5, 0.5 * 1e-3])
    assert torch.equal(bias.grad, torch.full((4,), 0.1))
    after = whole([("", weight), ("", bias)])
    assert clipping.norm_after == pytest.approx(after.norm().item())
    cosine = torch.cosine_similarity(before, after, dim=0).item()
    assert clipping.cosine == pytest.approx(cosine)


def test_autoclip_cuts_to_a_percentile_of_the_norms_so_far():
    assert steps("autoclip", 50.0, [4.0, 2.0, 9.0, 0.0]) == [4.0, 2.0, 4.0, 0.0]


def test_zclip_cuts_what_stands_out_and_learns_the_rest():
    usual = [1.0, 3.0] * 13
    after = steps("zclip", 2.5, [*usual, 100.0, 2.9])
    assert after[:26] == usual
    assert 2.0 < after[26] < 2.5  # mean 2 and deviation 1; the further out, the closer to the mean
    assert after[27] == pytest.approx(2.9)


@given(st.lists(st.floats(-1e3, 1e3, width=32), min_size=6, max_size=6), st.floats(1e-3, 1e3))
def test_every_way_tells_what_it_did(values, threshold):
    for mode in RULES:
        named = with_gradients(values[:3], values[3:])
        before = whole(named)
        clipping = Clipper(mode, min(threshold, 100.0))(named)
        after = whole(named)
        assert clipping.norm_before == pytest.approx(before.norm().item(), rel=1e-6)
        assert clipping.norm_after == pytest.approx(after.norm().item(), rel=1e-5, abs=1e-30)
        assert clipping.norm_after <= clipping.norm_before
        if clipping.norm_after > 1e-6:
            cosine = torch.cosine_similarity(before, after, dim=0, eps=0).item()
            assert clipping.cosine == pytest.approx(cosine, abs=1e-5)
        assert clipping.clipped or torch.equal(after, before)


@pytest.mark.parametrize("mode", ["norm", "autoclip", "zclip"])
def test_resumed_clipper_goes_on_as_if_it_had_not_stopped(mode):
    torch.manual_seed(0)
    norms = (9 * torch.rand(60) ** 9).tolist()
    straight, first, second = Clipper(mode), Clipper(mode), Clipper(mode)
    expected = [straight(with_gradients([n, 0.0, 0.0])) for n in norms]
    for n in norms[:40]:
        first(with_gradients([n, 0.0, 0.0]))
    first(with_gradients([math.inf] * 3))
    second.load_state_dict(first.state_dict())
    assert second.nonfinite_in_a_row == 1
    assert [second(with_gradients([n, 0.0, 0.0])) for n in norms[40:]] == expected[40:]
    assert second.clipped_share == straight.clipped_share > 0
    assert second.statistics()["mean_cosine"] == 1.0


def test_sparse_gradient_is_clipped_by_its_values():
    embedding = nn.Embedding(5, 2, sparse=True)
    embedding(torch.tensor([1, 1, 3])).sum().backward()
    clipping = Clipper("norm", 1.0)(embedding)
    assert clipping.norm_before == pytest.approx(math.sqrt(10))
    assert embedding.weight.grad.to_dense().norm().item() == pytest.approx(1.0)
    with pytest.raises(ValueError, match="clip='agc': a sparse gradient has no rows"):
        Clipper("agc")(embedding)


# ---- in a loop


def problem(device="cpu"):
    torch.manual_seed(0)
    model = nn.Linear(3, 1)
    return model, torch.optim.SGD(model.parameters(), 0.1, momentum=0.9, weight_decay=0.1)


def loss_of(model, k, size=1.0):
    x = torch.linspace(-1, 1, 12).reshape(4, 3) + k
    return size * F.mse_loss(model(x), torch.full((4, 1), 50.0))


def trained(clip, accumulate=1):
    """Weights after three steps; `clip(model, optimizer)` may answer with what to do at each."""
    model, optimizer = problem()
    at_each_step = clip(model, optimizer)
    for k in range(3):
        for _ in range(accumulate):
            loss_of(model, k, 1 / accumulate).backward()
        if callable(at_each_step):
            at_each_step(model)
        optimizer.step()
        optimizer.zero_grad()
    return model.weight.detach()


def by_torch(model, optimizer):
    return lambda model: nn.utils.clip_grad_norm_(model.parameters(), 1.0)


@pytest.mark.parametrize("accumulate", [1, 3])
def test_both_doors_train_as_torch_does(accumulate):
    expected = trained(by_torch, accumulate)
    called = trained(lambda model, optimizer: Clipper("norm", 1.0), accumulate)
    attached = trained(lambda m, o: Clipper("norm", 1.0).attach(o, m) and None, accumulate)
    torch.testing.assert_close(called, expected, rtol=1e-5, atol=1e-6)
    assert torch.equal(attached, called)


def test_skipped_step_changes_nothing_and_names_the_parameter():
    model, optimizer = problem()
    handle = Clipper().attach(optimizer, model)
    loss_of(model, 0).backward()
    optimizer.step()
    before = model.weight.detach().clone()
    model.bias.grad.fill_(math.nan)
    with pytest.warns(SkippedStep, match="step skipped: the gradient of bias is not finite"):
        optimizer.step()
    assert torch.equal(model.weight, before)
    handle.remove()
    loss_of(model, 0).backward()
    optimizer.step()
    assert not torch.equal(model.weight, before)


def scaled_steps(clip):
    model, optimizer = problem()
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    at_each_step = clip(model, optimizer, scaler)
    for k in range(3):
        scaler.scale(loss_of(model, k)).backward()
        if at_each_step:
            at_each_step()
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad()
    return model.weight.detach()


def test_scaled_gradients_are_unscaled_first():
    expected = trained(by_torch)

    def by_call(model, optimizer, scaler):
        clipper = Clipper("norm", 1.0)
        return lambda: clipper(model, optimizer=optimizer, scaler=scaler)

    def after_unscaling(model, optimizer, scaler):
        clipper = Clipper("norm", 1.0)
        return lambda: (scaler.unscale_(optimizer), clipper(model))

    def attached(model, optimizer, scaler):
        Clipper("norm", 1.0).attach(optimizer)

    for way in (by_call, after_unscaling, attached):
        torch.testing.assert_close(scaled_steps(way), expected, rtol=1e-5, atol=1e-6)


def test_overflow_under_a_scaler_is_named_and_skipped():
    model, optimizer = problem()
    scaler = torch.amp.GradScaler("cpu", init_scale=1e30)
    before = model.weight.detach().clone()
    scaler.scale(loss_of(model, 0, 1e20)).backward()
    clipping = Clipper()(model, optimizer=optimizer, scaler=scaler)
    scaler.step(optimizer)
    scaler.update()
    assert clipping.nonfinite == "weight"
    assert torch.equal(model.weight, before)
    assert scaler.get_scale() == pytest.approx(5e29)


def test_wrong_order_is_told():
    model, optimizer = problem()
    scaler = torch.amp.GradScaler("cpu")
    with pytest.raises(RuntimeError, match=r"no parameter has a gradient; call it after loss"):
        Clipper()(model)
    scaler.scale(loss_of(model, 0)).backward()
    Clipper()(model)
    with pytest.warns(ClippedTooEarly, match=r"by a factor of 1.5·10⁻⁵: clip after the last back"):
        scaler.step(optimizer)
    with pytest.raises(InputError, match="optimizer: give it beside the scaler"):
        Clipper()(model, scaler=scaler)
    with pytest.raises(RuntimeError, match=r"called after scaler.step\(optimizer\)"):
        Clipper()(model, optimizer=optimizer, scaler=scaler)


def test_attach_takes_an_optimizer_and_accelerates_wrapper_of_one():
    from accelerate import Accelerator

    model, optimizer = problem()
    clipper = Clipper("norm", 1.0)
    wrapped = Accelerator(cpu=True).prepare(optimizer)
    clipper.attach(wrapped)
    loss_of(model, 0).backward()
    wrapped.step()
    assert clipper.clipped_steps == 1
    with pytest.raises(TypeError, match=r"expected a torch.optim.Optimizer, .* got Linear"):
        clipper.attach(model)


# ---- a threshold


def test_proposed_threshold_is_a_percentile_and_says_what_it_would_clip():
    clipper = Clipper("none")
    for n in range(1, 101):
        clipper(with_gradients([float(n), 0.0, 0.0]))
    proposal = clipper.propose(90)
    assert (proposal.threshold, proposal.share, proposal.steps) == (90.0, 0.1, 100)
    assert (proposal.median, proposal.largest) == (50.5, 100.0)


def test_threshold_needs_enough_steps():
    with pytest.raises(InputError, match="norms: expected those of at least 20 steps, got 3"):
        propose([1.0, 2.0, 3.0])
    with pytest.raises(InputError, match="percentile: expected a number between 0 and 100"):
        propose([1.0] * 30, 100)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"mode": "length"}, "clip: expected one of norm, value, layer, .* none, got 'length'"),
        ({"threshold": 0.0}, "clip_threshold: expected a positive number, got 0.0"),
        ({"threshold": math.nan}, "clip_threshold"),
        ({"mode": "value"}, "clip_threshold: 'value' has no default; give the size of a component"),
        ({"mode": "autoclip", "threshold": 101.0}, "'autoclip' takes a percentile"),
        ({"patience": 0}, "patience: expected at least 1, got 0"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        Clipper(**arguments)
