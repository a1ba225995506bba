"""Logarithms of mel spectra: how loud a sound is in each band, frame by frame.

Two ways to compute them, each equal to a library that is much used:

- "librosa": frame t is centred on sample t·hop, with zeros beyond both ends, so N samples have
  1 + ⌊N / hop⌋ frames. A periodic Hann window, |FFT|², bands that are triangles over hertz of
  area 1, and ln(max(·, 1e-10)). As `librosa.feature.melspectrogram(center=True, power=2)`.
- "kaldi": frames lie inside the sound, 1 + ⌊(N − window) / hop⌋ of them and none of a sound
  shorter than a window. Samples are taken times 32,768; of each frame its mean is taken away,
  x[i] − 0.97 x[i − 1] kept, Povey's window applied; bands are triangles over mel of height 1, and
  ln(max(·, 1.19e-7)). As `compute-fbank-feats --dither=0 --snip-edges=true --use-energy=false`.

Nothing random is added: silence is the floor in each band, twice the same. All is computed in
double precision; Kaldi's single precision shows in the second decimal of bands that are some 20
nats below the loudest of their frame.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from gruta.codec.audio.filters import Scale, Sums, kaldi_triangles, triangles
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number

Way = Literal["librosa", "kaldi"]
Samples = NDArray[np.float32]
"""`[N]`, one channel, full scale at -1 and 1."""

Frames = NDArray[np.float32]
"""`[T, C]`."""

FLOORS = {"librosa": 1e-10, "kaldi": float(np.finfo(np.float32).eps)}
"""What a band holds at least before its logarithm is taken."""

_LOUD, _EMPHASIS = 32768.0, 0.97
_AT_ONCE = 48
"""Frames whose spectra are in memory together: more than so many go out of the nearer caches."""


@dataclass(frozen=True)
class Mel:
    """rate: samples a second. bands: how many. window, hop: seconds. low, high: hertz, 0 for half
    the rate. scale: of "librosa"; Kaldi's is HTK's. fft: samples of a transform, 0 for the least
    power of two that holds a window. InputError for what cannot be.
    """

    rate: int = 16_000
    bands: int = 40
    window: float = 0.025
    hop: float = 0.010
    low: float = 20.0
    high: float = 0.0
    way: Way = "librosa"
    scale: Scale = "slaney"
    fft: int = 0

    def __post_init__(self) -> None:
        if self.way not in get_args(Way):
            raise InputError(way=_("expected librosa or kaldi, got {way!r}").format(way=self.way))
        if self.scale not in get_args(Scale):
            problem = _("expected slaney or htk, got {scale!r}")
            raise InputError(scale=problem.format(scale=self.scale))
        if not 1000 <= self.rate <= 384_000:
            problem = _("expected 1,000 to 384,000 samples a second, got {rate}")
            raise InputError(rate=problem.format(rate=number(self.rate)))
        if not (0 < self.hop <= self.window <= 1) or self.step < 1:
            problem = _("expected a hop from a sample up to the window, which is 1 s at most")
            raise InputError(hop=problem)
        if not 0 <= self.low < self.top <= self.rate / 2:
            problem = _("expected bands within 0 and {half} Hz, got {low} to {high}")
            half, low, high = map(number, (self.rate / 2, self.low, self.top))
            raise InputError(high=problem.format(half=half, low=low, high=high))
        if self.fft and (self.fft % 2 or not self.length <= self.fft <= 2**16):
            problem = _("expected an even number from {length}, a window, to 65,536, got {fft}")
            raise InputError(fft=problem.format(length=self.length, fft=self.fft))
        if not 1 <= self.bands <= self.size // 2:
            problem = _("expected 1 to {most}, got {bands}")
            raise InputError(bands=problem.format(most=self.size // 2, bands=self.bands))
        empty = np.flatnonzero(self.matrix.max(0) == 0)
        if len(empty):
            problem = _(
                "band {band} of {bands} lies between two frequencies of a transform of {fft} "
                "samples; take fewer bands, or a longer fft"
            )
            shown = {"band": int(empty[0]) + 1, "bands": self.bands, "fft": self.size}
            raise InputError(bands=problem.format(**shown))

    @property
    def top(self) -> float:
        """Hertz where the last band ends."""
        return self.high or self.rate / 2

    @property
    def step(self) -> int:
        """Samples from a frame to the next; a part of one is cut off."""
        return int(self.rate * self.hop + 1e-6)

    @property
    def length(self) -> int:
        """Samples of a window; a part of one is cut off."""
        return int(self.rate * self.window + 1e-6)

    @property
    def size(self) -> int:
        """Samples of a transform."""
        return self.fft or 1 << (self.length - 1).bit_length()

    @property
    def centred(self) -> bool:
        """Whether frames reach beyond the ends of a sound."""
        return self.way == "librosa"

    @property
    def span(self) -> int:
        """Samples that a frame is computed of."""
        return self.size if self.centred else self.length

    @property
    def floor(self) -> float:
        """What silence is in each band."""
        return math.log(FLOORS[self.way])

    @cached_property
    def matrix(self) -> NDArray[np.float64]:
        """Weights of the bands, `[size/2 + 1, bands]`."""
        about = self.rate, self.size, self.bands, self.low, self.top
        return triangles(*about, self.scale) if self.centred else kaldi_triangles(*about)

    @cached_property
    def _sums(self) -> Sums:
        return Sums.of(self.matrix)

    @cached_property
    def taper(self) -> NDArray[np.float64]:
        """The window `[span]`: Hann's in the middle of a transform, or Povey's."""
        if self.centred:
            before = (self.size - self.length) // 2
            hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(self.length) / self.length)
            return np.pad(hann, (before, self.size - self.length - before))
        turn = 2 * np.pi * np.arange(self.length) / max(self.length - 1, 1)
        return np.asarray((0.5 - 0.5 * np.cos(turn)) ** 0.85)

    def count(self, samples: int) -> int:
        """How many frames a sound of so many samples has."""
        if self.centred:
            return 1 + samples // self.step if samples else 0
        return 1 + (samples - self.length) // self.step if samples >= self.length else 0

    def time(self, frame: float) -> float:
        """Seconds at which a frame's middle lies."""
        middle = 0 if self.centred else self.length / 2
        return (frame * self.step + middle) / self.rate

    def of(self, samples: Samples) -> Frames:
        """Log-mel `[T, bands]` of `[N]`, T as `count` says."""
        stream = MelStream(self)
        return np.concatenate([stream.add(samples), stream.finish()])

    def spectra(self, frames: NDArray[np.floating]) -> NDArray[np.float64]:
        """Power `[T, size/2 + 1]` of samples `[T, span]`."""
        rows = np.asarray(frames, np.float64)
        if not self.centred:
            rows = rows * _LOUD
            rows = rows - rows.mean(1, keepdims=True)
            rows = rows - _EMPHASIS * np.concatenate([rows[:, :1], rows[:, :-1]], 1)
        found = np.fft.rfft(rows * self.taper, self.size, 1)
        return np.asarray(found.real**2 + found.imag**2)

    def logs(self, frames: NDArray[np.floating]) -> Frames:
        """Log-mel `[T, bands]` of samples `[T, span]`, each row by itself."""
        sums = self._sums(self.spectra(frames))
        return np.log(np.maximum(sums, FLOORS[self.way])).astype(np.float32)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Mel":
        """What `to_json` gave; InputError if it is anything else."""
        try:
            kinds = {name: type(value) for name, value in asdict(cls()).items()}
            return cls(**{name: kinds[name](value) for name, value in content.items()})
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
            raise InputError(
                _("mel: not settings of spectra ({error})").format(error=error)
            ) from None


class MelStream:
    """A sound that comes in blocks: the frames of the whole, to the last bit.

    Memory is that of a block and a window. held: the samples that frames to come see. samples: how
    many came.
    """

    def __init__(self, mel: Mel) -> None:
        self._mel = mel
        self._begin()

    def _begin(self) -> None:
        self.held: Samples = np.zeros(self._mel.size // 2 if self._mel.centred else 0, np.float32)
        self.samples = 0

    def add(self, samples: Samples) -> Frames:
        """Frames `[n ≥ 0, bands]` that are complete with these samples `[N]`; ValueError for what
        is no row of finite numbers.
        """
        block = np.asarray(samples, np.float32)
        if block.ndim != 1 or not np.isfinite(block).all():
            raise ValueError(_("expected finite samples of one channel, [N]"))
        self.samples += len(block)
        self.held = np.concatenate([self.held, block])
        return self._taken()

    def finish(self) -> Frames:
        """The frames that only the end completes; the stream then begins anew."""
        mel, found = self._mel, np.empty((0, self._mel.bands), np.float32)
        if mel.centred and self.samples:
            self.held = np.concatenate([self.held, np.zeros(mel.size // 2, np.float32)])
            found = self._taken()
        self._begin()
        return found

    def _taken(self) -> Frames:
        """All frames that are whole, whose steps are then forgotten."""
        mel = self._mel
        count = 1 + (len(self.held) - mel.span) // mel.step if len(self.held) >= mel.span else 0
        parts = [np.empty((0, mel.bands), np.float32), *self._parts(count)]
        self.held = self.held[count * mel.step :].copy()
        return np.concatenate(parts)

    def _parts(self, count: int) -> Iterator[Frames]:
        mel = self._mel
        if count:
            windows = np.lib.stride_tricks.sliding_window_view(self.held, mel.span)
            rows = windows[:: mel.step][:count]
            for start in range(0, count, _AT_ONCE):
                yield mel.logs(rows[start : start + _AT_ONCE])
