"""The GRU on NumPy arrays: a sequence at once, or one step at a time.

The weights are torch.nn.GRU's: w_ih `[3H, I]`, w_hh `[3H, H]`, b_ih and b_hh `[3H]` or None, the
rows in the order r, z, n. All arrays of a call have one dtype. The compiled kernel computes float32
and float64; the reference computes other dtypes, and everything where there is no kernel.
"""

from collections.abc import Callable
from functools import partial

from numpy.typing import ArrayLike

from gruta.cells import arrays
from gruta.cells.arrays import Storage
from gruta.cells.checks import Array
from gruta.cells.gru import reference

__all__ = ["Step", "sequence"]

_SAVED = ("r", "z", "n", "q")
_AFTER = arrays.Cell("gru", 3, partial(reference.forward, reset_after=True), _SAVED)
_BEFORE = arrays.Cell("gru_reset_before", 3, partial(reference.forward, reset_after=False), _SAVED)


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
    reset: ArrayLike | None = None,
    threads: int | None = None,
    gates: bool = False,
) -> tuple[Array, ...]:
    """One layer in one direction over x `[T, B, I]` from h_0 `[B, H]`: h `[T, B, H]`, h_n `[B, H]`.

    lengths: `[B]` integers from 0 to T; past them h is 0, and h_n is the state at the row's own end
    (h_0 for a length of 0). reverse: walk from t = T - 1 to 0. reset: `[T, B]` bool; where true the
    state is set to zeros before x_t is read. threads: how many the call may use; unset, the
    environment's `GRUTA_THREADS`, or 1. Their number changes no bit of the result. gates: hand back
    a third array `[T, B, 4H]` with r, z, n and q, where q is W_hn h + b_hn, or W_hn (r ⊙ h) + b_hn
    in the reset-before form; it too is 0 past a length.

    Raises TypeError for a wrong dtype, ValueError for a wrong shape, length or number of threads.
    """
    return arrays.sequence(
        _AFTER if reset_after else _BEFORE,
        x,
        (h_0,),
        (w_ih, w_hh, b_ih, b_hh),
        lengths=lengths,
        reverse=reverse,
        reset=reset,
        threads=threads,
        gates=gates,
    )


class Step:
    """A GRU whose weights are taken in once, to be fed one step at a time, or sequences.

    storage: "float16" or "bfloat16" keeps the matrices of float32 weights in 16 bits, rounded; the
    states stay float32. "int8" multiplies in whole numbers: matrices are rounded row by row, and
    so are x and h at each step (`gruta.cells.integers`). threads: how many a step may use, where
    the weights are large enough to be shared; unset, the environment's `GRUTA_THREADS`, or 1. Later
    changes to the arrays that were passed have no effect.
    """

    step: Callable[[Array, Array], None]
    """Take in x `[B, I]` and bring the state h `[B, H]` forward, in place.

    Both are C-contiguous and of the weights' dtype; B may differ from call to call.
    """

    def __init__(
        self,
        w_ih: Array,
        w_hh: Array,
        b_ih: Array | None = None,
        b_hh: Array | None = None,
        *,
        reset_after: bool = True,
        storage: Storage | None = None,
        threads: int | None = None,
    ) -> None:
        cell = _AFTER if reset_after else _BEFORE
        self.packed = arrays.Packed(cell, (w_ih, w_hh, b_ih, b_hh), storage, threads)
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
        *,
        lengths: ArrayLike | None = None,
        reverse: bool = False,
        reset: ArrayLike | None = None,
        threads: int | None = None,
    ) -> tuple[Array, ...]:
        """h `[T, B, H]` and h_n `[B, H]`, as the function of that name has them."""
        return self.packed.sequence(
            x, (h_0,), lengths=lengths, reverse=reverse, reset=reset, threads=threads
        )
