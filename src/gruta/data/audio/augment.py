"""Recordings changed a little each time that they are learned from.

All that is drawn is a function of the seed, the step and the row of the batch, so a training that
goes on draws what it would have drawn, and a row never depends on its neighbours.
"""

from collections.abc import Sequence

import numpy as np

from gruta.codec.audio.mel import Frames, Samples
from gruta.data.audio.resample import resampled

_SPEC, _SPEED, _NOISE = 1, 2, 3
"""What tells the draws of one change from those of another."""

SPEEDS = (0.9, 1.0, 1.1)


def _draw(kind: int, seed: int, step: int, row: int) -> np.random.Generator:
    return np.random.default_rng((seed, step, row, kind))


def spec_augment(
    features: Frames,
    seed: int,
    step: int,
    row: int = 0,
    *,
    stretches: int = 2,
    frames: int = 25,
    bands: int = 2,
    wide: int = 8,
    share: float = 0.2,
    fill: float = 0.0,
) -> Frames:
    """A copy of `[T, C]` with some stretches of time and of neighbouring channels blotted out, as
    SpecAugment does (Park et al. 2019), without its warping of time.

    stretches, of 0 to `frames` frames each, and none of more than `share` of all; bands, of 0 to
    `wide` channels each. fill: what stands there; 0 is the mean of features that are scaled.
    """
    found, draw = features.copy(), _draw(_SPEC, seed, step, row)
    length, width = features.shape
    most = min(frames, int(share * length))
    for _stretch in range(stretches):
        size = int(draw.integers(0, most + 1))
        start = int(draw.integers(0, max(length - size, 0) + 1))
        found[start : start + size] = fill
    for _band in range(bands):
        size = int(draw.integers(0, min(wide, width) + 1))
        start = int(draw.integers(0, width - size + 1))
        found[:, start : start + size] = fill
    return found


def speed(seed: int, step: int, row: int = 0, speeds: Sequence[float] = SPEEDS) -> float:
    """One of them."""
    return float(speeds[int(_draw(_SPEED, seed, step, row).integers(len(speeds)))])


def at_speed(samples: Samples, rate: int, factor: float) -> Samples:
    """`[N / factor]` of `[N]`: faster and higher for a factor above 1 (Ko et al. 2015)."""
    return resampled(samples, rate * factor, rate)


def with_noise(
    samples: Samples,
    seed: int,
    step: int,
    row: int = 0,
    *,
    lowest: float = 10.0,
    highest: float = 30.0,
    noise: Samples | None = None,
) -> Samples:
    """With noise below it by decibels that are drawn from `lowest` to `highest`, of the power of
    all samples; silence stays silence, and nothing is cut off at full scale.

    noise: `[M]` to take, from a place that is drawn and from its start again where it ends; None
    for noise of even power at all frequencies.
    """
    draw = _draw(_NOISE, seed, step, row)
    below = float(draw.uniform(lowest, highest))
    power = float(np.square(samples, dtype=np.float64).mean()) if len(samples) else 0.0
    if noise is None:
        added = draw.standard_normal(len(samples))
    elif len(noise):
        start = int(draw.integers(len(noise)))
        added = noise[(start + np.arange(len(samples))) % len(noise)].astype(np.float64)
    else:
        return samples.copy()
    own = float(np.square(added).mean()) if len(added) else 0.0
    if not power or not own:
        return samples.copy()
    gain = np.sqrt(power / own) * 10 ** (-below / 20)
    return np.asarray(samples + gain * added, np.float32)
