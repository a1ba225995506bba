"""What the recogniser learns from: recordings of about one length, changed a little each time."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gruta.codec.audio.ctc import Numbers, frames_needed, greedy, log_softmax
from gruta.codec.audio.mel import Frames
from gruta.codec.audio.speech import SpeechCodec
from gruta.codec.text.graphemes import visible
from gruta.data.audio.recordings import Recordings
from gruta.data.order import by_length
from gruta.tasks.transcribe.augment import Changes
from gruta.tasks.transcribe.errors import errors_of
from gruta.tasks.transcribe.network import TranscribeNetwork, loss
from gruta.tasks.transcribe.parts import counted, frames_of, truths
from gruta.tasks.transcribe.settings import TranscribeSettings
from gruta.train import Batch, Progress, Share, State, Validation, cut

_AT_ONCE = 32
_MOST = 1000
"""Recordings of the validation part that are heard."""
_SAMPLES = 4


class TranscribeLesson:
    """Batches, loss and validation for `gruta.train.train`."""

    own_draws = True

    def __init__(
        self,
        network: TranscribeNetwork,
        codec: SpeechCodec,
        train: Recordings,
        validation: Recordings,
        settings: TranscribeSettings,
    ) -> None:
        self.model, self.settings, self.codec = network, settings, codec
        self.train = train
        self.texts = truths(codec, train)
        self._changes = Changes(train, codec, settings)
        self._lengths = np.array([counted(one, codec.mel) for one in train.utterances])
        self.kept = validation.pick(range(min(len(validation), _MOST)))
        self.truth = truths(codec, self.kept)
        self.expected = [codec.spell(text) for text in self.kept.texts]
        self._validation = [
            codec.encode(frames_of(self.kept, i, codec.mel)) for i in range(len(self.kept))
        ]

    def prepare(self, progress: Progress) -> None:
        """Nothing has to be known before."""

    def batch(self, step: int) -> Batch:
        """Recordings of about one length, each changed as this step draws it."""
        s = self.settings
        places = by_length(self._lengths, s.batch_size, s.seed, step)
        frames, texts = [], []
        for row, i in enumerate(places.tolist()):
            text = self.texts[i]
            frames.append(self._changes.drawn(i, step, row, self._fewest(text)))
            texts.append(text)
        return together(frames, texts)

    def _fewest(self, text: Numbers) -> int:
        """Frames that a text needs before the first layers."""
        needed = max(frames_needed(text), 1)
        return (needed - 1) * self.settings.stride + 1

    def shares(self, batch: Batch, count: int) -> Sequence[Share]:
        """Some recordings each; a loss is a mean over their characters."""
        rows = {"x": 1, "lengths": 0, "truth": 0, "counts": 0}
        return cut(batch, rows, count, lambda some: float(some["counts"].sum().clamp(min=1)))

    def loss(self, batch: Batch, state: State | None) -> tuple[Tensor, State | None]:
        """Nats a character; nothing is carried."""
        scores, lengths = self.model(batch["x"], batch["lengths"])
        nats = loss(scores, lengths, batch["truth"], batch["counts"])
        return nats.sum() / batch["counts"].sum().clamp(min=1), None

    @torch.no_grad()
    def scores(self) -> list[NDArray[np.float32]]:
        """`[T', V]` of each recording of the validation part."""
        device = self.model.output.weight.device
        network = self.model.eval()
        found: dict[int, NDArray[np.float32]] = {}
        order = np.argsort([len(one) for one in self._validation], kind="stable")
        for start in range(0, len(order), _AT_ONCE):
            some = [int(i) for i in order[start : start + _AT_ONCE]]
            batch = together([self._validation[i] for i in some], [self.truth[i] for i in some])
            scores, lengths = network(batch["x"].to(device), batch["lengths"].to(device))
            for b, i in enumerate(some):
                found[i] = scores[: lengths[b], b].cpu().numpy()
        return [found[i] for i in range(len(found))]

    def validate(self) -> Validation:
        """Nats a character of the validation part; the character error rate picks the weights."""
        scores = self.scores()
        total = 0.0
        for own, truth in zip(scores, self.truth, strict=True):
            one = torch.from_numpy(own)[:, None]
            counts = torch.tensor([len(truth)])
            truth_of_one = torch.from_numpy(truth)[None]
            total += float(loss(one, torch.tensor([len(own)]), truth_of_one, counts)[0])
        found = total / max(sum(map(len, self.truth)), 1)
        self._heard = [self.codec.text(greedy(own)) for own in scores]
        errors = errors_of(self.expected, self._heard)
        rates = {"character_error": errors.cer, "word_error": errors.wer}
        return Validation(found, rates, criterion=errors.cer + 1e-3 * found)

    def samples(self, step: int) -> Mapping[str, str]:
        """What is heard in the first recordings of the validation part."""
        some = list(zip(self.kept.utterances, self.expected, self._heard, strict=True))
        return {
            visible(f"{one.name} “{expected}”"): visible(heard)
            for one, expected, heard in some[:_SAMPLES]
        }

    def log_probabilities(self) -> list[NDArray[np.float64]]:
        """`[T', V]` of each recording of the validation part."""
        return [log_softmax(own) for own in self.scores()]


def together(frames: list[Frames], texts: list[Numbers]) -> Batch:
    """x `[T, B, C]` and truth `[B, U]`, zeros behind their ends, and how long all are."""
    lengths, counts = (np.array([len(one) for one in part]) for part in (frames, texts))
    x = np.zeros((int(lengths.max()), len(frames), frames[0].shape[1]), np.float32)
    truth = np.zeros((len(texts), max(int(counts.max()), 1)), np.int64)
    for b, (own, text) in enumerate(zip(frames, texts, strict=True)):
        x[: len(own), b], truth[b, : len(text)] = own, text
    arrays = {"x": x, "lengths": lengths, "truth": truth, "counts": counts}
    return {name: torch.from_numpy(values) for name, values in arrays.items()}
