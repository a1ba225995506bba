"""The GRU on NumPy arrays: a sequence at once, or one step at a time.

The weights are torch.nn.GRU's: w_ih `[3H, I]`, w_hh `[3H, H]`, b_ih and b_hh `[3H]` or None, the
rows in the order r, z, n. All arrays of a call have one dtype. The compiled kernel computes float32
and float64; the reference computes other dtypes, and everything where there is no kernel.
"""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from gruta import kernels
from gruta.cells.gru import reference

__all__ = ["Step", "sequence"]

Array = NDArray[Any]


def sequence(
    x: Array,
    h_0: Array,
    w_ih: Array,
    w_hh: Array,
    b_ih: Array | None = None,
    b_hh: Array | None = None,
    *,
    reset_after: bool = True,
    lengths: ArrayLike | None = None,
    reverse: bool = False,
    gates: bool = False,
) -> tuple[Array, ...]:
    """One layer in one direction over x `[T, B, I]` from h_0 `[B, H]`: h `[T, B, H]`, h_n `[B, H]`.

    lengths: `[B]` integers from 0 to T; past them h is 0, and h_n is the state at the row's own end
    (h_0 for a length of 0). reverse: walk from t = T - 1 to 0. gates: hand back a third array
    `[T, B, 4H]` with r, z, n and q, where q is W_hn h + b_hn, or W_hn (r ⊙ h) + b_hn in the
    reset-before form; it too is 0 past a length.

    Raises TypeError for a wrong dtype, ValueError for a wrong shape or length.
    """
    x, h_0, w_ih, w_hh = (np.ascontiguousarray(a) for a in (x, h_0, w_ih, w_hh))
    b_ih, b_hh = (None if b is None else np.ascontiguousarray(b) for b in (b_ih, b_hh))
    if x.ndim != 3 or h_0.ndim != 2:
        raise ValueError(
            "x must have the axes [T, B, I] and h_0 the axes [B, H], "
            f"got {list(x.shape)} and {list(h_0.shape)}: reshape them"
        )
    (T, B, I), H = x.shape, h_0.shape[1]
    _check("h_0", h_0, x.dtype, "B, H", (B, H))
    _check_weights(w_ih, w_hh, b_ih, b_hh, x.dtype, I, H)
    if lengths is not None:
        lengths = _as_lengths(lengths)
    if not _has_kernel(x.dtype):
        trace = reference.forward(
            x,
            h_0,
            w_ih,
            w_hh,
            b_ih,
            b_hh,
            reset_after=reset_after,
            lengths=lengths,
            reverse=reverse,
        )
        saved = (np.concatenate([trace.r, trace.z, trace.n, trace.q], axis=-1),) if gates else ()
        return trace.h, trace.h_n, *saved
    h, h_n = np.empty((T, B, H), x.dtype), np.empty((B, H), x.dtype)
    saved = (np.empty((T, B, 4 * H), x.dtype),) if gates else ()
    kernels.gru_sequence(
        x, h_0, w_ih, w_hh, b_ih, b_hh, lengths, reverse, reset_after, h, h_n, *(saved or (None,))
    )
    return h, h_n, *saved


class Step:
    """A GRU that is fed one step at a time, for streams: the weights are taken in once.

    Later changes to the arrays that were passed have no effect.
    """

    def __init__(
        self,
        w_ih: Array,
        w_hh: Array,
        b_ih: Array | None = None,
        b_hh: Array | None = None,
        *,
        reset_after: bool = True,
    ) -> None:
        w_ih, w_hh = np.array(w_ih, order="C"), np.array(w_hh, order="C")
        b_ih, b_hh = (None if b is None else np.array(b, order="C") for b in (b_ih, b_hh))
        if w_ih.ndim != 2 or w_hh.ndim != 2:
            raise ValueError(
                "w_ih must have the axes [3H, I] and w_hh the axes [3H, H], "
                f"got {list(w_ih.shape)} and {list(w_hh.shape)}: reshape them"
            )
        dtype = w_ih.dtype
        _check_weights(w_ih, w_hh, b_ih, b_hh, dtype, w_ih.shape[1], w_hh.shape[1])
        if _has_kernel(dtype):
            native = kernels.GruStepF32 if dtype == np.float32 else kernels.GruStepF64
            self._step = native(w_ih, w_hh, b_ih, b_hh, reset_after).step
        else:
            self._step = partial(_reference_step, (w_ih, w_hh, b_ih, b_hh), reset_after)

    def step(self, x: Array, h: Array) -> None:
        """Take in x `[B, I]` and bring the state h `[B, H]` forward, in place.

        Both are C-contiguous and of the weights' dtype; B may differ from call to call.
        """
        self._step(x, h)


def _reference_step(
    weights: tuple[Array, Array, Array | None, Array | None], reset_after: bool, x: Array, h: Array
) -> None:
    w_ih, w_hh = weights[:2]
    B = len(x)
    _check("x", x, w_ih.dtype, "B, I", (B, w_ih.shape[1]))
    _check("h", h, w_ih.dtype, "B, H", (B, w_hh.shape[1]))
    h[...] = reference.forward(x[None], h, *weights, reset_after=reset_after).h_n


def _has_kernel(dtype: DTypeLike) -> bool:
    if dtype not in (np.float32, np.float64):
        return False
    if not kernels.available():
        kernels.warn_missing()
    return kernels.available()


def _as_lengths(lengths: ArrayLike) -> NDArray[np.int64]:
    array = np.asarray(lengths)
    if array.dtype.kind not in "iu":
        raise TypeError(f"lengths must be integers, got {array.dtype}: round or convert them")
    return np.ascontiguousarray(array, np.int64)


def _check_weights(
    w_ih: Array,
    w_hh: Array,
    b_ih: Array | None,
    b_hh: Array | None,
    dtype: DTypeLike,
    I: int,
    H: int,
) -> None:
    _check("w_ih", w_ih, dtype, "3H, I", (3 * H, I))
    _check("w_hh", w_hh, dtype, "3H, H", (3 * H, H))
    for name, bias in (("b_ih", b_ih), ("b_hh", b_hh)):
        if bias is not None:
            _check(name, bias, dtype, "3H", (3 * H,))


def _check(name: str, array: Array, dtype: DTypeLike, axes: str, shape: tuple[int, ...]) -> None:
    if array.dtype != dtype:
        raise TypeError(
            f"{name} must be {dtype} like the other arguments, got {array.dtype}: "
            f"convert it with {name}.astype(numpy.{dtype})"
        )
    if array.shape != shape:
        raise ValueError(
            f"{name} must have the shape [{axes}] = {list(shape)}, got {list(array.shape)}: "
            "make it agree with the other arguments"
        )
