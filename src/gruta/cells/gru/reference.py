"""The GRU in NumPy, one line an equation: the truth that every faster path is tested against.

Reset-after form: Cho et al. 2014, arXiv:1406.1078v1 (also PyTorch and cuDNN).
Reset-before form: the same paper, v3 (also the default of ONNX). README.md has the derivation.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gruta.cells.activations import sigmoid
from gruta.cells.walk import active, order

Array = NDArray[Any]


class Trace(NamedTuple):
    """What a forward pass leaves: outputs, final state, and what the backward pass needs.

    Every array but `h_n [B, H]` is `[T, B, H]`. Rows past their length hold zeros in `h`.
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
    """

    x: Array
    h_0: Array
    w_ih: Array
    w_hh: Array
    b_ih: Array
    b_hh: Array
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
    lengths: NDArray[np.int64] | None = None,
    reverse: bool = False,
) -> Trace:
    """One layer, one direction.

    x: `[T, B, I]`; h_0: `[B, H]`; w_ih: `[3H, I]`; w_hh: `[3H, H]`; b_ih, b_hh: `[3H]` or None;
    rows of the weights in the order r, z, n, as torch.nn.GRU has them. lengths: `[B]`, 0 to T.
    """
    T, B, _ = x.shape
    H = h_0.shape[1]
    W_ir, W_iz, W_in = np.split(w_ih, 3)
    W_hr, W_hz, W_hn = np.split(w_hh, 3)
    b_ir, b_iz, b_in = np.split(np.zeros(3 * H, x.dtype) if b_ih is None else b_ih, 3)
    b_hr, b_hz, b_hn = np.split(np.zeros(3 * H, x.dtype) if b_hh is None else b_hh, 3)
    steps = active(lengths, T, B)
    saved = np.zeros((5, T, B, H), x.dtype)
    out = np.zeros((T, B, H), x.dtype)
    h = h_0
    for t in order(T, reverse):
        r = sigmoid(x[t] @ W_ir.T + b_ir + h @ W_hr.T + b_hr)
        z = sigmoid(x[t] @ W_iz.T + b_iz + h @ W_hz.T + b_hz)
        if reset_after:
            q = h @ W_hn.T + b_hn
            n = np.tanh(x[t] @ W_in.T + b_in + r * q)
        else:
            q = (r * h) @ W_hn.T + b_hn
            n = np.tanh(x[t] @ W_in.T + b_in + q)
        h_new = (1 - z) * n + z * h
        saved[:, t] = np.where(steps[t], (h, r, z, n, q), 0)
        out[t] = np.where(steps[t], h_new, 0)
        h = np.where(steps[t], h_new, h)
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
    lengths: NDArray[np.int64] | None = None,
    reverse: bool = False,
) -> Gradients:
    """Backpropagation through time for `forward`, from dh `[T, B, H]` and dh_n `[B, H]`.

    The remaining arguments are those that `forward` was called with.
    """
    T, B, _ = x.shape
    W_hr, W_hz, W_hn = np.split(w_hh, 3)
    steps = active(lengths, T, B)
    dx, dw_ih, dw_hh = np.zeros_like(x), np.zeros_like(w_ih), np.zeros_like(w_hh)
    db_ih, db_hh = np.zeros((2, w_ih.shape[0]), x.dtype)
    through_time = np.zeros_like(trace.h)
    d = dh_n
    for t in reversed(order(T, reverse)):
        h, r, z, n, q = trace.h_prev[t], trace.r[t], trace.z[t], trace.n[t], trace.q[t]
        d = d + np.where(steps[t], dh[t], 0)
        through_time[t] = np.where(steps[t], d, 0)
        da_n = d * (1 - z) * (1 - n**2)
        da_z = d * (h - n) * z * (1 - z)
        if reset_after:
            da_r = da_n * q * r * (1 - r)
            dq = da_n * r
            dh_prev = d * z + da_r @ W_hr + da_z @ W_hz + dq @ W_hn
        else:
            dq = da_n
            drh = dq @ W_hn
            da_r = drh * h * r * (1 - r)
            dh_prev = d * z + da_r @ W_hr + da_z @ W_hz + drh * r
        da_i = np.where(steps[t], np.concatenate([da_r, da_z, da_n], axis=1), 0)
        da_h = np.where(steps[t], np.concatenate([da_r, da_z, dq], axis=1), 0)
        dx[t] = da_i @ w_ih
        dw_ih += da_i.T @ x[t]
        db_ih += da_i.sum(axis=0)
        db_hh += da_h.sum(axis=0)
        a_r, a_z, a_q = np.split(da_h.T, 3)
        dw_hh += np.concatenate([a_r @ h, a_z @ h, a_q @ (h if reset_after else r * h)])
        d = np.where(steps[t], dh_prev, d)
    return Gradients(dx, d, dw_ih, dw_hh, db_ih, db_hh, through_time)
