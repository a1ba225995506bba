"""The plain RNN as a PyTorch op; README.md derives the backward pass that is written out here.

Shapes: x `[T, B, I]`, h_0 `[B, H]`, w_ih `[H, I]`, w_hh `[H, H]`, b_ih and b_hh `[H]` or None.
"""

from collections.abc import Sequence
from functools import partial
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from gruta.cells.op import Cell, Tensors, Walk, previous
from gruta.cells.walk import order

Nonlinearity = Literal["tanh", "relu"]


def composite(
    walk: Walk,
    x: Tensor,
    h_0: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None,
    b_hh: Tensor | None,
    *,
    nonlinearity: Nonlinearity,
) -> tuple[Tensor, Tensor]:
    """(h, h_n) by plain torch operations.

    Under autocast both have the products' dtype, as torch's RNN does it.
    """
    T = x.shape[0]
    active = walk.active(T)
    phi = torch.tanh if nonlinearity == "tanh" else torch.relu
    projected = F.linear(x, w_ih, b_ih)
    h = h_0.to(projected.dtype)
    out = [h] * T
    for t in order(T, walk.reverse):
        h_new = phi(projected[t] + F.linear(h, w_hh, b_hh))
        out[t] = h_new if active is None else torch.where(active[t], h_new, 0)
        h = h_new if active is None else torch.where(active[t], h_new, h)
    return torch.stack(out), h


def forward(
    walk: Walk, *tensors: Tensor, nonlinearity: Nonlinearity, save: bool
) -> tuple[tuple[Tensor, Tensor], None]:
    """(h, h_n) without autograd; the backward pass needs nothing but h."""
    with torch.no_grad():
        return composite(walk, *tensors, nonlinearity=nonlinearity), None


def backward(
    walk: Walk,
    tensors: Tensors,
    outputs: Sequence[Tensor],
    saved: Tensor | None,
    d_outputs: Sequence[Tensor],
    *,
    nonlinearity: Nonlinearity,
) -> Tensors:
    """Backpropagation through time: only the gradient of h is sequential, the rest is products."""
    x, h_0, w_ih, w_hh, b_ih, b_hh = tensors
    (T, B, I), H, h = x.shape, h_0.shape[1], outputs[0]
    to_a = 1 - h * h if nonlinearity == "tanh" else (h > 0).to(h.dtype)
    dh, hold = d_outputs[0], None
    if (active := walk.active(T)) is not None:
        dh, hold = torch.where(active, dh, 0), ~active
        to_a = torch.where(active, to_a, 0)
    da_h, dh_0 = _back(order(T, walk.reverse)[::-1], dh, d_outputs[1], to_a, hold, w_hh)
    flat = da_h.view(T * B, H)
    return (
        (flat @ w_ih).view(T, B, I),
        dh_0,
        flat.T @ x.reshape(T * B, I),
        flat.T @ previous(walk, h, h_0).view(T * B, H),
        None if b_ih is None else flat.sum(0),
        None if b_hh is None else flat.sum(0),
    )


def _back(
    steps: range, dh: Tensor, dh_n: Tensor, to_a: Tensor, hold: Tensor | None, w_hh: Tensor
) -> tuple[Tensor, Tensor]:
    """The gradient of what enters the nonlinearity (`[T, B, H]`), and ∂L/∂h_0.

    `hold [T, B, 1]` is true where a row rests, and its gradient passes the step unchanged.
    """
    da_h, d_t = dh.new_empty(dh.shape), dh_n
    for t in steps:
        d_t = d_t + dh[t]
        da = torch.mul(d_t, to_a[t], out=da_h[t])
        d_t = da @ w_hh if hold is None else torch.addmm(d_t * hold[t], da, w_hh)
    return da_h, d_t


def native(
    walk: Walk,
    x: Tensor,
    h_0: Tensor,
    *weights: Tensor | None,
    nonlinearity: Nonlinearity,
) -> tuple[Tensor, Tensor]:
    """(h, h_n) by torch's own op: one layer, one direction, all T steps."""
    present = [w for w in weights if w is not None]
    op = torch.rnn_tanh if nonlinearity == "tanh" else torch.rnn_relu
    h, h_n = op(x, h_0[None], present, len(present) == 4, 1, 0.0, True, False, False)
    return h, h_n[0]


def _cell(nonlinearity: Nonlinearity) -> Cell:
    return Cell(
        partial(composite, nonlinearity=nonlinearity),
        partial(forward, nonlinearity=nonlinearity),
        partial(backward, nonlinearity=nonlinearity),
        partial(native, nonlinearity=nonlinearity),
    )


TANH, RELU = _cell("tanh"), _cell("relu")
