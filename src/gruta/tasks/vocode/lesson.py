"""What the vocoder learns from: stretches of sound, with what it would have made before them."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gruta.codec.audio.prediction import Prediction
from gruta.codec.audio.vocoder import AROUND, Read, VocoderCodec
from gruta.data.audio.recordings import Recordings
from gruta.tasks.sounds import Sounds
from gruta.tasks.vocode.network import VocodeNetwork, loss
from gruta.tasks.vocode.settings import VocodeSettings
from gruta.train import Batch, Progress, Share, State, Validation, cut

_VALIDATED, _AT_ONCE = 96, 32
"""Stretches of the validation part, and how many are computed side by side."""


class VocodeLesson:
    """Batches, loss and validation for `gruta.train.train`."""

    own_draws = True

    def __init__(
        self,
        network: VocodeNetwork,
        codec: VocoderCodec,
        train: Recordings,
        validation: Recordings,
        settings: VocodeSettings,
    ) -> None:
        self.model, self.settings = network, settings
        self._train = Stretches(codec, train, settings.frames)
        kept = Stretches(codec, validation, settings.frames)
        at = np.linspace(0, max(kept.size - 1, 0), _VALIDATED).astype(np.int64)
        self._validation = [kept.read(int(place)) for place in np.unique(at)]

    def prepare(self, progress: Progress) -> None:
        """Nothing has to be known before."""

    def batch(self, step: int) -> Batch:
        """Stretches from all over the training part, as this step draws them."""
        s = self.settings
        draw = np.random.default_rng((s.seed, step))
        places = draw.integers(0, self._train.size, s.batch_size)
        return together([self._train.read(int(k), draw, s.noise) for k in places])

    def shares(self, batch: Batch, count: int) -> Sequence[Share]:
        """Some stretches each; a loss is a mean over the samples that there are."""
        return cut(
            batch, dict.fromkeys(batch, 1), count, lambda some: float((some["truth"] >= 0).sum())
        )

    def loss(self, batch: Batch, state: State | None) -> tuple[Tensor, State | None]:
        """Nats a sample; nothing is carried."""
        scores = self.model(batch["frames"], batch["before"], batch["beside"])
        return loss(scores, batch["truth"]), None

    @torch.no_grad()
    def validate(self) -> Validation:
        """Nats a sample of the validation part."""
        device = self.model.output.weight.device
        total, count = 0.0, 0
        for start in range(0, len(self._validation), _AT_ONCE):
            batch = together(self._validation[start : start + _AT_ONCE])
            some = int((batch["truth"] >= 0).sum())
            found, _state = self.loss({n: v.to(device) for n, v in batch.items()}, None)
            total += float(found) * some
            count += some
        return Validation(total / max(count, 1))

    def samples(self, step: int) -> Mapping[str, str]:
        """Sounds are no text."""
        return {}


class Stretches:
    """Stretches of so many frames of recordings, by the place of their first frame among all."""

    def __init__(self, codec: VocoderCodec, recordings: Recordings, frames: int) -> None:
        self._codec, self._frames = codec, frames
        self._sounds = Sounds(recordings, codec.mel)
        self._made: dict[int, tuple[NDArray[np.float64], NDArray[np.float32], Prediction]] = {}
        starts = np.maximum(self._sounds.frames() - frames + 1, 1)
        self._ends = starts.cumsum()
        self.size = int(self._ends[-1])

    def _of(self, i: int) -> tuple[NDArray[np.float64], NDArray[np.float32], Prediction]:
        if i not in self._made:
            samples, log_mel = self._sounds.both(i)
            codec = self._codec
            made = codec.cut(samples, len(log_mel)), codec.around(log_mel), codec.predicts(log_mel)
            if not self._sounds.keeps(i):
                return made
            self._made[i] = made
        return self._made[i]

    def read(self, place: int, draw: np.random.Generator | None = None, noise: float = 0.0) -> Read:
        """One; of a recording that is shorter all there is."""
        codec, step = self._codec, self._codec.mel.step
        i = int(np.searchsorted(self._ends, place, "right"))
        samples, around, prediction = self._of(i)
        first = place - (int(self._ends[i - 1]) if i else 0)
        first = min(first, max(len(prediction.g) - self._frames, 0))
        last = min(first + self._frames, len(prediction.g))
        own = Prediction(prediction.a[first:last], prediction.g[first:last])
        some = samples[first * step : last * step + codec.order]
        added = None
        if draw is not None and noise:
            added = draw.standard_normal(len(some)) * (noise * 2 * draw.random())
        return codec.read(some, around[first : last + 2 * AROUND], own, added)


def together(parts: Sequence[Read]) -> Batch:
    """Side by side; behind the end of one, levels of silence, and no truth."""
    T, F = max(len(one.truth) for one in parts), max(len(one.frames) for one in parts)
    B, bands = len(parts), parts[0].frames.shape[1]
    frames = np.zeros((F, B, bands), np.float32)
    before = np.full((T, B), 128, np.int64)
    beside = np.zeros((T, B, 2), np.float32)
    truth = np.full((T, B), -1, np.int64)
    for b, one in enumerate(parts):
        frames[: len(one.frames), b] = one.frames
        n = len(one.truth)
        before[:n, b], beside[:n, b], truth[:n, b] = one.before, one.beside, one.truth
    arrays = {"frames": frames, "before": before, "beside": beside, "truth": truth}
    return {name: torch.from_numpy(values) for name, values in arrays.items()}
