"""The GRU as a PyTorch op: the composite form, and torch's own.

Shapes: x `[T, B, I]`, h_0 `[B, H]`, restart `[H]` or None, w_ih `[3H, I]`, w_hh `[3H, H]`, b_ih and
b_hh `[3H]` or None, norm: gain and bias `[3H]` for W_ih x, the same for W_hh h, or four None.
"""

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor

from gruta.cells.op import Cell, Walk, product
from gruta.cells.walk import order

Gates = tuple[Tensor, Tensor | None, Sequence[Tensor | None]]  # weight, bias, norm


def composite(
    walk: Walk,
    x: Tensor,
    h_0: Tensor,
    restart: Tensor | None,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None,
    b_hh: Tensor | None,
    *norm: Tensor | None,
    reset_after: bool,
) -> tuple[Tensor, Tensor]:
    """(h, h_n) by plain torch operations."""
    T, H = x.shape[0], h_0.shape[1]
    active = walk.active(T)
    ln_ih, ln_hh = norm[:2], norm[2:]
    of_rz, of_n = _split(w_hh, b_hh, ln_hh, H)
    projected = product(x, w_ih, b_ih, ln_ih, H)
    h, out = h_0, [h_0] * T
    for t in order(T, walk.reverse):
        h_prev = walk.restarted(t, h, restart)
        u = walk.dropped(h_prev)
        i_rz, i_n = projected[t].split_with_sizes([2 * H, H], dim=-1)
        r, z = torch.sigmoid(i_rz + product(u, *of_rz, H)).chunk(2, dim=-1)
        q = product(u if reset_after else r * u, *of_n, H)
        n = torch.tanh(i_n + (r * q if reset_after else q))
        h_new = walk.held(t, 0, h_prev, n + z * (h_prev - n))
        walk.note(t, r, z, n, q)
        out[t] = h_new if active is None else torch.where(active[t], h_new, 0)
        h = h_new if active is None else torch.where(active[t], h_new, h)
    return torch.stack(out), h


def _split(
    w: Tensor, bias: Tensor | None, norm: Sequence[Tensor | None], H: int
) -> tuple[Gates, Gates]:
    """Weight, bias and norm of r and z, and of n."""
    parts = [(None, None) if a is None else a.split_with_sizes([2 * H, H]) for a in (bias, *norm)]
    w_rz, w_n = w.split_with_sizes([2 * H, H])
    (b_rz, b_n), *ln = parts
    return (w_rz, b_rz, [rz for rz, _ in ln]), (w_n, b_n, [n for _, n in ln])


def native(
    walk: Walk, x: Tensor, h_0: Tensor, restart: Tensor | None, *weights: Tensor | None
) -> tuple[Tensor, Tensor]:
    """(h, h_n) by torch's own op: one layer, one direction, all T steps, reset after.

    h_0 and h_n are `[1, B, H]` here.
    """
    present = [w for w in weights if w is not None]
    out, h_n = torch.gru(x, h_0, present, len(present) == 4, 1, 0.0, True, False, False)
    return out, h_n


def _cell(name: str, reset_after: bool) -> Cell:
    own = native if reset_after else None
    return Cell(
        name, "rzn", 1, partial(composite, reset_after=reset_after), own, keep="z", widens=True
    )


RESET_AFTER, RESET_BEFORE = _cell("gru", True), _cell("gru_reset_before", False)
