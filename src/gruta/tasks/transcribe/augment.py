"""How a recording differs each time that it is learned from."""

import numpy as np

from gruta.codec.audio.mel import Frames, Samples
from gruta.codec.audio.speech import SpeechCodec
from gruta.data.audio.augment import at_speed, spec_augment
from gruta.data.audio.recordings import Recordings
from gruta.tasks.transcribe.settings import TranscribeSettings

_MOST_KEPT = 2**27
"""Samples or numbers of all recordings that are kept in memory, at most."""


class Changes:
    """Recordings as the network reads them: faster or slower, with noise, and partly hidden."""

    def __init__(
        self, recordings: Recordings, codec: SpeechCodec, settings: TranscribeSettings
    ) -> None:
        self._recordings, self._codec, self._settings = recordings, codec, settings
        self._kept: dict[int, Samples | Frames] = {}
        self._room = _MOST_KEPT

    def drawn(self, i: int, step: int, row: int, fewest: int) -> Frames:
        """One recording `[T, C]`, of `fewest` frames or more if it has them at its own speed; drawn
        for a row of a step's batch.
        """
        s, codec = self._settings, self._codec
        draw = np.random.default_rng((s.seed, step, row))
        factor = 1 + s.speed * (2 * draw.random() - 1) if s.speed else 1.0
        held = self._held(i)
        frames = held if codec.mel is None else self._mel(held, factor)
        if codec.mel is None and factor != 1:
            frames = stretched(held, factor)
        if len(frames) < fewest:
            frames = held if codec.mel is None else codec.mel.of(held)
        x = codec.encode(frames)
        if s.noise:
            x = x + np.float32(s.noise) * draw.standard_normal(x.shape, np.float32)
        return spec_augment(
            x,
            s.seed,
            step,
            row,
            stretches=s.masks,
            frames=len(x),
            share=s.mask_share,
            bands=0 if codec.mel is None else s.masks,
            wide=round(2 * s.mask_share * x.shape[1]),
        )

    def _mel(self, samples: Samples, factor: float) -> Frames:
        mel = self._codec.mel
        assert mel is not None
        if factor == 1:
            return mel.of(samples)
        return mel.of(at_speed(samples, mel.rate, factor))

    def _held(self, i: int) -> Samples | Frames:
        """Samples or features of one recording, as they are."""
        if i in self._kept:
            return self._kept[i]
        mel = self._codec.mel
        found = (
            self._recordings.features(i) if mel is None else self._recordings.samples(i, mel.rate)
        )
        if found.size <= self._room:
            self._kept[i] = found
            self._room -= found.size
        return found


def stretched(frames: Frames, factor: float) -> Frames:
    """`[T, C]` so many times as fast, between frames in proportion."""
    count = max(round(len(frames) / factor), 1)
    places = np.linspace(0, len(frames) - 1, count)
    below = np.minimum(places.astype(np.int64), max(len(frames) - 2, 0))
    above = np.minimum(below + 1, len(frames) - 1)
    share = (places - below)[:, None].astype(np.float32)
    found: Frames = frames[below] * (1 - share) + frames[above] * share
    return found
