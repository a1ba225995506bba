"""The kernels as ops of torch.library, for torch.compile: one op a layer, one for its gradient."""

import ast
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor

from gruta.cells.op import compiled
from gruta.cells.op.compiled import Spec
from gruta.cells.op.fields import Masks, Tensors

_LIBRARY: Any = torch.library.Library("gruta", "FRAGMENT")  # type: ignore[no-untyped-call]
_LIBRARY.define(
    "layer(str spec, Tensor x, Tensor[] tensors, Tensor[] masks, bool save, float held) -> Tensor[]"
)
_LIBRARY.define(
    "layer_backward(str spec, Tensor x, Tensor[] tensors, Tensor[] masks, Tensor[] kept, "
    "Tensor[] d_outputs, bool[] needs) -> Tensor[]"
)


class Call(NamedTuple):
    """What text can say of a call: the spec, and which tensors and masks are there at all."""

    spec: Spec
    tensors: tuple[bool, ...]
    masks: tuple[tuple[bool, ...], ...]


def layer(
    spec: Spec, x: Tensor, tensors: Tensors, masks: Sequence[Masks], save: bool
) -> list[Tensor]:
    """What `compiled.forward` returns, as one op of a captured graph.

    Where it saves, its last output is a copy of h for the backward pass: who gets the other one may
    change it in place, in the graph or outside. A copy made in the graph would be optimised away.
    """
    there = tuple(t is not None for t in tensors)
    call = Call(spec, there, tuple(tuple(m is not None for m in own) for own in masks))
    given = [t for t in tensors if t is not None]
    own = [m for side in masks for m in side if m is not None]
    op = torch.ops.gruta.layer
    return op(encode(call), x, given, own, save, spec.held)  # type: ignore[no-any-return]


_OUTPUTS = 3
"""Which outputs the op has, as a number that changes with them: inductor keeps compiled graphs on
disk, and knows them by their text."""


def encode(call: Call) -> str:
    """The call as text, but for `held`: the arguments of an op are tensors, numbers and text."""
    cell, states, reverse, _, halved = call.spec
    return repr(((cell, states, reverse, halved), *call[1:], _OUTPUTS))


@cache
def _decode(text: str) -> Call:
    spec, tensors, masks, *_ = ast.literal_eval(text)
    cell, states, reverse, halved = spec
    return Call(Spec(cell, states, reverse, 0.0, halved), tensors, masks)


def _filled(
    call: Call, tensors: Sequence[Tensor], masks: Sequence[Tensor]
) -> tuple[Tensors, list[Masks]]:
    """The tensors and masks in their places, None where there are none."""
    given, own = iter(tensors), iter(masks)
    return (
        [next(given) if there else None for there in call.tensors],
        [Masks(*(next(own) if there else None for there in side)) for side in call.masks],
    )


def _forward(
    text: str, x: Tensor, tensors: list[Tensor], masks: list[Tensor], save: bool, held: float
) -> list[Tensor]:
    call = _decode(text)
    filled, own = _filled(call, tensors, masks)
    spec = call.spec._replace(held=held)
    found = compiled.forward(spec, x, filled, own, save, keep=not save)
    return [*found, found[0].clone()] if save else found


def _forward_shapes(
    text: str, x: Tensor, tensors: list[Tensor], masks: list[Tensor], save: bool, held: float
) -> list[Tensor]:
    call = _decode(text)
    spec, (filled, _) = call.spec, _filled(call, tensors, masks)
    B, T, _, _, P = compiled.sizes(spec, x, filled)
    out = compiled.laid_out_as(x, len(spec.reverse) * P)
    found = [out, *compiled.empty_finals(spec, filled)]
    if save:
        size = compiled.saved_size(spec, x, filled)
        dtype = compiled.saved_dtype(spec, x.dtype)
        gates = [x.new_empty(T, B, size, dtype=dtype) for _ in spec.reverse]
        found += [*gates, torch.empty_like(out)]
    return found


def _backward(
    text: str,
    x: Tensor,
    tensors: list[Tensor],
    masks: list[Tensor],
    kept: list[Tensor],
    d_outputs: list[Tensor],
    needs: list[bool],
) -> list[Tensor]:
    call = _decode(text)
    filled, own = _filled(call, tensors, masks)
    wanted = iter(needs[1:])
    asked = [needs[0], *(t is not None and next(wanted) for t in filled)]
    found = compiled.backward(call.spec, x, filled, own, kept, d_outputs, asked)
    return [d for d in found if d is not None]


def _backward_shapes(
    text: str,
    x: Tensor,
    tensors: list[Tensor],
    masks: list[Tensor],
    kept: list[Tensor],
    d_outputs: list[Tensor],
    needs: list[bool],
) -> list[Tensor]:
    dx = [compiled.laid_out_as(x, x.shape[2])] if needs[0] else []
    return dx + [torch.empty_like(t) for t, need in zip(tensors, needs[1:], strict=True) if need]


def _remember(ctx: Any, inputs: tuple[Any, ...], output: list[Tensor]) -> None:
    ctx.text, x, tensors, masks, _, _ = inputs
    ctx.counts = len(tensors), len(masks)
    spec = _decode(ctx.text).spec
    _, *rest, h = output
    gates = rest[spec.states * len(spec.reverse) :]
    ctx.save_for_backward(x, *tensors, *masks, h, *gates)


def _gradient(ctx: Any, d_outputs: list[Tensor | None]) -> tuple[Any, ...]:
    weights, masks = ctx.counts
    x, *rest = ctx.saved_tensors
    tensors, own, kept = rest[:weights], rest[weights : weights + masks], rest[weights + masks :]
    call = _decode(ctx.text)
    spec, (filled, _) = call.spec, _filled(call, tensors, own)
    like = [kept[0], *compiled.initial_states(spec, filled)]
    pairs = zip(like, d_outputs[: len(like)], strict=True)
    ds = [torch.zeros_like(o) if d is None else d for o, d in pairs]
    needs_x, needs_tensors = ctx.needs_input_grad[1:3]
    needs = [needs_x, *needs_tensors]
    found = iter(torch.ops.gruta.layer_backward(ctx.text, x, tensors, own, kept, ds, needs))
    dx, *d_tensors = [next(found) if need else None for need in needs]
    return None, dx, d_tensors, [None] * masks, None, None


_LIBRARY.impl("layer", _forward, "CPU")
_LIBRARY.impl("layer_backward", _backward, "CPU")
torch.library.register_fake("gruta::layer", _forward_shapes, lib=_LIBRARY)
torch.library.register_fake("gruta::layer_backward", _backward_shapes, lib=_LIBRARY)
torch.library.register_autograd("gruta::layer", _gradient, setup_context=_remember, lib=_LIBRARY)
