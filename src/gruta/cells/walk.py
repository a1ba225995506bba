"""How a cell walks over time: in which order, and which rows of the batch take part in a step."""

import numpy as np
from numpy.typing import NDArray


def order(T: int, reverse: bool) -> range:
    """The time steps in the order in which the cell meets them."""
    return range(T - 1, -1, -1) if reverse else range(T)


def active(lengths: NDArray[np.int64] | None, T: int, B: int) -> NDArray[np.bool_]:
    """`[T, B, 1]`: true where step t lies within row b's length; rows of length 0 never step."""
    if lengths is None:
        return np.ones((T, B, 1), dtype=bool)
    lengths = np.asarray(lengths)
    if lengths.shape != (B,) or (lengths < 0).any() or (lengths > T).any():
        raise ValueError(f"lengths: expected {B} integers from 0 to T={T}, got {lengths.tolist()}")
    return (np.arange(T)[:, None] < lengths)[:, :, None]
