"""Training in less memory: the gates are not kept but computed again on the way back.

The sequence is cut into chunks. The forward pass keeps h, which is its result anyway, and the
states between chunks; the backward pass takes one chunk at a time, runs it forward once more, now
with its gates, and then back. That costs a third more work and saves all but one chunk of gates.
"""

from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

from torch import Tensor

from gruta.cells.op import compiled
from gruta.cells.op.cell import Side
from gruta.cells.op.compiled import Spec
from gruta.cells.op.fields import Masks, Tensors

CHUNKS = 64
"""Into how many chunks a sequence is cut, at most."""

SHORTEST = 8
ROWS = 256
"""Steps of a chunk, and of its steps' rows, at least: each begins and ends with work of its own."""


class Part(NamedTuple):
    """One direction's part of a call: `spec` and the tensors of that direction alone."""

    spec: Spec
    side: Side
    masks: Masks
    place: slice  # of its states in h's last axis


def parts(spec: Spec, tensors: Tensors, masks: Sequence[Masks], P: int) -> list[Part]:
    """The directions of a call, each as a call of its own."""
    found = []
    for k, side in enumerate(spec.sides(tensors)):
        place = slice(k * P, (k + 1) * P)
        found.append(Part(spec._replace(reverse=(spec.reverse[k],)), side, masks[k], place))
    return found


def forward(
    spec: Spec, x: Tensor, tensors: Tensors, masks: Sequence[Masks]
) -> tuple[list[Tensor], list[Tensor]]:
    """What `compiled.forward` returns without saving, and the states between chunks.

    These are in the order of the directions, and of each direction's walk.
    """
    P = compiled.sizes(spec, x, tensors)[-1]
    out = compiled.laid_out_as(x, P * len(spec.reverse))
    finals: list[Tensor] = []
    between: list[Tensor] = []
    for part in parts(spec, tensors, masks, P):
        states: Sequence[Tensor | None] = part.side.initial
        for chunk in _chunks(x, part.spec.reverse[0]):
            if states is not part.side.initial:
                between.extend(s for s in states if s is not None)
            own, given = [_masks(part.masks, chunk)], part.side._replace(initial=states).for_kernel
            into = out[chunk, :, part.place]
            _, *states = compiled.forward(part.spec, x[chunk], given, own, save=False, out=into)
        finals.extend(s for s in states if s is not None)
    return [out, *finals], between


def backward(
    spec: Spec,
    x: Tensor,
    tensors: Tensors,
    masks: Sequence[Masks],
    between: Sequence[Tensor],
    d_outputs: Tensors,
    needs: Sequence[bool],
) -> list[Tensor | None]:
    """The gradients of x and `tensors`, None where `needs` says that none is wanted."""
    dx = compiled.laid_out_as(x, x.shape[2]).zero_() if needs[0] else None
    found: list[Tensor | None] = []
    states, P = spec.states, compiled.sizes(spec, x, tensors)[-1]
    met = iter(between)
    directions = zip(parts(spec, tensors, masks, P), spec.sides(needs[1:]), strict=True)
    for k, (part, wants) in enumerate(directions):
        d_states = list(d_outputs[1 + k * states : 1 + (k + 1) * states])
        sums: list[Tensor | None] = [None] * len(part.side.for_kernel[states:])
        chunks = _chunks(x, part.spec.reverse[0])
        starts = [part.side.initial, *(tuple(islice(met, states)) for _ in chunks[1:])]
        for chunk, begun in reversed(list(zip(chunks, starts, strict=True))):
            own, given = [_masks(part.masks, chunk)], part.side._replace(initial=begun).for_kernel
            h, *rest = compiled.forward(part.spec, x[chunk], given, own, save=True)
            kept = [h, *rest[states:]]
            d_h = None if d_outputs[0] is None else d_outputs[0][chunk, :, part.place]
            asked = [needs[0], *[True] * states, *wants.restarts, *wants.weights]
            d_x, *ds = compiled.backward(
                part.spec, x[chunk], given, own, kept, [d_h, *d_states], asked
            )
            d_states = ds[:states]
            if dx is not None and d_x is not None:
                dx[chunk] += d_x
            for i, d in enumerate(ds[states:]):
                so_far = sums[i]
                sums[i] = d if so_far is None or d is None else so_far.add_(d)
        found += [d if want else None for d, want in zip(d_states, wants.initial, strict=True)]
        found += sums
    return [dx, *found]


def _chunks(x: Tensor, reverse: bool) -> list[slice]:
    """The chunks of x's steps in the order of the walk; one, and empty, for no step at all."""
    T, B, _ = x.shape
    size = max(SHORTEST, -(-T // CHUNKS), ROWS // max(B, 1))
    found = [slice(t, min(t + size, T)) for t in range(0, T, size)] or [slice(0, 0)]
    return found[::-1] if reverse else found


def _masks(masks: Masks, chunk: slice) -> Masks:
    """Those of a chunk."""
    lengths, reset, dropout, *hold = masks
    if lengths is not None:
        lengths = (lengths - chunk.start).clamp(0, chunk.stop - chunk.start)
    reset, *hold = (None if mask is None else mask[chunk] for mask in (reset, *hold))
    return Masks(lengths, reset, dropout, *hold)
