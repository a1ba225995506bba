"""Clippers in loops of every kind, and in the copies of an optimiser."""

import copy
import io
import math
import pickle
from functools import partial

import pytest
import torch
from torch import nn

from gruta.errors import InputError
from gruta.health import (
    ClippedTwice,
    Clipper,
    NonFiniteGradient,
    SkippedStep,
)
from gruta.health.test_clipping import loss_of, problem, whole

OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, 0.1),
    "sgd-fused": lambda p: torch.optim.SGD(p, 0.1, fused=True),
    "adam-fused": lambda p: torch.optim.Adam(p, 0.1, eps=1.0, fused=True),
    "adamw-fused": lambda p: torch.optim.AdamW(p, 0.1, eps=1.0, fused=True),
    "adagrad-fused": lambda p: torch.optim.Adagrad(p, 0.1, eps=1.0, fused=True),
    "adam-foreach": lambda p: torch.optim.Adam(p, 0.1, eps=1.0, foreach=True),
}
every_optimizer = pytest.mark.parametrize("kind", OPTIMIZERS)
MODES = {"norm": 0.5, "value": 0.3, "layer": 0.2, "agc": 0.01, "autoclip": 50.0, "zclip": 2.5}


def layer():
    torch.manual_seed(0)
    return nn.Linear(3, 1)


def steps_of_scaler(kind, clip, scale, scaled=True):
    """Weights after three steps under a scaler; `clip(optimizer, scaler)` says what each does."""
    model = layer()
    optimizer = OPTIMIZERS[kind](model.parameters())
    scaler = torch.amp.GradScaler("cpu", init_scale=scale, enabled=scaled)
    at_each_step = clip(optimizer, scaler)
    for k in range(3):
        optimizer.zero_grad()
        scaler.scale(loss_of(model, k)).backward()
        at_each_step()
        scaler.step(optimizer)
        scaler.update()
    return model.weight.detach()


@every_optimizer
@pytest.mark.parametrize("mode", MODES)
def test_threshold_meets_gradients_without_their_scale(kind, mode):
    """A scaler leaves it to a fused optimiser to divide by the scale, within its step."""

    def attached(clipper, optimizer, scaler):
        clipper.attach(optimizer)
        return lambda: None

    def unscaled_before(clipper, optimizer, scaler):
        clipper.attach(optimizer)
        return lambda: scaler.unscale_(optimizer)

    def called(clipper, optimizer, scaler):
        parameters = optimizer.param_groups[0]["params"]
        return lambda: clipper(parameters, optimizer=optimizer, scaler=scaler)

    plain = Clipper(mode, MODES[mode])
    expected = steps_of_scaler(kind, partial(called, plain), 1.0, scaled=False)
    for way in (attached, unscaled_before, called):
        clipper = Clipper(mode, MODES[mode])
        got = steps_of_scaler(kind, partial(way, clipper), 1024.0)
        torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-6)
        assert clipper.statistics() == pytest.approx(plain.statistics(), rel=1e-5)


@every_optimizer
def test_overflow_of_a_scaler_is_no_skipped_step(kind):
    model = layer()
    optimizer = OPTIMIZERS[kind](model.parameters())
    scaler = torch.amp.GradScaler("cpu", init_scale=1e38)
    clipper = Clipper(patience=1)
    clipper.attach(optimizer)
    before = model.weight.detach().clone()
    scaler.scale(loss_of(model, 0, 1e4)).backward()
    scaler.step(optimizer)
    scaler.update()
    assert torch.equal(model.weight, before)
    assert (clipper.steps, clipper.skipped_steps) == (0, 0)


class OfApex(torch.optim.SGD):
    """A fused optimiser of the older contract: the scaler gives itself to its step."""

    def __init__(self, parameters):
        super().__init__(parameters, 0.1)
        self._step_supports_amp_scaling = True

    def step(self, closure=None, *, grad_scaler=None):
        grad_scaler.unscale_(self)
        found = grad_scaler._found_inf_per_device(self)
        if not sum(float(one) for one in found.values()):
            super().step()


@pytest.mark.filterwarnings("ignore:GradScaler is going to stop passing itself:FutureWarning")
def test_optimizers_that_are_given_the_scaler_are_clipped_as_others():
    model = layer()
    optimizer = OfApex(model.parameters())
    clipper = Clipper("value", 0.05, patience=1)
    clipper.attach(optimizer)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    before = model.weight.detach().clone()
    for size in (1.0, 1e36):
        optimizer.zero_grad()
        scaler.scale(loss_of(model, 0, size)).backward()
        scaler.step(optimizer)
        scaler.update()
    torch.testing.assert_close((model.weight - before).abs(), torch.full((1, 3), 0.005))
    assert (clipper.steps, clipper.skipped_steps) == (1, 0)
    assert clipper.last.norm_after == pytest.approx(0.1)


def test_patience_is_not_tried_by_a_scale_that_is_still_too_high():
    model = layer()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    clipper = Clipper(patience=2)

    def step(scaler, size):
        scaler.scale(loss_of(model, 0, size)).backward()
        clipping = clipper(model, optimizer=optimizer, scaler=scaler)
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad()
        return clipping.nonfinite

    scaler = torch.amp.GradScaler("cpu", init_scale=1e38)
    assert [step(scaler, 1e4) for _ in range(4)] == ["weight"] * 4
    assert (clipper.skipped_steps, clipper.nonfinite_in_a_row) == (4, 0)
    scaler = torch.amp.GradScaler("cpu", init_scale=1.0)
    step(scaler, math.inf)
    with pytest.raises(NonFiniteGradient):
        step(scaler, math.inf)


def test_half_gradients_keep_their_small_numbers_under_a_fused_optimizer():
    p = nn.Parameter(torch.zeros(2, dtype=torch.float16))
    optimizer = torch.optim.SGD([p], 1.0, fused=True)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**16)
    clipper = Clipper("none")
    clipper.attach(optimizer)
    scaler.scale((p.float() * torch.tensor([1e-7, 0.5])).sum()).backward()
    p.grad.copy_(torch.tensor([1e-7, 0.5]) * 2.0**16)
    scaler.step(optimizer)
    assert clipper.last.norm_before == pytest.approx(0.5)


# ---- closures


class OwnLoop:
    """Forward, zero_grad and backward in a closure, as Lightning's and skorch's loops do."""

    def __init__(self, optimizer, model, size=1.0):
        self.optimizer, self.model, self.size, self.calls = optimizer, model, size, 0

    def __call__(self):
        self.calls += 1
        self.optimizer.zero_grad()
        loss = loss_of(self.model, self.calls % 3, self.size)
        loss.backward()
        return loss


@pytest.mark.parametrize("given", ["by place", "by name"])
def test_what_a_closure_computes_is_clipped(given):
    model, optimizer = problem()
    expected, other = problem()
    clipper = Clipper("norm", 1.0)
    clipper.attach(optimizer, model)
    closure, same = OwnLoop(optimizer, model), OwnLoop(other, expected)
    for _ in range(3):
        same()
        nn.utils.clip_grad_norm_(expected.parameters(), 1.0)
        other.step()
        loss = optimizer.step(closure) if given == "by place" else optimizer.step(closure=closure)
        assert loss.requires_grad
    torch.testing.assert_close(model.weight, expected.weight, rtol=1e-5, atol=1e-6)
    assert (clipper.steps, closure.calls) == (3, 3)


def test_each_evaluation_of_a_closure_is_clipped():
    model = layer()
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=4)
    clipper = Clipper("norm", 1e-3)
    clipper.attach(optimizer, model)
    closure = OwnLoop(optimizer, model)
    optimizer.step(closure)
    assert clipper.clipped_steps == closure.calls > 1
    assert whole(model.named_parameters()).norm() <= 1e-3 * (1 + 1e-6)


def test_closure_whose_gradient_is_not_finite_changes_nothing():
    model, optimizer = problem()
    Clipper().attach(optimizer, model)
    before = model.weight.detach().clone()
    with pytest.warns(SkippedStep, match="the gradient of weight is not finite"):
        optimizer.step(OwnLoop(optimizer, model, math.inf))
    assert torch.equal(model.weight, before)


class Louder(torch.optim.SGD):
    def step(self, closure=None):
        return super().step(closure)


@pytest.mark.parametrize("by_closure", [False, True])
def test_step_that_calls_its_parents_is_clipped_for_once(by_closure):
    model, _ = problem()  # from here on torch calls hooks in SGD's own step too
    optimizer = Louder(model.parameters(), 0.1)
    clipper = Clipper("autoclip", 50.0)
    clipper.attach(optimizer)
    for _ in range(3):
        if by_closure:
            optimizer.step(OwnLoop(optimizer, model))
        else:
            OwnLoop(optimizer, model)()
            optimizer.step()
    assert clipper.steps == 3


# ---- one optimiser, several, and their copies


def test_attached_again_it_stays_as_it_is():
    model, optimizer = problem()
    clipper = Clipper("norm", 1.0)
    clipper.attach(optimizer)
    handle = clipper.attach(optimizer, model)
    loss_of(model, 0).backward()
    optimizer.step()
    assert clipper.steps == 1
    model.bias.grad.fill_(math.nan)
    with pytest.warns(SkippedStep, match="the gradient of bias"):
        optimizer.step()
    handle.remove()
    loss_of(model, 0).backward()
    optimizer.step()
    assert clipper.steps == 1
    clipper.attach(optimizer)
    with pytest.warns(ClippedTwice, match="to replace it, call remove"):
        Clipper("value", 0.1).attach(optimizer)


def test_parameters_that_join_later_are_clipped():
    _, optimizer = problem()
    clipper = Clipper("norm", 1.0)
    clipper.attach(optimizer)
    late = nn.Parameter(torch.zeros(1))
    optimizer.add_param_group({"params": [late], "lr": 1.0, "momentum": 0.0, "weight_decay": 0.0})
    (3 * late).sum().backward()
    optimizer.step()
    assert late.item() == pytest.approx(-1.0)


def through_pickle(pair):
    return pickle.loads(pickle.dumps(pair))  # noqa: S301


def through_file(pair):
    file = io.BytesIO()
    torch.save(pair, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


def copied_twice(pair):
    return copy.deepcopy(copy.deepcopy(pair))


@pytest.mark.parametrize("way", [copy.deepcopy, copied_twice, through_pickle, through_file])
@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_copy_of_an_optimizer_clips_as_the_original(kind, way):
    model = layer()
    optimizer = OPTIMIZERS[kind](model.parameters())
    clipper = Clipper("autoclip", 50.0)
    clipper.attach(optimizer, model)
    for k in range(3):
        OwnLoop(optimizer, model, 1.0 + k)()
        optimizer.step()
    other_model, other = way((model, optimizer))
    for pair in ((model, optimizer), (other_model, other)):
        for k in range(3):
            OwnLoop(pair[1], pair[0], 9.0 + k)()
            pair[1].step()
    assert torch.equal(model.weight, other_model.weight)
    assert clipper.steps == 6
    other_model.bias.grad.fill_(math.nan)
    with pytest.warns(SkippedStep, match="the gradient of bias"):
        other.step()
    assert clipper.skipped_steps == 0


def test_copy_made_after_remove_is_without():
    model, optimizer = problem()
    Clipper().attach(optimizer, model).remove()
    assert not copy.deepcopy(optimizer)._optimizer_step_pre_hooks
    assert not copy.copy(optimizer)._optimizer_step_pre_hooks
    clipper = Clipper()
    clipper.attach(optimizer)
    loss_of(model, 0).backward()
    copy.copy(optimizer).step()
    assert clipper.steps == 1


def test_copy_of_a_clipper_takes_its_place():
    """Some packages pickle an optimiser and who clips it one by one."""
    model, optimizer = problem()
    clipper = Clipper()
    clipper.attach(optimizer)
    other = copy.deepcopy(clipper)
    other.attach(optimizer)
    loss_of(model, 0).backward()
    optimizer.step()
    assert (clipper.steps, other.steps) == (0, 1)


def test_hook_in_a_copy_keeps_its_place_beside_new_ones():
    model, optimizer = problem()
    Clipper().attach(optimizer, model)
    other = through_pickle(optimizer)
    for _ in range(3):
        other.register_step_pre_hook(lambda *_: None)
    assert len(other._optimizer_step_pre_hooks) == 4
    assert "hooks" not in "".join(optimizer.state_dict())


def test_clipper_may_be_copied_between_its_call_and_the_step():
    model, optimizer = problem()
    clipper = Clipper()
    loss_of(model, 0).backward()
    clipper(model)
    other = copy.deepcopy(clipper)
    optimizer.step()
    assert other.statistics() == clipper.statistics()


def test_scheduler_and_wrapped_optimizers_are_taken():
    model, optimizer = problem()
    clipper = Clipper("norm", 1.0)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1)
    clipper.attach(optimizer)
    loss_of(model, 0).backward()
    optimizer.step()
    schedule.step()
    assert clipper.steps == 1


def test_scaler_without_its_optimizer_is_refused():
    with pytest.raises(InputError, match="optimizer: give it beside the scaler"):
        Clipper()(layer(), scaler=torch.amp.GradScaler("cpu"))
