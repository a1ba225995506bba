"""What was saved for the way back, as it comes back: hooks may hand back anything, and a kernel
reads memory by the sizes of the call.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import cycle

import torch
from torch import Tensor

from gruta.cells.op import compiled
from gruta.cells.op.compiled import Spec
from gruta.cells.op.fields import Masks, Tensors
from gruta.locale import translate as _

Sizes = tuple[int, int, int, int, int]
Shape = tuple[int, ...]
Expected = tuple[str, Tensor | None, torch.dtype, Shape]

_STATES = "h", "c"
_WEIGHTS = "w_ih", "w_hh", "b_ih", "b_hh"
_NORM = "ln_ih_gain", "ln_ih_bias", "ln_hh_gain", "ln_hh_bias"


def require_as_saved(expected: Iterable[Expected]) -> None:
    """RuntimeError names the first tensor whose dtype, device or shape is another than it had."""
    for name, t, kind, shape in expected:
        if t is None or (t.dtype is kind and t.shape == shape and t.device.type == "cpu"):
            continue
        problem = _(
            "a hook on saved tensors handed back {name} as {found}, expected {saved}, as it was "
            "saved: let it unpack what it packed"
        )
        found = f"{t.dtype} {list(t.shape)} {t.device}"
        saved = f"{kind} {list(shape)} cpu"
        raise RuntimeError(problem.format(name=name, found=found, saved=saved))


def as_saved(
    spec: Spec,
    gates: int,
    dtype: torch.dtype,
    sizes: Sizes,
    x: Tensor,
    tensors: Tensors,
    masks: Sequence[Masks],
    kept: Tensors,
    recompute: bool,
) -> Iterator[Expected]:
    """Each tensor of a call as it was saved, for `require_as_saved`; sizes: B, T, I, H, P of the
    call; gates: G.
    """
    B, T, I, H, P = sizes
    G, D, widths = gates * H, len(spec.reverse), (P, H)[: spec.states]
    yield "x", x, dtype, (T, B, I)
    states = [(f"{name}_0", (1, B, n)) for name, n in zip(_STATES, widths, strict=False)]
    restarts = [(f"restart_{name[0]}", shape[2:]) for name, shape in states]
    weights = list(zip(_WEIGHTS, ((G, I), (G, P), (G,), (G,)), strict=True))
    norm = [(name, (G,)) for name in _NORM]
    count = len(tensors) // D
    projects = [("w_hr", (P, H))] * ((count - 2 * spec.states) % 4)
    for k, (name, shape) in zip(
        range(len(tensors)), cycle([*states, *restarts, *weights, *projects, *norm][:count])
    ):
        yield name, tensors[k], dtype, shape
    for lengths, reset, dropout, hold_h, hold_c in masks:
        yield "lengths", lengths, torch.int64, (B,)
        yield "reset_mask", reset, torch.bool, (T, B)
        yield "dropout_mask", dropout, dtype, (B, P)
        yield "hold_h", hold_h, torch.bool, (T, B, P)
        yield "hold_c", hold_c, torch.bool, (T, B, H)
    if recompute:
        for t, (name, shape) in zip(kept, cycle(states), strict=False):
            yield f"{name[0]}_between", t, dtype, shape
        return
    yield "h", kept[0], dtype, (T, B, D * P)
    for t in kept[1:]:
        kind, size = compiled.saved_dtype(spec, dtype), compiled.saved_size(spec, x, tensors)
        yield "gates", t, kind, (T, B, size)
