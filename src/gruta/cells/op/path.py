"""Which path computes a call, chosen before any op is called, and why."""

from collections.abc import Iterable, Sequence
from enum import Enum

import torch
from torch import Tensor

from gruta import kernels
from gruta.cells.op import onnx
from gruta.cells.op.cell import Cell, Side, Walk
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


class Path(Enum):
    """How a call is computed."""

    KERNEL = "gruta's compiled kernel"
    ROUNDED = "gruta's compiled kernel in float32"
    NATIVE = "torch's own op"
    COMPOSITE = "the composite form under autograd"
    RECORDED = "nodes of a graph that is being recorded"


def choose(cell: Cell, walk: Walk, x: Tensor, sides: Sequence[Side]) -> Path:
    """The path for a call with these inputs.

    It is chosen here, before any op is called: a custom function that met a transform would answer
    with silent zeros (jvp) or a slow loop (vmap).
    """
    return why(cell, walk, x, sides)[0]


def why(cell: Cell, walk: Walk, x: Tensor, sides: Sequence[Side]) -> tuple[Path, str]:
    """The path for a call, and the reason for it. All directions have the same kinds of tensors."""
    compiling, side = torch.compiler.is_compiling(), sides[0]
    if transformed():
        return Path.COMPOSITE, "a transform (vmap, jvp, forward-mode) is under way"
    if compiling or intercepted():
        if onnx.exporting():
            return Path.RECORDED, "torch.onnx.export is under way"
        if not compiling and recording():
            return Path.RECORDED, "torch.jit.trace is under way"
        if not compiling:
            return Path.COMPOSITE, "make_fx or a mode of tensors looks on"
    cast = autocast("cpu" if x.is_cpu else x.device.type)
    if cast and not x.is_cpu:
        return Path.COMPOSITE, "autocast is on"
    takes = _dtypes(x.dtype, cast)
    tensors = [x]
    for each in sides:
        tensors += each.tensors
    for t in tensors:
        if t is None:
            continue
        if not t.is_cpu:
            return _elsewhere(cell, walk, side, t.device.type)
        if t.dtype not in takes:
            return Path.COMPOSITE, f"a tensor is of {t.dtype}"
        if compiling:
            continue
        if type(t) not in PLAIN:
            return Path.COMPOSITE, f"a tensor is a {type(t).__name__}"
        if holds_other_numbers(t):
            return Path.COMPOSITE, "a tensor's memory does not hold its numbers"
    if not kernels.available():
        kernels.warn_missing()
        return Path.COMPOSITE, f"the compiled kernels are missing ({kernels.why_missing()})"
    if side.has_norm:
        return Path.COMPOSITE, "layer norm has no kernel"
    w_hr = side.weights[-1] if cell.projects else None
    if w_hr is not None and w_hr.shape[0] == w_hr.shape[1]:
        return Path.COMPOSITE, "a projection to the same size has no kernel"
    if not isinstance(walk.hold, tuple) and walk.hold and needs_grad(tensors):
        return Path.COMPOSITE, "the expectation of zoneout has no backward kernel"
    if len(takes) > 1:
        return Path.ROUNDED, "autocast is on, and float32 is faster on a CPU and more exact"
    if x.dtype in HALVES:
        return Path.ROUNDED, f"the numbers are {x.dtype}, to which the results are rounded"
    return Path.KERNEL, "float32 or float64 on a CPU"


def _dtypes(dtype: torch.dtype, cast: bool) -> tuple[torch.dtype, ...]:
    """What the kernels take together with an input of `dtype`; several only where autocast mixes
    them, which leaves float64 alone.
    """
    if cast and dtype is not torch.float64:
        return torch.float32, *HALVES
    return (dtype,) if dtype in DTYPES or dtype in HALVES else ()


def _elsewhere(cell: Cell, walk: Walk, side: Side, device: str) -> tuple[Path, str]:
    if cell.native is None:
        return Path.COMPOSITE, f"torch has no op for this cell, and the device is {device}"
    if not walk.is_default or side.has_norm:
        return Path.COMPOSITE, f"torch's op lacks an option of this call; the device is {device}"
    return Path.NATIVE, f"the device is {device}"


def needs_grad(tensors: Iterable[Tensor | None]) -> bool:
    """Whether autograd wants the gradient of any of them."""
    return torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in tensors)
