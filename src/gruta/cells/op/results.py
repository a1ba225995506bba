"""Results that who gets them may change in place, as those of torch.nn's layers."""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from gruta.cells.op.transforms import intercepted, transformed


def handed_out(view: Tensor) -> Tensor:
    """A view made in here as the caller gets it.

    One that was made without gradients could not be changed in place with them. In a graph that is
    recorded the view stays one: its gradients may be asked for later.
    """
    if torch.is_grad_enabled() or torch.compiler.is_compiling() or intercepted():
        return view
    return view.detach()


def reshaped(t: Tensor, way: str, *axes: int) -> Tensor:
    """A fresh result with its axes changed by a method of Tensor that makes a view: "squeeze".

    In plain eager mode it is changed in place, and is no view: hooks on it are called whatever
    happens to it later, and it can be detached in place.
    """
    if torch.compiler.is_compiling():
        return getattr(t, way)(*axes)  # type: ignore[no-any-return]
    node: Any = t.grad_fn
    by_kernel = isinstance(getattr(node, "watched", None), Watched)
    if not by_kernel and (transformed() or intercepted()):
        return handed_out(getattr(t, way)(*axes))
    changed: Tensor = getattr(t, way + "_")(*axes)
    if by_kernel:
        node.watched = node.watched.now()  # this change was our own
    return changed


class Watched(NamedTuple):
    """Knows whether a tensor was changed in place since, and holds none of its memory."""

    counter: Tensor
    version: int

    def now(self) -> "Watched":
        """One that knows of the changes so far."""
        return Watched(self.counter, self.counter._version)

    @property
    def changed(self) -> bool:
        """Whether the tensor, or a view of it, was changed in place."""
        return self.counter._version != self.version


def watched(t: Tensor) -> tuple[Tensor, Watched]:
    """`t` to be handed out, and who watches what is handed out. `t` itself can still be saved.

    Autograd refuses a backward pass whose saved tensors were changed in place. A layer can do
    better, as it can compute its result again, but must know. Two tensors with one memory and
    counters of their own serve: the caller's changes count on one, the other is saved. What counts
    with the caller's is a tensor that had that counter before it had the memory.
    """
    handed_out = t.new_empty(0)
    counter = handed_out.detach()
    handed_out.data = t
    return handed_out, Watched(counter, counter._version)
