"""Whether the gradients of a step are those that were clipped: no false alarm, no missed one."""

import pytest
import torch

from gruta.health import ClippedTooEarly, Clipper
from gruta.health.test_attached import OwnLoop, steps_of_scaler
from gruta.health.test_clipping import loss_of, problem


def stepped(clip_at, accumulate=1, steps=6, drop=False, closure=False):
    """A loop that clips by hand where `clip_at(k)`, k the number of the backward pass in a step."""
    model, optimizer = problem()
    clipper = Clipper("norm", 1.0)

    def compute():
        for k in range(accumulate):
            loss_of(model, k, 1 / accumulate).backward()
            if clip_at(k):
                clipper(model)

    for _ in range(steps):
        if closure:
            optimizer.step(compute)
        else:
            compute()
            if drop:
                optimizer.zero_grad()
            optimizer.step()
        optimizer.zero_grad()


@pytest.mark.parametrize("closure", [False, True])
@pytest.mark.parametrize("accumulate", [1, 2, 5])
def test_right_order_is_no_alarm(accumulate, closure):
    stepped(lambda k: k == accumulate - 1, accumulate, closure=closure)
    stepped(lambda k: True, accumulate, closure=closure)
    stepped(lambda k: True, accumulate, drop=True)


@pytest.mark.parametrize("closure", [False, True])
def test_backward_after_clipping_is_told(closure):
    with pytest.warns(ClippedTooEarly, match="clip after the last backward"):
        stepped(lambda k: k < 4, accumulate=5, closure=closure)


def test_loop_that_runs_a_closure_without_a_step_between_is_no_alarm():
    """Lightning's, where it accumulates; each step's own clip is the closure's last act."""
    model, optimizer = problem()
    clipper = Clipper("norm", 1.0)
    closure = OwnLoop(optimizer, model)
    for _ in range(4):
        closure()
        optimizer.step(lambda: (loss_of(model, 1).backward(), clipper(model))[1])


def test_two_clippers_may_wait_for_their_optimizers_at_once():
    one, other = problem(), problem()
    clippers = Clipper(), Clipper()
    for _ in range(4):
        for clipper, (model, _) in zip(clippers, (one, other), strict=True):
            loss_of(model, 0).backward()
            clipper(model)
        for _, optimizer in (one, other):
            optimizer.step()
            optimizer.zero_grad()


def test_scaled_gradients_that_were_clipped_are_told_under_a_fused_optimizer():
    def clip_alone(optimizer, scaler):
        clipper = Clipper("norm", 0.5)
        return lambda: clipper(optimizer.param_groups[0]["params"])

    with pytest.warns(ClippedTooEarly, match="by a factor of 9.8·10⁻⁴"):
        steps_of_scaler("sgd-fused", clip_alone, 1024.0)


def test_accumulation_onto_unscaled_gradients_is_told():
    def loop(clip_each):
        model, optimizer = problem()
        scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
        clipper = Clipper("norm", 1.0)
        for _ in range(3):
            for k in range(2):
                scaler.scale(loss_of(model, k)).backward()
                if clip_each or k:
                    clipper(model, optimizer=optimizer, scaler=scaler)
            clipper([model.weight], optimizer=optimizer, scaler=scaler)
            scaler.step(optimizer)
            scaler.update()
            optimizer.zero_grad()

    loop(clip_each=False)
    with pytest.warns(ClippedTooEarly, match="call it once a step, after the last backward"):
        loop(clip_each=True)
