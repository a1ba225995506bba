"""A sound for spectra without phases: the baseline of every vocoder."""

import numpy as np
from numpy.typing import NDArray

from gruta.codec.audio.mel import Frames, Mel, Samples
from gruta.codec.audio.spectra import Values, Windows

_ROUNDS, _MOMENTUM = 32, 0.99
_LEAST = 1e-16


def griffin_lim(
    magnitudes: NDArray[np.floating],
    windows: Windows,
    *,
    seed: int = 0,
    rounds: int = _ROUNDS,
    momentum: float = _MOMENTUM,
) -> Samples:
    """Samples `[(T − 1) · step]` whose spectra have about these magnitudes `[T, size/2 + 1]`.

    From phases drawn from the seed, each round takes those of the sound that the spectra make; with
    a momentum (Perraudin, Balazs and Søndergaard 2013; 0 for Griffin and Lim 1984), as librosa's
    `griffinlim`.
    """
    wanted = np.asarray(magnitudes, np.float64)
    turns = np.random.default_rng(seed).random(wanted.shape)
    phases = np.exp(2j * np.pi * turns)
    before = np.zeros_like(phases)
    for _round in range(rounds):
        sound = windows.sound(wanted * phases)
        now = windows.spectra(sound)
        phases = now - momentum / (1 + momentum) * before
        phases /= np.abs(phases) + _LEAST
        before = now
    return windows.sound(wanted * phases).astype(np.float32)


def magnitudes(log_mel: Frames, mel: Mel, rounds: int = 300) -> Values:
    """Magnitudes `[T, size/2 + 1]`, none below 0, whose mel spectra are nearest to these logarithms
    `[T, bands]`: least squares by projected gradients with Nesterov's momentum, each frame by
    itself and in its own unit. What lies outside all bands is silent.
    """
    power = np.exp(np.asarray(log_mel, np.float64))
    unit = np.maximum(power.max(1, keepdims=True), 1e-300)
    matrix = mel.matrix.T
    scale = np.sqrt((matrix**2).sum(1, keepdims=True))
    matrix, wanted = matrix / scale, power / unit / scale.T  # bands weigh alike
    step = 1 / np.linalg.norm(matrix, 2) ** 2
    found = np.maximum(wanted @ np.linalg.pinv(matrix).T, 0.0)
    ahead, speed = found, 1.0
    for _round in range(rounds):
        last = found
        found = np.maximum(ahead - step * (ahead @ matrix.T - wanted) @ matrix, 0.0)
        faster = (1 + np.sqrt(1 + 4 * speed**2)) / 2
        ahead, speed = found + (speed - 1) / faster * (found - last), faster
    return np.asarray(np.sqrt(found * unit))


def sound_of(log_mel: Frames, mel: Mel, *, seed: int = 0, rounds: int = _ROUNDS) -> Samples:
    """Samples `[(T − 1) · step]` of log-mel spectra `[T, bands]`; InputError for Kaldi's."""
    windows = Windows.of(mel)
    return griffin_lim(magnitudes(log_mel, mel), windows, seed=seed, rounds=rounds)
