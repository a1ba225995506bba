"""The recogniser's network: two convolutions, recurrent layers, scores of characters and a blank.

    f = SiLU(conv(SiLU(conv(x))))           along time, of which `stride` frames become one
    h¹ = layer(norm(f)), h² = layer(norm(h¹)), …
    scores_t = V h_t + a                    of the blank, number 0, and of each character

Over a spectrum the convolutions see neighbours in time and frequency, as in Amodei et al. 2016
(arXiv:1512.02595); over other features, all channels at once. What lies behind the end of a
recording is 0 before each convolution, and never read by the layers, so that a row of a batch is
what it is alone.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gruta.codec.audio.ctc import BLANK
from gruta.codec.audio.speech import SpeechCodec
from gruta.nn import CELLS
from gruta.nn.convolution import Conv1d, Conv2d
from gruta.nn.dense import Linear
from gruta.nn.dropout import dropped
from gruta.tasks.transcribe.front import STRIDES, bands, kernels, of_maps, wide
from gruta.tasks.transcribe.settings import TranscribeSettings

DTYPE = torch.float32


class TranscribeNetwork(nn.Module):
    """Scores `[T', B, V]` of what each frame says, and how many of them are each row's `[B]`."""

    def __init__(self, codec: SpeechCodec, settings: TranscribeSettings) -> None:
        super().__init__()
        s, channels = settings, len(codec.names)
        self.front = (Maps if of_maps(codec, s) else Channels)(channels, s)
        width, states = self.front.width, s.hidden * (2 if s.direction == "both" else 1)
        how: dict[str, Any] = {
            "init": s.init,
            "dtype": DTYPE,
            "bidirectional": s.direction == "both",
        }
        if s.init == "chrono":
            how["longest_lag"] = 100
        widths = [width, *[states] * (s.layers - 1)]
        self.layers = nn.ModuleList(CELLS[s.cell](own, s.hidden, **how) for own in widths)
        self.norms = nn.ModuleList(
            nn.LayerNorm(own, dtype=DTYPE) if s.norm else nn.Identity() for own in widths
        )
        self.output = Linear(states, codec.size, dtype=DTYPE)
        self.dropout = s.dropout

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """x: `[T, B, C]`, zeros behind lengths `[B]`."""
        h, lengths = self.front(x, lengths)
        for norm, layer in zip(self.norms, self.layers, strict=True):
            h, _last = layer(self._dropped(norm(h)), lengths=lengths)
        return self.output(self._dropped(h)), lengths

    def _dropped(self, x: Tensor) -> Tensor:
        return dropped(x, self.dropout) if self.training and self.dropout else x


class Maps(nn.Module):
    """Of spectra: maps over time and frequency, whose frequencies are halved twice."""

    def __init__(self, channels: int, settings: TranscribeSettings) -> None:
        super().__init__()
        (one, other), filters = STRIDES[settings.stride], settings.filters
        shapes = kernels(settings)
        self.first = _conv2d(1, filters, shapes[0], one)
        self.second = _conv2d(filters, filters, shapes[1], other)
        self._strides = one, other
        self.width = filters * bands(channels)

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """`[T', B, width]` of `[T, B, C]`."""
        y = x.transpose(0, 1)[:, None]
        for layer, stride in zip((self.first, self.second), self._strides, strict=True):
            lengths = -(-lengths // stride)
            y = F.silu(layer(y))
            y = y * inside(y.shape[2], lengths)[:, None, :, None]
        return y.permute(2, 0, 3, 1).flatten(2), lengths


class Channels(nn.Module):
    """Of any features: all channels of neighbouring frames."""

    def __init__(self, channels: int, settings: TranscribeSettings) -> None:
        super().__init__()
        self._strides, self.width = STRIDES[settings.stride], wide(settings)
        (k, _), (m, _) = kernels(settings)
        one, other = self._strides
        self.first = Conv1d(channels, self.width, k, one, k // 2, dtype=DTYPE)
        self.second = Conv1d(self.width, self.width, m, other, m // 2, dtype=DTYPE)

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """`[T', B, width]` of `[T, B, C]`."""
        y = x.permute(1, 2, 0)
        for layer, stride in zip((self.first, self.second), self._strides, strict=True):
            lengths = -(-lengths // stride)
            y = F.silu(layer(y))
            y = y * inside(y.shape[2], lengths)[:, None]
        return y.permute(2, 0, 1), lengths


def inside(steps: int, lengths: Tensor) -> Tensor:
    """`[B, steps]`, 1 before each row's end and 0 behind it."""
    places = torch.arange(steps, device=lengths.device)
    return (places < lengths[:, None]).to(DTYPE)


def _conv2d(inputs: int, filters: int, shape: tuple[int, int], stride: int) -> Conv2d:
    around = shape[0] // 2, shape[1] // 2
    return Conv2d(inputs, filters, shape, (stride, 2), around, dtype=DTYPE)


def loss(scores: Tensor, lengths: Tensor, truth: Tensor, counts: Tensor) -> Tensor:
    """Nats `[B]` of texts, by CTC; infinite for one that does not fit into its frames.

    truth: `[B, U]`, of which counts `[B]` are each row's.
    """
    log_p = scores.log_softmax(-1)
    return F.ctc_loss(
        log_p, truth, lengths, counts, blank=BLANK, reduction="none", zero_infinity=False
    )
