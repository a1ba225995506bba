"""The compiled kernels in PyTorch: one layer with all its directions as one op and its gradient.

Two doors lead to the same two functions, `forward` and `backward`: a node of autograd's graph for
eager mode, which costs least, and ops of torch.library (`gruta::layer`, `gruta::layer_backward`)
for torch.compile, which then sees one op a layer.
"""

import os
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor

from gruta import kernels

Strides = tuple[int, int, int]  # address, items to the next step, items to the next row


def threads() -> int:
    """How many threads a call may use: torch's number, unless `GRUTA_THREADS` says another."""
    return kernels.threads() if os.environ.get("GRUTA_THREADS") else torch.get_num_threads()


class Spec(NamedTuple):
    """What a call is, apart from its tensors.

    cell: the kernel's name. states: of one direction. reverse: for every direction. held: the share
    of the old state that every step keeps. The tensors of a call come without those left out:
    `present` says for every place of every direction whether it is filled, in the order initial
    states, restarts, w_ih, w_hh, b_ih, b_hh, w_hr; `masks` likewise for lengths, reset, dropout and
    a mask to hold each state.
    """

    cell: str
    states: int
    reverse: tuple[bool, ...]
    held: float
    present: tuple[tuple[bool, ...], ...]
    masks: tuple[tuple[bool, ...], ...]


class Direction(NamedTuple):
    """The tensors of one direction, None for what is left out."""

    initial: Sequence[Tensor]
    restarts: Sequence[Tensor | None]
    weights: Sequence[Tensor | None]
    masks: Sequence[Tensor | None]


def directions(spec: Spec, tensors: Sequence[Tensor], masks: Sequence[Tensor]) -> list[Direction]:
    """The tensors of each direction in their places."""
    given, given_masks = iter(tensors), iter(masks)
    found = []
    for present, masked in zip(spec.present, spec.masks, strict=True):
        filled: list[Any] = [next(given) if there else None for there in present]
        S = spec.states
        own = tuple(next(given_masks) if there else None for there in masked)
        found.append(Direction(filled[:S], filled[S : 2 * S], filled[2 * S :], own))
    return found


def sizes(x: Tensor, first: Direction) -> tuple[int, int, int, int, int]:
    """B, T, I, H, P."""
    T, B, I = x.shape
    P, H = first.initial[0].shape[1], first.initial[-1].shape[1]
    return B, T, I, H, P


def forward(
    spec: Spec,
    x: Tensor,
    tensors: Sequence[Tensor],
    masks: Sequence[Tensor],
    save: bool,
    out: Tensor | None = None,
) -> list[Tensor]:
    """h `[T, B, D*P]`, the final states of each direction, then, to be saved, its gates.

    x `[T, B, I]` has a dense last axis, every other tensor is contiguous; the gates are `[T, B,
    S*H]` as the cell's README says. h is `out` where that is given, with a dense last axis; else it
    lies in memory as x does, batch or time first.
    """
    return call(spec.cell, spec.reverse, spec.held, x, directions(spec, tensors, masks), save, out)


def call(
    cell: str,
    reverse: Sequence[bool],
    held: float,
    x: Tensor,
    sides: Sequence[Direction],
    save: bool,
    out: Tensor | None = None,
) -> list[Tensor]:
    """`forward` for who has the directions at hand."""
    shape = B, T, _, H, P = sizes(x, sides[0])
    out = laid_out_as(x, len(sides) * P) if out is None else out
    finals = [[torch.empty_like(s) for s in side.initial] for side in sides]
    gates = [x.new_empty(T, B, _saved(cell) * H) for _ in sides] if save else []
    kernels.layer_forward(
        cell,
        x.dtype == torch.float64,
        shape,
        [_five(side.weights) for side in sides],
        _passes(reverse, sides, x, out, finals, gates),
        held,
        threads(),
    )
    return [out, *(s for final in finals for s in final), *gates]


@cache
def _saved(cell: str) -> int:
    return kernels.cell_facts()[cell][2]


def backward(
    spec: Spec,
    x: Tensor,
    tensors: Sequence[Tensor],
    masks: Sequence[Tensor],
    outputs: Sequence[Tensor],
    d_outputs: Sequence[Tensor | None],
    needs: Sequence[bool],
    through: Sequence[Sequence[Tensor]] = (),
) -> list[Tensor | None]:
    """The gradients of x and `tensors`, None where `needs` says that none is wanted.

    outputs: what `forward` returned; d_outputs: the gradients of h and the final states, None for
    zeros. through: for every direction, tensors like h's part of it and, in the LSTM, `[T, B, H]`,
    which take ∂L/∂(each state) along every path.
    """
    sides = directions(spec, tensors, masks)
    shape = sizes(x, sides[0])
    I, P = shape[2], shape[4]
    count = 1 + spec.states * len(sides)
    finals = _grouped(outputs[1:count], spec.states)
    passes = _passes(spec.reverse, sides, x, outputs[0], finals, outputs[count:])
    d_out = d_outputs[0] if d_outputs[0] is None else _dense_rows(d_outputs[0])
    d_finals = _grouped([_contiguous(d) for d in d_outputs[1:count]], spec.states)
    # Each direction has a gradient of x of its own: they may be computed at the same time.
    dx = [laid_out_as(x, I) if needs[0] else None for _ in sides]
    found = [
        torch.empty_like(t) if need else None for t, need in zip(tensors, needs[1:], strict=True)
    ]
    d_sides = directions(spec, found, masks)  # type: ignore[arg-type]
    gradients = []
    for k, d in enumerate(d_sides):
        part = None if d_out is None else d_out[..., k * P : (k + 1) * P]
        taps = through[k] if through else ()
        gradients.append(
            (
                *_view(part),
                *_pair(d_finals[k]),
                *_view(dx[k]),
                *_pair(d.initial),
                *_pair(d.restarts),
                *_five(d.weights),
                *_view(taps[0] if taps else None),
                *_view(taps[1] if len(taps) > 1 else None),
            )
        )
    kernels.layer_backward(
        spec.cell,
        x.dtype == torch.float64,
        shape,
        [_five(side.weights) for side in sides],
        passes,
        gradients,
        threads(),
    )
    parts = [d for d in dx if d is not None]
    for part in parts[1:]:
        parts[0].add_(part)
    return [parts[0] if parts else None, *found]


def empty_states(spec: Spec, x: Tensor, tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Room for a gradient of every state: `[T, B, P]` and, in the LSTM, `[T, B, H]`."""
    return tuple(x.new_empty(*x.shape[:2], s.shape[1]) for s in tensors[: spec.states])


def _passes(
    reverse: Sequence[bool],
    sides: Sequence[Direction],
    x: Tensor,
    out: Tensor,
    finals: Sequence[Sequence[Tensor]],
    gates: Sequence[Tensor],
) -> list[tuple[int, ...]]:
    """The tuple `kernels.Pass` of every direction."""
    P = sides[0].initial[0].shape[1]
    view, found = _view(x), []
    out_at, out_step, out_row = _view(out)
    for k, side in enumerate(sides):
        lengths, reset, dropout, *hold = side.masks
        reset_view = (0, 0, 0) if reset is None else (reset.data_ptr(), *reset.stride())
        found.append(
            (
                _at(lengths),
                reverse[k],
                *reset_view,
                *_pair(side.restarts),
                _at(dropout),
                *_pair(hold),
                *view,
                *_pair(side.initial),
                out_at + k * P * out.element_size(),
                out_step,
                out_row,
                *_pair(finals[k]),
                _at(gates[k] if gates else None),
            )
        )
    return found


def _at(t: Tensor | None) -> int:
    return 0 if t is None else t.data_ptr()


def _pair(tensors: Sequence[Tensor | None]) -> tuple[int, int]:
    """Addresses for h and, in the LSTM, c; 0 where there is none."""
    if not tensors:
        return 0, 0
    return _at(tensors[0]), _at(tensors[1]) if len(tensors) > 1 else 0


def _five(weights: Sequence[Tensor | None]) -> tuple[int, ...]:
    """Addresses of w_ih, w_hh, b_ih, b_hh and w_hr, which only the LSTM has."""
    found = tuple(map(_at, weights))
    return found if len(found) == 5 else (*found, 0)


def _view(t: Tensor | None) -> Strides:
    return (0, 0, 0) if t is None else (t.data_ptr(), t.stride(0), t.stride(1))


def _contiguous(t: Tensor | None) -> Tensor | None:
    return None if t is None else t.contiguous()


def _dense_rows(t: Tensor) -> Tensor:
    """`t [T, B, size]`, itself if the last axis is dense."""
    return t if t.stride(-1) == 1 or t.shape[-1] <= 1 else t.contiguous()


def laid_out_as(x: Tensor, size: int) -> Tensor:
    """An empty `[T, B, size]`, with the batch outermost in memory if x `[T, B, I]` has it so."""
    T, B, _ = x.shape
    if B > 1 and T > 1 and x.stride(1) > x.stride(0):
        return x.new_empty(B, T, size).transpose(0, 1)
    return x.new_empty(T, B, size)


def _grouped(items: Sequence[Any], size: int) -> list[Sequence[Any]]:
    return [items[i : i + size] for i in range(0, len(items), size)]
