"""The classifier's network: units or vectors, recurrent layers, pooling, a score a class.

    scores = V pool(h_1 … h_T) + a

Dropout stands before and behind the recurrent layers. Padding is never read: lengths go to the
layers, and pooling looks at the steps of each case alone.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gruta.codec.classes import ClassCodec
from gruta.codec.text.vocabulary import PADDING, Vocabulary
from gruta.nn import CELLS
from gruta.nn.dense import Embedding, Linear
from gruta.nn.draws import generator
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

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """x: `[T, B]` numbers of units, `[T, B, 4]` of grams, or `[T, B, C]` vectors."""
        read = self._read(x)
        h, last = self.layer(self._dropped(read), lengths=lengths)
        return self.output(self._dropped(self._pooled(h, last, lengths)))  # type: ignore[no-any-return]

    def _read(self, x: Tensor) -> Tensor:
        if self.embedding is None:
            noisy = self.training and self.noise
            return x + self.noise * _normal_like(x) if noisy else x
        vectors = self.embedding(x)
        return vectors.sum(2) if x.dim() == 3 else vectors  # type: ignore[no-any-return]

    def _dropped(self, x: Tensor) -> Tensor:
        """Dropout by gruta's generators."""
        if not (self.training and self.dropout):
            return x
        kept = torch.rand(x.shape, generator=generator(x.device), device=x.device) >= self.dropout
        return x * kept / (1 - self.dropout)

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


def _normal_like(x: Tensor) -> Tensor:
    return torch.randn(x.shape, generator=generator(x.device), device=x.device, dtype=x.dtype)


def loss(scores: Tensor, truth: Tensor, weights: Tensor | None) -> Tensor:
    """Mean cross entropy."""
    return F.cross_entropy(scores, truth, weights)
