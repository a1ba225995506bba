"""What the speaker learns from: recordings of about one length, and what is said in them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gruta.codec.audio.mel import Frames
from gruta.codec.audio.saying import SayingCodec
from gruta.codec.text.graphemes import visible
from gruta.data.audio.recordings import Recordings
from gruta.data.order import by_length
from gruta.locale import translate as _
from gruta.tasks.sounds import Sounds
from gruta.tasks.speak.network import SpeakNetwork, loss
from gruta.tasks.speak.parts import spectrum
from gruta.tasks.speak.reading import Reader
from gruta.tasks.speak.settings import SpeakSettings
from gruta.train import Batch, Progress, Share, State, Validation, cut

_AT_ONCE, _MOST, _SAMPLES, _NAMED = 16, 400, 3, 20

Numbers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Saying:
    """A text's numbers `[S]`, and the frames `[T · together, bands]` in which it is said."""

    numbers: Numbers
    frames: Frames

    @classmethod
    def of(cls, codec: SayingCodec, numbers: Numbers, log_mel: Frames) -> "Saying":
        """What is missing of the last step is silence."""
        short = -len(log_mel) % codec.together
        whole = np.pad(log_mel, ((0, short), (0, 0)), constant_values=codec.floor)
        return cls(numbers, codec.encode(whole))


class SpeakLesson:
    """Batches, loss and validation for `gruta.train.train`."""

    own_draws = True

    def __init__(
        self,
        network: SpeakNetwork,
        reader: Reader,
        train: Recordings,
        validation: Recordings,
        settings: SpeakSettings,
    ) -> None:
        self.model, self.settings, self._codec = network, settings, reader.codec
        self._train = _Sayings(reader, train)
        kept = _Sayings(reader, validation.pick(range(min(len(validation), _MOST))))
        self._notes = list(_notes(reader, [*train.texts, *kept.texts]))
        self._validation = [kept.saying(i) for i in range(len(kept.texts))]
        self._texts = kept.texts

    def prepare(self, progress: Progress) -> None:
        """Nothing has to be known before, but for what is read otherwise than it is written."""
        for note in self._notes:
            progress.note(note)

    def batch(self, step: int) -> Batch:
        """Recordings of about one length."""
        s = self.settings
        places = by_length(self._train.lengths, s.batch_size, s.seed, step)
        return together(self._codec, [self._train.saying(i) for i in places.tolist()])

    def shares(self, batch: Batch, count: int) -> Sequence[Share]:
        """Some recordings each; a loss is a mean over steps, but for the pace, one over texts."""
        rows = {"text": 1, "lengths": 0, "wanted": 1, "before": 1, "counts": 0}
        found = cut(batch, rows, count, lambda some: float(some["counts"].sum()))
        texts = len(batch["counts"])
        for own, weight in found:
            if weight:
                own["paces"] = torch.tensor(len(own["counts"]) / texts / weight)
        return found

    def loss(self, batch: Batch, state: State | None) -> tuple[Tensor, State | None]:
        """How far its frames are off; nothing is carried."""
        inputs = (batch[name] for name in ("text", "lengths", "before", "counts"))
        paces = float(batch["paces"]) if "paces" in batch else 1.0
        return loss(self.model(*inputs), batch["wanted"], batch["counts"], paces), None

    @torch.no_grad()
    def validate(self) -> Validation:
        """The loss of the validation part, and how much of the attention lies on one unit."""
        device = self.model.frames.weight.device
        total, sharp, count = 0.0, 0.0, 0
        order = np.argsort([len(one.frames) for one in self._validation], kind="stable")
        for start in range(0, len(order), _AT_ONCE):
            some = [self._validation[i] for i in order[start : start + _AT_ONCE]]
            batch = {n: v.to(device) for n, v in together(self._codec, some).items()}
            inputs = (batch[name] for name in ("text", "lengths", "before", "counts"))
            found = self.model(*inputs)
            steps = int(batch["counts"].sum())
            total += float(loss(found, batch["wanted"], batch["counts"])) * steps
            inside = torch.arange(len(found[0]), device=device)[:, None] < batch["counts"]
            sharp += float(found[2].amax(2)[inside].sum())
            count += steps
        return Validation(total / count, {"attention_focus": sharp / count})

    @torch.no_grad()
    def samples(self, step: int) -> Mapping[str, str]:
        """Of the first recordings of the validation part, the unit that each step looks at."""
        device = self.model.frames.weight.device
        found = {}
        for text, one in list(zip(self._texts, self._validation, strict=True))[:_SAMPLES]:
            batch = {n: v.to(device) for n, v in together(self._codec, [one]).items()}
            inputs = (batch[name] for name in ("text", "lengths", "before", "counts"))
            weights = self.model(*inputs)[2]
            places = weights[:, 0].argmax(1).cpu().numpy()
            units = self._codec.units
            at = units.joined([units.written(int(k)) for k in one.numbers[places]])
            found[visible(text)] = visible(at.replace("\n", "¶"))
        return found


def _notes(reader: Reader, texts: Sequence[str]) -> Iterator[str]:
    for told, found in (
        (_("Words without phonemes, which are not read: {signs}"), reader.unsaid),
        (_("Letters that the model of phonemes was not trained on: {signs}"), reader.unseen),
    ):
        signs = list(dict.fromkeys(one for text in texts for one in found(text)))
        if signs:
            more = ["…"] if len(signs) > _NAMED else []
            yield told.format(signs=visible(" ".join([*signs[:_NAMED], *more])))


class _Sayings:
    """Recordings as they are learned from; in memory while there is room."""

    def __init__(self, reader: Reader, recordings: Recordings) -> None:
        self._codec, self._sounds = reader.codec, Sounds(recordings, reader.codec.mel)
        self.texts = recordings.texts
        self._numbers = reader.numbers(self.texts)
        self.lengths = self._sounds.frames()
        self._made: dict[int, Saying] = {}

    def saying(self, i: int) -> Saying:
        """One."""
        if i in self._made:
            return self._made[i]
        found = Saying.of(self._codec, self._numbers[i], spectrum(self._sounds, i))
        if self._sounds.keeps(i):
            self._made[i] = found
        return found


def together(codec: SayingCodec, sayings: Sequence[Saying]) -> Batch:
    """text `[S, B]` with lengths `[B]`; wanted `[T, B, together · bands]`, steps counts `[B]`, and
    of each step the frame before it `[T, B, bands]`.
    """
    r, bands = codec.together, codec.mel.bands
    lengths = np.array([len(one.numbers) for one in sayings])
    counts = np.array([len(one.frames) // r for one in sayings])
    text = np.zeros((int(lengths.max()), len(sayings)), np.int64)
    wanted = np.zeros((int(counts.max()), len(sayings), r * bands), np.float32)
    for b, one in enumerate(sayings):
        text[: lengths[b], b] = one.numbers
        wanted[: counts[b], b] = one.frames.reshape(counts[b], -1)
    before = np.concatenate((np.zeros_like(wanted[:1, :, -bands:]), wanted[:-1, :, -bands:]))
    arrays = {"text": text, "lengths": lengths, "wanted": wanted, "counts": counts}
    return {name: torch.from_numpy(a) for name, a in (arrays | {"before": before}).items()}
