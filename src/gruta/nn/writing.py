"""Layers that write units one after the other, and look at a memory while they do.

    h_t = below([E y_{t-1}; c_{t-1}], h_{t-1})            c_{t-1} with input feeding alone
    c_t = attention(h_t, m)                               `gruta.nn.attention`
    g_t = above([h_t; c_t], g_{t-1})                      where there is more than one layer
    o_t = tanh(W [g_t; c_t] + b);  scores of y_t = E o_t + a

The lowest layer asks, and all above it read what was found (Wu et al. 2016, arXiv:1609.08144); so a
whole text is one call of each layer, unless input feeding (Luong et al. 2015, arXiv:1508.04025)
makes the lowest one wait for its own attention. Without attention c is the end of the memory, at
all steps (Cho et al. 2014, arXiv:1406.1078).
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gruta.nn.attention import Attention
from gruta.nn.cells import GRUCell, LSTMCell, RNNCell
from gruta.nn.dense import Embedding, Linear
from gruta.nn.dropout import dropped
from gruta.nn.init import Scheme, fill
from gruta.nn.recurrent import CELLS
from gruta.runtime.writing import Writing

DTYPE = torch.float32
PADDING = 0
"""The number of no unit."""
_STEPS = {"gru": GRUCell, "lstm": LSTMCell, "rnn": RNNCell}


class Writer(nn.Module):
    """What writes; a network on top has what it looks at, and calls `begin_writing` with it.

    The vectors of units come first, then what the network has of its own, then `add_layers`: in
    that order weights are drawn.
    """

    def __init__(self, what: Writing, dropout: float) -> None:
        super().__init__()
        self.what, self.dropout = what, dropout
        self.target = vectors(what.units, what.embedding)

    def add_layers(self, init: Scheme, longest_lag: int) -> None:
        """All that writes but for the vectors. longest_lag: in units, for chrono."""
        what = self.what
        how: dict[str, Any] = {"init": init, "dtype": DTYPE}
        if init == "chrono":
            how["longest_lag"] = max(3, longest_lag)
        cell, H, found = CELLS[what.cell], what.hidden, what.found
        self.bridge = Linear(what.end, what.layers * H, dtype=DTYPE)
        if what.input_feeding:
            self.below = _STEPS[what.cell](what.embedding + found, H, dtype=DTYPE)
            own = dict(self.below.named_parameters())
            alike = cell(1, 1, dtype=DTYPE, device="meta").cell
            fill(own, alike, H, init, how.get("longest_lag"))
        else:
            self.below = cell(what.embedding, H, **how)
        between = self.dropout if what.layers > 2 else 0.0
        self.above = (
            cell(H + found, H, what.layers - 1, dropout=between, **how) if what.layers > 1 else None
        )
        self.attention = (
            None
            if what.attention == "none"
            else Attention(what.attention, H, what.memory, H, dtype=DTYPE)
        )
        self.joined = Linear(H + found, what.embedding, dtype=DTYPE)
        self.output = (
            None if what.tied else Linear(what.embedding, what.units, bias=False, dtype=DTYPE)
        )
        self.bias = nn.Parameter(torch.zeros(what.units, dtype=DTYPE))

    def scores(self, states: Tensor) -> Tensor:
        """Of units `[..., V]`, from o `[..., E]`."""
        matrix = self.target.weight if self.output is None else self.output.weight
        return F.linear(states, matrix, self.bias)

    def write(
        self, m: Tensor, inside: Tensor, end: Tensor, written: Tensor
    ) -> tuple[Tensor, Tensor]:
        """o `[T, B, E]` and the attention `[T, B, S]`.

        m: the memory `[S, B, M]`, of which `inside [B, S]` is there, and its end `[B, ·]`. written:
        the numbers of units `[T, B]`, each text with what it begins with in front, and without the
        end behind it.
        """
        found = _Found(self.attention, m, inside, end)
        y = self.dropped(self.target(written))
        below, above = self._begins(end)
        if isinstance(self.below, nn.RNNCellBase):
            h, c, attention = self._step_by_step(y, found, below)
        else:
            h, _last = self.below(y, below)
            c, attention = found(h)
        if self.above is not None:
            h, _last = self.above(self.dropped(torch.cat((h, c), -1)), above)
        o = torch.tanh(self.joined(self.dropped(torch.cat((h, c), -1))))
        return self.dropped(o), attention

    def _begins(self, end: Tensor) -> tuple[Any, Any]:
        """The states with which the layers begin: of the lowest, and of the others."""
        shape = (self.what.layers, self.what.hidden)
        a = self.bridge(end).unflatten(-1, shape).transpose(0, 1).contiguous()
        states = (torch.tanh(a), a) if self.what.cell == "lstm" else (torch.tanh(a),)
        parts = [tuple(s[k] for s in states) for k in (slice(0, 1), slice(1, None))]
        below, above = (p[0] if len(p) == 1 else p for p in parts)
        return below, above

    def _step_by_step(self, y: Tensor, found: "_Found", state: Any) -> tuple[Tensor, ...]:
        """h, c and attention of all steps, each of which reads what the one before found."""
        pair = isinstance(state, tuple)
        state = tuple(s[0] for s in state) if pair else state[0]
        c = y.new_zeros(y.shape[1], self.what.found)
        steps = []
        for x in y:
            state = self.below(torch.cat((x, c), -1), state)
            h = state[0] if pair else state
            context, weights = found(h[None])
            c = context[0]
            steps.append((h, c, weights[0]))
        return tuple(map(torch.stack, zip(*steps, strict=True)))

    def dropped(self, x: Tensor) -> Tensor:
        """x without a share of its numbers, in training."""
        return dropped(x, self.dropout) if self.training and self.dropout else x


class _Found:
    """What there is to find in a memory."""

    def __init__(self, attention: Attention | None, m: Tensor, inside: Tensor, end: Tensor) -> None:
        self._attention, self._memory, self._inside, self._end = attention, m, inside, end
        self._keys = None if attention is None else attention.keys(m)

    def __call__(self, h: Tensor) -> tuple[Tensor, Tensor]:
        """Contexts `[T, B, ·]`, weights `[T, B, S]`; without attention the end, and equal ones."""
        if self._attention is None or self._keys is None:
            equal = self._inside / self._inside.sum(1, keepdim=True)
            return self._end.expand(len(h), -1, -1), equal.expand(len(h), -1, -1)
        found: tuple[Tensor, Tensor] = self._attention(h, self._memory, self._keys, self._inside)
        return found


def vectors(size: int, width: int) -> Embedding:
    """Of units, of a length of about one; that of the padding is 0."""
    found = Embedding(size, width, padding_idx=PADDING, dtype=DTYPE)
    with torch.no_grad():
        found.weight.mul_(width**-0.5)
    return found


def loss(scores: Tensor, truth: Tensor, smoothing: float = 0.0) -> Tensor:
    """Mean cross entropy of `[N, V]` with the units `[N]`."""
    return F.cross_entropy(scores, truth, label_smoothing=smoothing)
