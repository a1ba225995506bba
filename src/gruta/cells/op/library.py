"""The kernels as ops of torch.library, for torch.compile: one op a layer, one for its gradient."""

import ast
from collections.abc import Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor

from gruta import kernels
from gruta.cells.op import compiled
from gruta.cells.op.compiled import Spec

_LIBRARY: Any = torch.library.Library("gruta", "FRAGMENT")  # type: ignore[no-untyped-call]
_LIBRARY.define(
    "layer(str spec, Tensor x, Tensor[] tensors, Tensor[] masks, bool save) -> Tensor[]"
)
_LIBRARY.define(
    "layer_backward(str spec, Tensor x, Tensor[] tensors, Tensor[] masks, Tensor[] outputs, "
    "Tensor[] d_outputs, bool[] needs) -> Tensor[]"
)


def layer(
    spec: Spec, x: Tensor, tensors: Sequence[Tensor], masks: Sequence[Tensor], save: bool
) -> list[Tensor]:
    """What `compiled.forward` returns, as one op of a captured graph."""
    return torch.ops.gruta.layer(encode(spec), x, list(tensors), list(masks), save)  # type: ignore[no-any-return]


def encode(spec: Spec) -> str:
    """The spec as text: the arguments of an op are tensors, numbers and text."""
    return repr(tuple(spec))


@cache
def _decode(text: str) -> Spec:
    return Spec(*ast.literal_eval(text))


def _forward(
    text: str, x: Tensor, tensors: list[Tensor], masks: list[Tensor], save: bool
) -> list[Tensor]:
    return compiled.forward(_decode(text), x, tensors, masks, save)


def _forward_shapes(
    text: str, x: Tensor, tensors: list[Tensor], masks: list[Tensor], save: bool
) -> list[Tensor]:
    spec = _decode(text)
    sides = compiled.directions(spec, tensors, masks)
    out = compiled.laid_out_as(x, sum(side.initial[0].shape[1] for side in sides))
    finals = [torch.empty_like(s) for side in sides for s in side.initial]
    width = kernels.cell_facts()[spec.cell][2] * sides[0].initial[-1].shape[1]
    gates = [x.new_empty(*x.shape[:2], width) for _ in sides] if save else []
    return [out, *finals, *gates]


def _backward(
    text: str,
    x: Tensor,
    tensors: list[Tensor],
    masks: list[Tensor],
    outputs: list[Tensor],
    d_outputs: list[Tensor],
    needs: list[bool],
) -> list[Tensor]:
    found = compiled.backward(_decode(text), x, tensors, masks, outputs, d_outputs, needs)
    return [d for d in found if d is not None]


def _backward_shapes(
    text: str,
    x: Tensor,
    tensors: list[Tensor],
    masks: list[Tensor],
    outputs: list[Tensor],
    d_outputs: list[Tensor],
    needs: list[bool],
) -> list[Tensor]:
    dx = [compiled.laid_out_as(x, x.shape[2])] if needs[0] else []
    return dx + [torch.empty_like(t) for t, need in zip(tensors, needs[1:], strict=True) if need]


def _remember(ctx: Any, inputs: tuple[Any, ...], output: list[Tensor]) -> None:
    ctx.text, x, tensors, masks, _ = inputs
    ctx.counts = len(tensors), len(masks)
    ctx.save_for_backward(x, *tensors, *masks, *output)


def _gradient(ctx: Any, d_outputs: list[Tensor | None]) -> tuple[Any, ...]:
    weights, masks = ctx.counts
    x, *rest = ctx.saved_tensors
    tensors, own = rest[:weights], rest[weights : weights + masks]
    outputs = rest[weights + masks :]
    ds = [torch.zeros_like(o) if d is None else d for o, d in zip(outputs, d_outputs, strict=True)]
    needs_x, needs_tensors = ctx.needs_input_grad[1:3]
    needs = [needs_x, *needs_tensors]
    found = iter(torch.ops.gruta.layer_backward(ctx.text, x, tensors, own, outputs, ds, needs))
    dx, *d_tensors = [next(found) if need else None for need in needs]
    return None, dx, d_tensors, [None] * masks, None


_LIBRARY.impl("layer", _forward, "CPU")
_LIBRARY.impl("layer_backward", _backward, "CPU")
torch.library.register_fake("gruta::layer", _forward_shapes, lib=_LIBRARY)
torch.library.register_fake("gruta::layer_backward", _backward_shapes, lib=_LIBRARY)
torch.library.register_autograd("gruta::layer", _gradient, setup_context=_remember, lib=_LIBRARY)
