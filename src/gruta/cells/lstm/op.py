"""The LSTM as a PyTorch op: the composite form, and torch's own.

Shapes: x `[T, B, I]`, h_0 `[B, P]`, c_0 `[B, H]`, restart_h `[P]` and restart_c `[H]` or None, w_ih
`[4H, I]`, w_hh `[4H, P]`, b_ih and b_hh `[4H]` or None, w_hr `[P, H]` or None (then P = H), norm:
gain and bias `[4H]` for W_ih x, the same for W_hh h, or four None.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from gruta.cells.op import Cell, Walk, product
from gruta.cells.walk import order


def composite(
    walk: Walk,
    x: Tensor,
    h_0: Tensor,
    c_0: Tensor,
    restart_h: Tensor | None,
    restart_c: Tensor | None,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None,
    b_hh: Tensor | None,
    w_hr: Tensor | None,
    *norm: Tensor | None,
) -> tuple[Tensor, Tensor, Tensor]:
    """(h, h_n, c_n) by plain torch operations.

    Under autocast the states are carried in their own dtype; what is returned has the products'
    dtype, as torch's LSTM does it.
    """
    T, H = x.shape[0], c_0.shape[1]
    active = walk.active(T)
    ln_ih, ln_hh = norm[:2], norm[2:]
    projected = product(x, w_ih, b_ih, ln_ih, H)
    h, c, out = h_0, c_0, [h_0] * T
    for t in order(T, walk.reverse):
        h_prev, c_prev = walk.restarted(t, h, restart_h), walk.restarted(t, c, restart_c)
        a = projected[t] + product(walk.dropped(h_prev), w_hh, b_hh, ln_hh, H)
        a_i, a_f, a_g, a_o = a.chunk(4, dim=-1)
        i, f, g, o = a_i.sigmoid(), a_f.sigmoid(), a_g.tanh(), a_o.sigmoid()
        c_new = f * c_prev + i * g
        m = o * torch.tanh(c_new)
        h_new = walk.held(t, 0, h_prev, m if w_hr is None else F.linear(m, w_hr))
        c_new = walk.held(t, 1, c_prev, c_new)
        walk.note(t, i, f, g, o, c_new)
        out[t] = h_new if active is None else torch.where(active[t], h_new, 0)
        h = h_new if active is None else torch.where(active[t], h_new, h)
        c = c_new if active is None else torch.where(active[t], c_new, c)
    dtype = projected.dtype
    return torch.stack(out).to(dtype), h.to(dtype), c.to(dtype)


def native(
    walk: Walk,
    x: Tensor,
    h_0: Tensor,
    c_0: Tensor,
    restart_h: Tensor | None,
    restart_c: Tensor | None,
    *weights: Tensor | None,
) -> tuple[Tensor, Tensor, Tensor]:
    """(h, h_n, c_n) by torch's own op: one layer, one direction, all T steps.

    States are `[1, B, size]` here.
    """
    present = [w for w in weights if w is not None]
    has_biases = weights[2] is not None
    h, h_n, c_n = torch.lstm(x, [h_0, c_0], present, has_biases, 1, 0.0, True, False, False)
    return h, h_n, c_n


LSTM = Cell("lstm", "ifgo", 2, composite, native, keep="f", entry="i", projects=True)
