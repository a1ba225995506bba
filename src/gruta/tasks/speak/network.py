"""The speaker's network: a text that is read, attention that moves along it, spectra that come.

    m_1 … m_S = reader(SiLU(conv(SiLU(conv(E text)))))          in both directions
    p_t = drop(relu(W' drop(relu(W y_{t−1}))))                  y the last frame before the step
    h_t = follower(p_t, h_{t−1})                                what was heard so far
    c_t = attention(h_1 … h_t, m)                               `gruta.nn.paced_attention`
    g_t = maker([h_t; c_t], g_{t−1})
    frames_t = V [g_t; c_t] + a;  stop_t = σ(u [g_t; c_t] + b)  `together` frames a step

After Tacotron 2 (Shen et al. 2017, arXiv:1712.05884), whose prenet's dropout stays when it speaks.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gruta.codec.audio.saying import SayingCodec
from gruta.nn import CELLS
from gruta.nn.convolution import Conv1d
from gruta.nn.dense import Linear
from gruta.nn.dropout import dropped
from gruta.nn.paced_attention import PacedAttention
from gruta.nn.writing import DTYPE, vectors
from gruta.tasks.speak.head import WIDTH
from gruta.tasks.speak.settings import SpeakSettings


class SpeakNetwork(nn.Module):
    """Frames `[T, B, together · bands]`, stops `[T, B]`, attention `[T, B, S]`, and by how much its
    places were stretched `[B]`.
    """

    def __init__(self, codec: SayingCodec, settings: SpeakSettings) -> None:
        super().__init__()
        s, H, cell = settings, settings.hidden, CELLS[settings.cell]
        E, M, bands = s.embedding, 2 * s.encoder, codec.mel.bands
        how: dict[str, Any] = {"init": s.init, "dtype": DTYPE}
        if s.init == "chrono":
            how["longest_lag"] = 50
        self.text = vectors(codec.size, E)
        self.first = Conv1d(E, E, WIDTH, padding=WIDTH // 2, dtype=DTYPE)
        self.second = Conv1d(E, E, WIDTH, padding=WIDTH // 2, dtype=DTYPE)
        self.reader = cell(E, s.encoder, bidirectional=True, **how)
        self.before = Linear(bands, s.prenet, dtype=DTYPE)
        self.last = Linear(s.prenet, s.prenet, dtype=DTYPE)
        self.follower = cell(s.prenet, H, **how)
        self.attention = PacedAttention(H, M, 1 / codec.pace, dtype=DTYPE)
        self.maker = cell(H + M, H, **how)
        self.frames = Linear(H + M, codec.together * bands, dtype=DTYPE)
        self.stop = Linear(H + M, 1, dtype=DTYPE)
        self.dropout, self.variety = s.dropout, s.variety

    def forward(
        self, text: Tensor, lengths: Tensor, before: Tensor, steps: Tensor | None = None
    ) -> tuple[Tensor, ...]:
        """text: numbers `[S, B]`, of which lengths `[B]` are there. before: `[T, B, bands]`, the
        frame that came last before each step. steps: of each row `[B]`, for attention to end there.
        """
        m = self.memory(text, lengths)
        h, _last = self.follower(self._prepared(before))
        c, weights, stretch = self.attention(h, m, lengths, steps)
        g, _last = self.maker(self._dropped(torch.cat((h, c), -1)))
        both = self._dropped(torch.cat((g, c), -1))
        return self.frames(both), self.stop(both)[..., 0], weights, stretch

    def memory(self, text: Tensor, lengths: Tensor) -> Tensor:
        """`[B, S, M]`, zeros behind a text's end."""
        inside = (torch.arange(len(text), device=text.device)[:, None] < lengths).to(DTYPE)
        y = self.text(text).permute(1, 2, 0)
        for layer in (self.first, self.second):
            y = F.silu(layer(y)) * inside.T[:, None]
        m, _last = self.reader(self._dropped(y.permute(2, 0, 1)), lengths=lengths)
        found: Tensor = m.transpose(0, 1).contiguous()
        return found

    def _prepared(self, before: Tensor) -> Tensor:
        """`[T, B, P]`."""
        y = before
        for layer in (self.before, self.last):
            y = torch.relu(layer(y))
            if self.training and self.variety:
                y = dropped(y, self.variety)
        return y

    def _dropped(self, x: Tensor) -> Tensor:
        return dropped(x, self.dropout) if self.training and self.dropout else x


def loss(found: tuple[Tensor, ...], wanted: Tensor, counts: Tensor, paces: float = 1.0) -> Tensor:
    """How far frames are off, the mean of |d| and d² over those that are there, the cross
    entropy of ending at the right step, and how far the text's own pace is off, ln² of the stretch.

    found: what the network gives. wanted: `[T, B, together · bands]`. counts: steps `[B]`.
    paces: what the pace weighs, where the texts are some of a batch.
    """
    made, stops, _weights, stretch = found
    steps = torch.arange(len(made), device=made.device)[:, None]
    inside = steps < counts
    off = (made - wanted)[inside]
    ends = (steps == counts - 1).to(stops.dtype)
    heavy = 1 + 7 * ends
    entropy = F.binary_cross_entropy_with_logits(stops[inside], ends[inside], weight=heavy[inside])
    pace = (stretch.log() ** 2).mean()
    return 0.5 * (off.abs().mean() + (off**2).mean()) + 0.2 * entropy + 0.2 * paces * pace
