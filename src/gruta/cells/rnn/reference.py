"""The plain RNN in NumPy, one line an equation: the truth that every faster path is tested against.

Elman 1990; with ReLU, Le et al. 2015, arXiv:1504.00941. README.md has the derivation.
"""

from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gruta.cells.walk import active, order

Array = NDArray[Any]
Nonlinearity = Literal["tanh", "relu"]


class Trace(NamedTuple):
    """What a forward pass leaves: outputs, final state, and what the backward pass needs.

    Every array but `h_n [B, H]` is `[T, B, H]`. Rows past their length hold zeros in `h`.
    """

    h: Array
    h_n: Array
    h_prev: Array


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
    nonlinearity: Nonlinearity = "tanh",
    lengths: NDArray[np.int64] | None = None,
    reverse: bool = False,
) -> Trace:
    """One layer, one direction.

    x: `[T, B, I]`; h_0: `[B, H]`; w_ih: `[H, I]`; w_hh: `[H, H]`; b_ih, b_hh: `[H]` or None, as
    torch.nn.RNN has them. lengths: `[B]`, 0 to T.
    """
    T, B, _ = x.shape
    H = h_0.shape[1]
    b_ih = np.zeros(H, x.dtype) if b_ih is None else b_ih
    b_hh = np.zeros(H, x.dtype) if b_hh is None else b_hh
    steps = active(lengths, T, B)
    h_prev, out = np.zeros((2, T, B, H), x.dtype)
    h = h_0
    for t in order(T, reverse):
        a = x[t] @ w_ih.T + b_ih + h @ w_hh.T + b_hh
        h_new = np.tanh(a) if nonlinearity == "tanh" else np.maximum(a, 0)
        h_prev[t] = np.where(steps[t], h, 0)
        out[t] = np.where(steps[t], h_new, 0)
        h = np.where(steps[t], h_new, h)
    return Trace(out, h, h_prev)


def backward(
    trace: Trace,
    dh: Array,
    dh_n: Array,
    x: Array,
    w_ih: Array,
    w_hh: Array,
    *,
    nonlinearity: Nonlinearity = "tanh",
    lengths: NDArray[np.int64] | None = None,
    reverse: bool = False,
) -> Gradients:
    """Backpropagation through time for `forward`, from dh `[T, B, H]` and dh_n `[B, H]`.

    The remaining arguments are those that `forward` was called with.
    """
    T, B, _ = x.shape
    steps = active(lengths, T, B)
    dx, dw_ih, dw_hh = np.zeros_like(x), np.zeros_like(w_ih), np.zeros_like(w_hh)
    db = np.zeros(w_ih.shape[0], x.dtype)
    through_time = np.zeros_like(trace.h)
    d = dh_n
    for t in reversed(order(T, reverse)):
        h, h_prev = trace.h[t], trace.h_prev[t]
        d = d + np.where(steps[t], dh[t], 0)
        through_time[t] = np.where(steps[t], d, 0)
        slope = 1 - h**2 if nonlinearity == "tanh" else h > 0
        da = np.where(steps[t], d * slope, 0)
        dx[t] = da @ w_ih
        dw_ih += da.T @ x[t]
        dw_hh += da.T @ h_prev
        db += da.sum(axis=0)
        d = np.where(steps[t], da @ w_hh, d)
    return Gradients(dx, d, dw_ih, dw_hh, db, db.copy(), through_time)
