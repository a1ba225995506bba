"""Gradient clipping that measures what it does and never lets a non-finite gradient through."""

import math
import warnings
from collections import deque
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import torch
from torch import Tensor, nn
from torch.optim.optimizer import Optimizer
from torch.utils.hooks import RemovableHandle

from gruta.errors import InputError
from gruta.health.attached import attach, unwrapped
from gruta.health.gradients import Named, Parameters, agreed, gradients, named
from gruta.health.order import ClippedTooEarly, Order
from gruta.health.proposal import Proposal, propose
from gruta.health.rules import RULES, WINDOW, Rule
from gruta.locale import translate as _
from gruta.ways_to_clip import WAYS, ClipMode


class NonFiniteGradient(RuntimeError):
    """A gradient or the loss stayed NaN or infinite for as many steps as the clipper's patience."""


@dataclass(frozen=True)
class Clipping:
    """What one step's clipping saw and did.

    norm_before, norm_after: global 2-norm of the gradient, summed in float64.
    coefficient: norm_after / norm_before; 1 where nothing was clipped.
    cosine: of the angle between the gradient before and after; 1 where its direction was kept.
    threshold: that of this step, infinite where there is none.
    nonfinite: the first parameter whose gradient holds NaN or infinity, or "loss"; then the step
        must be skipped.
    """

    norm_before: float
    norm_after: float
    coefficient: float
    clipped: bool
    cosine: float = 1.0
    threshold: float = math.inf
    nonfinite: str | None = None


class Clipper:
    """Clips the gradients of a step, and keeps count.

    In any loop, either once, before it, for every step of an optimiser to come:

    >>> Clipper("norm", 1.0).attach(optimizer, model)

    or at each step, between `loss.backward()` and `optimizer.step()`:

    >>> clipping = clipper(model)

    mode: "norm", "value", "layer", "agc", "autoclip", "zclip" or "none", which only measures;
        `rules.py` says what each does, and its source.
    threshold: the length for "norm" (1 by default), the size of a component for "value" and a
        length for "layer" (both must be given), the ratio to the weights for "agc" (0.01), the
        percentile for "autoclip" (10), the number of deviations for "zclip" (2.5).
    patience: how many steps in a row may have a non-finite gradient; each is skipped, and the one
        that reaches it raises NonFiniteGradient.

    Where processes train together (torch.distributed), all take the largest norm and the same
    decision. `statistics()` tells what was done so far, `propose()` a threshold. Networks that
    train against each other take a clipper each, since one keeps one count.
    """

    def __init__(
        self, mode: ClipMode = "norm", threshold: float | None = None, patience: int = 10
    ) -> None:
        if mode not in RULES:
            problem = _("expected one of {names}, got {given!r}")
            raise InputError(clip=problem.format(names=", ".join(RULES), given=mode))
        way = WAYS[mode]
        threshold = way.default if threshold is None else threshold
        if threshold is None:
            problem = _("{mode!r} has no default; give {unit}")
            raise InputError(clip_threshold=problem.format(mode=mode, unit=_(way.unit)))
        if not threshold > 0:
            problem = _("expected a positive number, got {given}")
            raise InputError(clip_threshold=problem.format(given=threshold))
        if threshold > way.most:
            problem = _("{mode!r} takes {unit}, at most {most:g}, got {given}").format(
                mode=mode, unit=_(way.unit), most=way.most, given=threshold
            )
            raise InputError(clip_threshold=problem)
        if patience < 1:
            raise InputError(
                _("patience: expected at least 1, got {patience}").format(patience=patience)
            )
        self.mode = mode
        self.threshold = threshold
        self.patience = patience
        self.rule: Rule = RULES[mode](threshold)
        self.last: Clipping | None = None
        self.norms: deque[float] = deque(maxlen=WINDOW)
        self.steps = self.clipped_steps = self.skipped_steps = 0
        self.nonfinite_in_a_row = 0
        self._sum_of_cosines = 0.0
        self.origin = uuid4().hex  # the same in all copies
        self.alike = False
        """Whether all processes have the same gradients anyway, and need not agree."""
        self._order = Order()
        self._unscaled: Any = None

    def __getstate__(self) -> dict[str, Any]:
        # What a copy clips is its own: it waits for no step of the original's optimiser.
        return {**self.__dict__, "_order": Order(), "_unscaled": None}

    def __call__(
        self,
        model: Parameters,
        loss: Tensor | None = None,
        *,
        optimizer: Optimizer | None = None,
        scaler: torch.amp.GradScaler | None = None,
    ) -> Clipping:
        """Clip the gradients in place, between `backward` and the optimiser's step.

        model: a model, or parameters, one or many, with their names or without. If a gradient is
        not finite, or `loss` is not, all are dropped (set to None), so that the step to come
        changes nothing. With a gradient scaler, give it and the optimiser: the gradients are
        unscaled first, unless they were; and as long as its scale is above 1, an overflow is the
        scale's doing and tries nobody's patience. RuntimeError where it is called before `backward`
        or after the scaler's step, NonFiniteGradient when patience ends.
        """
        is_scaled = scaler is not None and scaler.is_enabled()
        if scaler is not None and is_scaled:
            self._unscale(scaler, optimizer)
        own = named(model)
        if all(p.grad is None for _, p in own):
            problem = _(
                "Clipper: no parameter has a gradient; call it after loss.backward() and before "
                "optimizer.step() and zero_grad()"
            )
            raise RuntimeError(problem)
        in_a_row = self.nonfinite_in_a_row
        clipping = self.clip(own, loss)
        if clipping.nonfinite is None:
            self._order.left(own)
            return clipping
        self._order.forget()
        _drop(own)
        if scaler is not None and clipping.nonfinite != "loss" and scaler.get_scale() > 1:
            self.nonfinite_in_a_row = in_a_row
        self._check_patience()
        return clipping

    def attach(self, optimizer: Any, model: nn.Module | None = None) -> RemovableHandle:
        """Clip before every step that `optimizer` takes; `remove()` of the answer ends it.

        At that moment gradients are accumulated, and what is measured and clipped is unscaled,
        whatever loop or scaler is around; optimizer may be accelerate's or Lightning's wrapper of
        one. Where the step computes its gradients in a closure they are clipped each time that it
        returns, which an optimiser that calls it several times (LBFGS) meets, and `statistics()`
        counts, each time. model: for the names of parameters in messages. A skipped step warns
        (SkippedStep); a gradient scaler itself skips a step whose gradients overflow, unseen here.
        Copies of the optimiser, and what is pickled of it, clip with a copy of this clipper.
        Attached again to the same optimiser it stays as it is, and a copy of it takes its place;
        beside another clipper it warns (ClippedTwice).
        """
        return attach(self, optimizer, model)

    def clip_or_drop(self, named: Named, *, scale: float = 1.0) -> Clipping:
        """`clip`, and its policy: drop gradients that are not finite, stop when patience ends."""
        own = list(named)
        clipping = self.clip(own, scale=scale)
        if clipping.nonfinite is not None:
            _drop(own)
            self._check_patience()
        return clipping

    def _check_patience(self) -> None:
        if self.exhausted:
            assert self.last is not None
            problem = _(
                "{patience} steps in a row had a loss or a gradient that is not finite, last that "
                "of {name}; lower the learning rate or the clipping threshold, or look for NaN in "
                "the data"
            )
            raise NonFiniteGradient(
                problem.format(patience=self.patience, name=self.last.nonfinite)
            )

    @torch.no_grad()
    def clip(self, named: Named, loss: Tensor | None = None, *, scale: float = 1.0) -> Clipping:
        """Clip gradients in place and count; if one is not finite, change nothing.

        What `__call__` does without its policy: who calls this skips the step where `nonfinite`
        says so, and stops when `exhausted`. scale: what the gradients are multiplied by, if they
        still are; all that is measured is of the gradients without it.
        """
        found, culprit = gradients(named, scale)
        if culprit is None and loss is not None and not torch.isfinite(loss).all():
            culprit = "loss"
        norm = math.hypot(*(g.norm for g in found))
        if not self.alike:
            norm, culprit = agreed(norm, culprit)
        if culprit is not None:
            self.nonfinite_in_a_row += 1
            self.skipped_steps += 1
            self.last = Clipping(norm, norm, 1.0, clipped=False, nonfinite=culprit)
            return self.last
        cut = self.rule(found, norm)
        clipped = cut.norm < norm
        self.nonfinite_in_a_row = 0
        self.steps += 1
        self.clipped_steps += clipped
        self.norms.append(norm)
        self._sum_of_cosines += cut.cosine
        coefficient = cut.norm / norm if clipped else 1.0
        self.last = Clipping(norm, cut.norm, coefficient, clipped, cut.cosine, cut.threshold)
        return self.last

    def _unscale(self, scaler: torch.amp.GradScaler, optimizer: Optimizer | None) -> None:
        """Divide the gradients by the loss scale, unless that was done."""
        if optimizer is None:
            raise InputError(_("optimizer: give it beside the scaler, which unscales by optimiser"))
        inner = unwrapped(optimizer)
        state = scaler._per_optimizer_states[id(inner)]
        stage = state["stage"].name
        if stage == "STEPPED":
            raise RuntimeError(_("Clipper: called after scaler.step(optimizer); call it before"))
        if stage == "READY":
            scaler.unscale_(inner)
        elif self._unscaled is state and self._order.change() != 1.0:
            warnings.warn(
                _(
                    "a backward pass added scaled gradients to those that were unscaled when this "
                    "clipper was called before: call it once a step, after the last backward"
                ),
                ClippedTooEarly,
                stacklevel=3,
            )
        self._unscaled = state

    @property
    def exhausted(self) -> bool:
        """Whether so many steps in a row had a non-finite gradient that training should stop."""
        return self.nonfinite_in_a_row >= self.patience

    @property
    def clipped_share(self) -> float:
        """Share of the finite steps so far that were clipped."""
        return self.clipped_steps / self.steps if self.steps else 0.0

    def statistics(self) -> dict[str, float]:
        """Steps taken and skipped, the share that was clipped, the mean cosine between a gradient
        before and after, and the last step's norms and coefficient, by fixed names.
        """
        last = self.last
        return {
            "steps": self.steps,
            "skipped_steps": self.skipped_steps,
            "clipped_share": self.clipped_share,
            "mean_cosine": self._sum_of_cosines / self.steps if self.steps else 1.0,
            "gradient_norm_before_clipping": last.norm_before if last else math.nan,
            "gradient_norm_after_clipping": last.norm_after if last else math.nan,
            "clip_coefficient": last.coefficient if last else 1.0,
        }

    def propose(self, percentile: float = 90.0) -> Proposal:
        """A threshold for "norm", from the norms seen so far; see `proposal.propose`."""
        return propose(self.norms, percentile)

    def state_dict(self) -> dict[str, Any]:
        """The counts and what the rule remembers, as plain numbers."""
        counts = ("steps", "clipped_steps", "skipped_steps", "nonfinite_in_a_row")
        return {
            **{name: getattr(self, name) for name in counts},
            "sum_of_cosines": self._sum_of_cosines,
            "rule": self.rule.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave, of a clipper with the same mode."""
        for name in ("steps", "clipped_steps", "skipped_steps", "nonfinite_in_a_row"):
            setattr(self, name, int(state.get(name, 0)))
        self._sum_of_cosines = float(state.get("sum_of_cosines", self.steps))
        self.rule.load_state_dict(state.get("rule", {}))


def _drop(named: Named) -> None:
    for _name, p in named:
        p.grad = None
