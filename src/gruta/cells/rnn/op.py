"""The plain RNN as a PyTorch op: the composite form, and torch's own.

Shapes: x `[T, B, I]`, h_0 `[B, H]`, restart `[H]` or None, w_ih `[H, I]`, w_hh `[H, H]`, b_ih and
b_hh `[H]` or None, norm: gain and bias `[H]` for W_ih x, the same for W_hh h, or four None.
"""

from functools import partial
from typing import Literal

import torch
from torch import Tensor

from gruta.cells.op import Cell, Walk, product
from gruta.cells.walk import order

Nonlinearity = Literal["tanh", "relu"]


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
    nonlinearity: Nonlinearity,
) -> tuple[Tensor, Tensor]:
    """(h, h_n) by plain torch operations.

    Under autocast both have the products' dtype, as torch's RNN does it.
    """
    T, H = x.shape[0], h_0.shape[1]
    active = walk.active(T)
    ln_ih, ln_hh = norm[:2], norm[2:]
    phi = torch.tanh if nonlinearity == "tanh" else torch.relu
    projected = product(x, w_ih, b_ih, ln_ih, H)
    h = h_0.to(projected.dtype)
    out = [h] * T
    for t in order(T, walk.reverse):
        h_prev = walk.restarted(t, h, restart)
        a = projected[t] + product(walk.dropped(h_prev), w_hh, b_hh, ln_hh, H)
        h_new = walk.held(t, 0, h_prev, phi(a))
        out[t] = h_new if active is None else torch.where(active[t], h_new, 0)
        h = h_new if active is None else torch.where(active[t], h_new, h)
    return torch.stack(out), h


def native(
    walk: Walk,
    x: Tensor,
    h_0: Tensor,
    restart: Tensor | None,
    *weights: Tensor | None,
    nonlinearity: Nonlinearity,
) -> tuple[Tensor, Tensor]:
    """(h, h_n) by torch's own op: one layer, one direction, all T steps.

    h_0 and h_n are `[1, B, H]` here.
    """
    present = [w for w in weights if w is not None]
    op = torch.rnn_tanh if nonlinearity == "tanh" else torch.rnn_relu
    h, h_n = op(x, h_0, present, len(present) == 4, 1, 0.0, True, False, False)
    return h, h_n


def _cell(nonlinearity: Nonlinearity) -> Cell:
    return Cell(
        f"rnn_{nonlinearity}",
        "h",
        1,
        partial(composite, nonlinearity=nonlinearity),
        partial(native, nonlinearity=nonlinearity),
    )


TANH, RELU = _cell("tanh"), _cell("relu")
