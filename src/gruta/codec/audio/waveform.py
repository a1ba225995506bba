"""Samples as numbers of 8 bits, and with their high tones raised."""

import numpy as np
from numpy.typing import NDArray

from gruta.codec.audio.mel import Samples

LEVELS = 256


def mu_law(samples: Samples) -> NDArray[np.uint8]:
    """Numbers 0 to 255 of samples from -1 to 1, what is beyond as what is there; 128 is silence,
    and 255, as there are 127 numbers above that, 0.957 and more.

    sign(x) · ln(1 + 255 |x|) / ln 256 (ITU-T G.711 as a continuous law), to the nearest level.
    """
    x = np.clip(np.asarray(samples, np.float64), -1, 1)
    squeezed = np.sign(x) * np.log1p((LEVELS - 1) * np.abs(x)) / np.log(LEVELS)
    level = np.floor(squeezed * LEVELS / 2 + LEVELS / 2 + 0.5)
    return np.asarray(np.clip(level, 0, LEVELS - 1), np.uint8)


def from_mu_law(numbers: NDArray[np.integer]) -> Samples:
    """The other way."""
    y = (np.asarray(numbers, np.float64) - LEVELS / 2) / (LEVELS / 2)
    found = np.sign(y) * (np.power(float(LEVELS), np.abs(y)) - 1) / (LEVELS - 1)
    return np.asarray(found, np.float32)


def emphasised(samples: Samples, by: float = 0.97, before: float = 0.0) -> Samples:
    """x[i] − by · x[i − 1]; before: the sample that came before the first."""
    x = np.asarray(samples, np.float64)
    return (x - by * np.concatenate([[before], x])[:-1]).astype(np.float32)


def de_emphasised(samples: Samples, by: float = 0.97, before: float = 0.0) -> Samples:
    """The other way: y[i] = x[i] + by · y[i − 1]; before: the sample that it gave last."""
    found = np.asarray(samples, np.float64).copy()
    if len(found):
        found[0] += by * before
    # Sums over 1, 2, 4, … samples that come before: as many rounds as the length has bits.
    reach = 1
    while reach < len(found) and by**reach > 1e-18:
        found[reach:] += by**reach * found[:-reach]
        reach *= 2
    return found.astype(np.float32)
