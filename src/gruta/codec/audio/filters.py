"""The mel scale, and the bands on it that a spectrum is summed in."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Scale = Literal["slaney", "htk"]

_LINEAR, _KNEE = 200 / 3, 1000.0  # Hz a mel below, and the frequency from which it is a logarithm
_STEP = np.log(6.4) / 27  # of the logarithm a mel above


def to_mel(hertz: Values, scale: Scale) -> Values:
    """HTK: 2595 log10(1 + f / 700). Slaney's: linear up to 1000 Hz, a logarithm above (Auditory
    Toolbox, 1998).
    """
    if scale == "htk":
        return np.asarray(2595 * np.log10(1 + hertz / 700))
    above = _KNEE / _LINEAR + np.log(np.maximum(hertz, _KNEE) / _KNEE) / _STEP
    return np.where(hertz < _KNEE, hertz / _LINEAR, above)


def to_hertz(mel: Values, scale: Scale) -> Values:
    """The other way."""
    if scale == "htk":
        return np.asarray(700 * (10 ** (mel / 2595) - 1))
    knee = _KNEE / _LINEAR
    above = _KNEE * np.exp(_STEP * (np.maximum(mel, knee) - knee))
    return np.where(mel < knee, mel * _LINEAR, above)


def triangles(rate: int, fft: int, bands: int, low: float, high: float, scale: Scale) -> Values:
    """Weights `[fft/2 + 1, bands]`: triangles over hertz whose corners are even steps of mel, each
    of area 1 in hertz; librosa's.
    """
    ends = to_mel(np.array([low, high], np.float64), scale)
    corners = to_hertz(np.linspace(ends[0], ends[1], bands + 2), scale)
    hertz = np.arange(fft // 2 + 1) * rate / fft
    up = (hertz[:, None] - corners[:-2]) / np.diff(corners)[:-1]
    down = (corners[2:] - hertz[:, None]) / np.diff(corners)[1:]
    return np.maximum(0.0, np.minimum(up, down)) * (2 / (corners[2:] - corners[:-2]))


def kaldi_triangles(rate: int, fft: int, bands: int, low: float, high: float) -> Values:
    """Weights `[fft/2 + 1, bands]`: triangles over HTK's mel, of height 1; Kaldi's."""
    ends = to_mel(np.array([low, high], np.float64), "htk")
    corners = np.linspace(ends[0], ends[1], bands + 2)
    mel = to_mel(np.arange(fft // 2 + 1) * rate / fft, "htk")
    up = (mel[:, None] - corners[:-2]) / np.diff(corners)[:-1]
    down = (corners[2:] - mel[:, None]) / np.diff(corners)[1:]
    found = np.maximum(0.0, np.minimum(up, down))
    found[-1] = 0.0
    return found


@dataclass(frozen=True, eq=False)
class Sums:
    """Weighted sums over neighbouring columns, each in one order whatever rows stand around.

    A product of matrices takes another order for another number of rows, and a stream's frames
    would differ in their last bits from those of the whole sound.
    """

    places: NDArray[np.int64]
    weights: Values

    @classmethod
    def of(cls, matrix: Values) -> "Sums":
        """From a matrix `[K, bands]` whose columns are 0 but for one stretch each."""
        inside = matrix != 0
        first = inside.argmax(0)
        most = int((len(matrix) - inside[::-1].argmax(0) - first).max())
        places = first + np.arange(most)[:, None]
        weights = np.where(
            places < len(matrix),
            np.take_along_axis(matrix, np.minimum(places, len(matrix) - 1), 0),
            0.0,
        )
        return cls(np.minimum(places, len(matrix) - 1), weights)

    @cached_property
    def _terms(self) -> list[tuple[int, NDArray[np.int64], Values]]:
        """Of each term the first band that is wide enough to have one, and from there on the
        columns and weights. In a wider band's place a narrow one adds 0, which changes no bit.
        """
        firsts = (self.weights != 0).argmax(1).tolist()
        every = zip(firsts, self.places, self.weights, strict=True)
        return [(first, places[first:], own[first:, None]) for first, places, own in every]

    def __call__(self, rows: Values) -> Values:
        """`[T, bands]` of `[T, K]`."""
        columns = np.ascontiguousarray(rows.T)
        found = np.zeros((self.places.shape[1], len(rows)))
        for first, places, weights in self._terms:
            found[first:] += columns[places] * weights
        return np.ascontiguousarray(found.T)
