"""The network for notes: recurrent layers over frames, and in each a walk from its lowest key up.

    h_t = layers(x_t);  x_t: the frame before, its struck keys, the place in the bar (`Frames.read`)
    s_0 = C h_t + l_0;  s_i = C h_t + e(k_1) + … + e(k_i) + l(k_i)    k_1 < k_2 < … the keys so far
    P(k_i+1) = softmax over the keys above k_i, and none:  O tanh(s_i) + D h_t

A frame's probability is the product of these choices, the last of which is that no more keys sound:
one of all 2⁸⁸ frames, and so to be compared with what says of each key whether it sounds. It is a
NADE (Larochelle and Murray 2011) whose choices are keys that sound, of which there are few, and not
all 88. Which keys of a chord go together is learned, and not which are likely each by itself.

Which keys are struck again, among those that sound on, is a yes or no each, given the whole frame.
"""

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gruta.codec.notes.frames import COUNT, Frames
from gruta.nn.dense import Embedding, Linear
from gruta.tasks.generate.layers import DTYPE, Layers
from gruta.train import State


class Cost(NamedTuple):
    """Nats `[T, B]` of each frame's keys, and of which are struck again."""

    keys: Tensor
    again: Tensor


class NotesNetwork(nn.Module):
    """Which keys sound in each frame, after those before it."""

    def __init__(self, codec: Frames, settings: Any) -> None:
        super().__init__()
        s = settings
        self.layers = Layers(codec.width, s, whole=True)
        self.chord = Linear(s.hidden, s.embedding, dtype=DTYPE)
        # of the walk's start there is a vector too, and of its end one that is never read
        self.lower = Embedding(COUNT + 1, s.embedding, dtype=DTYPE)
        self.last = Embedding(COUNT + 1, s.embedding, dtype=DTYPE)
        with torch.no_grad():
            self.lower.weight.mul_(s.embedding**-0.5)
            self.last.weight.mul_(s.embedding**-0.5)
        self.output = Linear(s.embedding, COUNT + 1, dtype=DTYPE)
        self.direct = Linear(s.hidden, COUNT + 1, bias=False, dtype=DTYPE)
        self.again = None
        if codec.again:
            self.again = Linear(s.hidden + COUNT, COUNT, dtype=DTYPE)

    def forward(
        self, x: Tensor, state: State | None = None, resets: Tensor | None = None
    ) -> tuple[Tensor, State]:
        """h `[T, B, H]` of x `[T, B, I]`, and the state behind; resets: `[T, B]`, where a piece
        begins.
        """
        found: tuple[Tensor, State] = self.layers(x, state, resets)
        return found

    def cost(self, h: Tensor, sounding: Tensor, struck: Tensor, held: Tensor) -> Cost:
        """Of frames `[T, B, 88]`; held: the keys that sounded in the frames before."""
        keys = self._walked(h.flatten(0, 1), sounding.flatten(0, 1)).view(h.shape[:2])
        if self.again is None:
            return Cost(keys, torch.zeros_like(keys))
        logits = self.again(torch.cat([h, sounding.to(h.dtype)], -1))
        each = F.binary_cross_entropy_with_logits(logits, struck.to(h.dtype), reduction="none")
        return Cost(keys, (each * (sounding & held)).sum(-1))

    def _walked(self, h: Tensor, sounding: Tensor) -> Tensor:
        """Nats `[N]` of the choices of each frame `[N, 88]`, P + 1 at most."""
        count = sounding.sum(1)
        steps = torch.arange(int(count.max()) + 1, device=h.device)
        order = (~sounding).to(torch.uint8).sort(dim=1, stable=True).indices
        order = F.pad(order, (0, 1), value=COUNT)[:, : len(steps)]
        chosen = torch.where(steps < count[:, None], order, COUNT)
        # the key before each choice; before the first there is none, which has the number 88
        last = F.pad(chosen[:, :-1], (1, 0), value=COUNT)
        sums = F.pad(self.lower(chosen[:, :-1]).cumsum(1), (0, 0, 1, 0))
        s = self.chord(h)[:, None] + sums + self.last(last)
        logits = self.output(s.tanh()) + self.direct(h)[:, None]
        below = F.pad(chosen[:, :-1], (1, 0), value=-1).clamp(max=COUNT - 1)
        passed = torch.arange(COUNT + 1, device=h.device) <= below[..., None]
        logits = logits.masked_fill(passed, -torch.inf)
        each = F.cross_entropy(logits.flatten(0, 1), chosen.flatten(), reduction="none")
        return (each.view(chosen.shape) * (steps <= count[:, None])).sum(1)
