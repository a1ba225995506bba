"""The LSTM on NumPy arrays: a sequence at once, or one step at a time.

The weights are torch.nn.LSTM's: w_ih `[4H, I]`, w_hh `[4H, P]`, b_ih and b_hh `[4H]` or None, the
rows in the order i, f, g, o, and w_hr `[P, H]`, which makes h `[.., P]` of a larger state; None for
P = H without a projection. All arrays of a call have one dtype. The compiled kernel computes
float32 and float64; the reference computes other dtypes, and everything where there is no kernel.
"""

from collections.abc import Callable

from numpy.typing import ArrayLike

from gruta.cells import arrays
from gruta.cells.arrays import Storage
from gruta.cells.checks import Array
from gruta.cells.lstm import reference

__all__ = ["Step", "sequence"]

_CELL = arrays.Cell("lstm", 4, reference.forward, ("i", "f", "g", "o", "c"))


def sequence(
    x: Array,
    h_0: Array,
    c_0: Array,
    w_ih: Array,
    w_hh: Array,
    b_ih: Array | None = None,
    b_hh: Array | None = None,
    w_hr: Array | None = None,
    *,
    lengths: ArrayLike | None = None,
    reverse: bool = False,
    reset: ArrayLike | None = None,
    threads: int | None = None,
    gates: bool = False,
) -> tuple[Array, ...]:
    """One layer in one direction over x `[T, B, I]`: h `[T, B, P]`, h_n `[B, P]`, c_n `[B, H]`.

    h_0: `[B, P]`; c_0: `[B, H]`. lengths: `[B]` integers from 0 to T; past them h is 0, and h_n and
    c_n are the states at the row's own end (the initial ones for a length of 0). reverse: walk from
    t = T - 1 to 0. reset: `[T, B]` bool; where true both states are set to zeros before x_t is
    read. threads: how many the call may use; unset, the environment's `GRUTA_THREADS`, or 1. Their
    number changes no bit of the result. gates: hand back a fourth array `[T, B, 5H]` with i, f, g,
    o and c after the step; it too is 0 past a length.

    Raises TypeError for a wrong dtype, ValueError for a wrong shape, length or number of threads.
    """
    return arrays.sequence(
        _CELL,
        x,
        (h_0, c_0),
        (w_ih, w_hh, b_ih, b_hh, w_hr),
        lengths=lengths,
        reverse=reverse,
        reset=reset,
        threads=threads,
        gates=gates,
    )


class Step:
    """An LSTM whose weights are taken in once, to be fed one step at a time, or sequences.

    storage: "float16" or "bfloat16" keeps the matrices of float32 weights in 16 bits, rounded; the
    states stay float32. "int8" multiplies in whole numbers: matrices are rounded row by row, and
    so are x and h at each step (`gruta.cells.integers`). threads: how many a step may use, where
    the weights are large enough to be shared; unset, the environment's `GRUTA_THREADS`, or 1. Later
    changes to the arrays that were passed have no effect.
    """

    step: Callable[[Array, Array, Array], None]
    """Take in x `[B, I]` and bring the states h `[B, P]` and c `[B, H]` forward, in place.

    All are C-contiguous and of the weights' dtype; B may differ from call to call.
    """

    def __init__(
        self,
        w_ih: Array,
        w_hh: Array,
        b_ih: Array | None = None,
        b_hh: Array | None = None,
        w_hr: Array | None = None,
        *,
        storage: Storage | None = None,
        threads: int | None = None,
    ) -> None:
        self.packed = arrays.Packed(_CELL, (w_ih, w_hh, b_ih, b_hh, w_hr), storage, threads)
        self.step = self.packed.step

    def lookup(self, table: Array) -> arrays.Lookup:
        """These weights for inputs that are rows of a table `[V, I]`, which is read once.

        Its `step` takes their numbers `[B]`, int64, for x, and comes to the same bits in less time.
        """
        return self.packed.lookup(table)

    def sequence(
        self,
        x: Array,
        h_0: Array,
        c_0: Array,
        *,
        lengths: ArrayLike | None = None,
        reverse: bool = False,
        reset: ArrayLike | None = None,
        threads: int | None = None,
    ) -> tuple[Array, ...]:
        """h `[T, B, P]`, h_n `[B, P]` and c_n `[B, H]`, as the function of that name has them."""
        return self.packed.sequence(
            x, (h_0, c_0), lengths=lengths, reverse=reverse, reset=reset, threads=threads
        )
