"""What the cells' PyTorch ops share: the path of a call, and the gradient of the fused path.

One call is one layer in one direction. It has up to three paths with the same meaning: gruta's own
passes (a compiled kernel where there is one, and backpropagation through time written by hand),
torch's own op (other devices, for what it can do), and the composite form under autograd.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd import forward_ad

Tensors = tuple[Any, ...]  # each a Tensor, or None where the cell can do without


class Walk(NamedTuple):
    """How a layer walks over time: `lengths [B]` int64 or None (all T steps), and the direction."""

    lengths: Tensor | None = None
    reverse: bool = False

    def active(self, T: int) -> Tensor | None:
        """`[T, B, 1]` bool: true where step t lies within row b's length; None where all do."""
        if self.lengths is None:
            return None
        return (torch.arange(T, device=self.lengths.device)[:, None] < self.lengths)[:, :, None]


def previous(walk: Walk, states: Tensor, initial: Tensor) -> Tensor:
    """The state that each step started from, `[T, B, H]`, from the states that the steps left.

    `states` holds zeros past a row's length; what stands there in the answer has no meaning.
    """
    if not walk.reverse:
        return torch.cat([initial[None], states[:-1]])
    active = walk.active(states.shape[0])
    if active is not None:
        states = torch.where(active, states, initial)
    return torch.cat([states[1:], initial[None]])


def as_array(t: Tensor | None) -> NDArray[Any] | None:
    """The tensor's memory as a contiguous NumPy array, for a kernel to read or fill."""
    return None if t is None else t.detach().contiguous().numpy()


@dataclass(frozen=True)
class Cell:
    """A cell's passes over a sequence; `tensors` are x, the initial states, then the weights.

    composite(walk, *tensors) -> h and the final states, differentiable.
    forward(walk, *tensors, save=) -> (the same by the fastest way there is, what backward needs).
    backward(walk, tensors, outputs, saved, d_outputs) -> a gradient for each of `tensors`.
    native(walk, *tensors) -> h and the final states by torch's own op, where it has one.
    """

    composite: Callable[..., tuple[Tensor, ...]]
    forward: Callable[..., tuple[tuple[Tensor, ...], Tensor | None]]
    backward: Callable[[Walk, Tensors, Sequence[Tensor], Tensor, Sequence[Tensor]], Tensors]
    native: Callable[..., tuple[Tensor, ...]] | None = None


class Path(Enum):
    """How a call is computed."""

    FUSED = "gruta's own passes"
    NATIVE = "torch's own op"
    COMPOSITE = "the composite form under autograd"


def choose(cell: Cell, walk: Walk, tensors: Tensors) -> Path:
    """The path for a call with these inputs.

    It is chosen here, before any op is called: a custom function that met a transform would answer
    with silent zeros (jvp) or a slow loop (vmap).
    """
    present = [t for t in tensors if t is not None]
    if _transformed() or _autocast(present[0].device.type):
        return Path.COMPOSITE
    if any(t.device.type != "cpu" for t in present):
        can = cell.native is not None and walk == Walk()
        return Path.NATIVE if can else Path.COMPOSITE
    return Path.FUSED if all(_plain(t) for t in present) else Path.COMPOSITE


def run(cell: Cell, walk: Walk, tensors: Tensors) -> tuple[Tensor, ...]:
    """h `[T, B, H]`, zero past a row's length, and the final states `[B, H]`."""
    path = choose(cell, walk, tensors)
    if path is Path.COMPOSITE:
        return cell.composite(walk, *tensors)
    if path is Path.NATIVE and cell.native is not None:
        return cell.native(walk, *tensors)
    if torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in tensors):
        return _Fused.apply(cell, walk, *tensors)  # type: ignore[no-any-return,no-untyped-call]
    return cell.forward(walk, *tensors, save=False)[0]


def _transformed() -> bool:
    return (
        torch._C._functorch.peek_interpreter_stack() is not None
        or forward_ad._current_level >= 0
        or torch.compiler.is_compiling()
    )


def _batched(gradient: Tensor) -> bool:
    """Under autograd's own vmap (`is_grads_batched`), which is not on functorch's stack."""
    return torch._C._functorch.is_legacy_batchedtensor(gradient)


def _autocast(device: str) -> bool:
    return torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device)


def _plain(t: Tensor) -> bool:
    """A tensor without behaviour of its own (fake tensors and other subclasses have it)."""
    return t.dtype in (torch.float32, torch.float64) and type(t) in (Tensor, torch.nn.Parameter)


class _Fused(torch.autograd.Function):
    """The fused passes as one node of the graph; differentiated twice, it is the composite form."""

    @staticmethod
    def forward(ctx: Any, cell: Cell, walk: Walk, *tensors: Tensor | None) -> tuple[Tensor, ...]:
        outputs, saved = cell.forward(walk, *tensors, save=True)
        ctx.cell, ctx.walk = cell, walk
        ctx.save_for_backward(*tensors, *outputs, saved)
        return outputs

    @staticmethod
    def backward(ctx: Any, *d_outputs: Tensor) -> tuple[Any, ...]:
        *kept, saved = ctx.saved_tensors
        tensors, outputs = tuple(kept[: -len(d_outputs)]), kept[-len(d_outputs) :]
        if torch.is_grad_enabled() or _transformed() or any(map(_batched, d_outputs)):
            return None, None, *_composite_gradient(ctx, tensors, d_outputs)
        return None, None, *ctx.cell.backward(ctx.walk, tensors, outputs, saved, d_outputs)


def _composite_gradient(ctx: Any, tensors: Tensors, d_outputs: Sequence[Tensor]) -> Tensors:
    """The gradient by the composite form, which can be differentiated again or run under a vmap.

    The inputs enter through views, so that a gradient does not run on past one input into another
    that it was computed from.
    """
    again = torch.is_grad_enabled()
    with torch.enable_grad():
        views: list[Any] = [t if t is None else t.view_as(t) for t in tensors]
        outputs = ctx.cell.composite(ctx.walk, *views)
    wanted = [v for v, need in zip(views, ctx.needs_input_grad[2:], strict=True) if need]
    found = iter(torch.autograd.grad(outputs, wanted, d_outputs, create_graph=again))
    return tuple(next(found) if need else None for need in ctx.needs_input_grad[2:])
