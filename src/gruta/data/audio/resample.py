"""A sound at another rate, by soxr in float32: no gain, no delay."""

import numpy as np
import soxr

from gruta.codec.audio.mel import Samples

LOWEST, HIGHEST = 1_000, 384_000
"""Samples a second that are read."""


class Resampler:
    """A sound that comes in blocks, to the same samples whatever the blocks are.

    Of N samples it makes N · into / rate, to the nearest whole number. Frequencies that the new
    rate cannot hold are left out. float32 goes in and comes out: on int16 soxr adds noise.
    """

    def __init__(self, rate: float, into: float) -> None:
        self._soxr = None
        if rate != into:
            self._soxr = soxr.ResampleStream(rate, into, 1, dtype="float32")

    def add(self, samples: Samples) -> Samples:
        """What is complete with these samples `[N]`."""
        return samples if self._soxr is None else self._soxr.resample_chunk(samples)

    def finish(self) -> Samples:
        """The rest."""
        none = np.empty(0, np.float32)
        return none if self._soxr is None else self._soxr.resample_chunk(none, last=True)


def resampled(samples: Samples, rate: float, into: float) -> Samples:
    """A whole sound `[N]`."""
    stream = Resampler(rate, into)
    return np.concatenate([stream.add(np.ascontiguousarray(samples, np.float32)), stream.finish()])
