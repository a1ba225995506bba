"""In which order examples are learned from: functions of the seed and the step alone."""

import functools

import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.int64]


def shuffled(seed: int, n: int, start: int, count: int) -> Places:
    """Places `start` … of an endless run of epochs, each of which shuffles 0 … n−1 anew."""
    if n > MOST_KEPT:
        return _scattered(seed, n, start, count)
    epochs = range(start // n, (start + count - 1) // n + 1)
    orders = np.concatenate([_order(seed, epoch, n) for epoch in epochs])
    return orders[start % n : start % n + count]


MOST_KEPT = 2**20
"""Of more places no order is written out."""


def _scattered(seed: int, n: int, start: int, count: int) -> Places:
    """The same without an order that is kept: each place by a permutation of its own number, a
    Feistel network on the bits that n takes (Luby and Rackoff 1988); what falls beyond n goes
    through it again.
    """
    epochs, places = np.divmod(np.arange(start, start + count), n)
    half = (int(n - 1).bit_length() + 1) // 2
    found = np.empty(count, np.int64)
    for epoch in np.unique(epochs):
        keys: NDArray[np.uint64] = np.random.default_rng((seed, int(epoch))).integers(
            1, 2**32, 4, np.uint64
        )
        own = epochs == epoch
        x = places[own].astype(np.uint64)
        beyond = np.ones(len(x), bool)
        while beyond.any():
            x[beyond] = _mixed(x[beyond], keys, half)
            beyond = x >= n
        found[own] = x
    return found


def _mixed(x: NDArray[np.uint64], keys: NDArray[np.uint64], half: int) -> NDArray[np.uint64]:
    """A permutation of the numbers of 2·half bits."""
    low_bits, shift = np.uint64(2**half - 1), np.uint64(half)
    left, right = x >> shift, x & low_bits
    for key in keys:
        mixed = (right + key) * np.uint64(0x9E3779B97F4A7C15)
        left, right = right, left ^ ((mixed >> np.uint64(64 - half)) & low_bits)
    return (left << shift) | right


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


def pieces(seed: int, length: int, streams: int, size: int, step: int) -> tuple[Places, bool]:
    """Where the pieces of a step begin `[streams]`, and whether the streams start anew with it.

    0 … length−1 are cut into streams side by side, and each of these into pieces of `size`; an
    epoch starts them at another offset, so that the borders of pieces move.
    """
    rows = length // streams
    count = rows // size
    epoch, piece = divmod(step, count)
    draw = np.random.default_rng((seed, epoch))
    offset = int(draw.integers(0, rows - count * size + 1))
    return np.arange(streams) * rows + offset + piece * size, piece == 0
