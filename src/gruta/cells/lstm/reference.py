"""The LSTM in NumPy, one line an equation: the truth that every faster path is tested against.

Hochreiter and Schmidhuber 1997 with the forget gate of Gers et al. 2000, without peepholes (also
PyTorch and cuDNN); projection: Sak et al. 2014, arXiv:1402.1128. README.md has the derivation.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gruta.cells.activations import sigmoid
from gruta.cells.walk import active, order

Array = NDArray[Any]


class Trace(NamedTuple):
    """What a forward pass leaves: outputs, final states, and what the backward pass needs.

    h and h_prev are `[T, B, P]` with a projection; otherwise every array is `[T, B, H]`, but for
    the final states `h_n [B, P or H]` and `c_n [B, H]`. Rows past their length hold zeros in `h`.
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

    `h[t]` and `c[t]` are the gradients through time: ∂L/∂h_t and ∂L/∂c_t along every path, direct
    and through later steps.
    """

    x: Array
    h_0: Array
    c_0: Array
    w_ih: Array
    w_hh: Array
    b_ih: Array
    b_hh: Array
    w_hr: Array | None
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
    lengths: NDArray[np.int64] | None = None,
    reverse: bool = False,
) -> Trace:
    """One layer, one direction.

    x: `[T, B, I]`; h_0: `[B, P]`; c_0: `[B, H]`; w_ih: `[4H, I]`; w_hh: `[4H, P]`; b_ih, b_hh:
    `[4H]` or None; w_hr: `[P, H]`, or None for P = H without a projection. Rows of the weights in
    the order i, f, g, o, as torch.nn.LSTM has them. lengths: `[B]`, 0 to T.
    """
    T, B, _ = x.shape
    P, H = h_0.shape[1], c_0.shape[1]
    W_ii, W_if, W_ig, W_io = np.split(w_ih, 4)
    W_hi, W_hf, W_hg, W_ho = np.split(w_hh, 4)
    b_ii, b_if, b_ig, b_io = np.split(np.zeros(4 * H, x.dtype) if b_ih is None else b_ih, 4)
    b_hi, b_hf, b_hg, b_ho = np.split(np.zeros(4 * H, x.dtype) if b_hh is None else b_hh, 4)
    steps = active(lengths, T, B)
    saved = np.zeros((6, T, B, H), x.dtype)
    h_prev, out = np.zeros((2, T, B, P), x.dtype)
    h, c = h_0, c_0
    for t in order(T, reverse):
        i = sigmoid(x[t] @ W_ii.T + b_ii + h @ W_hi.T + b_hi)
        f = sigmoid(x[t] @ W_if.T + b_if + h @ W_hf.T + b_hf)
        g = np.tanh(x[t] @ W_ig.T + b_ig + h @ W_hg.T + b_hg)
        o = sigmoid(x[t] @ W_io.T + b_io + h @ W_ho.T + b_ho)
        c_new = f * c + i * g
        m = o * np.tanh(c_new)
        h_new = m if w_hr is None else m @ w_hr.T
        saved[:, t] = np.where(steps[t], (c, i, f, g, o, c_new), 0)
        h_prev[t] = np.where(steps[t], h, 0)
        out[t] = np.where(steps[t], h_new, 0)
        h, c = np.where(steps[t], h_new, h), np.where(steps[t], c_new, c)
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
    lengths: NDArray[np.int64] | None = None,
    reverse: bool = False,
) -> Gradients:
    """Backpropagation through time for `forward`, from the outputs' gradients.

    dh: `[T, B, P]`; dh_n: `[B, P]`; dc_n: `[B, H]`. The remaining arguments are those that
    `forward` was called with.
    """
    T, B, _ = x.shape
    steps = active(lengths, T, B)
    dx, dw_ih, dw_hh = np.zeros_like(x), np.zeros_like(w_ih), np.zeros_like(w_hh)
    dw_hr = None if w_hr is None else np.zeros_like(w_hr)
    db = np.zeros(w_ih.shape[0], x.dtype)
    through_h, through_c = np.zeros_like(trace.h), np.zeros_like(trace.c)
    d, d_c = dh_n, dc_n
    for t in reversed(order(T, reverse)):
        h_prev, c_prev, c = trace.h_prev[t], trace.c_prev[t], trace.c[t]
        i, f, g, o = trace.i[t], trace.f[t], trace.g[t], trace.o[t]
        d = d + np.where(steps[t], dh[t], 0)
        dm = d if w_hr is None else d @ w_hr
        d_c = d_c + np.where(steps[t], dm * o * (1 - np.tanh(c) ** 2), 0)
        through_h[t], through_c[t] = np.where(steps[t], d, 0), np.where(steps[t], d_c, 0)
        da_i = d_c * g * i * (1 - i)
        da_f = d_c * c_prev * f * (1 - f)
        da_g = d_c * i * (1 - g**2)
        da_o = dm * np.tanh(c) * o * (1 - o)
        da = np.where(steps[t], np.concatenate([da_i, da_f, da_g, da_o], axis=1), 0)
        dx[t] = da @ w_ih
        dw_ih += da.T @ x[t]
        dw_hh += da.T @ h_prev
        db += da.sum(axis=0)
        if dw_hr is not None:
            dw_hr += through_h[t].T @ (o * np.tanh(c))
        d, d_c = np.where(steps[t], da @ w_hh, d), np.where(steps[t], d_c * f, d_c)
    return Gradients(dx, d, d_c, dw_ih, dw_hh, db, db.copy(), dw_hr, through_h, through_c)
