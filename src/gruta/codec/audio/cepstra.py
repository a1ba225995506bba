"""Mel cepstra of log-mel spectra, and how features change over time."""

import numpy as np
from numpy.typing import NDArray

from gruta.codec.audio.mel import Frames

Values = NDArray[np.float64]

REACH = 2
"""Frames before and behind that a slope is computed of."""


def cosines(bands: int, count: int) -> Values:
    """`[bands, count]` of the discrete cosine transform (DCT-II, orthonormal), first ones first."""
    turns = np.pi / bands * (np.arange(bands)[:, None] + 0.5) * np.arange(count)
    found: Values = np.cos(turns) * np.sqrt(2 / bands)
    found[:, 0] = np.sqrt(1 / bands)
    return found


def lifter(count: int, by: float) -> Values:
    """`[count]`: 1 + by/2 · sin(πi / by), as HTK and Kaldi weigh cepstra; ones for 0."""
    return 1 + by / 2 * np.sin(np.pi * np.arange(count) / by) if by else np.ones(count)


def cepstra(log_mel: Frames, count: int, lifting: float = 0.0) -> Frames:
    """`[T, count]` of `[T, bands]`: librosa's `feature.mfcc(S=log_mel)` and, lifted by 22, Kaldi's
    with use-energy=false. Each frame by itself: its sums have one order.
    """
    weights = cosines(log_mel.shape[1], count) * lifter(count, lifting)
    found = np.zeros((len(log_mel), count))
    for band, row in zip(np.asarray(log_mel, np.float64).T, weights, strict=True):
        found += band[:, None] * row
    return found.astype(np.float32)


def slopes(order: int) -> Values:
    """Weights of a frame and its neighbours for its slope, or the slope's slope; Kaldi's.

    Of order 1: Σ k·x[t+k] / Σ k² over two frames to either side; of order 2 the same of that.
    """
    step = np.arange(-REACH, REACH + 1, dtype=np.float64)
    found = np.ones(1)
    for _again in range(order):
        found = np.convolve(found, step / (step**2).sum())
    return found


def deltas(frames: Frames, order: int = 2) -> Frames:
    """`[T, C·(1 + order)]`: features `[T, C]`, their slopes, and the slopes of these. Beyond the
    ends the first and last frame stand.
    """
    return around(frames, 0, 0, order)


def around(frames: Frames, before: int, behind: int, order: int) -> Frames:
    """As `deltas` of the frames but those first and last ones, which are there as neighbours.

    With as many as `order · REACH` on either side no end is seen.
    """
    last = len(frames) - behind
    parts = [frames[before:last]]
    for k in range(1, order + 1):
        reach = k * REACH
        padded = np.pad(frames.astype(np.float64), ((reach, reach), (0, 0)), "edge")
        rows = max(last - before, 0)
        total = np.zeros((rows, frames.shape[1]))
        for i, weight in enumerate(slopes(k)):
            total += padded[before + i : before + i + rows] * weight
        parts.append(total.astype(np.float32))
    return np.concatenate(parts, 1)
