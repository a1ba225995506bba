"""What the captioner learns from: pictures, each with one of its captions."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gruta.codec.pictures.captions import CaptionCodec
from gruta.codec.text.beam import Beam
from gruta.codec.text.graphemes import beginning, visible
from gruta.codec.text.pairs import PADDING, side_by_side
from gruta.data.order import by_length
from gruta.data.pictures.captioned import Captioned
from gruta.data.pictures.shots import Shot
from gruta.nn.draws import generator
from gruta.nn.writing import loss
from gruta.tasks.caption.head import CaptionHead
from gruta.tasks.caption.memory import near_enough
from gruta.tasks.caption.network import CaptionNetwork
from gruta.tasks.caption.settings import CaptionSettings
from gruta.tasks.caption.vary import varied
from gruta.tasks.caption.written import written
from gruta.train import Batch, Progress, Share, State, Validation, cut

_AT_ONCE = 64
"""Frames of the validation part that are looked at side by side."""
_MOST = 2000
"""Captions of the validation part that are scored."""
_SAMPLES, _SHOWN = 3, 300
_OF_STEP = 1
"""What tells the draws of a step from those of an epoch's order."""

Numbers = NDArray[np.int64]


class CaptionLesson:
    """Batches, loss and validation for `gruta.train.train`."""

    own_draws = True

    def __init__(
        self,
        network: CaptionNetwork,
        codec: CaptionCodec,
        train: Captioned,
        validation: Captioned,
        settings: CaptionSettings,
    ) -> None:
        self.model, self.settings, self._codec = network, settings, codec
        self._parts = train, validation
        self._train = Turns(codec, train)
        self._validation = Examples(codec, validation).first(_MOST)
        self._samples = validation.pick(range(min(len(validation), _SAMPLES)))

    def prepare(self, progress: Progress) -> None:
        """Nothing has to be known before."""

    def batch(self, step: int) -> Batch:
        """Pictures with about as many frames, changed by chance, each with a caption in each
        language. Captions are not sorted by their lengths, which would tell what they say.
        """
        s, frames = self.settings, self._train.frames
        places = by_length(frames, s.batch_size, s.seed, step)
        found = self._train.batch(places, step // -(-len(frames) // s.batch_size))
        draw = np.random.default_rng((s.seed, step, _OF_STEP))
        found["frames"] = varied(found["frames"], s, draw)
        return found

    def shares(self, batch: Batch, count: int) -> Sequence[Share]:
        """Some pictures each; a loss is a mean over the units that are written."""
        rows = {"frames": 0, "lengths": 0, "times": 0, "written": 1, "truth": 1}
        return cut(batch, rows, count, lambda some: float((some["truth"] != PADDING).sum()))

    def loss(self, batch: Batch, state: State | None) -> tuple[Tensor, State | None]:
        """Cross entropy of a unit; nothing is carried."""
        scores, truth = self._scored(batch, hidden=self.settings.word_dropout)
        return loss(scores, truth, self.settings.smoothing), None

    def validate(self) -> Validation:
        """Cross entropy of the validation part; the share of wrong units picks the weights."""
        device = self.model.bias.device
        total, right, count = 0.0, 0, 0
        examples = self._validation
        at_once = max(1, _AT_ONCE // examples.most_frames)
        order = np.argsort(examples.lengths, kind="stable")
        for start in range(0, len(order), at_once):
            batch = examples.batch(order[start : start + at_once])
            scores, truth = self._scored({n: v.to(device) for n, v in batch.items()})
            total += float(loss(scores, truth)) * len(truth)
            right += int((scores.argmax(1) == truth).sum())
            count += len(truth)
        found, share = total / count, right / count
        return Validation(found, {"units_right": share}, criterion=1 - share + 1e-3 * found)

    def _scored(self, batch: Batch, hidden: float = 0.0) -> tuple[Tensor, Tensor]:
        """Of all units that are there the scores `[N, V]`, and which they are `[N]`.

        hidden: the share of those before that are not seen.
        """
        said, truth = batch["written"].flatten(1), batch["truth"].flatten(1)
        if hidden:
            draws = torch.rand(said.shape, generator=generator(said.device), device=said.device)
            draws[0] = 1.0  # what a text begins with tells its language
            said = said.masked_fill(draws < hidden, PADDING)
        states, _attention = self.model.states(
            batch["frames"], batch["lengths"], batch["times"], said
        )
        there = truth != PADDING
        return self.model.scores(states[there]), truth[there]

    def samples(self, step: int) -> Mapping[str, str]:
        """What is said of the first pictures of the validation part."""
        head = self._head()
        language = self._codec.languages[0]
        shots = self._samples.shots
        found = written(head, self._codec, shots, [language] * len(shots), Beam(1))
        return {
            shot.name: visible(beginning(texts[0].text, _SHOWN))
            for shot, texts in zip(shots, found, strict=True)
        }

    def settled(self, codec: CaptionCodec) -> CaptionCodec:
        """The codec, with how near a picture has to be for its caption to be better than what is
        written; see `gruta.tasks.caption.memory`.
        """
        return replace(codec, near=near_enough(self._head(), codec, *self._parts))

    def _head(self) -> CaptionHead:
        weights = {n: w.detach().cpu().numpy() for n, w in self.model.state_dict().items()}
        return CaptionHead(weights, self._codec, self.settings)


class Turns:
    """Pictures in numbers, each with one of its captions in each language at a time, which take
    turns from epoch to epoch: what is folded once is told in all of them.

    frames: of each picture.
    """

    def __init__(self, codec: CaptionCodec, data: Captioned) -> None:
        self._codec, self._shots = codec, data.shots
        self._texts = {
            codec.begin(language): [
                [codec.side.encode(text, codec.longest) for text in texts] for texts in captions
            ]
            for language, captions in data.require_captions().items()
        }
        self.frames = np.array([len(shot.frames) for shot in data.shots])

    def batch(self, places: Sequence[int] | Numbers, epoch: int) -> Batch:
        """Of B pictures what is seen, and of K languages what is written and what was to be
        `[T, B, K]`; where a picture has no caption in a language, nothing was.
        """
        nothing = np.empty(0, np.int64)
        rows = [
            (begin, texts[place][epoch % len(texts[place])] if texts[place] else nothing)
            for place in places
            for begin, texts in self._texts.items()
        ]
        found = _numbers(self._codec, [self._shots[place] for place in places], rows)
        shape = (-1, len(places), len(self._texts))
        return found | {name: found[name].reshape(shape) for name in ("written", "truth")}


class Examples:
    """Pictures, each as often as it has captions, in numbers.

    lengths: by frames, then by units, of each.
    """

    def __init__(self, codec: CaptionCodec, data: Captioned) -> None:
        self._codec, self._shots = codec, data.shots
        self._places, self._begin, self._texts = [], [], list[Numbers]()
        for language, captions in data.require_captions().items():
            for place, texts in enumerate(captions):
                for text in texts:
                    self._places.append(place)
                    self._begin.append(codec.begin(language))
                    self._texts.append(codec.side.encode(text, codec.longest))
        frames = np.array([len(self._shots[place].frames) for place in self._places])
        self.most_frames = int(frames.max())
        self.lengths = frames * (codec.longest + 2) + [len(text) for text in self._texts]

    def first(self, count: int) -> "Examples":
        """No more than so many, evenly over all."""
        if len(self._places) > count:
            at = np.linspace(0, len(self._places) - 1, count).astype(int)
            for name in ("_places", "_begin", "_texts"):
                setattr(self, name, [getattr(self, name)[i] for i in at])
            self.lengths = self.lengths[at]
        return self

    def batch(self, places: Sequence[int] | Numbers) -> Batch:
        """Of these examples what is seen, what is written, and what was to be."""
        shots = [self._shots[self._places[i]] for i in places]
        return _numbers(self._codec, shots, [(self._begin[i], self._texts[i]) for i in places])


def _numbers(
    codec: CaptionCodec, shots: Sequence[Shot], rows: Sequence[tuple[int, Numbers]]
) -> Batch:
    """What is seen of shots and, of each row, what its text begins with, what is written and what
    was to be `[T, ·]`.
    """
    frames, lengths, times = codec.read(shots)
    truth, _lengths = side_by_side([text for _begin, text in rows])
    before = np.concatenate((np.array([[begin for begin, _text in rows]]), truth[:-1]))
    before[1:][truth[1:] == PADDING] = PADDING
    found = {"frames": frames, "lengths": lengths, "times": times}
    found |= {"written": before, "truth": truth}
    return {name: torch.from_numpy(values) for name, values in found.items()}
