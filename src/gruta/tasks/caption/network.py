"""The captioner's network: convolutions over places, a layer over frames, and what writes.

    f_t = fold(frame t)                                   [P places, C numbers], `Folded`
    v_t = the most of f_t over places                     what is there, wherever it is
    w_t = [v_t; |v_t - v_{t-1}|]                          and how that changes; 0 at first
    g_t = [glance(f_t) of all places; mean of f_t; w_t; when]   where things are is kept
    s_1 … s_F = reader(g_1 … g_F)                         in both directions
    m_{t,p} = spot(f_{t,p}) + place_p + moment(s_t)       what is looked at, `gruta.nn.writing`
    e = [ends of s; mean of w_1 … w_F]                    what writing begins from

A picture is a clip of one frame. What moves, how fast and where to is in s, which knows of each
frame where things stood; what stands where is in m (after Xu et al. 2015, arXiv:1502.03044).
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import init

from gruta.codec.pictures.captions import CaptionCodec
from gruta.nn import CELLS
from gruta.nn.dense import Linear
from gruta.nn.draws import generator
from gruta.nn.folded import Folded
from gruta.nn.writing import DTYPE, Writer
from gruta.tasks.caption import folds
from gruta.tasks.caption.head import GLANCE, reads, writing_of
from gruta.tasks.caption.settings import CaptionSettings


class CaptionNetwork(Writer):
    """Scores `[T, B · K, V]` of what follows each unit that is written, and the attention
    `[T, B · K, F · P]` of places in frames.
    """

    def __init__(self, codec: CaptionCodec, settings: CaptionSettings) -> None:
        s = settings
        super().__init__(writing_of(codec, s), s.dropout)
        self.peaks = codec.peaks
        widths, H = folds.widths(s.size, s.channels), s.hidden
        wide, places = widths[-1], folds.places(s.size) ** 2
        self.fold = Folded(3, widths, folds.steps_over(s.size))
        self.glance = Linear(wide, GLANCE, dtype=DTYPE)
        how: dict[str, Any] = {"init": s.init, "dtype": DTYPE}
        if s.init == "chrono":
            how["longest_lag"] = max(3, codec.frames)
        read = reads(codec, places, wide)
        self.reader = CELLS[s.cell](read, H, bidirectional=True, **how)
        self.spot = Linear(wide, H, dtype=DTYPE)
        self.moment = Linear(2 * H, H, dtype=DTYPE)
        self.place = nn.Parameter(torch.empty(places, H, dtype=DTYPE))
        init.normal_(self.place, std=0.1, generator=generator(self.place.device))
        self.add_layers(s.init, codec.longest)

    def forward(
        self, frames: Tensor, lengths: Tensor, times: Tensor, written: Tensor
    ) -> tuple[Tensor, Tensor]:
        """frames `[B, F, 3, S, S]` with lengths `[B]` and times `[B, F, 2]`; written `[T, B · K]`,
        K texts of each shot, with what they begin with in front, and without the end behind them.
        """
        states, attention = self.states(frames, lengths, times, written)
        return self.scores(states), attention

    def states(
        self, frames: Tensor, lengths: Tensor, times: Tensor, written: Tensor
    ) -> tuple[Tensor, Tensor]:
        """o `[T, B · K, E]` and the attention `[T, B · K, F · P]`."""
        B, F = frames.shape[:2]
        f = self.fold(frames.flatten(0, 1)).flatten(2).transpose(1, 2)  # [B · F, P, C]
        P = f.shape[1]
        g = torch.relu(self.glance(f)).flatten(1)
        seen = torch.cat((g, f.mean(1)), 1).view(B, F, -1)
        v = f.amax(1).view(B, F, -1)
        w = torch.cat((v, v.diff(dim=1, prepend=v[:, :1]).abs()), 2)
        if self.peaks:
            seen = torch.cat((seen, w), 2)
        x = torch.cat((self.dropped(seen), times), 2).transpose(0, 1)
        s, ends = self.reader(x, lengths=lengths)
        h_n = ends[0] if isinstance(ends, tuple) else ends
        end = torch.cat((h_n[-2], h_n[-1]), -1)
        there = torch.arange(F, device=frames.device) < lengths[:, None]
        if self.peaks:
            whole = (w * there[:, :, None]).sum(1) / lengths[:, None]
            end = torch.cat((end, whole), -1)
        moments = self.moment(s).transpose(0, 1)  # [B, F, H]
        m = self.spot(f).view(B, F, P, -1) + self.place + moments[:, :, None]
        K = written.shape[1] // B
        inside = there.repeat_interleave(P, 1).repeat_interleave(K, 0)
        memory = self.dropped(m.flatten(1, 2).transpose(0, 1)).repeat_interleave(K, 1)
        return self.write(memory, inside, self.dropped(end).repeat_interleave(K, 0), written)
