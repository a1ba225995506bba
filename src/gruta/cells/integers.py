"""Products of whole numbers, as `storage="int8"` has them, in NumPy: the truth of the kernels'.

The field calls it symmetric dynamic quantisation, per channel for weights and per row for
activations. A row of numbers whose largest is m becomes q, the whole numbers nearest to 127 v / m
(ties to even), which stand for q · m / 127. A weight's row is an output's; a row of x or h is one
of the batch, rounded anew at each step. Their sums are exact, and are scaled once.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

LARGEST = np.float32(127)
SMALLEST_ROW = np.float32(2.0**-100)
"""Of a row below it nothing is left."""

MOST_PRODUCTS = 2**17
"""Of so many a sum fits in 32 bits."""


class Whole(NamedTuple):
    """numbers: `[..., K]` from -127 to 127. scale: `[..., 1]` float32, what each row of them is
    multiplied by; NaN where one of its numbers was not finite.
    """

    numbers: NDArray[np.int8]
    scale: Array


def weights_to_whole(weights: Array) -> Whole:
    """Of `[rows, K]`: each divided by the row's scale, as a file has them."""
    scale = _scale(weights)
    quotient = weights / np.where(scale > 0, scale, np.float32(1))
    return Whole(_nearest(np.where(scale > 0, quotient, np.float32(0))), scale)


def rows_to_whole(rows: Array) -> Whole:
    """Of `[..., K]`: each multiplied by 127 / m, which costs less at every step."""
    scale = _scale(rows)
    largest = np.abs(rows).max(-1, keepdims=True, initial=0)
    inverse = LARGEST / np.where(scale > 0, largest, np.float32(1))
    return Whole(_nearest(np.where(scale > 0, rows, np.float32(0)) * inverse), scale)


def product(rows: Array, weights: Array) -> Array:
    """rows `[..., K]` times the transpose of weights `[N, K]`, both float32: `[..., N]`."""
    a, b = rows_to_whole(rows), weights_to_whole(weights)
    # Float64 holds such sums exactly.
    sums = a.numbers.astype(np.float64) @ b.numbers.T.astype(np.float64)
    found: Array = sums.astype(np.float32) * (a.scale * b.scale[:, 0])
    return found


class Integers(np.ndarray[Any, Any]):
    """A float32 matrix whose products with rows are those of whole numbers: `rows @ w.T`.

    So a reference computes in them without knowing it.
    """

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        """Of products, the whole numbers'; all else as it is."""
        plain = [i.view(np.ndarray) if isinstance(i, Integers) else i for i in inputs]
        if ufunc is np.matmul and method == "__call__" and isinstance(inputs[1], Integers):
            return product(plain[0], plain[1].T)
        return getattr(ufunc, method)(*plain, **options)


def as_integers(weights: Array) -> Array:
    """A copy of a float32 matrix that is multiplied in whole numbers."""
    found: Array = weights.copy().view(Integers)
    return found


def _scale(rows: Array) -> Array:
    largest = np.abs(rows).max(-1, keepdims=True, initial=0)
    scale = np.where(largest < SMALLEST_ROW, np.float32(0), largest / LARGEST)
    found: Array = np.where(np.isfinite(largest), scale, np.float32(np.nan))
    return found


def _nearest(values: Array) -> NDArray[np.int8]:
    found: NDArray[np.int8] = np.rint(values).astype(np.int8)
    return found
