"""How a step's new state depends on the old one, in closed form: README.md derives it."""

from typing import Any

from numpy.typing import NDArray

from gruta.cells.layer_norm import Norm, norms
from gruta.cells.rnn.reference import Nonlinearity, Trace

Array = NDArray[Any]


def state_jacobians(
    trace: Trace, w_hh: Array, *, nonlinearity: Nonlinearity = "tanh", norm: Norm | None = None
) -> Array:
    """J_t = ∂h_t/∂h_{t−1}: `[T, B, H, H]`, row i of J_t for unit i of h_t.

    trace: of `reference.forward` with the same weights w_hh `[H, H]`, `nonlinearity` and `norm`,
    without dropout, holding or resets; all steps of a row are taken for active.
    """
    _, LN = norms(norm, trace.h.shape[-1])
    slope = 1 - trace.n**2 if nonlinearity == "tanh" else (trace.n > 0).astype(trace.n.dtype)
    J: Array = slope[..., None] * LN.forth(w_hh, trace.h_prev @ w_hh.T)
    return J
