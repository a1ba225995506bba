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
from gruta.cells.op.compiled import Spec

CHUNKS = 64
"""Into how many chunks a sequence is cut, at most."""

SHORTEST = 8
ROWS = 256
"""Steps of a chunk, and of its steps' rows, at least: each begins and ends with work of its own."""


class Part(NamedTuple):
    """One direction's part of a call: `spec` and the tensors of that direction alone."""

    spec: Spec
    initial: compiled.Tensors
    fixed: compiled.Tensors  # restarts and weights
    masks: compiled.Tensors
    place: slice  # of its states in h's last axis


def parts(spec: Spec, tensors: compiled.Tensors, masks: compiled.Masks, P: int) -> list[Part]:
    """The directions of a call, each as a call of its own."""
    found = []
    for k, reverse in enumerate(spec.reverse):
        own = spec.of_direction(k, tensors)
        initial, fixed = own[: spec.states], own[spec.states :]
        place = slice(k * P, (k + 1) * P)
        found.append(Part(spec._replace(reverse=(reverse,)), initial, fixed, masks[k], place))
    return found


def forward(
    spec: Spec, x: Tensor, tensors: compiled.Tensors, masks: compiled.Masks
) -> tuple[list[Tensor], list[Tensor]]:
    """What `compiled.forward` returns without saving, and the states between chunks.

    These are in the order of the directions, and of each direction's walk.
    """
    P = compiled.sizes(spec, x, tensors)[-1]
    out = compiled.laid_out_as(x, P * len(spec.reverse))
    finals: list[Tensor] = []
    between: list[Tensor] = []
    for part in parts(spec, tensors, masks, P):
        states = part.initial
        for chunk in _chunks(x, part.spec.reverse[0]):
            if states is not part.initial:
                between.extend(s for s in states if s is not None)
            own, given = [_masks(part.masks, chunk)], [*states, *part.fixed]
            into = out[chunk, :, part.place]
            _, *states = compiled.forward(part.spec, x[chunk], given, own, save=False, out=into)
        finals.extend(s for s in states if s is not None)
    return [out, *finals], between


def backward(
    spec: Spec,
    x: Tensor,
    tensors: compiled.Tensors,
    masks: compiled.Masks,
    between: Sequence[Tensor],
    d_outputs: compiled.Tensors,
    needs: Sequence[bool],
) -> list[Tensor | None]:
    """The gradients of x and `tensors`, None where `needs` says that none is wanted."""
    dx = compiled.laid_out_as(x, x.shape[2]).zero_() if needs[0] else None
    found: list[Tensor | None] = []
    states, P = spec.states, compiled.sizes(spec, x, tensors)[-1]
    met = iter(between)
    for k, part in enumerate(parts(spec, tensors, masks, P)):
        wants = spec.of_direction(k, needs[1:])
        d_states = list(d_outputs[1 + k * states : 1 + (k + 1) * states])
        sums: list[Tensor | None] = [None] * len(part.fixed)
        chunks = _chunks(x, part.spec.reverse[0])
        starts = [part.initial, *(tuple(islice(met, states)) for _ in chunks[1:])]
        for chunk, begun in reversed(list(zip(chunks, starts, strict=True))):
            own, given = [_masks(part.masks, chunk)], [*begun, *part.fixed]
            h, *rest = compiled.forward(part.spec, x[chunk], given, own, save=True)
            kept = [h, *rest[states:]]
            d_h = None if d_outputs[0] is None else d_outputs[0][chunk, :, part.place]
            asked = [needs[0], *[True] * states, *wants[states:]]
            d_x, *ds = compiled.backward(
                part.spec, x[chunk], given, own, kept, [d_h, *d_states], asked
            )
            d_states = ds[:states]
            if dx is not None and d_x is not None:
                dx[chunk] += d_x
            for i, d in enumerate(ds[states:]):
                so_far = sums[i]
                sums[i] = d if so_far is None or d is None else so_far.add_(d)
        found += [d if want else None for d, want in zip(d_states, wants[:states], strict=True)]
        found += sums
    return [dx, *found]


def _chunks(x: Tensor, reverse: bool) -> list[slice]:
    """The chunks of x's steps in the order of the walk; one, and empty, for no step at all."""
    T, B, _ = x.shape
    size = max(SHORTEST, -(-T // CHUNKS), ROWS // max(B, 1))
    found = [slice(t, min(t + size, T)) for t in range(0, T, size)] or [slice(0, 0)]
    return found[::-1] if reverse else found


def _masks(masks: compiled.Tensors, chunk: slice) -> compiled.Tensors:
    """Lengths, reset, dropout and hold of a chunk."""
    if not masks:
        return ()
    lengths, reset, dropout, *hold = masks
    if lengths is not None:
        lengths = (lengths - chunk.start).clamp(0, chunk.stop - chunk.start)
    steps = [None if mask is None else mask[chunk] for mask in hold]
    return lengths, None if reset is None else reset[chunk], dropout, *steps
