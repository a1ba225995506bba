"""How a cell walks over time: the order of the steps, who takes part, what happens to the state."""

from typing import Any, NamedTuple, TypedDict, Unpack

import numpy as np
from numpy.typing import NDArray

from gruta.locale import translate as _

Array = NDArray[Any]


class Options(TypedDict, total=False):
    """The references' arguments that change a walk, all by keyword.

    lengths: `[B]`, 0 to T, the steps of each row; None for all T.
    reverse: from the last step to the first.
    reset: `[T, B]` bool; where true, the state is replaced before x_t is read, by the restart state
        or by zeros. Past a row's length it has no effect.
    dropout: `[B, P]`, a factor on the copy of h that enters the products with W_hh.
    hold: for each state `[T, B, size]` bool, true where a unit keeps its old value; or a number p
        for p * old + (1 - p) * new everywhere.
    """

    lengths: NDArray[np.int64] | None
    reverse: bool
    reset: NDArray[np.bool_] | None
    dropout: Array | None
    hold: tuple[NDArray[np.bool_], ...] | float


class Steps(NamedTuple):
    """`Options` made ready for a loop over t.

    order: the time steps as the cell meets them. active, reset: `[T, B, 1]` bool. dropout: `[B, P]`
    or 1. hold: for each state the share that it keeps, `[T, B, size]` or `[T, 1, 1]`.
    """

    order: range
    active: NDArray[np.bool_]
    reset: NDArray[np.bool_]
    dropout: Array | float
    hold: tuple[Array, ...]


def order(T: int, reverse: bool) -> range:
    """The time steps in the order in which the cell meets them."""
    return range(T - 1, -1, -1) if reverse else range(T)


def active(lengths: NDArray[np.int64] | None, T: int, B: int) -> NDArray[np.bool_]:
    """`[T, B, 1]`: true where step t lies within row b's length; rows of length 0 never step."""
    if lengths is None:
        return np.ones((T, B, 1), dtype=bool)
    lengths = np.asarray(lengths)
    if lengths.shape != (B,) or (lengths < 0).any() or (lengths > T).any():
        raise ValueError(
            _("lengths: expected {B} integers from 0 to T={T}, got {given}").format(
                B=B, T=T, given=lengths.tolist()
            )
        )
    return (np.arange(T)[:, None] < lengths)[:, :, None]


def steps(x: Array, states: int, **options: Unpack[Options]) -> Steps:
    """The walk of a cell with so many states over x `[T, B, I]`."""
    unknown = options.keys() - Options.__annotations__.keys()
    if unknown:
        known = ", ".join(Options.__annotations__)
        raise TypeError(
            _("{names}: expected some of {known}: correct the name").format(
                names=", ".join(sorted(unknown)), known=known
            )
        )
    T, B = x.shape[:2]
    reset, dropout = options.get("reset"), options.get("dropout")
    hold = options.get("hold", 0.0)
    masks = hold if isinstance(hold, tuple) else (np.full((T, 1, 1), hold),) * states
    taking_part = active(options.get("lengths"), T, B)
    return Steps(
        order(T, options.get("reverse", False)),
        taking_part,
        np.zeros((T, B, 1), bool) if reset is None else reset[:, :, None] & taking_part,
        1.0 if dropout is None else dropout,
        tuple(mask.astype(x.dtype) for mask in masks),
    )


def part(share: Array, v: Array) -> Array:
    """share · v, and 0 where the share is 0 even if v is infinite or NaN."""
    with np.errstate(invalid="ignore"):
        return np.where(share == 0, np.zeros((), v.dtype), share * v)


def product(x: Array, w: Array) -> Array:
    """W x_t `[T, B, G]` of all steps at once, for which w `[G, I]` is read once and not T times."""
    T, B, I = x.shape
    with np.errstate(invalid="ignore"):  # OpenBLAS may say so of finite numbers, beside the edges
        return (x.reshape(T * B, I) @ w.T).reshape(T, B, len(w))


def sum_outer(d: Array, v: Array) -> Array:
    """Σ d vᵀ over all steps and rows of d `[T, B, G]` and v `[T, B, I]`: `[G, I]`."""
    return np.tensordot(d, v, axes=([0, 1], [0, 1]))
