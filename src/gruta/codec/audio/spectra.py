"""Sounds as spectra of overlapping windows, with their phases, and back."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gruta.codec.audio.mel import Mel, Samples
from gruta.errors import InputError
from gruta.locale import translate as _

Complex = NDArray[np.complex128]
Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Windows:
    """Centred frames as `Mel` has them: the window `[size]`, and samples from one to the next."""

    taper: Values
    step: int

    @classmethod
    def of(cls, mel: Mel) -> "Windows":
        """Those of spectra; InputError for Kaldi's, whose frames tell nothing of the ends."""
        if not mel.centred:
            problem = _("expected librosa: of Kaldi's spectra no sound can be made")
            raise InputError(way=problem)
        return cls(mel.taper, mel.step)

    @property
    def size(self) -> int:
        """Samples of a transform."""
        return len(self.taper)

    def spectra(self, samples: Samples | Values) -> Complex:
        """`[1 + ⌊N / step⌋, size/2 + 1]` of `[N]`, zeros beyond both ends; librosa's `stft`."""
        padded = np.pad(np.asarray(samples, np.float64), self.size // 2)
        rows = np.lib.stride_tricks.sliding_window_view(padded, self.size)[:: self.step]
        return np.asarray(np.fft.rfft(rows * self.taper, axis=1))

    def sound(self, spectra: Complex, length: int | None = None) -> Values:
        """Samples `[length]`, by default (T − 1) · step, whose spectra are nearest to these in the
        least squares (Griffin and Lim 1984); librosa's `istft`.
        """
        frames = np.fft.irfft(spectra, self.size, 1) * self.taper
        count = len(frames)
        whole = (count - 1) * self.step + self.size
        total, weight = np.zeros((2, whole))
        square = self.taper**2
        for start in range(0, self.size, self.step):  # windows' parts that do not overlap, at once
            part = frames[:, start : start + self.step]
            ends = start + count * self.step
            room = np.zeros((count, self.step))
            room[:, : part.shape[1]] = part
            total[start : min(ends, whole)] += room.reshape(-1)[: whole - start]
            room[:, : part.shape[1]] = square[start : start + self.step]
            weight[start : min(ends, whole)] += room.reshape(-1)[: whole - start]
        total /= np.where(weight > np.finfo(np.float32).tiny, weight, 1.0)
        first = self.size // 2
        last = (count - 1) * self.step if length is None else length
        found = total[first : first + last]
        return np.pad(found, (0, last - len(found)))
