"""The shortest ways to the kernels: one layer, one direction, whole sequences or one step, nothing
between the steps, nothing to differentiate and nobody who watches.

A small layer's kernel takes microseconds, and the general way costs more than that. What these do
not serve takes the general way.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from gruta import kernels
from gruta.cells.op import compiled, tap
from gruta.cells.op.cell import Cell
from gruta.cells.op.fields import NO_MASKS, pass_fields, weight_fields
from gruta.cells.op.transforms import (
    DTYPES,
    autocast,
    forward_mode,
    intercepted,
    transformed,
)

_OBSTACLES = (
    torch.is_grad_enabled,
    torch._C._functorch.peek_interpreter_stack,
    forward_mode,
    torch._C._get_tracing_state,
    torch._C._len_torch_dispatch_stack,
    torch._C._is_any_autocast_enabled,
    tap.collected,
)
"""What `is_open` asks, but for the compiler, each as a call that costs little."""


def _meet_torch() -> bool:
    """Whether the kernels can read torch's tensors themselves, as they can since torch 2.10."""
    if not kernels.available() or not hasattr(Tensor, "__dlpack_c_exchange_api__"):
        return False
    return kernels.meet_torch(Tensor, torch.nn.Parameter, torch.empty_like, _OBSTACLES)


_MET = _meet_torch()


def is_open() -> bool:
    """Whether calls may take this way at all for now."""
    return not (
        torch.is_grad_enabled()
        or torch.compiler.is_compiling()
        or transformed()
        or intercepted()
        or autocast("cpu")
        or tap.is_tapped()
    )


def forward(
    cell: Cell, x: Tensor, states: Sequence[Tensor], weights: Sequence[Tensor | None]
) -> list[Tensor] | None:
    """h `[T, B, P]` and the final states; None unless these tensors are what the kernels take.

    x: `[T, B, I]`; states: h_0 `[1, B, P]` and, in the LSTM, c_0 `[1, B, H]`, and so the final
    ones; weights: w_ih, w_hh, b_ih, b_hh and, where the cell projects, w_hr. The shapes fit.
    """
    dtype = x.dtype
    if not (_MET and kernels.available() and dtype in DTYPES):
        return None
    if not kernels.readable(x, (*states, *weights)):
        return None
    T, B, I = x.shape
    H, P = states[-1].shape[2], states[0].shape[2]
    out, finals = compiled.laid_out_as(x, P), [torch.empty_like(s) for s in states]
    fields = pass_fields(NO_MASKS, False, x, states, (None,) * len(states), out, finals, None)
    kernels.layer_forward(
        cell.name,
        dtype is torch.float64,
        (B, T, I, H, P),
        [weight_fields(weights)],
        [fields],
        0.0,
        compiled.threads(),
        True,
    )
    return [out, *finals]


def step(cell: Cell, parameters: dict[str, Any], x: Tensor, state: Any) -> Any:
    """The state after one step, or None unless these tensors are what the kernels take.

    x: `[B, I]` or `[I]`; state: h `[B, H]` or `[H]`, of the LSTM the tuple (h, c); parameters:
    those of a module, with the names of torch.nn.RNNCellBase. All is checked where it costs least,
    in the extension, but for torch.compile, which has to see it when it reads this.
    """
    if not _MET or torch.compiler.is_dynamo_compiling():
        return None
    return kernels.torch_step(cell.name, x, state, parameters, compiled.threads())
