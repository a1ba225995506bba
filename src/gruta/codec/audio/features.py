"""What a network reads of a sound: log-mel spectra or cepstra, and how they change."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gruta.codec.audio.cepstra import REACH, around, cepstra
from gruta.codec.audio.mel import Frames, Mel, MelStream, Samples
from gruta.errors import InputError
from gruta.locale import translate as _

_LIFTER = 22.0
"""Kaldi's and HTK's."""


@dataclass(frozen=True)
class Features:
    """mel: the spectra. cepstra: how many of them are kept instead, 0 for the bands themselves.
    deltas: 1 for the slopes as well, 2 for the slopes of these too.
    """

    mel: Mel = field(default_factory=Mel)
    cepstra: int = 0
    deltas: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.cepstra <= self.mel.bands:
            problem = _("expected 0 to {most}, got {count}")
            told = problem.format(most=self.mel.bands, count=self.cepstra)
            raise InputError(cepstra=told)
        if self.deltas not in (0, 1, 2):
            raise InputError(deltas=_("expected 0, 1 or 2, got {count}").format(count=self.deltas))

    @property
    def width(self) -> int:
        """Numbers a frame."""
        return (self.cepstra or self.mel.bands) * (1 + self.deltas)

    @property
    def ahead(self) -> int:
        """Frames to come that one is computed of."""
        return self.deltas * REACH

    def of(self, samples: Samples) -> Frames:
        """`[T, width]` of `[N]`."""
        stream = FeatureStream(self)
        return np.concatenate([stream.add(samples), stream.finish()])

    def still(self, log_mel: Frames) -> Frames:
        """Without slopes."""
        if not self.cepstra:
            return log_mel
        return cepstra(log_mel, self.cepstra, 0.0 if self.mel.centred else _LIFTER)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"mel": self.mel.to_json(), "cepstra": self.cepstra, "deltas": self.deltas}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Features":
        """What `to_json` gave; InputError if it is anything else."""
        try:
            mel = Mel.from_json(content["mel"])
            return cls(mel, int(content["cepstra"]), int(content["deltas"]))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            problem = _("codec.json: not features of sound ({error})")
            raise InputError(problem.format(error=error)) from None


class FeatureStream:
    """A sound that comes in blocks: the features of the whole, to the last bit, each as soon as the
    frames that it is computed of are there.
    """

    def __init__(self, features: Features) -> None:
        self._features, self._mel = features, MelStream(features.mel)
        self._begin()

    def _begin(self) -> None:
        width = self._features.cepstra or self._features.mel.bands
        self._held: Frames = np.empty((0, width), np.float32)  # those that neighbours need
        self._past = 0  # how many of them have been given out

    def add(self, samples: Samples) -> Frames:
        """Features `[n ≥ 0, width]` that are complete with these samples `[N]`."""
        return self._taken(self._mel.add(samples), self._features.ahead)

    def finish(self) -> Frames:
        """Those that only the end completes; the stream then begins anew."""
        found = self._taken(self._mel.finish(), 0)
        self._begin()
        return found

    def _taken(self, log_mel: Frames, ahead: int) -> Frames:
        features = self._features
        frames = features.still(log_mel)
        if not features.deltas:
            return frames
        held = np.concatenate([self._held, frames])
        count = max(len(held) - ahead - self._past, 0)
        if not count:
            self._held = held
            return np.empty((0, features.width), np.float32)
        behind = len(held) - self._past - count
        found = around(held, self._past, behind, features.deltas)
        done = self._past + count
        self._held = held[max(done - features.ahead, 0) :]
        self._past = min(done, features.ahead)
        return found
