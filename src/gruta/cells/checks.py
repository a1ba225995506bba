"""What the cells ask of the NumPy arrays they are given, and the words in which they refuse."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from gruta.locale import translate as _

Array = NDArray[Any]
Weights = tuple[Array | None, ...]  # w_ih, w_hh, b_ih, b_hh and, in the LSTM, w_hr


class Sizes(NamedTuple):
    """Of the input, of the gates, and of h: P is H but for an LSTM with a projection."""

    I: int
    H: int
    P: int

    @property
    def state(self) -> str:
        """The name of h's last axis."""
        return "H" if self.P == self.H else "P"


def dense(array: ArrayLike) -> Array:
    """`array` as a kernel reads it, C-contiguous and aligned: itself, or else a copy."""
    found = np.ascontiguousarray(array)
    return found if found.flags.aligned else found.copy()


def dense_rows(array: ArrayLike) -> Array:
    """`array [T, B, size]` with a contiguous last axis, in any order of the others."""
    found = np.asarray(array)
    size = found.itemsize
    if found.ndim != 3 or found.strides[2] != size or not found.flags.aligned:
        return dense(found)
    return dense(found) if found.strides[0] % size or found.strides[1] % size else found


def is_projected(weights: Weights) -> bool:
    """Whether h is made of a larger state by w_hr."""
    return len(weights) == 5 and weights[4] is not None


def sizes_of_inputs(x: Array, initial: tuple[Array, ...], weights: Weights) -> Sizes:
    """The sizes that x and the initial states ask for; the weights are not looked at."""
    projected = is_projected(weights)
    _check_axes("x", x, "T, B, I")
    _check_axes("h_0", initial[0], "B, P" if projected else "B, H")
    if projected:
        _check_axes("c_0", initial[1], "B, H")
    P = initial[0].shape[1]
    return Sizes(x.shape[2], initial[1].shape[1] if projected else P, P)


def sizes_of_weights(weights: Weights, gates: int) -> Sizes:
    """The sizes that the weights are for, by their last axes."""
    w_ih, w_hh = weights[:2]
    if w_ih is None or w_hh is None:
        name = "w_ih" if w_ih is None else "w_hh"
        raise TypeError(
            _("{name} must be an array of weights, got None: pass the layer's").format(name=name)
        )
    w_hr = weights[4] if is_projected(weights) else None
    rows = _rows(gates)
    _check_axes("w_ih", w_ih, f"{rows}, I")
    _check_axes("w_hh", w_hh, f"{rows}, H" if w_hr is None else f"{rows}, P")
    P = w_hh.shape[1]
    if w_hr is None:
        return Sizes(w_ih.shape[1], P, P)
    _check_axes("w_hr", w_hr, "P, H")
    return Sizes(w_ih.shape[1], w_hr.shape[1], P)


def check_inputs(x: Array, initial: tuple[Array, ...], dtype: DTypeLike, sizes: Sizes) -> None:
    """x `[T, B, I]`, h_0 `[B, P]` and c_0 `[B, H]` have the sizes and the dtype."""
    I, H, P = sizes
    _check_axes("x", x, "T, B, I")
    T, B, _ = x.shape
    check("x", x, dtype, "T, B, I", (T, B, I))
    check("h_0", initial[0], dtype, f"B, {sizes.state}", (B, P))
    if len(initial) > 1:
        check("c_0", initial[1], dtype, "B, H", (B, H))


def check_weights(weights: Weights, gates: int, dtype: DTypeLike, sizes: Sizes) -> None:
    """The weights have the sizes, which are possible ones, and the dtype."""
    I, H, P = sizes
    if min(sizes) < 1:
        problem = _(
            "I, the last axis of x, and H, that of a state, must be at least 1, got {I} and "
            "{least}: give the cell something to read and to remember"
        )
        raise ValueError(problem.format(I=I, least=min(H, P)))
    rows = _rows(gates)
    expected = [
        ("w_ih", f"{rows}, I", (gates * H, I)),
        ("w_hh", f"{rows}, {sizes.state}", (gates * H, P)),
        ("b_ih", rows, (gates * H,)),
        ("b_hh", rows, (gates * H,)),
        ("w_hr", "P, H", (P, H)),
    ]
    for (name, axes, shape), array in zip(expected, weights, strict=False):
        if array is not None:
            check(name, array, dtype, axes, shape)


def check_floating(name: str, dtype: DTypeLike) -> None:
    """The dtype of an array, which sets that of all others, is a floating-point one."""
    if np.dtype(dtype).kind != "f":
        problem = _(
            "{name} must be of a floating-point dtype, got {dtype}: convert it with "
            "{name}.astype(numpy.float32)"
        )
        raise TypeError(problem.format(name=name, dtype=dtype))


def check(name: str, array: object, dtype: DTypeLike, axes: str, shape: tuple[int, ...]) -> None:
    """`array` has the dtype and the shape, whose axes the message names."""
    if not isinstance(array, np.ndarray):
        problem = _(
            "{name} must be a NumPy array of numbers, got {kind}: pass numpy.asarray({name})"
        )
        raise TypeError(problem.format(name=name, kind=type(array).__name__))
    if array.dtype != dtype:
        problem = _(
            "{name} must be {dtype} like the other arguments, got {found}: convert it with "
            "{name}.astype(numpy.{dtype})"
        )
        raise TypeError(problem.format(name=name, dtype=dtype, found=array.dtype))
    if array.shape != shape:
        problem = _(
            "{name} must have the shape [{axes}] = {expected}, got {shape}: make it agree with the "
            "other arguments"
        )
        raise ValueError(
            problem.format(name=name, axes=axes, expected=list(shape), shape=list(array.shape))
        )


def as_lengths(lengths: ArrayLike, T: int, B: int) -> NDArray[np.int64]:
    """`lengths [B]` as the kernels read them, each from 0 to T."""
    found = np.asarray(lengths)
    if found.dtype.kind not in "iu" and found.size:
        raise TypeError(
            _("lengths must be integers, got {dtype}: round or convert them").format(
                dtype=found.dtype
            )
        )
    if found.shape != (B,):
        problem = _(
            "lengths must have the shape [B] = [{B}], got {shape}: give one number for each row of "
            "the batch"
        )
        raise ValueError(problem.format(B=B, shape=list(found.shape)))
    wrong = np.flatnonzero((found < 0) | (found > T))
    if wrong.size:
        b = wrong[0]
        problem = _(
            "lengths[{b}] must be from 0 to T = {T}, got {length}: count the steps that x has for "
            "the row"
        )
        raise ValueError(problem.format(b=b, T=T, length=found[b]))
    return dense(found.astype(np.int64, copy=False))


def as_reset(reset: ArrayLike, T: int, B: int) -> NDArray[np.bool_]:
    """`reset [T, B]` as the kernels read it."""
    found = np.asarray(reset)
    if found.dtype != np.bool_:
        raise TypeError(
            _("reset must be bool, got {dtype}: compare it, as in reset != 0").format(
                dtype=found.dtype
            )
        )
    if found.shape != (T, B):
        problem = _(
            "reset must have the shape [T, B] = [{T}, {B}], got {shape}: give one truth value for "
            "each step of each row"
        )
        raise ValueError(problem.format(T=T, B=B, shape=list(found.shape)))
    return dense(found)


def _rows(gates: int) -> str:
    """The name of the axis of all gates' rows."""
    return f"{gates}H" if gates > 1 else "H"


def _check_axes(name: str, array: Array, axes: str) -> None:
    if array.ndim != axes.count(",") + 1:
        problem = _(
            "{name} must have the axes [{axes}], got an array of the shape {shape}: reshape it"
        )
        raise ValueError(problem.format(name=name, axes=axes, shape=list(array.shape)))
