"""ONNX's operators GRU, LSTM and RNN in NumPy, with all that the standard says of them.

The symbols are the standard's: X, H, C the input and the states, W, R, P the weights, f, g, h the
activations. https://onnx.ai/onnx/operators/onnx__LSTM.html
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.cells import walk
from gruta.exchange.onnx.operator import Operator

Array = NDArray[Any]
States = tuple[Array, ...]


@dataclass(frozen=True, eq=False)
class Inputs:
    """An operator's inputs, with layout 0.

    X `[T, B, I]`, W `[D, G·H, I]`, R `[D, G·H, H]`, B `[D, 2·G·H]`, lengths `[B]` or None, H_0 and,
    in the LSTM, C_0 `[D, B, H]`, P `[D, 3·H]` or None.
    """

    X: Array
    W: Array
    R: Array
    B: Array
    lengths: Array | None
    initial: States
    P: Array | None = None


def compute(operator: Operator, given: Inputs) -> tuple[Array, ...]:
    """Y `[T, D, B, H]` and the final states `[D, B, H]`.

    Past a row's length Y is 0 and the states stay; of a row of length 0 they are the initial ones,
    of which the standard says nothing.
    """
    T, B = given.X.shape[:2]
    active = walk.active(given.lengths, T, B)
    Y = np.zeros((T, len(given.W), B, given.R.shape[-1]), given.X.dtype)
    finals = []
    for d, reverse in enumerate(operator.directions):
        step = _STEPS[operator.cell](operator, given, d)
        states = tuple(s[d] for s in given.initial)
        for t in walk.order(T, reverse):
            after = step(given.X[t], *states)
            states = tuple(
                np.where(active[t], new, old) for new, old in zip(after, states, strict=True)
            )
            Y[t, d] = np.where(active[t], states[0], 0)
        finals.append(states)
    return Y, *(np.stack(s) for s in zip(*finals, strict=True))


def _bounded(operator: Operator) -> Callable[[Array], Array]:
    bound = operator.clip
    return (lambda a: a) if bound is None else (lambda a: np.clip(a, -bound, bound).astype(a.dtype))


def _gru(operator: Operator, given: Inputs, d: int) -> Callable[..., States]:
    (f, g), clip = operator.activations[d], _bounded(operator)
    W_z, W_r, W_h = np.split(given.W[d], 3)
    R_z, R_r, R_h = np.split(given.R[d], 3)
    Wb_z, Wb_r, Wb_h, Rb_z, Rb_r, Rb_h = np.split(given.B[d], 6)

    def step(X: Array, H: Array) -> States:
        z = f(clip(X @ W_z.T + H @ R_z.T + Wb_z + Rb_z))
        r = f(clip(X @ W_r.T + H @ R_r.T + Wb_r + Rb_r))
        if operator.linear_before_reset:
            h = g(clip(X @ W_h.T + r * (H @ R_h.T + Rb_h) + Wb_h))
        else:
            h = g(clip(X @ W_h.T + (r * H) @ R_h.T + Rb_h + Wb_h))
        return ((1 - z) * h + z * H,)

    return step


def _lstm(operator: Operator, given: Inputs, d: int) -> Callable[..., States]:
    (f, g, h), clip = operator.activations[d], _bounded(operator)
    W_i, W_o, W_f, W_c = np.split(given.W[d], 4)
    R_i, R_o, R_f, R_c = np.split(given.R[d], 4)
    Wb_i, Wb_o, Wb_f, Wb_c, Rb_i, Rb_o, Rb_f, Rb_c = np.split(given.B[d], 8)
    size = given.R.shape[-1]
    none = np.zeros(3 * size, given.X.dtype)
    P_i, P_o, P_f = np.split(none if given.P is None else given.P[d], 3)

    def step(X: Array, H: Array, C: Array) -> States:
        i = f(clip(X @ W_i.T + H @ R_i.T + P_i * C + Wb_i + Rb_i))
        if operator.input_forget:
            keep = 1 - i
        else:
            keep = f(clip(X @ W_f.T + H @ R_f.T + P_f * C + Wb_f + Rb_f))
        new = g(clip(X @ W_c.T + H @ R_c.T + Wb_c + Rb_c))
        C = keep * C + i * new
        o = f(clip(X @ W_o.T + H @ R_o.T + P_o * C + Wb_o + Rb_o))
        return o * h(C), C

    return step


def _rnn(operator: Operator, given: Inputs, d: int) -> Callable[..., States]:
    (f,), clip = operator.activations[d], _bounded(operator)
    W, R = given.W[d], given.R[d]
    Wb, Rb = np.split(given.B[d], 2)
    return lambda X, H: (f(clip(X @ W.T + H @ R.T + Wb + Rb)),)


_STEPS = {"gru": _gru, "lstm": _lstm, "rnn": _rnn}
