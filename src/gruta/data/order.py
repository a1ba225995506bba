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


def by_length(lengths: NDArray[np.int64], size: int, seed: int, step: int) -> Places:
    """The batch of a step: cases of about one length, so that little is padding.

    An epoch shuffles all, sorts each stretch of 50 batches by length, and shuffles the batches.
    """
    epoch, batch = divmod(step, -(-len(lengths) // size))
    return _batches(lengths.tobytes(), size, seed, epoch)[batch]


@functools.lru_cache(maxsize=2)
def _batches(lengths: bytes, size: int, seed: int, epoch: int) -> list[Places]:
    found, draw = np.frombuffer(lengths, np.int64), np.random.default_rng((seed, epoch))
    order, batches = draw.permutation(len(found)), []
    for start in range(0, len(order), 50 * size):
        stretch = order[start : start + 50 * size]
        stretch = stretch[np.argsort(found[stretch], kind="stable")]
        batches += [stretch[i : i + size] for i in range(0, len(stretch), size)]
    return [batches[i] for i in draw.permutation(len(batches))]
