"""The classifier's network: units or vectors, recurrent layers, pooling, a score a class.

    scores = V pool(h_1 … h_T) + a + m · Σ_t log P(unit_t | class)

The last term is of texts alone: naive Bayes on the same units, counted before training begins. How
much it weighs, m, is chosen on the validation part once training is over; until then it is 0, so
the recurrent part learns by itself.
Dropout stands before and behind the recurrent layers. Padding is never read: lengths go to the
layers, and pooling looks at the steps of each case alone.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from gruta.codec.classes import ClassCodec
from gruta.codec.text.vocabulary import FIRST, PADDING, Vocabulary
from gruta.nn import CELLS
from gruta.nn.dense import Embedding, Linear
from gruta.nn.draws import generator
from gruta.nn.dropout import dropped
from gruta.tasks.classify.settings import ClassifySettings

DTYPE = torch.float32


class ClassifyNetwork(nn.Module):
    """Scores `[B, K]` of each class, from cases of any length."""

    def __init__(self, codec: ClassCodec, settings: ClassifySettings) -> None:
        super().__init__()
        s, reader = settings, codec.reader
        self.embedding, width = None, s.embedding
        if isinstance(reader, Vocabulary):
            self.embedding = Embedding(reader.size, width, padding_idx=PADDING, dtype=DTYPE)
            with torch.no_grad():
                self.embedding.weight.mul_(0.1)
        else:
            width = reader.width
        how: dict[str, Any] = {"init": s.init}
        if s.init == "chrono":
            how["longest_lag"] = max(3, codec.longest)
        self.layer = CELLS[s.cell](
            width,
            s.hidden,
            s.layers,
            bidirectional=s.bidirectional,
            dropout=s.dropout if s.layers > 1 else 0.0,
            dtype=DTYPE,
            **how,
        )
        states = s.hidden * (2 if s.bidirectional else 1)
        attends = s.pooling == "attention"
        self.attention = Linear(states, 1, dtype=DTYPE) if attends else None
        self.pooling, self.dropout, self.noise = s.pooling, s.dropout, s.noise
        pooled = 2 * states if s.pooling == "mean+max" else states
        self.output = Linear(pooled, len(codec.labels), dtype=DTYPE)
        self.mix, self.bayes = codec.mix, None
        if isinstance(reader, Vocabulary) and s.bayes:
            self.bayes = NaiveBayes(reader.size, len(codec.labels))

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """x: `[T, B]` numbers of units, `[T, B, 4]` of grams, or `[T, B, C]` vectors."""
        read = self._read(x)
        h, last = self.layer(self._dropped(read), lengths=lengths)
        scores: Tensor = self.output(self._dropped(self._pooled(h, last, lengths)))
        return scores + self.mix * self.bayes(x) if self.bayes is not None and self.mix else scores

    def _read(self, x: Tensor) -> Tensor:
        if self.embedding is None:
            noisy = self.training and self.noise
            return x + self.noise * _normal_like(x) if noisy else x
        vectors = self.embedding(x)
        return vectors.sum(2) if x.dim() == 3 else vectors  # type: ignore[no-any-return]

    def _dropped(self, x: Tensor) -> Tensor:
        return dropped(x, self.dropout) if self.training and self.dropout else x

    def _pooled(self, h: Tensor, last: Any, lengths: Tensor) -> Tensor:
        steps = torch.arange(len(h), device=h.device)[:, None]
        inside = (steps < lengths)[..., None]
        if self.pooling == "last":
            h_n = last[0] if isinstance(last, tuple) else last
            ends = h_n[-2:] if self.layer.bidirectional else h_n[-1:]
            return torch.cat(tuple(ends), -1)
        if self.attention is not None:
            weight = self.attention(h).masked_fill(~inside, -torch.inf).softmax(0)
            attended: Tensor = (weight * h).sum(0)
            return attended
        mean = h.sum(0) / lengths[:, None]  # states past a length are 0
        if self.pooling == "mean":
            return mean
        largest = h.masked_fill(~inside, -torch.inf).amax(0)
        return largest if self.pooling == "max" else torch.cat([mean, largest], -1)


class NaiveBayes(nn.Module):
    """How likely a text's units are of each class, if they come independently of each other."""

    weight: Tensor
    bias: Tensor

    def __init__(self, units: int, classes: int) -> None:
        super().__init__()
        self.register_buffer("weight", torch.zeros(units, classes, dtype=DTYPE))
        self.register_buffer("bias", torch.zeros(classes, dtype=DTYPE))

    def count(self, cases: Sequence[NDArray[np.int64]], truth: NDArray[np.int64]) -> None:
        """Take it from these texts; a unit that a class lacks counts as a hundredth of one."""
        counts = np.zeros(self.weight.shape)
        for case, k in zip(cases, truth, strict=True):
            np.add.at(counts, (case.ravel(), k), 1)
        counts[:FIRST] = 0
        likely = np.log((counts + 0.01) / (counts + 0.01).sum(0))
        likely -= likely.mean(1, keepdims=True)  # alike for all classes: sums stay small
        likely[:FIRST] = 0
        self.weight.copy_(torch.from_numpy(likely))
        shares = np.bincount(truth, minlength=self.weight.shape[1]) / len(truth)
        self.bias.copy_(torch.from_numpy(np.log(shares)))

    def forward(self, x: Tensor) -> Tensor:
        """Logarithms of probabilities `[B, K]`, up to a constant; from units as the network's."""
        flat = x.transpose(0, 1).reshape(x.shape[1], -1)
        summed = F.embedding_bag(flat, self.weight, mode="sum", padding_idx=PADDING)
        return summed + self.bias


def _normal_like(x: Tensor) -> Tensor:
    return torch.randn(x.shape, generator=generator(x.device), device=x.device, dtype=x.dtype)


def loss(scores: Tensor, truth: Tensor, weights: Tensor | None) -> Tensor:
    """Mean cross entropy."""
    return F.cross_entropy(scores, truth, weights)
