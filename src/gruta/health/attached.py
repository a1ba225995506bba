"""A clipper at work in an optimiser's steps, and in those of the optimiser's copies."""

import sys
import warnings
from collections import OrderedDict
from typing import TYPE_CHECKING, Any
from weakref import ref

from torch import Tensor, nn
from torch.optim.optimizer import Optimizer
from torch.utils.hooks import RemovableHandle

from gruta.health.gradients import Named, gradients
from gruta.health.order import after_closure, scale_of
from gruta.locale import translate as _

if TYPE_CHECKING:
    from gruta.health.clipping import Clipper


class SkippedStep(RuntimeWarning):
    """A step is left out since a gradient is NaN or infinite."""


class ClippedTwice(UserWarning):
    """Two clippers clip the steps of one optimiser."""


class Attached:
    """The hook on an optimiser's steps: clips what the step is going to use.

    names: of parameters, for messages.
    """

    def __init__(self, clipper: "Clipper", names: dict[Tensor, str]) -> None:
        self.clipper, self.names = clipper, names

    def __call__(self, stepping: Optimizer, args: Any, kwargs: Any) -> Any:
        """Before a step: clip, at once or each time that the step's closure has run."""
        if _is_nested(stepping):
            return None
        changed = after_closure(args, kwargs, lambda: self._clip(stepping, kwargs))
        if changed is None:
            self._clip(stepping, kwargs)
        return changed

    def _clip(self, stepping: Optimizer, kwargs: Any) -> None:
        parameters = [p for group in stepping.param_groups for p in group["params"]]
        if all(p.grad is None for p in parameters):
            return
        named = [(self.names.get(p, f"parameter {i}"), p) for i, p in enumerate(parameters)]
        if _has_overflown(stepping, kwargs, named):
            return
        found = self.clipper.clip_or_drop(named, scale=scale_of(stepping, kwargs))
        if found.nonfinite is not None:
            warnings.warn(
                _("step skipped: the gradient of {name} is not finite").format(
                    name=found.nonfinite
                ),
                SkippedStep,
                stacklevel=4,
            )

    def of(self, optimizer: Optimizer) -> "Attached":
        """The same with the names of this optimiser's parameters alone, to go with a copy of it."""
        own = [p for group in optimizer.param_groups for p in group["params"]]
        return Attached(self.clipper, {p: self.names[p] for p in own if p in self.names})


def _has_overflown(stepping: Optimizer, kwargs: Any, named: Named) -> bool:
    """Whether a scaler has seen that gradients overflow, of an optimiser that itself skips such a
    step. The scale then goes down.
    """
    found_inf = getattr(stepping, "found_inf", None)
    if found_inf is not None:
        return bool(found_inf)
    return kwargs.get("grad_scaler") is not None and gradients(named)[1] is not None


def _is_nested(stepping: Optimizer) -> bool:
    """Whether a step of the same optimiser called this one, and so was clipped for.

    torch calls the hooks anew where a subclass's step ends in `super().step()`.
    """
    steps = [vars(kind).get("step") for kind in type(stepping).__mro__]
    if sum(hasattr(step, "hooked") for step in steps) < 2:
        return False
    own = sys._getframe(2)  # torch's, which calls the hooks
    frame = own.f_back
    while frame is not None:
        if frame.f_code is own.f_code and frame.f_locals.get("self") is stepping:
            return True
        frame = frame.f_back
    return False


class _State:
    """An optimiser's `__getstate__` that keeps its clipping, which torch's own leaves out.

    Set on the optimiser itself, it serves copy, deepcopy, pickle and torch.save.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        self._optimizer = ref(optimizer)  # no cycle: the weights go when the optimiser does

    def __call__(self) -> dict[str, Any]:
        optimizer = self._optimizer()
        assert optimizer is not None
        state = dict(type(optimizer).__getstate__(optimizer))
        clipping = [hook.of(optimizer) for hook in _on(optimizer).values()]
        if clipping:
            state["__getstate__"] = self
            # A hook is its own key: torch's numbers may be given out anew where it is loaded.
            own = OrderedDict((hook, hook) for hook in clipping)
            state.setdefault("_optimizer_step_pre_hooks", own)
        return state

    def __reduce__(self) -> Any:
        return _State, (self._optimizer(),)


def attach(clipper: "Clipper", optimizer: Any, model: nn.Module | None) -> RemovableHandle:
    """Hang `clipper` on an optimiser, or on the one within a wrapper; once is enough."""
    optimizer = unwrapped(optimizer)
    names: dict[Tensor, str] = {}
    if model is not None:
        names.update((p, name) for name, p in model.named_parameters())
    for key, hook in _on(optimizer).items():
        if hook.clipper.origin == clipper.origin:
            hook.clipper = clipper
            hook.names |= names
            handle = RemovableHandle(optimizer._optimizer_step_pre_hooks)
            handle.id = key
            return handle
    if _on(optimizer):
        warnings.warn(
            _(
                "another clipper clips this optimiser already, and goes on: the new one meets what "
                "it leaves; to replace it, call remove() of what its attach answered"
            ),
            ClippedTwice,
            stacklevel=3,
        )
    optimizer.__dict__["__getstate__"] = _State(optimizer)
    made: RemovableHandle = optimizer.register_step_pre_hook(Attached(clipper, names))
    return made


def unwrapped(optimizer: Any) -> Optimizer:
    """The optimiser that steps in the end: accelerate and Lightning wrap it."""
    while not isinstance(optimizer, Optimizer) or hasattr(optimizer, "optimizer"):
        if not hasattr(optimizer, "optimizer"):
            problem = _(
                "optimizer: expected a torch.optim.Optimizer, or accelerate's or Lightning's "
                "wrapper of one, got {kind}"
            )
            raise TypeError(problem.format(kind=type(optimizer).__name__))
        optimizer = optimizer.optimizer
    return optimizer


def _on(optimizer: Optimizer) -> dict[Any, Attached]:
    hooks = optimizer._optimizer_step_pre_hooks
    return {key: hook for key, hook in hooks.items() if isinstance(hook, Attached)}
