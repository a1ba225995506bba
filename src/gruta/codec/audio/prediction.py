"""Linear prediction from log-mel spectra: what a sample is likely to be after those before it.

    p_i = Σ_k a_k s_{i−k}          e_i = (s_i − p_i) / g          k from 1 to the order

The bands are a smooth power spectrum, whose autocorrelation gives a and g by Levinson's recursion,
as LPCNet has it from its cepstra (Valin and Skoglund 2019, arXiv:1810.11846). So both follow from
what a vocoder is told anyway, and e, of mean square 1, is what is left to be found out: the breath
and the pulses of a voice without its timbre.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gruta.codec.audio.mel import Frames, Mel, Samples
from gruta.codec.audio.waveform import LEVELS, from_mu_law, mu_law
from gruta.errors import InputError
from gruta.locale import translate as _

Values = NDArray[np.float64]

RANGE = 9.0
"""e is cut at ± so much before it becomes one of 256 levels, which lie densest around 0."""

_WHITE, _LAG = 1e-5, 40.0
"""A share of white noise, and hertz by which the spectrum is smoothed, so that no filter rings."""


@dataclass(frozen=True, eq=False)
class Prediction:
    """Of each of T frames: a `[T, order]`, that of the last sample first, and g `[T]`."""

    a: NDArray[np.float32]
    g: NDArray[np.float32]

    @classmethod
    def of(cls, log_mel: Frames, mel: Mel, order: int) -> "Prediction":
        """From log-mel spectra `[T, bands]` of librosa's kind; InputError for Kaldi's."""
        if not mel.centred:
            problem = _("expected librosa: of Kaldi's spectra no sound can be made")
            raise InputError(way=problem)
        turn = 2 * np.pi * _LAG / mel.rate
        lags = np.arange(order + 1)
        smooth = np.exp(-0.5 * (turn * lags) ** 2)
        r = np.fft.irfft(_spectra(log_mel, mel), mel.size, 1)[:, : order + 1] * smooth
        r[:, 0] = r[:, 0] * (1 + _WHITE) + 1e-12
        a, error = levinson(r)
        return cls(a.astype(np.float32), np.sqrt(error).astype(np.float32))

    def each(self, step: int) -> "Prediction":
        """Of each sample, of which every frame has so many."""
        return Prediction(self.a.repeat(step, 0), self.g.repeat(step))


def _spectra(log_mel: Frames, mel: Mel) -> Values:
    """Power of each frequency `[T, size/2 + 1]`, of a sample's mean square: between the middles of
    the bands on a straight line over logarithms, beyond them as the last one.
    """
    weights = mel.matrix.sum(0)
    middles = (mel.matrix * np.arange(len(mel.matrix))[:, None]).sum(0) / weights
    power = np.asarray(log_mel, np.float64) - np.log(weights * (mel.taper**2).sum())
    places = np.arange(len(mel.matrix))
    at = np.clip(np.searchsorted(middles, places), 1, len(middles) - 1)
    share = np.clip((places - middles[at - 1]) / (middles[at] - middles[at - 1]), 0, 1)
    return np.asarray(np.exp(power[:, at - 1] * (1 - share) + power[:, at] * share))


def levinson(r: Values) -> tuple[Values, Values]:
    """a `[T, K]` and what is left of the power `[T]`, from autocorrelations `[T, K + 1]`."""
    a, error = np.zeros((len(r), 0)), r[:, 0].copy()
    for k in range(1, r.shape[1]):
        missed = r[:, k] - (a * r[:, k - 1 : 0 : -1]).sum(1)
        reflected = (missed / error)[:, None]
        a = np.concatenate((a - reflected * a[:, ::-1], reflected), 1)
        error = error * (1 - reflected[:, 0] ** 2)
    return a, error


def predicted(samples: Samples | Values, a: NDArray[np.floating]) -> Values:
    """p `[N]` of samples `[K + N]`, from those before each: a `[N, K]`."""
    order = a.shape[1]
    before = np.lib.stride_tricks.sliding_window_view(np.asarray(samples), order)[: len(a)]
    return np.asarray(np.einsum("nk,nk->n", before[:, ::-1], a))


def levels(e: NDArray[np.floating]) -> NDArray[np.uint8]:
    """e as numbers from 0 to 255; 128 is 0."""
    return mu_law(np.asarray(e, np.float32) / np.float32(RANGE))


def values() -> NDArray[np.float32]:
    """What e each number stands for `[256]`."""
    return from_mu_law(np.arange(LEVELS)) * np.float32(RANGE)
