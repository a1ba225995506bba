"""What the translator learns from: pairs whose texts are about as long."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gruta.codec.text.beam import Beam
from gruta.codec.text.graphemes import beginning, visible
from gruta.codec.text.pairs import END, PADDING, PairCodec, side_by_side
from gruta.data.order import by_length
from gruta.data.pairs import Pairs
from gruta.nn.draws import generator
from gruta.nn.writing import loss
from gruta.tasks.translate.head import TranslateHead
from gruta.tasks.translate.network import TranslateNetwork
from gruta.tasks.translate.settings import TranslateSettings
from gruta.tasks.translate.written import written
from gruta.train import Batch, Progress, Share, State, Validation, cut

_AT_ONCE = 64
_MOST = 4000
"""Pairs of the validation part that are scored."""
_SAMPLES, _SHOWN = 3, 300

Numbers = NDArray[np.int64]


class TranslateLesson:
    """Batches, loss and validation for `gruta.train.train`."""

    own_draws = True

    def __init__(
        self,
        network: TranslateNetwork,
        codec: PairCodec,
        train: Pairs,
        validation: Pairs,
        settings: TranslateSettings,
    ) -> None:
        self.model, self.settings, self._codec = network, settings, codec
        self._train = encoded(codec, train)
        kept = validation.pick(range(min(len(validation), _MOST)))
        x, y = encoded(codec, kept)
        order = np.argsort([len(one) for one in y], kind="stable")
        self._validation = [x[i] for i in order], [y[i] for i in order]
        self._samples = kept.pick(range(min(len(kept), _SAMPLES)))
        read, said = (np.array([len(one) for one in side]) for side in self._train)
        self._lengths = said * (read.max() + 1) + read  # by what is written, then by what is read

    def prepare(self, progress: Progress) -> None:
        """Nothing has to be known before."""

    def batch(self, step: int) -> Batch:
        """Pairs whose texts are about as long."""
        s = self.settings
        places = by_length(self._lengths, s.batch_size, s.seed, step)
        found = _together([[texts[i] for i in places] for texts in self._train])
        if s.sampling:
            found["share"] = torch.tensor(s.sampling * step / s.steps)
        return found

    def shares(self, batch: Batch, count: int) -> Sequence[Share]:
        """Some pairs each; a loss is a mean over the units that are written."""
        rows = {"x": 1, "lengths": 0, "written": 1, "truth": 1}
        return cut(batch, rows, count, lambda some: float((some["truth"] != PADDING).sum()))

    def loss(self, batch: Batch, state: State | None) -> tuple[Tensor, State | None]:
        """Cross entropy of a unit; nothing is carried."""
        written = batch["written"]
        if "share" in batch:
            written = self._as_it_writes(batch, float(batch["share"]))
        truth = batch["truth"]
        states, _attention = self.model.states(batch["x"], batch["lengths"], written)
        there = truth != PADDING
        scores = self.model.scores(states[there])
        return loss(scores, truth[there], self.settings.smoothing), None

    @torch.no_grad()
    def _as_it_writes(self, batch: Batch, share: float) -> Tensor:
        """What is read by who writes, of which a share is what the network says there, in two
        passes (Mihaylova and Martins 2019, arXiv:1906.07651).
        """
        written = batch["written"]
        scores, _attention = self.model(batch["x"], batch["lengths"], written)
        scores[..., PADDING] = -torch.inf
        said = torch.cat((written[:1], scores.argmax(2)[:-1]))
        draws = torch.rand(
            written.shape, generator=generator(written.device), device=written.device
        )
        swapped = (draws < share) & (written != PADDING)
        swapped[0] = False
        return torch.where(swapped, said, written)

    def validate(self) -> Validation:
        """Cross entropy of the validation part; the share of wrong units picks the weights."""
        device = self.model.bias.device
        total, right, count = 0.0, 0, 0
        sources, targets = self._validation
        for start in range(0, len(sources), _AT_ONCE):
            some = slice(start, start + _AT_ONCE)
            batch = {n: v.to(device) for n, v in _together([sources[some], targets[some]]).items()}
            states, _attention = self.model.states(batch["x"], batch["lengths"], batch["written"])
            there = batch["truth"] != PADDING
            scores, truth = self.model.scores(states[there]), batch["truth"][there]
            total += float(loss(scores, truth)) * len(truth)
            right += int((scores.argmax(1) == truth).sum())
            count += len(truth)
        found, share = total / count, right / count
        return Validation(found, {"units_right": share}, criterion=1 - share + 1e-3 * found)

    def samples(self, step: int) -> Mapping[str, str]:
        """What the first texts of the validation part become."""
        weights = {n: w.detach().cpu().numpy() for n, w in self.model.state_dict().items()}
        head = TranslateHead(weights, self._codec, self.settings)
        found = written(head, self._codec, self._samples.sources, Beam(1))
        return {
            visible(source): visible(beginning(texts[0].text, _SHOWN))
            for source, texts in zip(self._samples.sources, found, strict=True)
        }


def encoded(codec: PairCodec, pairs: Pairs) -> tuple[list[Numbers], list[Numbers]]:
    """Both sides in numbers; of the targets all."""
    targets = pairs.require_targets()
    longest = 2 * codec.longest
    return codec.sources(pairs.sources), [codec.target.encode(text, longest) for text in targets]


def _together(sides: Sequence[Sequence[Numbers]]) -> Batch:
    """What is read and what is written, of several pairs side by side."""
    x, lengths = side_by_side(sides[0])
    truth, _lengths = side_by_side(sides[1])
    before = np.concatenate((np.full((1, truth.shape[1]), END), truth[:-1]))
    before[1:][truth[:-1] == END] = PADDING
    found = {"x": x, "lengths": lengths, "written": before, "truth": truth}
    return {name: torch.from_numpy(values) for name, values in found.items()}
