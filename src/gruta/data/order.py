"""In which order examples are learned from: functions of the seed and the step alone."""

import functools

import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.int64]


def shuffled(seed: int, n: int, start: int, count: int) -> Places:
    """Places `start` … of an endless run of epochs, each of which shuffles 0 … n−1 anew."""
    epochs = range(start // n, (start + count - 1) // n + 1)
    orders = np.concatenate([_order(seed, epoch, n) for epoch in epochs])
    return orders[start % n : start % n + count]


@functools.lru_cache(maxsize=2)
def _order(seed: int, epoch: int, n: int) -> Places:
    return np.random.default_rng((seed, epoch)).permutation(n)
