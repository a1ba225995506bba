"""Which path computes a call, chosen before any op is called, and why."""

from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple

import torch
from torch import Tensor

from gruta import kernels
from gruta.cells.op import onnx
from gruta.cells.op.cell import Cell, Side, Sides, Walk
from gruta.cells.op.tracing import recording
from gruta.cells.op.transforms import (
    DTYPES,
    HALVES,
    PLAIN,
    autocast,
    holds_other_numbers,
    intercepted,
    transformed,
)
from gruta.locale import translate as _


class Path(Enum):
    """How a call is computed."""

    KERNEL = "gruta's compiled kernel"
    ROUNDED = "gruta's compiled kernel in float32"
    NATIVE = "torch's own op"
    COMPOSITE = "the composite form under autograd"
    RECORDED = "nodes of a graph that is being recorded"


class Reason(NamedTuple):
    """What decided, in words that only who asks has translated: choosing is on every call's way."""

    text: str
    what: object = ""

    def told(self) -> str:
        """In the reader's language."""
        return _(self.text).format(what=self.what)


def choose(cell: Cell, x: Tensor, sides: Sides) -> Path:
    """The path for a call with these inputs.

    It is chosen here, before any op is called: a custom function that met a transform would answer
    with silent zeros (jvp) or a slow loop (vmap).
    """
    return why(cell, x, sides)[0]


def why(cell: Cell, x: Tensor, sides: Sides) -> tuple[Path, Reason]:
    """The path for a call, and the reason for it; directions differ in `reverse` alone."""
    compiling, (walk, first) = torch.compiler.is_compiling(), sides[0]
    if transformed():
        return Path.COMPOSITE, Reason("a transform (vmap, jvp, forward-mode) is under way")
    if compiling or intercepted():
        if onnx.exporting():
            return Path.RECORDED, Reason("torch.onnx.export is under way")
        if not compiling and recording():
            return Path.RECORDED, Reason("torch.jit.trace is under way")
        if not compiling:
            return Path.COMPOSITE, Reason("make_fx or a mode of tensors looks on")
    cast = autocast("cpu" if x.is_cpu else x.device.type)
    if cast and not x.is_cpu:
        return Path.COMPOSITE, Reason("autocast is on")
    takes = _dtypes(x.dtype, cast)
    tensors = [x]
    for _walk, side in sides:
        tensors += side.tensors
    for t in tensors:
        if t is None:
            continue
        if not t.is_cpu:
            return _elsewhere(cell, walk, first, t.device.type)
        if t.dtype not in takes:
            return Path.COMPOSITE, Reason("a tensor is of {what}", t.dtype)
        if compiling:
            continue
        if type(t) not in PLAIN:
            return Path.COMPOSITE, Reason("a tensor is a {what}", type(t).__name__)
        if holds_other_numbers(t):
            return Path.COMPOSITE, Reason("a tensor's memory does not hold its numbers")
    if not kernels.available():
        kernels.warn_missing()
        return Path.COMPOSITE, Reason(
            "the compiled kernels are missing ({what})", kernels.why_missing()
        )
    w_hr = first.weights[-1] if cell.projects else None
    if w_hr is not None and w_hr.shape[0] == w_hr.shape[1]:
        return Path.COMPOSITE, Reason("a projection to the same size has no kernel")
    if not isinstance(walk.hold, tuple) and walk.hold and needs_grad(tensors):
        return Path.COMPOSITE, Reason("the expectation of zoneout has no backward kernel")
    if len(takes) > 1:
        return Path.ROUNDED, Reason("autocast is on, and float32 is faster on a CPU and more exact")
    if x.dtype in HALVES:
        return Path.ROUNDED, Reason(
            "the numbers are {what}, to which the results are rounded", x.dtype
        )
    return Path.KERNEL, Reason("float32 or float64 on a CPU")


def _dtypes(dtype: torch.dtype, cast: bool) -> tuple[torch.dtype, ...]:
    """What the kernels take together with an input of `dtype`; several only where autocast mixes
    them, which leaves float64 alone.
    """
    if cast and dtype is not torch.float64:
        return torch.float32, *HALVES
    return (dtype,) if dtype in DTYPES or dtype in HALVES else ()


def _elsewhere(cell: Cell, walk: Walk, side: Side, device: str) -> tuple[Path, Reason]:
    if cell.native is None:
        return Path.COMPOSITE, Reason(
            "torch has no op for this cell, and the device is {what}", device
        )
    if not walk.is_default or side.has_norm:
        return Path.COMPOSITE, Reason(
            "torch's op lacks an option of this call; the device is {what}", device
        )
    return Path.NATIVE, Reason("the device is {what}", device)


def needs_grad(tensors: Iterable[Tensor | None]) -> bool:
    """Whether autograd wants the gradient of any of them."""
    return torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in tensors)
