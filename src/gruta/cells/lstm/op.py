"""The LSTM as a PyTorch op; README.md derives the backward pass that is written out here.

Shapes: x `[T, B, I]`, h_0 `[B, P]`, c_0 `[B, H]`, w_ih `[4H, I]`, w_hh `[4H, P]`, b_ih and b_hh
`[4H]` or None, w_hr `[P, H]` or None (then P = H), saved (i, f, g, o, c) `[T, B, 5H]`.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from gruta.cells.op import Cell, Tensors, Walk, previous
from gruta.cells.walk import order


def composite(
    walk: Walk,
    x: Tensor,
    h_0: Tensor,
    c_0: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None,
    b_hh: Tensor | None,
    w_hr: Tensor | None,
    *,
    saved: Tensor | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """(h, h_n, c_n) by plain torch operations; `saved`, where given, is filled.

    Under autocast the states are carried in their own dtype; what is returned has the products'
    dtype, as torch's LSTM does it.
    """
    T = x.shape[0]
    active = walk.active(T)
    projected = F.linear(x, w_ih, b_ih)
    h, c, out = h_0, c_0, [h_0] * T
    for t in order(T, walk.reverse):
        a_i, a_f, a_g, a_o = (projected[t] + F.linear(h, w_hh, b_hh)).chunk(4, dim=-1)
        i, f, g, o = a_i.sigmoid(), a_f.sigmoid(), a_g.tanh(), a_o.sigmoid()
        c_new = f * c + i * g
        m = o * torch.tanh(c_new)
        h_new = m if w_hr is None else F.linear(m, w_hr)
        if saved is not None:
            torch.cat([i, f, g, o, c_new], dim=-1, out=saved[t])
        out[t] = h_new if active is None else torch.where(active[t], h_new, 0)
        h = h_new if active is None else torch.where(active[t], h_new, h)
        c = c_new if active is None else torch.where(active[t], c_new, c)
    dtype = projected.dtype
    return torch.stack(out).to(dtype), h.to(dtype), c.to(dtype)


def forward(
    walk: Walk, *tensors: Tensor, save: bool
) -> tuple[tuple[Tensor, Tensor, Tensor], Tensor | None]:
    """(h, h_n, c_n) without autograd, and (i, f, g, o, c) if the backward pass is to follow."""
    x, _, c_0 = tensors[:3]
    T, B, H = x.shape[0], *c_0.shape
    saved = x.new_empty(T, B, 5 * H) if save else None
    with torch.no_grad():
        return composite(walk, *tensors, saved=saved), saved


def backward(
    walk: Walk,
    tensors: Tensors,
    outputs: Sequence[Tensor],
    saved: Tensor,
    d_outputs: Sequence[Tensor],
) -> Tensors:
    """Backpropagation through time: only the gradients of h and c are sequential."""
    x, h_0, c_0, w_ih, w_hh, b_ih, b_hh, w_hr = tensors
    (T, B, I), P, H = x.shape, h_0.shape[1], c_0.shape[1]
    dh, hold = d_outputs[0], None
    keep = saved[..., H : 2 * H]
    if (active := walk.active(T)) is not None:
        dh, hold = torch.where(active, dh, 0), ~active
        keep = torch.where(active, keep, 1)
        saved = torch.where(active, saved, 0)  # with gates of 0, every factor below is 0
    i, f, g, o, c = saved.chunk(5, dim=-1)
    h_prev, c_prev, tanh_c = previous(walk, outputs[0], h_0), previous(walk, c, c_0), c.tanh()
    to_i = g * i * (1 - i)
    to_f = c_prev * f * (1 - f)
    to_g = i * (1 - g * g)
    to_o = tanh_c * o * (1 - o)
    to_c = o * (1 - tanh_c * tanh_c)
    factors = torch.stack([to_i, to_f, to_g], dim=2), to_o, to_c, keep
    steps = order(T, walk.reverse)[::-1]
    d, da, dh_0, dc_0 = _back(steps, (dh, *d_outputs[1:]), factors, hold, w_hh, w_hr)
    flat = da.view(T * B, 4 * H)
    m = o * tanh_c
    return (
        (flat @ w_ih).view(T, B, I),
        dh_0,
        dc_0,
        flat.T @ x.reshape(T * B, I),
        flat.T @ h_prev.view(T * B, P),
        None if b_ih is None else flat.sum(0),
        None if b_hh is None else flat.sum(0),
        None if w_hr is None else d.view(T * B, P).T @ m.view(T * B, H),
    )


def _back(
    steps: range,
    d_outputs: Sequence[Tensor],
    factors: tuple[Tensor, Tensor, Tensor, Tensor],
    hold: Tensor | None,
    w_hh: Tensor,
    w_hr: Tensor | None,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """∂L/∂h_t, the gradient of the gates' sums (`[T, B, 4H]`), ∂L/∂h_0 and ∂L/∂c_0.

    `hold [T, B, 1]` is true where a row rests, and its gradient passes the step unchanged.
    """
    dh, d_t, dc_t = d_outputs
    to_ifg, to_o, to_c, keep = factors
    (T, B, P), H = dh.shape, dc_t.shape[1]
    d, da_h = dh.new_empty(T, B, P), dh.new_empty(T, B, 4, H)
    for t in steps:
        d_t = torch.add(d_t, dh[t], out=d[t])
        dm = d_t if w_hr is None else d_t @ w_hr
        dc_t = torch.addcmul(dc_t, dm, to_c[t])
        torch.mul(dc_t[:, None], to_ifg[t], out=da_h[t, :, :3])
        torch.mul(dm, to_o[t], out=da_h[t, :, 3])
        dc_t = dc_t * keep[t]
        da = da_h[t].view(B, 4 * H)
        d_t = da @ w_hh if hold is None else torch.addmm(d_t * hold[t], da, w_hh)
    return d, da_h, d_t, dc_t


def native(
    walk: Walk, x: Tensor, h_0: Tensor, c_0: Tensor, *weights: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """(h, h_n, c_n) by torch's own op: one layer, one direction, all T steps."""
    present = [w for w in weights if w is not None]
    initial = [h_0[None], c_0[None]]
    has_biases = weights[2] is not None
    h, h_n, c_n = torch.lstm(x, initial, present, has_biases, 1, 0.0, True, False, False)
    return h, h_n[0], c_n[0]


LSTM = Cell(composite, forward, backward, native)
