"""The plain RNN in NumPy, one line an equation: the truth that every faster path is tested against.

Elman 1990; with ReLU, Le et al. 2015, arXiv:1504.00941. README.md has the derivation.
"""

from typing import Any, Literal, NamedTuple, Unpack

import numpy as np
from numpy.typing import NDArray

from gruta.cells.layer_norm import Norm, norms
from gruta.cells.walk import Options, part, product, steps, sum_outer

Array = NDArray[Any]
Nonlinearity = Literal["tanh", "relu"]


class Trace(NamedTuple):
    """What a forward pass leaves: outputs, final state, and what the backward pass needs.

    Every array but `h_n [B, H]` is `[T, B, H]`, with zeros in rows past their length. `h_prev` is
    the state that a step started from, after a reset; `n` what it made of it, before holding.
    """

    h: Array
    h_n: Array
    h_prev: Array
    n: Array


class Gradients(NamedTuple):
    """∂L/∂(each argument of `forward`), of the argument's shape, and `h [T, B, H]`.

    `h[t]` is the gradient through time: ∂L/∂h_t along every path, direct and through later steps.
    A bias or restart state that was left out counts as zeros; without a norm its four are None.
    """

    x: Array
    h_0: Array
    restart: Array
    w_ih: Array
    w_hh: Array
    b_ih: Array
    b_hh: Array
    ln_ih_gain: Array | None
    ln_ih_bias: Array | None
    ln_hh_gain: Array | None
    ln_hh_bias: Array | None
    h: Array


def forward(
    x: Array,
    h_0: Array,
    w_ih: Array,
    w_hh: Array,
    b_ih: Array | None = None,
    b_hh: Array | None = None,
    *,
    nonlinearity: Nonlinearity = "tanh",
    restart: Array | None = None,
    norm: Norm | None = None,
    **options: Unpack[Options],
) -> Trace:
    """One layer, one direction.

    x: `[T, B, I]`; h_0: `[B, H]`; w_ih: `[H, I]`; w_hh: `[H, H]`; b_ih, b_hh: `[H]` or None, as
    torch.nn.RNN has them. restart: `[H]`, what a reset sets the state to, None for zeros. norm:
    ln_ih_gain, ln_ih_bias, ln_hh_gain, ln_hh_bias, each `[H]`, or None for no layer norm. options:
    those of `walk.Options`.
    """
    T, B, _ = x.shape
    H = h_0.shape[1]
    b_ih = np.zeros(H, x.dtype) if b_ih is None else b_ih
    b_hh = np.zeros(H, x.dtype) if b_hh is None else b_hh
    LN_i, LN_h = norms(norm, H)
    x_n = LN_i(product(x, w_ih)) + b_ih
    order, active, reset, dropout, (hold,) = steps(x, 1, **options)
    saved = np.zeros((3, T, B, H), x.dtype)
    h = h_0
    for t in order:
        h_prev = np.where(reset[t], 0 if restart is None else restart, h)
        u = dropout * h_prev
        a = x_n[t] + LN_h(u @ w_hh.T) + b_hh
        n = np.tanh(a) if nonlinearity == "tanh" else np.maximum(a, 0)
        h_new = part(hold[t], h_prev) + part(1 - hold[t], n)
        saved[:, t] = np.where(active[t], (h_new, h_prev, n), 0)
        h = np.where(active[t], h_new, h)
    out, *rest = saved
    return Trace(out, h, *rest)


def backward(
    trace: Trace,
    dh: Array,
    dh_n: Array,
    x: Array,
    w_ih: Array,
    w_hh: Array,
    *,
    nonlinearity: Nonlinearity = "tanh",
    norm: Norm | None = None,
    **options: Unpack[Options],
) -> Gradients:
    """Backpropagation through time for `forward`, from dh `[T, B, H]` and dh_n `[B, H]`.

    The remaining arguments are those that `forward` was called with.
    """
    LN_i, LN_h = norms(norm, trace.h.shape[-1])
    order, active, reset, dropout, (hold,) = steps(x, 1, **options)
    u = dropout * trace.h_prev
    p_i, p_h = x @ w_ih.T, u @ w_hh.T
    da, dp_h, through_time = np.zeros((3, *trace.h.shape), x.dtype)
    d_restart = np.zeros_like(dh_n[0])
    d = dh_n
    for t in reversed(order):
        n = trace.n[t]
        d = d + np.where(active[t], dh[t], 0)
        through_time[t] = np.where(active[t], d, 0)
        d_new = np.where(active[t], part(1 - hold[t], d), 0)
        da[t] = d_new * (1 - n**2 if nonlinearity == "tanh" else n > 0)
        dp_h[t] = LN_h.back(da[t], p_h[t])
        dh_prev = part(hold[t], d) + (dp_h[t] @ w_hh) * dropout
        d_restart += np.where(reset[t], dh_prev, 0).sum(axis=0)
        d = np.where(active[t], np.where(reset[t], 0, dh_prev), d)
    dp_i = LN_i.back(da, p_i)
    db = da.sum(axis=(0, 1))
    return Gradients(
        dp_i @ w_ih,
        d,
        d_restart,
        sum_outer(dp_i, x),
        sum_outer(dp_h, u),
        db,
        db.copy(),
        *LN_i.back_to_parameters(da, p_i),
        *LN_h.back_to_parameters(da, p_h),
        through_time,
    )
