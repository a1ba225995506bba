"""The vocoder's network: convolutions over frames, a recurrent layer over samples.

    c = W SiLU(conv(SiLU(conv(spectra))))          of each frame, with two around it at each side
    x_i = [E[level_{i−1}] + c; p_i; s_{i−1}]       p_i what the linear prediction says
    h_i = layer(x_i, h_{i−1})
    scores_i = V h_i + a                           of the 256 levels of e_i = (s_i − p_i) / g

In the manner of WaveRNN (Kalchbrenner et al. 2018, arXiv:1802.08435) with the linear prediction of
LPCNet (Valin and Skoglund 2019, arXiv:1810.11846), which leaves a small layer the excitation alone;
here in units of what the prediction leaves, so that loud and soft sounds look alike.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gruta.codec.audio.vocoder import VocoderCodec
from gruta.codec.audio.waveform import LEVELS
from gruta.nn import CELLS
from gruta.nn.convolution import Conv1d
from gruta.nn.dense import Embedding, Linear
from gruta.tasks.vocode.settings import VocodeSettings

DTYPE = torch.float32


class VocodeNetwork(nn.Module):
    """Scores `[T, B, 256]` of each sample's level."""

    def __init__(self, codec: VocoderCodec, settings: VocodeSettings) -> None:
        super().__init__()
        s = settings
        self.first = Conv1d(codec.mel.bands, s.filters, 3, dtype=DTYPE)
        self.second = Conv1d(s.filters, s.filters, 3, dtype=DTYPE)
        self.frame = Linear(s.filters, s.embedding, dtype=DTYPE)
        self.level = Embedding(LEVELS, s.embedding, dtype=DTYPE)
        how: dict[str, Any] = {"init": s.init, "dtype": DTYPE}
        if s.init == "chrono":
            how["longest_lag"] = codec.rate // 50
        self.layer = CELLS[s.cell](s.embedding + 2, s.hidden, **how)
        self.output = Linear(s.hidden, LEVELS, dtype=DTYPE)
        self._step = codec.mel.step
        with torch.no_grad():
            self.level.weight.mul_(s.embedding**-0.5)

    def forward(self, frames: Tensor, before: Tensor, beside: Tensor) -> Tensor:
        """frames: `[F + 4, B, bands]`. before: levels `[T, B]`, T of F · step. beside: `[T, B, 2]`,
        of each sample.
        """
        y = frames.permute(1, 2, 0)
        c = self.frame(F.silu(self.second(F.silu(self.first(y)))).permute(2, 0, 1))
        x = self.level(before) + c.repeat_interleave(self._step, 0)
        h, _last = self.layer(torch.cat((x, beside), -1))
        scores: Tensor = self.output(h)
        return scores


def loss(scores: Tensor, truth: Tensor) -> Tensor:
    """Nats a sample of levels `[T, B]`, of which those below 0 are none."""
    return F.cross_entropy(scores.flatten(0, 1), truth.flatten(), ignore_index=-1)
