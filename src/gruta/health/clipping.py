"""Gradient clipping that measures what it does and never lets a non-finite gradient through."""

import math
import warnings
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.optim.optimizer import Optimizer, register_optimizer_step_pre_hook
from torch.utils.hooks import RemovableHandle

from gruta.errors import InputError
from gruta.health.proposal import Proposal, propose
from gruta.health.rules import RULES, WINDOW, Gradient, Rule
from gruta.settings import CLIP_THRESHOLDS, ClipMode

Named = Iterable[tuple[str, Tensor]]


class NonFiniteGradient(RuntimeError):
    """A gradient or the loss stayed NaN or infinite for as many steps as the clipper's patience."""


class SkippedStep(RuntimeWarning):
    """A step is left out since a gradient is NaN or infinite."""


class ClippedTooEarly(RuntimeWarning):
    """The gradients of the optimiser's step are not those that were clipped."""


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
    decision. `statistics()` tells what was done so far, `propose()` a threshold.
    """

    def __init__(
        self, mode: ClipMode = "norm", threshold: float | None = None, patience: int = 10
    ) -> None:
        if mode not in RULES:
            raise InputError(f"clip: expected one of {', '.join(RULES)}, got {mode!r}")
        threshold = CLIP_THRESHOLDS[mode] if threshold is None else threshold
        if threshold is None:
            raise InputError(f"clip_threshold: {mode!r} has no default; give a positive number")
        if not threshold > 0:
            raise InputError(f"clip_threshold: expected a positive number, got {threshold}")
        if mode == "autoclip" and threshold > 100:
            raise InputError(
                f"clip_threshold: 'autoclip' takes a percentile, at most 100, got {threshold}"
            )
        if patience < 1:
            raise InputError(f"patience: expected at least 1, got {patience}")
        self.mode = mode
        self.threshold = threshold
        self.patience = patience
        self.rule: Rule = RULES[mode](threshold)
        self.last: Clipping | None = None
        self.norms: deque[float] = deque(maxlen=WINDOW)
        self.steps = self.clipped_steps = self.skipped_steps = 0
        self.nonfinite_in_a_row = 0
        self._sum_of_cosines = 0.0
        self._steps_to_watch = 2
        self._watching: RemovableHandle | None = None

    def __call__(
        self,
        model: nn.Module | Named,
        loss: Tensor | None = None,
        *,
        optimizer: Optimizer | None = None,
        scaler: torch.amp.GradScaler | None = None,
    ) -> Clipping:
        """Clip the gradients in place, between `backward` and the optimiser's step.

        If one is not finite, or `loss` is not, all are dropped (set to None), so that the step to
        come changes nothing. With a gradient scaler, give it and the optimiser: the gradients are
        unscaled first, unless they were. RuntimeError where it is called before `backward` or after
        the scaler's step, NonFiniteGradient when patience ends.
        """
        if scaler is not None and scaler.is_enabled():
            _unscale(scaler, optimizer)
        named = list(model.named_parameters() if isinstance(model, nn.Module) else model)
        if all(p.grad is None for _, p in named):
            raise RuntimeError(
                "Clipper: no parameter has a gradient; call it after loss.backward() and before "
                "optimizer.step() and zero_grad()"
            )
        clipping = self.clip(named, loss)
        if clipping.nonfinite is not None:
            for _, p in named:
                p.grad = None
            if self.exhausted:
                raise NonFiniteGradient(
                    f"{self.patience} steps in a row had a loss or a gradient that is not finite, "
                    f"last that of {clipping.nonfinite}; lower the learning rate or the clipping "
                    "threshold, or look for NaN in the data"
                )
        else:
            self._watch_until_step(named)
        return clipping

    def _watch_until_step(self, named: Named) -> None:
        """Warn if the gradients that were clipped are not those of the optimiser's step."""
        if self._watching is not None:
            self._watching.remove()
            self._watching = None
        if not self._steps_to_watch:
            return
        self._steps_to_watch -= 1
        gradients, _ = _gradients(named)
        _, longest, norm = max(gradients, key=lambda g: g.norm)

        def before_step(stepping: Optimizer, args: Any, kwargs: Any) -> None:
            if all(p is not longest for group in stepping.param_groups for p in group["params"]):
                return
            handle.remove()
            now = 0.0 if longest.grad is None else _norms([longest.grad])[0]
            if not math.isclose(now, norm, rel_tol=1e-2):
                warnings.warn(
                    "gradients changed between clipping and the optimiser's step, by a factor of "
                    f"{now / norm if norm else math.inf:.3g}: clip after the last backward, and "
                    "after a gradient scaler has unscaled, as clipper(model, optimizer=optimizer, "
                    "scaler=scaler) does",
                    ClippedTooEarly,
                    stacklevel=3,
                )

        handle = self._watching = register_optimizer_step_pre_hook(before_step)

    def attach(self, optimizer: Any, model: nn.Module | None = None) -> RemovableHandle:
        """Clip before every step that `optimizer` takes; `remove()` of the answer ends it.

        At that moment gradients are accumulated and unscaled, whatever loop, scaler or accelerate
        is around. model: for the names of parameters in messages. A skipped step warns
        (SkippedStep). A gradient scaler itself skips a step whose gradients overflow, unseen here.
        """
        while not isinstance(optimizer, Optimizer) or hasattr(optimizer, "optimizer"):
            if not hasattr(optimizer, "optimizer"):
                raise TypeError(
                    "optimizer: expected a torch.optim.Optimizer, or accelerate's wrapper of one, "
                    f"got {type(optimizer).__name__}"
                )
            optimizer = optimizer.optimizer
        names = {} if model is None else {p: name for name, p in model.named_parameters()}

        def before_step(stepping: Optimizer, args: Any, kwargs: Any) -> None:
            if any(args[1:]) or kwargs.get("closure"):
                raise RuntimeError(
                    "Clipper: this step computes its gradients in a closure; clip inside it, by "
                    "clipper(model)"
                )
            parameters = [p for group in stepping.param_groups for p in group["params"]]
            named = [(names.get(p, f"parameter {i}"), p) for i, p in enumerate(parameters)]
            if all(p.grad is None for p in parameters):
                return
            self._steps_to_watch = 0  # it cannot be too early
            found = self(named)
            if found.nonfinite is not None:
                warnings.warn(
                    f"step skipped: the gradient of {found.nonfinite} is not finite",
                    SkippedStep,
                    stacklevel=2,
                )

        return optimizer.register_step_pre_hook(before_step)

    def clip(self, named: Named, loss: Tensor | None = None) -> Clipping:
        """Clip unscaled gradients in place and count; if one is not finite, change nothing.

        What `__call__` does without its policy: who calls this skips the step where `nonfinite`
        says so, and stops when `exhausted`.
        """
        gradients, culprit = _gradients(named)
        if culprit is None and loss is not None and not torch.isfinite(loss).all():
            culprit = "loss"
        norm, culprit = _agreed(math.hypot(*(g.norm for g in gradients)), culprit)
        if culprit is not None:
            self.nonfinite_in_a_row += 1
            self.skipped_steps += 1
            self.last = Clipping(norm, norm, 1.0, clipped=False, nonfinite=culprit)
            return self.last
        cut = self.rule(gradients, norm)
        clipped = cut.norm < norm
        self.nonfinite_in_a_row = 0
        self.steps += 1
        self.clipped_steps += clipped
        self.norms.append(norm)
        self._sum_of_cosines += cut.cosine
        coefficient = cut.norm / norm if clipped else 1.0
        self.last = Clipping(norm, cut.norm, coefficient, clipped, cut.cosine, cut.threshold)
        return self.last

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


def _gradients(named: Named) -> tuple[list[Gradient], str | None]:
    """The gradients that there are, and the first parameter whose is not finite."""
    names, parameters, values = [], [], []
    for name, p in named:
        if p.grad is not None:
            if p.grad.is_sparse:
                p.grad = p.grad.coalesce()
            names.append(name)
            parameters.append(p)
            values.append(p.grad._values() if p.grad.is_sparse else p.grad)
    norms = _norms(values)
    bad = (name for name, norm in zip(names, norms, strict=True) if not math.isfinite(norm))
    found = [Gradient(*one) for one in zip(values, parameters, norms, strict=True)]
    return found, next(bad, None)


def _norms(values: list[Tensor]) -> list[float]:
    """The 2-norm of each, in float64; of the whole where it is spread over processes."""
    if not values:
        return []
    found = [torch.linalg.vector_norm(v, dtype=torch.float64) for v in values]
    whole = [n.full_tensor() if hasattr(n, "full_tensor") else n for n in found]
    return torch.stack([n.to(whole[0].device) for n in whole]).tolist()


def _agreed(norm: float, culprit: str | None) -> tuple[float, str | None]:
    """What all processes that train together take for norm and culprit: the worst."""
    if not (dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1):
        return norm, culprit
    device = torch.device("cuda") if dist.get_backend() == "nccl" else torch.device("cpu")
    worst = torch.tensor(
        [norm if math.isfinite(norm) else math.inf, culprit is not None],
        dtype=torch.float64,
        device=device,
    )
    dist.all_reduce(worst, dist.ReduceOp.MAX)
    norm, bad = worst.tolist()
    return norm, culprit or ("a parameter of another process" if bad else None)


def _unscale(scaler: torch.amp.GradScaler, optimizer: Optimizer | None) -> None:
    """Divide the gradients by the loss scale, unless that was done."""
    if optimizer is None:
        raise InputError("optimizer: give it beside the scaler, which unscales by optimiser")
    inner: Any = getattr(optimizer, "optimizer", optimizer)
    stage = scaler._per_optimizer_states[id(inner)]["stage"].name
    if stage == "STEPPED":
        raise RuntimeError("Clipper: called after scaler.step(optimizer); call it before")
    if stage == "READY":
        scaler.unscale_(inner)
