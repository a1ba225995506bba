"""Whether the gradients of an optimiser's step are those that a clipper left."""

import math
import warnings
from collections.abc import Callable, Mapping
from typing import Any
from weakref import ref

from torch import Tensor
from torch.optim.optimizer import (
    Optimizer,
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)

from gruta.health.everyone import on_every_step
from gruta.health.gradients import Named, gradients, norm_of
from gruta.locale import translate as _
from gruta.locale.numbers import brief

Arguments = tuple[tuple[Any, ...], dict[str, Any]]

_TOLERANCE = 1e-2


class ClippedTooEarly(RuntimeWarning):
    """The gradients of the optimiser's step are not those that were clipped."""


class Order:
    """Remembers the longest gradient that a clipper left, and looks at it when an optimiser steps.

    It does so for two steps, and holds no tensor.
    """

    def __init__(self) -> None:
        self.steps_to_see = 2
        self._parameter: ref[Tensor] | None = None
        self._norm = 0.0

    def left(self, named: Named) -> None:
        """These are the parameters whose gradients were clipped."""
        if not self.steps_to_see:
            return
        longest = max(gradients(named)[0], key=lambda g: g.norm).parameter
        self._parameter, self._norm = ref(longest), norm_of(longest)
        on_every_step(register_optimizer_step_pre_hook, _before_step)
        on_every_step(register_optimizer_step_post_hook, _after_step)
        _waiting[self] = None

    def forget(self) -> None:
        """A step was taken with what was left, or nothing was."""
        self._parameter = None
        _waiting.pop(self, None)

    def is_for(self, stepping: Optimizer) -> bool:
        """Whether the gradient that was left is one of this optimiser's."""
        longest = None if self._parameter is None else self._parameter()
        if longest is None:
            self.forget()
            return False
        return any(p is longest for group in stepping.param_groups for p in group["params"])

    def change(self, scale: float = 1.0) -> float:
        """By which factor the gradient has changed since; 1 also for one that was dropped since,
        which moves nothing.
        """
        longest = None if self._parameter is None else self._parameter()
        now = 0.0 if longest is None else norm_of(longest) / scale
        if not now or math.isclose(now, self._norm, rel_tol=_TOLERANCE):
            return 1.0
        return now / self._norm if self._norm else math.inf

    def compare(self, stepping: Optimizer, scale: float) -> None:
        """The optimiser is about to use its gradients, which are multiplied by `scale`."""
        factor = self.change(scale)
        self.steps_to_see -= 1
        self.forget()
        if factor != 1.0:
            warnings.warn(
                _(
                    "gradients changed between clipping and the optimiser's step, by a factor of "
                    "{factor}: clip after the last backward, and after a gradient scaler has "
                    "unscaled, as clipper(model, optimizer=optimizer, scaler=scaler) does"
                ).format(factor=brief(factor)),
                ClippedTooEarly,
                stacklevel=4,
            )


def scale_of(stepping: Optimizer, kwargs: Mapping[str, Any]) -> float:
    """What an optimiser's gradients are multiplied by while it steps.

    A gradient scaler leaves it to a fused optimiser to divide by that: it sets `grad_scale`, or
    gives itself as an argument to the steps that have one, as apex's do.
    """
    scaler = kwargs.get("grad_scaler")
    if scaler is not None:
        is_unscaled = scaler._per_optimizer_states[id(stepping)]["stage"].name == "UNSCALED"
        return 1.0 if is_unscaled else float(scaler.get_scale())
    scale = getattr(stepping, "grad_scale", None)
    return 1.0 if scale is None else float(scale)


def after_closure(args: tuple[Any, ...], kwargs: dict[str, Any], act: Callable[[], None]) -> Any:
    """The arguments of a step, with `act` called after its closure; None where it has none."""
    closure = args[1] if len(args) > 1 else kwargs.get("closure")
    if closure is None:
        return None

    def closure_and_act(*given: Any, **more: Any) -> Any:
        value = closure(*given, **more)
        act()
        return value

    if len(args) > 1:
        return (args[0], closure_and_act, *args[2:]), kwargs
    return args, {**kwargs, "closure": closure_and_act}


# One pair of hooks serves all clippers.
_waiting: dict[Order, None] = {}  # in the same order in all processes, which look at them together


def _before_step(stepping: Optimizer, args: Any, kwargs: Any) -> Arguments | None:
    def compare() -> None:
        for order in list(_waiting):
            if order.is_for(stepping):
                order.compare(stepping, scale_of(stepping, kwargs))

    changed: Arguments | None = after_closure(args, kwargs, compare)
    if changed is None:
        compare()
    return changed


def _after_step(stepping: Optimizer, args: Any, kwargs: Any) -> None:
    for order in list(_waiting):
        if order.is_for(stepping):
            order.forget()
