"""How a step's new states depend on the old ones, in closed form: README.md derives it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.cells.layer_norm import Norm, norms
from gruta.cells.lstm.reference import Trace

Array = NDArray[Any]


def state_jacobians(
    trace: Trace, w_hh: Array, w_hr: Array | None = None, *, norm: Norm | None = None
) -> Array:
    """J_t = ∂s_t/∂s_{t−1} of the joint state s = (h, c): `[T, B, P + H, P + H]`.

    trace: of `reference.forward` with the same weights w_hh `[4H, P]`, w_hr `[P, H]` or None (then
    P = H) and `norm`, without dropout, holding or resets; rows past their length mean nothing.
    """
    H = trace.c.shape[-1]
    _, LN = norms(norm, H)
    by_i, by_f, by_g, by_o = np.split(LN.forth(w_hh, trace.h_prev @ w_hh.T), 4, axis=-2)
    c_prev, i, f, g, o, c = (a[..., None] for a in trace[4:])  # each scales a row of a matrix
    tanh_c = np.tanh(c)
    to_c = o * (1 - tanh_c**2)
    c_by_h = c_prev * f * (1 - f) * by_f + g * i * (1 - i) * by_i + i * (1 - g**2) * by_g
    c_by_c = f * np.eye(H)
    m_by_h, m_by_c = tanh_c * o * (1 - o) * by_o + to_c * c_by_h, to_c * c_by_c
    if w_hr is not None:
        m_by_h, m_by_c = w_hr @ m_by_h, w_hr @ m_by_c
    of_h = np.concatenate([m_by_h, m_by_c], axis=-1)
    of_c = np.concatenate([c_by_h, c_by_c], axis=-1)
    return np.concatenate([of_h, of_c], axis=-2)
