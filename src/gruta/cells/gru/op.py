"""The GRU as a PyTorch op; README.md derives the backward pass that is written out here.

Shapes: x `[T, B, I]`, h_0 `[B, H]`, w_ih `[3H, I]`, w_hh `[3H, H]`, b_ih and b_hh `[3H]` or None,
gates (r, z, n, q) `[T, B, 4H]`.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from gruta import kernels
from gruta.cells.op import Cell, Tensors, Walk, as_array, previous
from gruta.cells.walk import order


def composite(
    walk: Walk,
    x: Tensor,
    h_0: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None,
    b_hh: Tensor | None,
    *,
    reset_after: bool,
    gates: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """(h, h_n) by plain torch operations; `gates`, where given, is filled."""
    T, H = x.shape[0], h_0.shape[1]
    active = walk.active(T)
    projected = F.linear(x, w_ih, b_ih)
    w_rz, w_n = w_hh.split_with_sizes([2 * H, H])
    b_rz, b_n = (None, None) if b_hh is None else b_hh.split_with_sizes([2 * H, H])
    h, out = h_0, [h_0] * T
    for t in order(T, walk.reverse):
        i_rz, i_n = projected[t].split_with_sizes([2 * H, H], dim=-1)
        r, z = torch.sigmoid(i_rz + F.linear(h, w_rz, b_rz)).chunk(2, dim=-1)
        q = F.linear(h if reset_after else r * h, w_n, b_n)
        n = torch.tanh(i_n + (r * q if reset_after else q))
        h_new = n + z * (h - n)
        if gates is not None:
            torch.cat([r, z, n, q], dim=-1, out=gates[t])
        out[t] = h_new if active is None else torch.where(active[t], h_new, 0)
        h = h_new if active is None else torch.where(active[t], h_new, h)
    return torch.stack(out), h


def forward(
    walk: Walk, *tensors: Tensor, reset_after: bool, save: bool
) -> tuple[tuple[Tensor, Tensor], Tensor | None]:
    """(h, h_n) without autograd, and the gates if the backward pass is to follow."""
    x, h_0 = tensors[:2]
    T, B, H = x.shape[0], *h_0.shape
    gates = x.new_empty(T, B, 4 * H) if save else None
    if not kernels.available():
        kernels.warn_missing()
        with torch.no_grad():
            return composite(walk, *tensors, reset_after=reset_after, gates=gates), gates
    h, h_n = x.new_empty(T, B, H), x.new_empty(B, H)
    inputs = [as_array(t) for t in (*tensors, walk.lengths)]
    results = [as_array(t) for t in (h, h_n, gates)]
    arguments: list[Any] = [*inputs, walk.reverse, reset_after, *results]
    kernels.gru_sequence(*arguments)
    return (h, h_n), gates


def backward(
    walk: Walk,
    tensors: Tensors,
    outputs: Sequence[Tensor],
    gates: Tensor,
    d_outputs: Sequence[Tensor],
    *,
    reset_after: bool,
) -> Tensors:
    """Backpropagation through time: only the gradient of h is sequential, the rest is products."""
    x, h_0, w_ih, w_hh, b_ih, b_hh = tensors
    (T, B, I), H = x.shape, h_0.shape[1]
    h_prev = previous(walk, outputs[0], h_0)
    r, z, n, q = gates.chunk(4, dim=-1)
    to_n = (1 - z) * (1 - n * n)
    to_z = (h_prev - n) * z * (1 - z)
    to_r = (q if reset_after else h_prev) * r * (1 - r)
    dh, keep = d_outputs[0], z
    if (active := walk.active(T)) is not None:
        dh, keep = torch.where(active, dh, 0), torch.where(active, z, 1)
        to_n, to_z = torch.where(active, to_n, 0), torch.where(active, to_z, 0)
    back = _back_reset_after if reset_after else _back_reset_before
    steps = order(T, walk.reverse)[::-1]
    d, da_h, dh_0 = back(steps, dh, d_outputs[1], keep, (to_r, to_z, to_n, r), w_hh)
    da_i = torch.cat([da_h[..., : 2 * H], d * to_n], dim=-1) if reset_after else da_h
    flat_i, flat_h = da_i.view(T * B, 3 * H), da_h.view(T * B, 3 * H)
    h_into_n = h_prev if reset_after else r * h_prev
    return (
        (flat_i @ w_ih).view(T, B, I),
        dh_0,
        flat_i.T @ x.reshape(T * B, I),
        torch.cat(
            [
                flat_h[:, : 2 * H].T @ h_prev.view(T * B, H),
                flat_h[:, 2 * H :].T @ h_into_n.view(T * B, H),
            ]
        ),
        None if b_ih is None else flat_i.sum(0),
        None if b_hh is None else flat_h.sum(0),
    )


def _back_reset_after(
    steps: range,
    dh: Tensor,
    dh_n: Tensor,
    keep: Tensor,
    factors: tuple[Tensor, Tensor, Tensor, Tensor],
    w_hh: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    """∂L/∂h_t, the gradient of W_h h + b_h (`[T, B, 3H]`), and ∂L/∂h_0."""
    to_r, to_z, to_n, r = factors
    T, B, H = dh.shape
    to_h = torch.stack([to_n * to_r, to_z, to_n * r], dim=2)
    d, da_h, d_t = dh.new_empty(T, B, H), dh.new_empty(T, B, 3, H), dh_n
    for t in steps:
        d_t = torch.add(d_t, dh[t], out=d[t])
        da = torch.mul(d_t[:, None], to_h[t], out=da_h[t])
        d_t = torch.addmm(d_t * keep[t], da.view(B, 3 * H), w_hh)
    return d, da_h.view(T, B, 3 * H), d_t


def _back_reset_before(
    steps: range,
    dh: Tensor,
    dh_n: Tensor,
    keep: Tensor,
    factors: tuple[Tensor, Tensor, Tensor, Tensor],
    w_hh: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    """As `_back_reset_after`; here the gradient of r needs W_hn's product inside the loop."""
    to_r, to_z, to_n, r = factors
    T, B, H = dh.shape
    w_rz, w_n = w_hh.split_with_sizes([2 * H, H])
    d, da_h, d_t = dh.new_empty(T, B, H), dh.new_empty(T, B, 3, H), dh_n
    for t in steps:
        d_t = torch.add(d_t, dh[t], out=d[t])
        da_r, da_z, da_n = da_h[t].unbind(1)
        torch.mul(d_t, to_z[t], out=da_z)
        torch.mul(d_t, to_n[t], out=da_n)
        d_rh = da_n @ w_n
        torch.mul(d_rh, to_r[t], out=da_r)
        d_t = torch.addmm(d_t * keep[t] + d_rh * r[t], da_h[t, :, :2].reshape(B, 2 * H), w_rz)
    return d, da_h.view(T, B, 3 * H), d_t


def native(walk: Walk, x: Tensor, h_0: Tensor, *weights: Tensor | None) -> tuple[Tensor, Tensor]:
    """(h, h_n) by torch's own op: one layer, one direction, all T steps, reset after."""
    present = [w for w in weights if w is not None]
    out, h_n = torch.gru(x, h_0[None], present, len(present) == 4, 1, 0.0, True, False, False)
    return out, h_n[0]


def _cell(reset_after: bool) -> Cell:
    return Cell(
        partial(composite, reset_after=reset_after),
        partial(forward, reset_after=reset_after),
        partial(backward, reset_after=reset_after),
        native if reset_after else None,
    )


RESET_AFTER, RESET_BEFORE = _cell(True), _cell(False)
