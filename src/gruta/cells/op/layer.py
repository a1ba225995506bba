"""A call into a cell, by the path that serves it, with a gradient to differentiate again."""

from collections.abc import Sequence
from enum import Enum
from itertools import chain
from typing import Any, NamedTuple

import torch
from torch import Tensor

from gruta.cells.op import compiled, library, onnx, rebuild, tap, tracing
from gruta.cells.op.cell import Cell, Side, Sides, Tensors, Walk
from gruta.cells.op.fields import NO_MASKS, Masks
from gruta.cells.op.path import Path, choose, needs_grad
from gruta.cells.op.results import watched
from gruta.cells.op.saved import Sizes, as_saved, require_as_saved
from gruta.cells.op.transforms import batched, transformed


class Saving(Enum):
    """What of the gates is kept for the way back."""

    WHOLE = "whole"
    HALF = "half"  # in 16 bits
    NONE = "none"  # computed again


def run(cell: Cell, walk: Walk, tensors: Tensors) -> tuple[Tensor, ...]:
    """h `[T, B, P]`, zero past a row's length, and the final states; all states `[B, size]`.

    One direction, for tests.
    """
    x, *given = tensors
    side = cell.side(tuple(given))
    side = side._replace(initial=tuple(s.unsqueeze(0) for s in side.initial))
    h, (finals,) = run_layer(cell, x, [(walk, side)])
    return h, *[final.squeeze(0) for final in finals]


def run_layer(
    cell: Cell,
    x: Tensor,
    sides: Sides,
    name: str = "",
    saving: Saving = Saving.WHOLE,
) -> tuple[Tensor, list[tuple[Tensor, ...]]]:
    """A layer with all its directions: h `[T, B, D*P]`, and the final states of each direction.

    sides: for every direction how it walks, and its tensors; the states, initial and final, are
    `[1, B, size]` here, so that one layer's go through as they are. name: for `tapped`.
    saving: what the kernels keep for the backward pass; nobody else keeps halves or nothing.
    """
    path = choose(cell, x, sides)
    if path is Path.KERNEL:
        return _by_kernel(cell, x, sides, name, saving)
    if path is Path.ROUNDED:
        return _rounded(cell, x, sides, name, saving)
    if path is Path.RECORDED:
        record = onnx.layer if onnx.exporting() else tracing.layer
        return record(cell, x, sides)
    tapping = not (torch.compiler.is_compiling() or transformed()) and tap.is_tapped()
    outputs = []
    for walk, side in sides:
        if tapping:
            outputs.append(_tapped_composite(cell, walk, x, side, name))
        elif path is Path.NATIVE:
            outputs.append(_native(cell, walk, x, side))
        else:
            outputs.append(_composite(cell, walk, x, side))
    h = outputs[0][0] if len(sides) == 1 else torch.cat([out[0] for out in outputs], dim=-1)
    return h, [tuple(out[1:]) for out in outputs]


def _native(cell: Cell, walk: Walk, x: Tensor, side: Side) -> tuple[Tensor, ...]:
    """By torch's own op, which walks forwards."""
    assert cell.native is not None
    if not walk.reverse:
        return cell.native(walk, x, *side.for_kernel)
    h, *finals = cell.native(walk._replace(reverse=False), x.flip(0), *side.for_kernel)
    return h.flip(0), *finals


def _composite(cell: Cell, walk: Walk, x: Tensor, side: Side) -> tuple[Tensor, ...]:
    """By plain torch operations, whose last state is a saved one: the caller gets a copy."""
    h, *finals = _plainly(cell, walk, x, side)
    return h, *[final.clone() for final in finals]


def _plainly(cell: Cell, walk: Walk, x: Tensor, side: Side) -> tuple[Tensor, ...]:
    initial = tuple(state.squeeze(0) for state in side.initial)
    h, *finals = cell.composite(walk, x, *side._replace(initial=initial).tensors)
    return h, *[final.unsqueeze(0) for final in finals]


def _tapped_composite(
    cell: Cell, walk: Walk, x: Tensor, side: Side, name: str
) -> tuple[Tensor, ...]:
    """The composite form in one direction, whose tap goes to who collects."""
    T, B, _ = x.shape
    notes = tap.Notes([(T, B, state.shape[-1]) for state in side.initial])
    outputs = _composite(cell, walk._replace(notes=notes), x, side)
    gates, active = notes.gates(), walk.active(T)
    if gates is not None and active is not None:
        gates = torch.where(active, gates, 0)
    full_name = name + ("_reverse" if walk.reverse else "")
    (notes.tap,) = tap.record(cell.name, [full_name], [outputs[0]], [gates])
    return outputs


def _by_kernel(
    cell: Cell,
    x: Tensor,
    sides: Sides,
    name: str,
    saving: Saving,
    keep: bool = True,
) -> tuple[Tensor, list[tuple[Tensor, ...]]]:
    states, x = cell.states, x if x.stride(-1) == 1 or x.shape[-1] == 1 else x.contiguous()
    walks, each = zip(*sides, strict=True)
    tensors = [
        t if t is None or t.is_contiguous() else t.contiguous()
        for side in each
        for t in side.for_kernel
    ]
    compiling, trains = torch.compiler.is_compiling(), needs_grad((x, *tensors))
    spec = spec_of(cell, *walks)
    tapped = not compiling and tap.is_tapped()  # who taps reads the gates
    if saving is Saving.HALF and trains and not tapped and x.dtype is torch.float32:
        spec = spec._replace(halved=True)
    copied = trains and not compiling  # an op of torch.library saves its masks itself
    masks = [NO_MASKS if w.has_no_masks else _masks(w, copied) for w in walks]
    if compiling:
        outputs = library.layer(spec, x, tensors, masks, save=trains)
    elif trains:
        saves = compiled.saved(cell.name) > 0 or each[0].has_norm
        recompute = saving is Saving.NONE and saves and not tapped
        sizes = compiled.sizes(spec, x, tensors)
        call = Call(cell, spec, name, recompute, x.dtype, sizes)
        outputs = _apply(call, masks, x, *tensors)
    else:
        outputs = compiled.forward(spec, x, tensors, masks, save=tapped, keep=keep)
        _record(spec, outputs, name)
    if len(sides) == 1:
        return outputs[0], [tuple(outputs[1 : 1 + states])]
    return outputs[0], [
        tuple(outputs[1 + k * states : 1 + (k + 1) * states]) for k in range(len(sides))
    ]


def _rounded(
    cell: Cell, x: Tensor, sides: Sides, name: str, saving: Saving
) -> tuple[Tensor, list[tuple[Tensor, ...]]]:
    """By the kernels in float32; results of the dtype that the composite form would return."""
    _, first = sides[0]
    dtype = cell.result_dtype(x, first.initial[0])
    wide = [
        (
            walk._replace(dropout=_as_float(walk.dropout)),
            Side(*[tuple(map(_as_float, part)) for part in side]),
        )
        for walk, side in sides
    ]
    # Weights that are made for this call have no next one to be known at.
    keep = first.weights[0].dtype is torch.float32
    h, finals = _by_kernel(cell, x.float(), wide, name, saving, keep)
    return h.to(dtype), [tuple(final.to(dtype) for final in own) for own in finals]


def _as_float(t: Tensor | None) -> Tensor | None:
    return None if t is None else t.float()


def spec_of(cell: Cell, *walks: Walk) -> compiled.Spec:
    """What the kernels are told of a call in these directions, which differ in `reverse` alone."""
    hold = walks[0].hold
    reverse = tuple([walk.reverse for walk in walks])
    return compiled.Spec(cell.name, cell.states, reverse, 0.0 if isinstance(hold, tuple) else hold)


def _masks(walk: Walk, copied: bool) -> Masks:
    """A direction's masks as the kernels take them.

    copied: those that a caller may change before the backward pass reads them again.
    """
    hold = walk.hold if isinstance(walk.hold, tuple) else ()
    lengths, reset = walk.lengths, walk.reset
    if copied:
        lengths, reset = (None if m is None else m.clone() for m in (lengths, reset))
    lengths, dropout, *held = (
        None if mask is None else mask.contiguous() for mask in (lengths, walk.dropout, *hold)
    )
    return Masks(lengths, reset, dropout, *held)


def _record(spec: compiled.Spec, outputs: Sequence[Tensor], name: str) -> list[tap.Tap]:
    """The taps of a call whose outputs end with the gates, if somebody collects."""
    if not tap.is_tapped():
        return []
    names = [name + ("_reverse" if backwards else "") for backwards in spec.reverse]
    size = compiled.saved(spec.cell) * outputs[spec.states].shape[-1]
    gates = [saved[..., :size] for saved in outputs[1 + spec.states * len(names) :]]
    return tap.record(spec.cell, names, outputs[0].chunk(len(names), dim=-1), gates)


class Call(NamedTuple):
    """A call that trains, apart from its tensors and masks; dtype and sizes (B, T, I, H, P) are
    those of its tensors.
    """

    cell: Cell
    spec: compiled.Spec
    name: str
    recompute: bool
    dtype: torch.dtype
    sizes: Sizes


class _Kernel(torch.autograd.Function):
    """The kernels as one node of the graph; differentiated twice, it is the composite form.

    Every tensor that the way back reads is saved by `save_for_backward` and read once, so that who
    checkpoints, offloads or compresses what is saved has hold of all of it.
    """

    @staticmethod
    def forward(
        ctx: Any, call: Call, masks: Sequence[Masks], x: Tensor, *tensors: Tensor | None
    ) -> tuple[Tensor, ...]:
        spec = call.spec
        ctx.call, ctx.taps, ctx.watched = call, [], None
        ctx.set_materialize_grads(False)
        if call.recompute:
            outputs, kept = rebuild.forward(spec, x, tensors, masks)
        else:
            outputs = compiled.forward(spec, x, tensors, masks, save=True)
            ctx.taps = _record(spec, outputs, call.name)
            count = 1 + spec.states * len(spec.reverse)
            outputs, kept = outputs[:count], [outputs[0], *outputs[count:]]
            outputs[0], ctx.watched = watched(outputs[0])
        ctx.masked, ctx.hooked = masks[0] is not NO_MASKS, hooked()
        own = chain.from_iterable(masks) if ctx.masked else ()
        ctx.save_for_backward(x, *tensors, *own, *kept)
        return tuple(outputs)

    @staticmethod
    def backward(ctx: Any, *d_outputs: Tensor | None) -> tuple[Any, ...]:
        call, needs = ctx.call, ctx.needs_input_grad[2:]
        saved = ctx.saved_tensors
        if ctx.hooked:
            saved = in_order(saved)
        x, tensors, kept = saved[0], saved[1 : len(needs)], saved[len(needs) :]
        masks = [NO_MASKS] * len(call.spec.reverse)
        if ctx.masked:
            for k in range(len(masks)):
                masks[k], kept = Masks(*kept[: len(NO_MASKS)]), kept[len(NO_MASKS) :]
        changed = ctx.watched is not None and ctx.watched.changed
        found = way_back(call, masks, x, tensors, kept, d_outputs, needs, changed, ctx.taps)
        return None, None, *found


_apply: Any = super(torch.autograd.Function, _Kernel).apply
"""`_Kernel.apply`, but for a look for transforms and for what outlived them: `choose` had it."""


def way_back(
    call: Call,
    masks: Sequence[Masks],
    x: Tensor,
    tensors: Sequence[Tensor | None],
    kept: Sequence[Tensor],
    d_outputs: Sequence[Tensor | None],
    needs: Sequence[bool],
    changed: bool,
    taps: Sequence[tap.Tap] = (),
) -> list[Tensor | None]:
    """The gradients of x and `tensors`, None where `needs` says that none is wanted.

    kept: what the forward pass kept; d_outputs: the gradients of h and the final states, None for
    zeros; changed: whether the h that was kept is no longer what was computed. RuntimeError names a
    tensor that came back from hooks as something else than was saved.
    """
    spec = call.spec
    how = spec, call.cell.gates, call.dtype, call.sizes
    require_as_saved(as_saved(*how, x, tensors, masks, kept, call.recompute))
    if torch.is_grad_enabled() or transformed() or any(map(batched, d_outputs)):
        walks = _walks(spec, masks)
        return _composite_gradient(call.cell, walks, x, tensors, d_outputs, needs)
    if call.recompute:
        return rebuild.backward(spec, x, tensors, masks, kept, d_outputs, needs)
    h, *gates = kept
    if changed:
        h = compiled.forward(spec, x, tensors, masks, save=False)[0]
    for one in taps:
        one.through = compiled.empty_states(spec, x, tensors)
    through = [one.through for one in taps]
    return compiled.backward(spec, x, tensors, masks, [h, *gates], d_outputs, needs, through)


def hooked() -> bool:
    """Whether hooks have hold of what is saved now."""
    return torch._C._autograd._top_saved_tensors_default_hooks(False) is not None


def in_order(saved: Sequence[Tensor | None]) -> list[Tensor | None]:
    """What was saved as hooks hand it back, which may lie in another order."""
    return [t if t is None else t.contiguous() for t in saved]


def _walks(spec: compiled.Spec, masks: Sequence[Masks]) -> list[Walk]:
    """The walk of every direction, from what the kernels were given."""
    walks = []
    for reverse, own in zip(spec.reverse, masks, strict=True):
        lengths, reset, dropout, *hold = own
        held: Any = tuple(hold[: spec.states]) if hold[0] is not None else spec.held
        walks.append(Walk(lengths, reverse, reset, dropout, held))
    return walks


def _composite_gradient(
    cell: Cell,
    walks: Sequence[Walk],
    x: Tensor,
    tensors: Sequence[Tensor | None],
    d_outputs: Sequence[Tensor | None],
    needs: Sequence[bool],
) -> list[Tensor | None]:
    """The gradient by the composite form, which can be differentiated again or run under a vmap.

    tensors: those of every direction. They and x enter through views, so that a gradient does not
    run on past one input into another that it was computed from.
    """
    again = torch.is_grad_enabled()
    # Forward, the kernels computed in the dtype of their inputs, whatever autocast said.
    with torch.enable_grad(), torch.autocast("cpu", enabled=False):
        x, views = x.view_as(x), [None if t is None else t.view_as(t) for t in tensors]
        outputs: list[Tensor] = []
        finals: list[Tensor] = []
        size = len(views) // len(walks)
        for k, walk in enumerate(walks):
            side = cell.side(tuple(views[k * size : (k + 1) * size]))
            h, *final = _plainly(cell, walk, x, side)
            outputs.append(h)
            finals.extend(final)
        reached = [torch.cat(outputs, dim=-1) if len(outputs) > 1 else outputs[0], *finals]
    wanted = [v for v, need in zip((x, *views), needs, strict=True) if need and v is not None]
    pairs = [(out, d) for out, d in zip(reached, d_outputs, strict=True) if d is not None]
    found = iter(
        torch.autograd.grad(
            [out for out, _ in pairs],
            wanted,
            [d for _, d in pairs],
            create_graph=again,
            materialize_grads=True,
        )
    )
    return [next(found) if need else None for need in needs]
