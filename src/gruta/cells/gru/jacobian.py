"""How a step's new state depends on the old one, in closed form: README.md derives it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.cells.gru.reference import Trace
from gruta.cells.layer_norm import Norm, norms

Array = NDArray[Any]


def state_jacobians(
    trace: Trace, w_hh: Array, *, reset_after: bool = True, norm: Norm | None = None
) -> Array:
    """J_t = ∂h_t/∂h_{t−1}: `[T, B, H, H]`, row i of J_t for unit i of h_t.

    trace: of `reference.forward` with the same weights w_hh `[3H, H]`, `reset_after` and `norm`,
    without dropout, holding or resets; rows past their length have J = 0.
    """
    H = trace.h.shape[-1]
    W_hr, W_hz, W_hn = np.split(w_hh, 3)
    _, (LN_r, LN_z, LN_n) = (LN.gates(3) for LN in norms(norm, H))
    v = trace.h_prev if reset_after else trace.r * trace.h_prev
    by_r = LN_r.forth(W_hr, trace.h_prev @ W_hr.T)
    by_z = LN_z.forth(W_hz, trace.h_prev @ W_hz.T)
    by_n = LN_n.forth(W_hn, v @ W_hn.T)
    h_prev, r, z, n, q = (a[..., None] for a in trace[2:])  # each scales a row of a matrix
    to_n, to_z = (1 - z) * (1 - n**2), (h_prev - n) * z * (1 - z)
    if reset_after:
        n_by_h = r * by_n + q * r * (1 - r) * by_r
    else:
        n_by_h = by_n @ (r * np.eye(H) + h_prev * r * (1 - r) * by_r)  # through r ⊙ h_{t−1}
    J: Array = z * np.eye(H) + to_z * by_z + to_n * n_by_h
    return J
