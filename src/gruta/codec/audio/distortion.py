"""How far one sound's spectra are from another's, in decibels, in step or brought into step."""

import numpy as np
from numpy.typing import NDArray

from gruta.codec.audio.mel import Frames
from gruta.errors import InputError
from gruta.locale import translate as _

DECIBELS = 10 / np.log(10)
"""Of one nat of power."""

DEPTH = 60 / DECIBELS
"""What lies further below the loudest place of the sound that is wanted counts as silence."""

_COEFFICIENTS = 13

Values = NDArray[np.float64]


def distortion(made: Frames, wanted: Frames) -> float:
    """Mean absolute difference of log-mel spectra `[T, bands]` in decibels, frame by frame over
    those that both have; what is 60 dB below the loudest of `wanted` or less is alike.
    """
    count = min(len(made), len(wanted))
    if not count:
        raise InputError(_("expected spectra of a frame or more"))
    low = float(wanted.max()) - DEPTH
    first, second = (np.maximum(one[:count].astype(np.float64), low) for one in (made, wanted))
    return float(np.abs(first - second).mean() * DECIBELS)


def warped_distortion(made: Frames, wanted: Frames) -> float:
    """Mel cepstral distortion in decibels: frames are brought into step by dynamic time warping.

    10/ln 10 · √2 · mean of √Σ (c_k − c'_k)², k from 1 to 13, of log-mel amplitudes as the sums
    c_0 + Σ c_k cos(…) (Kubichek 1993), over the pairs of the cheapest path (Sakoe and Chiba 1978).
    """
    if not len(made) or not len(wanted):
        raise InputError(_("expected spectra of a frame or more"))
    low = float(wanted.max()) - DEPTH
    a, b = (_cepstra(np.maximum(one.astype(np.float64), low)) for one in (made, wanted))
    costs = np.sqrt(np.maximum((a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T, 0))
    rows, columns = path(costs)
    return float(DECIBELS * np.sqrt(2) * costs[rows, columns].mean())


def _cepstra(log_mel: Values) -> Values:
    bands = log_mel.shape[1]
    order = np.arange(1, min(_COEFFICIENTS, bands - 1) + 1)[:, None]
    matrix = 2 / bands * np.cos(np.pi * order * (np.arange(bands) + 0.5) / bands)
    return np.asarray(0.5 * log_mel @ matrix.T)  # of amplitudes


def path(costs: Values) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The cheapest way from the first to the last place of `[M, N]`, by steps of one in either
    direction or both: its rows and columns.
    """
    M, N = costs.shape
    total = np.full((M + 1, N + 1), np.inf)
    total[0, 0] = 0
    for d in range(M + N - 1):  # places whose row and column add up to d, at once
        i = np.arange(max(0, d - N + 1), min(M, d + 1))
        j = d - i
        before = np.minimum(np.minimum(total[i, j], total[i, j + 1]), total[i + 1, j])
        total[i + 1, j + 1] = costs[i, j] + before
    i, j = M - 1, N - 1
    rows, columns = [i], [j]
    while i or j:
        ways = ((i, j), (i, j + 1), (i + 1, j))
        best = min(ways, key=lambda at: float(total[at]))
        i, j = best[0] - 1, best[1] - 1
        rows.append(i)
        columns.append(j)
    return np.array(rows[::-1]), np.array(columns[::-1])
