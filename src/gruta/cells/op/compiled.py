"""The compiled kernels in PyTorch: one layer with all its directions as one op and its gradient.

Two doors lead to the same two functions, `forward` and `backward`: a node of autograd's graph for
eager mode, which costs least, and ops of torch.library (`gruta::layer`, `gruta::layer_backward`)
for torch.compile, which then sees one op a layer. A short call is mostly what happens here, so
tuples are written out, and the extension finds out where the tensors lie.
"""

import os
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from gruta import kernels
from gruta.cells.op.fields import (
    Fields,
    Masks,
    Tensors,
    fields,
    gradient_fields,
    is_normed,
    walk_fields,
)
from gruta.cells.op.transforms import holds_other_numbers

_ASKED_THREADS = kernels.threads() if os.environ.get("GRUTA_THREADS") else None


def threads() -> int:
    """How many threads a call may use: torch's number, unless `GRUTA_THREADS` says another."""
    return _ASKED_THREADS or torch.get_num_threads()


class Spec(NamedTuple):
    """What a call is, apart from its tensors.

    cell: the kernel's name. states: how many one direction has. reverse: for every direction. held:
    the share of the old state that every step keeps. halved: what is saved for the way back takes
    16 bits, in float32 alone.

    The tensors of a call are those of one direction after the other, in the order of `Side`, None
    for what is left out.
    """

    cell: str
    states: int
    reverse: tuple[bool, ...]
    held: float
    halved: bool = False


class Parts(NamedTuple):
    """Where a direction's tensors lie in a row, by the parts of a `Side`."""

    initial: slice
    restarts: slice
    weights: slice


@cache
def parts(states: int, directions: int, count: int) -> tuple[Parts, ...]:
    """Those of every direction, among so many tensors of all."""
    size, found = count // directions, []
    for start in range(0, count, size):
        middle, weights = start + states, start + 2 * states
        found.append(
            Parts(slice(start, middle), slice(middle, weights), slice(weights, start + size))
        )
    return tuple(found)


def sizes(spec: Spec, x: Tensor, tensors: Tensors) -> tuple[int, int, int, int, int]:
    """B, T, I, H, P."""
    (T, B, I), h_0, c_0 = x.shape, tensors[0], tensors[spec.states - 1]
    return B, T, I, c_0.shape[-1], h_0.shape[-1]  # type: ignore[union-attr]


def forward(
    spec: Spec,
    x: Tensor,
    tensors: Tensors,
    masks: Sequence[Masks],
    save: bool,
    keep: bool = False,
    out: Tensor | None = None,
) -> list[Tensor]:
    """h `[T, B, D*P]`, the final states of each direction, then, to be saved, its gates.

    x `[T, B, I]` has a dense last axis, every other tensor is contiguous; the gates are `[T, B,
    S*H]` as the cell's README says, followed in each row by what a layer norm saves, or int32 in an
    order of the kernel's own where they are halved. keep: the
    packed weights, for an inference that may follow with the same ones. h is `out` where that is
    given, with a dense last axis; else it lies in memory as x does, batch or time first.
    """
    cell, _, reverse, held, halved = spec
    shape = B, T, _, _, P = sizes(spec, x, tensors)
    out = laid_out_as(x, len(reverse) * P) if out is None else out
    finals = empty_finals(spec, tensors)
    size, dtype = saved_size(spec, x, tensors), saved_dtype(spec, x.dtype)
    gates = [x.new_empty(T, B, size, dtype=dtype) for _ in reverse] if save else []
    weights, passes = _calls(spec, x, tensors, masks, out, finals, gates)
    is_double = x.dtype is torch.float64
    kernels.layer_forward(cell, is_double, shape, weights, passes, held, threads(), keep, halved)
    return [out, *finals, *gates]


@cache
def saved(cell: str) -> int:
    """How many numbers a unit the forward pass saves for the backward pass."""
    return kernels.cell_facts()[cell][2]


@cache
def _saved_size(cell: str, is_double: bool, H: int, normed: bool, halved: bool) -> int:
    return kernels.saved_size(cell, is_double, H, normed, halved)


def saved_size(spec: Spec, x: Tensor, tensors: Tensors) -> int:
    """How many numbers a row and step are saved, those of a layer norm with them."""
    H, count = sizes(spec, x, tensors)[3], len(tensors) // len(spec.reverse)
    normed = is_normed(tensors[2 * spec.states : count])
    if not (normed or spec.halved):
        return saved(spec.cell) * H
    return _saved_size(spec.cell, x.dtype is torch.float64, int(H), normed, spec.halved)


def saved_dtype(spec: Spec, dtype: torch.dtype) -> torch.dtype:
    """Of what is saved in a call on tensors of `dtype`: no numbers, where it is halved."""
    return torch.int32 if spec.halved else dtype


def _calls(
    spec: Spec,
    x: Tensor,
    tensors: Tensors,
    masks: Sequence[Masks],
    h: Tensor,
    finals: Tensors,
    gates: Sequence[Tensor],
) -> tuple[list[Fields], list[Fields]]:
    """The fields of `kernels.Weights` and `kernels.Pass` of every direction."""
    _, states, reverse, *_ = spec
    D, weights, passes = len(reverse), [], []
    for k, part in enumerate(parts(states, D, len(tensors))):
        own, call = fields(
            walk_fields(masks[k], reverse[k], tensors[part.restarts]),
            x,
            tensors[part.initial],
            tensors[part.weights],
            _own_part(h, k, D),
            finals[states * k : states * (k + 1)],
            gates[k] if gates else None,
        )
        weights.append(own)
        passes.append(call)
    return weights, passes


def _own_part(h: Tensor, k: int, D: int) -> Tensor:
    """The k-th of D directions' share of `[T, B, D*P]`."""
    if D == 1:
        return h
    P = h.shape[2] // D
    return h[..., k * P : (k + 1) * P]


def backward(
    spec: Spec,
    x: Tensor,
    tensors: Tensors,
    masks: Sequence[Masks],
    kept: Sequence[Tensor],
    d_outputs: Tensors,
    needs: Sequence[bool],
    through: Sequence[Sequence[Tensor]] = (),
) -> list[Tensor | None]:
    """The gradients of x and `tensors`, None where `needs` says that none is wanted.

    kept: h and the gates that `forward` returned; d_outputs: the gradients of h and the final
    states, None for zeros. through: for every direction, tensors like h's part of it and, in the
    LSTM, `[T, B, H]`, which take ∂L/∂(each state) along every path.
    """
    cell, states, reverse, _, halved = spec
    D = len(reverse)
    shape = _, _, I, _, _ = sizes(spec, x, tensors)
    unread = (None,) * (states * D)
    weights, passes = _calls(spec, x, tensors, masks, kept[0], unread, kept[1:])
    d_out = d_outputs[0] if d_outputs[0] is None else _dense_rows(d_outputs[0])
    d_finals = [
        d if d is None else _as_it_lies(d).contiguous() for d in d_outputs[1 : 1 + states * D]
    ]
    # Each direction has a gradient of x of its own: they may be computed at the same time.
    dx = [laid_out_as(x, I) if needs[0] else None for _ in reverse]
    found = [
        torch.empty_like(t) if need and t is not None else None
        for t, need in zip(tensors, needs[1:], strict=True)
    ]
    gradients = []
    for k, place in enumerate(parts(states, D, len(found))):
        own = gradient_fields(
            d_out if d_out is None else _own_part(d_out, k, D),
            d_finals[states * k : states * (k + 1)],
            dx[k],
            found[place.initial],
            found[place.restarts],
            found[place.weights],
            through[k] if through else (),
        )
        gradients.append(own)
    is_double = x.dtype is torch.float64
    kernels.layer_backward(cell, is_double, shape, weights, passes, gradients, threads(), halved)
    for part in dx[1:]:
        if part is not None and dx[0] is not None:
            dx[0].add_(part)
    return [dx[0], *found]


def initial_states(spec: Spec, tensors: Tensors) -> list[Tensor]:
    """Those of every direction among the tensors of a call."""
    places = parts(spec.states, len(spec.reverse), len(tensors))
    return [t for place in places for t in tensors[place.initial]]  # type: ignore[misc]


def empty_finals(spec: Spec, tensors: Tensors) -> list[Tensor]:
    """Room for the final states of every direction."""
    return [torch.empty_like(state) for state in initial_states(spec, tensors)]


def empty_states(spec: Spec, x: Tensor, tensors: Tensors) -> tuple[Tensor, ...]:
    """Room for a gradient of every state: `[T, B, P]` and, in the LSTM, `[T, B, H]`."""
    states = (s for s in tensors[: spec.states] if s is not None)
    return tuple(x.new_empty(*x.shape[:2], s.shape[-1]) for s in states)


def _dense_rows(t: Tensor) -> Tensor:
    """`t [T, B, size]`, itself if the last axis is dense."""
    t = _as_it_lies(t)
    return t if t.stride(-1) == 1 or t.shape[-1] <= 1 else t.contiguous()


def _as_it_lies(t: Tensor) -> Tensor:
    """`t`, or a copy whose memory holds its numbers."""
    return t.clone() if holds_other_numbers(t) else t


def laid_out_as(x: Tensor, size: int) -> Tensor:
    """An empty `[T, B, size]`, with the batch outermost in memory if x `[T, B, I]` has it so."""
    T, B, _ = x.shape
    if B > 1 and T > 1 and x.stride(1) > x.stride(0):
        # Not a transposed view: what is made of it in here may be handed out, and could then not
        # be changed in place.
        return x.new_empty_strided((T, B, size), (size, T * size, 1))
    return x.new_empty(T, B, size)
