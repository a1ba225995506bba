"""What the classifier learns from: cases of about one length at a time."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gruta.codec.classes import ClassCodec
from gruta.data.labelled import Cases
from gruta.data.order import by_length
from gruta.tasks.classify.network import ClassifyNetwork, loss
from gruta.tasks.classify.settings import ClassifySettings
from gruta.train import Batch, Progress, Share, State, Validation, by_rows, cut

_AT_ONCE = 256


class ClassifyLesson:
    """Batches, loss and validation for `gruta.train.train`."""

    own_draws = True

    def __init__(
        self,
        network: ClassifyNetwork,
        codec: ClassCodec,
        train: Cases,
        validation: Cases,
        settings: ClassifySettings,
    ) -> None:
        self.model, self.settings = network, settings
        self._train, self._truth = codec.encode(train.cases), _numbers(codec, train)
        self._validation = codec.encode(validation.cases)
        self.truth = _numbers(codec, validation)
        self._lengths = np.array([len(case) for case in self._train])
        counts = np.array(codec.counts)
        balanced = torch.tensor(counts.sum() / (len(counts) * counts), dtype=torch.float32)
        self._weights = balanced if settings.class_weights else None

    def prepare(self, progress: Progress) -> None:
        """Count the units of the texts."""
        if self.model.bayes is not None:
            self.model.bayes.count(self._train, self._truth)

    def batch(self, step: int) -> Batch:
        """Cases of about one length."""
        s = self.settings
        places = by_length(self._lengths, s.batch_size, s.seed, step)
        x, lengths = padded([self._train[i] for i in places])
        return {"x": x, "lengths": lengths, "y": torch.from_numpy(self._truth[places])}

    def shares(self, batch: Batch, count: int) -> Sequence[Share]:
        """Some cases each; a loss is a mean over them, or over their classes' weights."""
        own = self._weights
        weigh = by_rows("y", 0) if own is None else lambda some: float(own[some["y"]].sum())
        return cut(batch, {"x": 1, "lengths": 0, "y": 0}, count, weigh)

    def loss(self, batch: Batch, state: State | None) -> tuple[Tensor, State | None]:
        """Cross entropy; nothing is carried."""
        scores = self.model(batch["x"], batch["lengths"])
        weights = None if self._weights is None else self._weights.to(scores.device)
        return loss(scores, batch["y"], weights), None

    def validate(self) -> Validation:
        """Cross entropy of the validation part; the share of errors picks the weights."""
        scores = torch.from_numpy(self.scores())
        truth = torch.from_numpy(self.truth)
        right = float((scores.argmax(1) == truth).float().mean())
        found = float(loss(scores, truth, self._weights))
        return Validation(found, {"accuracy": right}, criterion=1 - right + 1e-3 * found)

    def samples(self, step: int) -> Mapping[str, str]:
        """None: scores tell all."""
        return {}

    @torch.no_grad()
    def scores(self) -> NDArray[np.float32]:
        """`[N, K]` of the validation part."""
        device = self.model.output.weight.device
        network = self.model.eval()
        parts = [network(x.to(device), n.to(device)).cpu().numpy() for x, n in self._batches()]
        return np.concatenate(parts)

    @torch.no_grad()
    def bayes(self) -> NDArray[np.float32] | None:
        """`[N, K]` of the validation part by naive Bayes, for texts."""
        bayes = self.model.bayes
        if bayes is None:
            return None
        device = bayes.weight.device
        return np.concatenate([bayes(x.to(device)).cpu().numpy() for x, _ in self._batches()])

    def _batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        for start in range(0, len(self._validation), _AT_ONCE):
            yield padded(self._validation[start : start + _AT_ONCE])


def padded(cases: Sequence[NDArray[Any]]) -> tuple[Tensor, Tensor]:
    """Cases side by side `[T, B, …]`, zeros behind their ends, and their lengths `[B]`."""
    lengths = [len(case) for case in cases]
    x = np.zeros((max(lengths), len(cases), *cases[0].shape[1:]), cases[0].dtype)
    for i, case in enumerate(cases):
        x[: len(case), i] = case
    return torch.from_numpy(x), torch.tensor(lengths)


def _numbers(codec: ClassCodec, cases: Cases) -> NDArray[np.int64]:
    return codec.numbers(cases.require_labels())
