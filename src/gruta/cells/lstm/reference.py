"""The LSTM in NumPy, one line an equation: the truth that every faster path is tested against.

Hochreiter and Schmidhuber 1997 with the forget gate of Gers et al. 2000, without peepholes (also
PyTorch and cuDNN); projection: Sak et al. 2014, arXiv:1402.1128. README.md has the derivation.
"""

from typing import Any, NamedTuple, Unpack

import numpy as np
from numpy.typing import NDArray

from gruta.cells.activations import sigmoid
from gruta.cells.layer_norm import Norm, norms
from gruta.cells.walk import Options, part, product, steps, sum_outer

Array = NDArray[Any]


class Trace(NamedTuple):
    """What a forward pass leaves: outputs, final states, and what the backward pass needs.

    h and h_prev are `[T, B, P]` with a projection; otherwise every array is `[T, B, H]`, but for
    the final states `h_n [B, P or H]` and `c_n [B, H]`. Rows past their length hold zeros.
    `h_prev` and `c_prev` are the states that a step started from, after a reset; `c` is the one
    that it left, after holding.
    """

    h: Array
    h_n: Array
    c_n: Array
    h_prev: Array
    c_prev: Array
    i: Array
    f: Array
    g: Array
    o: Array
    c: Array


class Gradients(NamedTuple):
    """∂L/∂(each argument of `forward`), of the argument's shape, and `h`, `c` like the trace's.

    `h[t]` and `c[t]` are the gradients through time: ∂L/∂h_t and ∂L/∂c_t along every path, through
    later steps and directly; for c_t the direct one leads through m_t, which reads it before
    holding. A bias or restart state that was left out counts as zeros; w_hr and the four of the
    norm are None if they were.
    """

    x: Array
    h_0: Array
    c_0: Array
    restart_h: Array
    restart_c: Array
    w_ih: Array
    w_hh: Array
    b_ih: Array
    b_hh: Array
    w_hr: Array | None
    ln_ih_gain: Array | None
    ln_ih_bias: Array | None
    ln_hh_gain: Array | None
    ln_hh_bias: Array | None
    h: Array
    c: Array


def forward(
    x: Array,
    h_0: Array,
    c_0: Array,
    w_ih: Array,
    w_hh: Array,
    b_ih: Array | None = None,
    b_hh: Array | None = None,
    w_hr: Array | None = None,
    *,
    restart_h: Array | None = None,
    restart_c: Array | None = None,
    norm: Norm | None = None,
    **options: Unpack[Options],
) -> Trace:
    """One layer, one direction.

    x: `[T, B, I]`; h_0: `[B, P]`; c_0: `[B, H]`; w_ih: `[4H, I]`; w_hh: `[4H, P]`; b_ih, b_hh:
    `[4H]` or None; w_hr: `[P, H]`, or None for P = H without a projection. Rows of the weights in
    the order i, f, g, o, as torch.nn.LSTM has them. restart_h `[P]`, restart_c `[H]`: what a reset
    sets the states to, None for zeros. norm: ln_ih_gain, ln_ih_bias, ln_hh_gain, ln_hh_bias, each
    `[4H]`, or None for no layer norm. options: those of `walk.Options`.
    """
    T, B, _ = x.shape
    P, H = h_0.shape[1], c_0.shape[1]
    W_hi, W_hf, W_hg, W_ho = np.split(w_hh, 4)
    b_ih = np.zeros(4 * H, x.dtype) if b_ih is None else b_ih
    b_hi, b_hf, b_hg, b_ho = np.split(np.zeros(4 * H, x.dtype) if b_hh is None else b_hh, 4)
    LN_i, LN_h = norms(norm, H)
    LN_hi, LN_hf, LN_hg, LN_ho = LN_h.gates(4)
    x_i, x_f, x_g, x_o = np.split(LN_i(product(x, w_ih)) + b_ih, 4, axis=-1)
    order, active, reset, dropout, (hold_h, hold_c) = steps(x, 2, **options)
    saved_h = np.zeros((2, T, B, P), x.dtype)
    saved = np.zeros((6, T, B, H), x.dtype)
    h, c = h_0, c_0
    for t in order:
        h_prev = np.where(reset[t], 0 if restart_h is None else restart_h, h)
        c_prev = np.where(reset[t], 0 if restart_c is None else restart_c, c)
        u = dropout * h_prev
        i = sigmoid(x_i[t] + LN_hi(u @ W_hi.T) + b_hi)
        f = sigmoid(x_f[t] + LN_hf(u @ W_hf.T) + b_hf)
        g = np.tanh(x_g[t] + LN_hg(u @ W_hg.T) + b_hg)
        o = sigmoid(x_o[t] + LN_ho(u @ W_ho.T) + b_ho)
        c_new = f * c_prev + i * g
        m = o * np.tanh(c_new)
        h_new = m if w_hr is None else m @ w_hr.T
        h_new = part(hold_h[t], h_prev) + part(1 - hold_h[t], h_new)
        c_new = part(hold_c[t], c_prev) + part(1 - hold_c[t], c_new)
        saved_h[:, t] = np.where(active[t], (h_new, h_prev), 0)
        saved[:, t] = np.where(active[t], (c_prev, i, f, g, o, c_new), 0)
        h, c = np.where(active[t], h_new, h), np.where(active[t], c_new, c)
    out, h_prev = saved_h
    return Trace(out, h, c, h_prev, *saved)


def backward(
    trace: Trace,
    dh: Array,
    dh_n: Array,
    dc_n: Array,
    x: Array,
    w_ih: Array,
    w_hh: Array,
    w_hr: Array | None = None,
    *,
    norm: Norm | None = None,
    **options: Unpack[Options],
) -> Gradients:
    """Backpropagation through time for `forward`, from the outputs' gradients.

    dh: `[T, B, P]`; dh_n: `[B, P]`; dc_n: `[B, H]`. The remaining arguments are those that
    `forward` was called with.
    """
    H = trace.c.shape[-1]
    LN_i, LN_h = norms(norm, H)
    order, active, reset, dropout, (hold_h, hold_c) = steps(x, 2, **options)
    u = dropout * trace.h_prev
    p_i, p_h = x @ w_ih.T, u @ w_hh.T
    tanh_c = np.tanh(trace.f * trace.c_prev + trace.i * trace.g)  # of c before holding
    da, dp_h = np.zeros((2, *p_h.shape), x.dtype)
    dh_new, through_h = np.zeros((2, *trace.h.shape), x.dtype)
    through_c = np.zeros_like(trace.c)
    d_restart_h, d_restart_c = np.zeros_like(dh_n[0]), np.zeros_like(dc_n[0])
    d, d_c = dh_n, dc_n
    for t in reversed(order):
        c_prev, i, f, g, o = (a[t] for a in (trace.c_prev, trace.i, trace.f, trace.g, trace.o))
        d = d + np.where(active[t], dh[t], 0)
        dh_new[t] = np.where(active[t], part(1 - hold_h[t], d), 0)
        dm = dh_new[t] if w_hr is None else dh_new[t] @ w_hr
        by_m = dm * o * (1 - tanh_c[t] ** 2)
        through_h[t] = np.where(active[t], d, 0)
        through_c[t] = np.where(active[t], d_c + by_m, 0)
        dc_new = np.where(active[t], part(1 - hold_c[t], d_c) + by_m, 0)
        da_i = dc_new * g * i * (1 - i)
        da_f = dc_new * c_prev * f * (1 - f)
        da_g = dc_new * i * (1 - g**2)
        da_o = dm * tanh_c[t] * o * (1 - o)
        da[t] = np.concatenate([da_i, da_f, da_g, da_o], axis=-1)
        dp_h[t] = LN_h.back(da[t], p_h[t])
        dh_prev = part(hold_h[t], d) + (dp_h[t] @ w_hh) * dropout
        dc_prev = part(hold_c[t], d_c) + dc_new * f
        d_restart_h += np.where(reset[t], dh_prev, 0).sum(axis=0)
        d_restart_c += np.where(reset[t], dc_prev, 0).sum(axis=0)
        d = np.where(active[t], np.where(reset[t], 0, dh_prev), d)
        d_c = np.where(active[t], np.where(reset[t], 0, dc_prev), d_c)
    dp_i = LN_i.back(da, p_i)
    db = da.sum(axis=(0, 1))
    return Gradients(
        dp_i @ w_ih,
        d,
        d_c,
        d_restart_h,
        d_restart_c,
        sum_outer(dp_i, x),
        sum_outer(dp_h, u),
        db,
        db.copy(),
        None if w_hr is None else sum_outer(dh_new, trace.o * tanh_c),
        *LN_i.back_to_parameters(da, p_i),
        *LN_h.back_to_parameters(da, p_h),
        through_h,
        through_c,
    )
