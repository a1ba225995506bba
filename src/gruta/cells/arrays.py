"""What the cells do alike on NumPy arrays: the kernel where there is one, else the reference.

Shapes: x `[T, B, I]`; initial states h_0 `[B, P]` and, in the LSTM, c_0 `[B, H]`; weights w_ih
`[G·H, I]`, w_hh `[G·H, P]`, b_ih and b_hh `[G·H]` or None and, in the LSTM, w_hr `[P, H]` or None.
The cells' folders have the doors that say it with each cell's own names.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from gruta import kernels
from gruta.cells import checks, integers
from gruta.cells.checks import Array, Sizes, Weights
from gruta.locale import translate as _

Storage = Literal["float16", "bfloat16", "int8"]
Shape = tuple[int, int, int, int, int]  # B, T, I, H, P
Run = Callable[[Shape, kernels.Pass, int], None]  # a kernel, given the number of threads


class Cell(NamedTuple):
    """A cell as this module needs to know it.

    kernel: its name among the kernels. gates: G. reference(x, *initial, *weights, lengths, reverse,
    reset) -> a trace that begins with h and the final states. saved: the fields of the trace that
    `gates` asks for, in the kernel's order.
    """

    kernel: str
    gates: int
    reference: Callable[..., Any]
    saved: tuple[str, ...] = ()


class Walk(NamedTuple):
    """How a call walks over time, with arguments that have been checked.

    lengths: `[B]` int64 or None. reset: `[T, B]` bool or None.
    """

    lengths: NDArray[np.int64] | None
    reverse: bool
    reset: NDArray[np.bool_] | None
    threads: int


def sequence(
    cell: Cell,
    x: Array,
    initial: tuple[Array, ...],
    weights: Weights,
    *,
    lengths: ArrayLike | None,
    reverse: bool,
    reset: ArrayLike | None,
    threads: int | None,
    gates: bool = False,
) -> tuple[Array, ...]:
    """h `[T, B, P]`, the final states, and with `gates` those `[T, B, S·H]` that the cell saves."""
    x, initial = checks.dense_rows(x), tuple(map(checks.dense, initial))
    weights = _dense(weights)
    checks.check_floating("x", x.dtype)
    sizes = checks.sizes_of_inputs(x, initial, weights)
    checks.check_inputs(x, initial, x.dtype, sizes)
    checks.check_weights(weights, cell.gates, x.dtype, sizes)
    walk = _walk(x, lengths, reverse, reset, threads)
    if not _has_kernel(x.dtype, weights):
        return _by_reference(cell, x, initial, weights, walk, gates)

    def run(shape: Shape, fields: kernels.Pass, threads: int) -> None:
        kernels.layer_forward(
            cell.kernel, x.dtype == np.float64, shape, [_addresses(weights)], [fields], 0.0, threads
        )

    return _by_kernel(run, x, initial, sizes, walk, len(cell.saved) if gates else 0)


class Packed:
    """Weights taken in once, in the order in which the kernel reads them.

    storage: "float16" or "bfloat16" rounds float32 matrices to 16 bits; biases, states and all that
    is computed stay float32, but that a CPU with a matrix unit (AMX) also rounds to bfloat16 what
    such matrices are multiplied with. "int8" multiplies in whole numbers, as `integers` says:
    matrices are rounded to them row by row, x and h at each step; the rest stays float32. threads:
    how many a step may use. step(x `[B, I]`, h `[B, P]`, and c `[B, H]` in the LSTM) brings the
    states one step forward in place; it is the kernel's own, so that nothing is spent on the way.
    """

    def __init__(
        self, cell: Cell, weights: Weights, storage: Storage | None, threads: int | None
    ) -> None:
        weights, threads = _dense(weights), kernels.threads(threads)
        self._cell = cell
        self._sizes = checks.sizes_of_weights(weights, cell.gates)
        self._dtype = weights[0].dtype  # type: ignore[union-attr]
        checks.check_floating("w_ih", self._dtype)
        checks.check_weights(weights, cell.gates, self._dtype, self._sizes)
        _check_storage(storage, self._dtype, self._sizes)
        self.native: kernels.PackedF32 | None = None
        if _has_kernel(self._dtype, weights):
            pack = kernels.PackedF32 if self._dtype == np.float32 else kernels.PackedF64
            stored = storage or self._dtype.name
            sizes = (0, 0, *self._sizes)
            self.native = pack(cell.kernel, sizes, _addresses(weights), stored, threads)
            self.step: Callable[..., None] = self.native.step
        else:
            self._weights = tuple(None if w is None else _rounded(w, storage) for w in weights)
            self.step = partial(_step_by_reference, cell, self._weights, self._sizes)

    def lookup(self, table: Array) -> "Lookup":
        """The same weights, for steps that read the rows of a table `[V, I]`."""
        return Lookup(self, table)

    def rows_of(self, table: Array) -> Array:
        """A table `[V, I]` as the kernel reads it, with the sizes and the dtype."""
        checks.check("table", table, self._dtype, "V, I", (len(table), self._sizes.I))
        return checks.dense(table)

    def sequence(
        self,
        x: Array,
        initial: tuple[Array, ...],
        *,
        lengths: ArrayLike | None,
        reverse: bool,
        reset: ArrayLike | None,
        threads: int | None,
    ) -> tuple[Array, ...]:
        """h `[T, B, P]` and the final states."""
        x, initial = checks.dense_rows(x), tuple(map(checks.dense, initial))
        checks.check_inputs(x, initial, self._dtype, self._sizes)
        walk = _walk(x, lengths, reverse, reset, threads)
        if self.native is None:
            return _by_reference(self._cell, x, initial, self._weights, walk)
        return _by_kernel(self.native.sequence, x, initial, self._sizes, walk)


class Lookup:
    """Steps whose inputs are rows of a table `[V, I]`: what each adds to the gates is known.

    step(rows `[B]` int64, h `[B, P]`, and c `[B, H]` in the LSTM) brings the states forward in
    place, to the bits that a step comes to from the rows themselves.
    """

    def __init__(self, packed: Packed, table: Array) -> None:
        table = packed.rows_of(table)
        self.native: kernels.LookupF32 | None = None
        if packed.native is None:
            self.step: Callable[..., None] = partial(_looked_up, packed.step, table.copy())
        else:
            of = kernels.LookupF32 if table.dtype == np.float32 else kernels.LookupF64
            self.native = of(packed.native, table)
            self.step = self.native.step


def _by_kernel(
    run: Run, x: Array, initial: tuple[Array, ...], sizes: Sizes, walk: Walk, saved: int = 0
) -> tuple[Array, ...]:
    """h, the final states, and with `saved` the gates `[T, B, saved·H]`."""
    T, B, _ = x.shape
    h = np.empty((T, B, sizes.P), x.dtype)
    finals = [np.empty(state.shape, x.dtype) for state in initial]
    gates = [np.empty((T, B, saved * sizes.H), x.dtype)] if saved else []
    fields = kernels.Pass(
        lengths=_address(walk.lengths),
        reverse=walk.reverse,
        reset=_address(walk.reset),
        reset_step=B,
        reset_row=1,
        restart_h=0,
        restart_c=0,
        dropout=0,
        hold_h=0,
        hold_c=0,
        x=_address(x),
        x_step=x.strides[0] // x.itemsize,
        x_row=x.strides[1] // x.itemsize,
        h_0=_address(initial[0]),
        c_0=_address(initial[1]) if len(initial) > 1 else 0,
        h=_address(h),
        h_step=B * sizes.P,
        h_row=sizes.P,
        h_n=_address(finals[0]),
        c_n=_address(finals[1]) if len(finals) > 1 else 0,
        gates=_address(gates[0]) if gates else 0,
    )
    run((B, T, *sizes), fields, walk.threads)
    return h, *finals, *gates


def _by_reference(
    cell: Cell,
    x: Array,
    initial: tuple[Array, ...],
    weights: Weights,
    walk: Walk,
    gates: bool = False,
) -> tuple[Array, ...]:
    trace = cell.reference(
        x, *initial, *weights, lengths=walk.lengths, reverse=walk.reverse, reset=walk.reset
    )
    # The reference hands an initial state itself back where no step changed it.
    finals = [np.array(state) for state in trace[1 : 1 + len(initial)]]
    saved = [getattr(trace, name) for name in cell.saved] if gates else []
    return trace.h, *finals, *([np.concatenate(saved, axis=-1)] if saved else [])


def _step_by_reference(
    cell: Cell, weights: Weights, sizes: Sizes, x: Array, h: Array, c: Array | None = None
) -> None:
    dtype, B = weights[0].dtype, len(x)  # type: ignore[union-attr]
    checks.check("x", x, dtype, "B, I", (B, sizes.I))
    checks.check("h", h, dtype, f"B, {sizes.state}", (B, sizes.P))
    states: list[Any] = [h]
    if cell.kernel == "lstm":
        checks.check("c", c, dtype, "B, H", (B, sizes.H))
        states.append(c)
    trace = cell.reference(x[None], *states, *weights)
    for state, after in zip(states, trace[1:], strict=False):
        state[...] = after


def _looked_up(
    step: Callable[..., None], table: Array, rows: NDArray[np.int64], *states: Array
) -> None:
    checks.check("rows", rows, np.int64, "B", (len(rows),))
    bad = rows[(rows < 0) | (rows >= len(table))]
    if len(bad):
        problem = _(
            "rows must be numbers from 0 to {last}, got {row}: take those of the table that was "
            "looked at"
        )
        raise ValueError(problem.format(last=len(table) - 1, row=bad[0]))
    step(table[rows], *states)


def _walk(
    x: Array,
    lengths: ArrayLike | None,
    reverse: bool,
    reset: ArrayLike | None,
    threads: int | None,
) -> Walk:
    T, B, _ = x.shape
    return Walk(
        None if lengths is None else checks.as_lengths(lengths, T, B),
        bool(reverse),
        None if reset is None else checks.as_reset(reset, T, B),
        kernels.threads(threads),
    )


def _has_kernel(dtype: DTypeLike, weights: Weights) -> bool:
    if dtype not in (np.float32, np.float64):
        return False
    w_hr = weights[4] if len(weights) == 5 else None
    if w_hr is not None and w_hr.shape[0] == w_hr.shape[1]:
        return False  # for the kernels, P = H means that there is no projection
    if not kernels.available():
        kernels.warn_missing()
    return kernels.available()


def _check_storage(storage: str | None, dtype: DTypeLike, sizes: Sizes) -> None:
    if storage not in (None, "float16", "bfloat16", "int8"):
        problem = _(
            "storage must be None, 'float16', 'bfloat16' or 'int8', got {storage!r}: name one of "
            "them, or leave it out to keep the weights as they are"
        )
        raise ValueError(problem.format(storage=storage))
    if storage is not None and dtype != np.float32:
        problem = _(
            "storage={storage!r} is for float32 weights, got {dtype}: convert them with "
            ".astype(numpy.float32), or leave storage out"
        )
        raise TypeError(problem.format(storage=storage, dtype=dtype))
    if storage == "int8" and max(sizes) > integers.MOST_PRODUCTS:
        problem = _(
            "storage='int8' adds up {most} products at most, got {size}: take another storage"
        )
        raise ValueError(problem.format(most=integers.MOST_PRODUCTS, size=max(sizes)))


def _rounded(weight: Array, storage: str | None) -> Array:
    """A copy of a weight; matrices rounded to `storage`, to the nearest number and ties to even."""
    if storage is None or weight.ndim < 2:
        return weight.copy()
    if storage == "int8":
        return integers.as_integers(weight)
    if storage == "float16":
        with np.errstate(over="ignore", under="ignore"):
            return weight.astype(np.float16).astype(np.float32)
    bits = weight.view(np.uint32)
    nearest = (bits + (np.uint32(0x7FFF) + (bits >> 16 & 1))) & np.uint32(0xFFFF0000)
    return np.where(np.isnan(weight), weight, nearest.view(np.float32))


def _dense(weights: Weights) -> Weights:
    return tuple(None if w is None else checks.dense(w) for w in weights)


def _address(array: Array | None) -> int:
    return 0 if array is None else array.__array_interface__["data"][0]


def _addresses(weights: Weights) -> kernels.Weights:
    return kernels.Weights(*map(_address, weights))
