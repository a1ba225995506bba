"""What a vocoder knows but for its weights: how spectra enter, and how samples are told."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.codec.audio.mel import Frames, Mel, Samples
from gruta.codec.audio.prediction import RANGE, Prediction, levels, predicted
from gruta.codec.audio.waveform import LEVELS
from gruta.codec.scaler import Scaler
from gruta.errors import InputError
from gruta.locale import translate as _

AROUND = 2
"""Frames before and behind one that are read with it."""

SILENCE = LEVELS // 2


@dataclass(frozen=True, eq=False)
class Read:
    """F frames of a sound as the network reads them, `step` samples each.

    frames: `[F + 2 · AROUND, bands]`. before: the level of the sample before each, `[F · step]`.
    beside: `[F · step, 2]`, what is predicted and the sample before, in units of g. truth: levels.
    """

    frames: Frames
    before: NDArray[np.int64]
    beside: NDArray[np.float32]
    truth: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class VocoderCodec:
    """What codec.json holds.

    mel: the spectra that enter. scaler: of their bands, over the training part. order: how many
    samples back the linear prediction looks.
    """

    mel: Mel
    scaler: Scaler
    order: int

    @property
    def rate(self) -> int:
        """Samples a second that are made."""
        return self.mel.rate

    def around(self, log_mel: Frames) -> Frames:
        """`[T + 2 · AROUND, bands]` of a whole sound `[T, bands]`, as the network reads it."""
        scaled = self.scaler.encode(log_mel).astype(np.float32)
        return np.pad(scaled, ((AROUND, AROUND), (0, 0)), "edge")

    def predicts(self, log_mel: Frames) -> Prediction:
        """Of each frame."""
        return Prediction.of(log_mel, self.mel, self.order)

    def cut(self, samples: Samples, frames: int) -> NDArray[np.float64]:
        """Samples `[order + frames · step]`, so that those of a frame lie around its middle, with
        zeros before the first and behind the last.
        """
        step = self.mel.step
        room = np.zeros(self.order + frames * step)
        first = self.order + step // 2
        some = samples[: len(room) - first]
        room[first : first + len(some)] = some
        return room

    def read(
        self,
        samples: NDArray[np.float64],
        around: Frames,
        prediction: Prediction,
        noise: NDArray[np.float64] | None = None,
    ) -> Read:
        """A stretch of F frames: samples `[order + F · step]`, spectra `[F + 2 · AROUND, bands]`.

        noise: `[order + F · step]`, in units of g, added to what a sample is predicted from, not to
        what it is to be: so a network learns to come back from what it makes.
        """
        each = prediction.each(self.mel.step)
        heard = samples
        if noise is not None:
            g = np.concatenate((np.full(self.order, each.g[0]), each.g))
            heard = samples + noise * g
        p = predicted(heard[:-1], each.a)
        e = (samples[self.order :] - p) / each.g
        found = levels(e).astype(np.int64)
        before = np.concatenate(([SILENCE], found[:-1]))
        beside = np.stack((p, heard[self.order - 1 : -1]), 1) / each.g[:, None]
        return Read(around, before, squeezed(beside), found)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "mel": self.mel.to_json(),
            "scaler": self.scaler.to_json(),
            "order": self.order,
            "range": RANGE,
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "VocoderCodec":
        """What `to_json` gave; InputError if it is anything else."""
        try:
            mel, scaler = Mel.from_json(content["mel"]), Scaler.from_json(content["scaler"])
            found = cls(mel, scaler, int(content["order"]))
            whole = len(scaler.mean) == mel.bands and mel.centred and 0 < found.order <= 64
            if not whole or content["range"] != RANGE:
                raise ValueError(_("expected a scale for each band, and an order up to 64"))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            if isinstance(error, InputError):
                raise
            problem = _("codec.json: not a vocoder's ({error})")
            raise InputError(problem.format(error=error)) from error
        return found


def squeezed(beside: NDArray[np.floating]) -> NDArray[np.float32]:
    """x / (1 + |x| / 8) / 4: numbers of any size, of which small ones keep their proportions."""
    x = np.asarray(beside, np.float32)
    return np.asarray(x / (4 + np.abs(x) / 2), np.float32)
