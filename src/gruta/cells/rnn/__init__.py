"""The plain RNN on NumPy arrays: a sequence at once, or one step at a time.

The weights are torch.nn.RNN's: w_ih `[H, I]`, w_hh `[H, H]`, b_ih and b_hh `[H]` or None. All
arrays of a call have one dtype. The compiled kernel computes float32 and float64; the reference
computes other dtypes, and everything where there is no kernel.
"""

from collections.abc import Callable
from functools import partial

from numpy.typing import ArrayLike

from gruta.cells import arrays
from gruta.cells.arrays import Storage
from gruta.cells.checks import Array
from gruta.cells.rnn import reference
from gruta.cells.rnn.reference import Nonlinearity
from gruta.locale import translate as _

__all__ = ["Step", "sequence"]


def sequence(
    x: Array,
    h_0: Array,
    w_ih: Array,
    w_hh: Array,
    b_ih: Array | None = None,
    b_hh: Array | None = None,
    *,
    nonlinearity: Nonlinearity = "tanh",
    lengths: ArrayLike | None = None,
    reverse: bool = False,
    reset: ArrayLike | None = None,
    threads: int | None = None,
) -> tuple[Array, ...]:
    """One layer in one direction over x `[T, B, I]` from h_0 `[B, H]`: h `[T, B, H]`, h_n `[B, H]`.

    nonlinearity: "tanh" or "relu". lengths: `[B]` integers from 0 to T; past them h is 0, and h_n
    is the state at the row's own end (h_0 for a length of 0). reverse: walk from t = T - 1 to 0.
    reset: `[T, B]` bool; where true the state is set to zeros before x_t is read. threads: how many
    the call may use; unset, the environment's `GRUTA_THREADS`, or 1. Their number changes no bit of
    the result.

    Raises TypeError for a wrong dtype, ValueError for a wrong shape, length or number of threads.
    """
    return arrays.sequence(
        _cell(nonlinearity),
        x,
        (h_0,),
        (w_ih, w_hh, b_ih, b_hh),
        lengths=lengths,
        reverse=reverse,
        reset=reset,
        threads=threads,
    )


class Step:
    """A plain RNN whose weights are taken in once, to be fed one step at a time, or sequences.

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
        nonlinearity: Nonlinearity = "tanh",
        storage: Storage | None = None,
        threads: int | None = None,
    ) -> None:
        cell = _cell(nonlinearity)
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


def _cell(nonlinearity: Nonlinearity) -> arrays.Cell:
    if nonlinearity not in ("tanh", "relu"):
        problem = _("nonlinearity must be 'tanh' or 'relu', got {nonlinearity!r}: name one of them")
        raise ValueError(problem.format(nonlinearity=nonlinearity))
    forward = partial(reference.forward, nonlinearity=nonlinearity)
    return arrays.Cell(f"rnn_{nonlinearity}", 1, forward)
