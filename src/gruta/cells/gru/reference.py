"""The GRU in NumPy, one line an equation: the truth that every faster path is tested against.

Reset-after form: Cho et al. 2014, arXiv:1406.1078v1 (also PyTorch and cuDNN).
Reset-before form: the same paper, v3 (also the default of ONNX). README.md has the derivation.
"""

from typing import Any, NamedTuple, Unpack

import numpy as np
from numpy.typing import NDArray

from gruta.cells.activations import sigmoid
from gruta.cells.layer_norm import Norm, norms
from gruta.cells.walk import Options, part, product, steps, sum_outer

Array = NDArray[Any]


class Trace(NamedTuple):
    """What a forward pass leaves: outputs, final state, and what the backward pass needs.

    Every array but `h_n [B, H]` is `[T, B, H]`, with zeros in rows past their length. `h_prev` is
    the state that a step started from, after a reset.
    """

    h: Array
    h_n: Array
    h_prev: Array
    r: Array
    z: Array
    n: Array
    q: Array


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
    reset_after: bool = True,
    restart: Array | None = None,
    norm: Norm | None = None,
    **options: Unpack[Options],
) -> Trace:
    """One layer, one direction.

    x: `[T, B, I]`; h_0: `[B, H]`; w_ih: `[3H, I]`; w_hh: `[3H, H]`; b_ih, b_hh: `[3H]` or None;
    rows of the weights in the order r, z, n, as torch.nn.GRU has them. restart: `[H]`, what a reset
    sets the state to, None for zeros. norm: ln_ih_gain, ln_ih_bias, ln_hh_gain, ln_hh_bias, each
    `[3H]`, or None for no layer norm. options: those of `walk.Options`.
    """
    T, B, _ = x.shape
    H = h_0.shape[1]
    W_hr, W_hz, W_hn = np.split(w_hh, 3)
    b_ih = np.zeros(3 * H, x.dtype) if b_ih is None else b_ih
    b_hr, b_hz, b_hn = np.split(np.zeros(3 * H, x.dtype) if b_hh is None else b_hh, 3)
    LN_i, LN_h = norms(norm, H)
    LN_hr, LN_hz, LN_hn = LN_h.gates(3)
    x_r, x_z, x_n = np.split(LN_i(product(x, w_ih)) + b_ih, 3, axis=-1)
    order, active, reset, dropout, (hold,) = steps(x, 1, **options)
    saved = np.zeros((5, T, B, H), x.dtype)
    out = np.zeros((T, B, H), x.dtype)
    h = h_0
    for t in order:
        h_prev = np.where(reset[t], 0 if restart is None else restart, h)
        u = dropout * h_prev
        r = sigmoid(x_r[t] + LN_hr(u @ W_hr.T) + b_hr)
        z = sigmoid(x_z[t] + LN_hz(u @ W_hz.T) + b_hz)
        if reset_after:
            q = LN_hn(u @ W_hn.T) + b_hn
            n = np.tanh(x_n[t] + r * q)
        else:
            q = LN_hn((r * u) @ W_hn.T) + b_hn
            n = np.tanh(x_n[t] + q)
        h_new = (1 - z) * n + z * h_prev
        h_new = part(hold[t], h_prev) + part(1 - hold[t], h_new)
        saved[:, t] = np.where(active[t], (h_prev, r, z, n, q), 0)
        out[t] = np.where(active[t], h_new, 0)
        h = np.where(active[t], h_new, h)
    return Trace(out, h, *saved)


def backward(
    trace: Trace,
    dh: Array,
    dh_n: Array,
    x: Array,
    w_ih: Array,
    w_hh: Array,
    *,
    reset_after: bool = True,
    norm: Norm | None = None,
    **options: Unpack[Options],
) -> Gradients:
    """Backpropagation through time for `forward`, from dh `[T, B, H]` and dh_n `[B, H]`.

    The remaining arguments are those that `forward` was called with.
    """
    T, B, H = trace.h.shape
    W_hr, W_hz, W_hn = np.split(w_hh, 3)
    LN_i, LN_h = norms(norm, H)
    LN_hr, LN_hz, LN_hn = LN_h.gates(3)
    order, active, reset, dropout, (hold,) = steps(x, 1, **options)
    u = dropout * trace.h_prev
    v = u if reset_after else trace.r * u
    p_r, p_z, p_q = u @ W_hr.T, u @ W_hz.T, v @ W_hn.T
    da_r, da_z, da_n, dq, dp_r, dp_z, dp_q, through_time = np.zeros((8, T, B, H), x.dtype)
    d_restart = np.zeros(H, x.dtype)
    d = dh_n
    for t in reversed(order):
        h_prev, r, z, n, q = (a[t] for a in (trace.h_prev, trace.r, trace.z, trace.n, trace.q))
        d = d + np.where(active[t], dh[t], 0)
        through_time[t] = np.where(active[t], d, 0)
        d_new = np.where(active[t], part(1 - hold[t], d), 0)
        da_n[t] = d_new * (1 - z) * (1 - n**2)
        da_z[t] = d_new * (h_prev - n) * z * (1 - z)
        dq[t] = da_n[t] * r if reset_after else da_n[t]
        dp_q[t] = LN_hn.back(dq[t], p_q[t])
        dv = dp_q[t] @ W_hn
        da_r[t] = (da_n[t] * q if reset_after else dv * u[t]) * r * (1 - r)
        dp_r[t] = LN_hr.back(da_r[t], p_r[t])
        dp_z[t] = LN_hz.back(da_z[t], p_z[t])
        du = (dv if reset_after else dv * r) + dp_r[t] @ W_hr + dp_z[t] @ W_hz
        dh_prev = part(hold[t], d) + d_new * z + du * dropout
        d_restart += np.where(reset[t], dh_prev, 0).sum(axis=0)
        d = np.where(active[t], np.where(reset[t], 0, dh_prev), d)
    da_i = np.concatenate([da_r, da_z, da_n], axis=-1)
    da_h = np.concatenate([da_r, da_z, dq], axis=-1)
    p_i, p_h = x @ w_ih.T, np.concatenate([p_r, p_z, p_q], axis=-1)
    dp_i = LN_i.back(da_i, p_i)
    return Gradients(
        dp_i @ w_ih,
        d,
        d_restart,
        sum_outer(dp_i, x),
        np.concatenate([sum_outer(dp_r, u), sum_outer(dp_z, u), sum_outer(dp_q, v)]),
        da_i.sum(axis=(0, 1)),
        da_h.sum(axis=(0, 1)),
        *LN_i.back_to_parameters(da_i, p_i),
        *LN_h.back_to_parameters(da_h, p_h),
        through_time,
    )
