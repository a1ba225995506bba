"""The translator's network: layers that read, layers that write, attention between them.

    m_1 … m_S = read(E x_1 … E x_S)                       in both directions
    h_t = below([E' y_{t-1}; c_{t-1}], h_{t-1})           c_{t-1} with input feeding alone
    c_t = attention(h_t, m)                               `gruta.nn.attention`
    g_t = above([h_t; c_t], g_{t-1})                      where there is more than one layer
    o_t = tanh(W [g_t; c_t] + b);  scores of y_t = E' o_t + a

The lowest layer asks, and all above it read what was found (Wu et al. 2016, arXiv:1609.08144); so a
whole text is one call of each layer, unless input feeding (Luong et al. 2015, arXiv:1508.04025)
makes the lowest one wait for its own attention. Without attention c is the end of what was read, at
all steps (Cho et al. 2014, arXiv:1406.1078).
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gruta.codec.text.pairs import PADDING, PairCodec
from gruta.nn import CELLS, GRUCell, LSTMCell, RNNCell
from gruta.nn.attention import Attention
from gruta.nn.dense import Embedding, Linear
from gruta.nn.dropout import dropped
from gruta.nn.init import fill
from gruta.tasks.translate.settings import TranslateSettings

DTYPE = torch.float32
_STEPS = {"gru": GRUCell, "lstm": LSTMCell, "rnn": RNNCell}


class TranslateNetwork(nn.Module):
    """Scores `[T, B, V]` of what follows each unit that is written, and the attention `[T, B, S]`.

    Numbers of units: what is read `[S, B]` with lengths `[B]`, what is written `[T, B]`.
    """

    def __init__(self, codec: PairCodec, settings: TranslateSettings) -> None:
        super().__init__()
        s = settings
        self.target = _vectors(codec.target.size, s.embedding)
        self.source = None if codec.shared else _vectors(codec.source.size, s.embedding)
        how: dict[str, Any] = {"init": s.init, "dtype": DTYPE}
        if s.init == "chrono":
            how["longest_lag"] = max(3, codec.longest)
        cell, M = CELLS[s.cell], 2 * s.hidden
        between = s.dropout if s.layers > 1 else 0.0
        self.reader = cell(
            s.embedding, s.hidden, s.layers, bidirectional=True, dropout=between, **how
        )
        self.bridge = Linear(M, s.layers * s.hidden, dtype=DTYPE)
        if s.input_feeding:
            self.below = _STEPS[s.cell](s.embedding + M, s.hidden, dtype=DTYPE)
            own = dict(self.below.named_parameters())
            fill(own, self.reader.cell, s.hidden, s.init, how.get("longest_lag"))
        else:
            self.below = cell(s.embedding, s.hidden, **how)
        between = s.dropout if s.layers > 2 else 0.0
        self.above = (
            cell(s.hidden + M, s.hidden, s.layers - 1, dropout=between, **how)
            if s.layers > 1
            else None
        )
        self.attention = (
            None
            if s.attention == "none"
            else Attention(s.attention, s.hidden, M, s.hidden, dtype=DTYPE)
        )
        self.joined = Linear(s.hidden + M, s.embedding, dtype=DTYPE)
        self.output = (
            None if s.tied else Linear(s.embedding, codec.target.size, bias=False, dtype=DTYPE)
        )
        self.bias = nn.Parameter(torch.zeros(codec.target.size, dtype=DTYPE))
        self.dropout, self.layers, self.hidden = s.dropout, s.layers, s.hidden

    def forward(self, source: Tensor, lengths: Tensor, written: Tensor) -> tuple[Tensor, Tensor]:
        """written: each text with END in front, and without the end behind it."""
        states, attention = self.states(source, lengths, written)
        return self.scores(states), attention

    def scores(self, states: Tensor) -> Tensor:
        """Of units `[..., V]`, from o `[..., E]`."""
        matrix = self.target.weight if self.output is None else self.output.weight
        return F.linear(states, matrix, self.bias)

    def states(self, source: Tensor, lengths: Tensor, written: Tensor) -> tuple[Tensor, Tensor]:
        """o `[T, B, E]` and the attention `[T, B, S]`."""
        vectors = self.target if self.source is None else self.source
        m, ends = self.reader(self._dropped(vectors(source)), lengths=lengths)
        h_n = ends[0] if isinstance(ends, tuple) else ends
        end = torch.cat((h_n[-2], h_n[-1]), -1)
        m = self._dropped(m)
        inside = torch.arange(len(m), device=m.device) < lengths[:, None]
        found = _Found(self.attention, m, inside, end)
        y = self._dropped(self.target(written))
        below, above = self._begins(end)
        if isinstance(self.below, nn.RNNCellBase):
            h, c, attention = self._step_by_step(y, found, below)
        else:
            h, _last = self.below(y, below)
            c, attention = found(h)
        if self.above is not None:
            h, _last = self.above(self._dropped(torch.cat((h, c), -1)), above)
        o = torch.tanh(self.joined(self._dropped(torch.cat((h, c), -1))))
        return self._dropped(o), attention

    def _begins(self, end: Tensor) -> tuple[Any, Any]:
        """The states with which the layers that write begin: of the lowest, and of the others."""
        a = self.bridge(end).unflatten(-1, (self.layers, self.hidden)).transpose(0, 1).contiguous()
        states = (torch.tanh(a), a) if self.reader.mode == "LSTM" else (torch.tanh(a),)
        parts = [tuple(s[k] for s in states) for k in (slice(0, 1), slice(1, None))]
        below, above = (p[0] if len(p) == 1 else p for p in parts)
        return below, above

    def _step_by_step(self, y: Tensor, found: "_Found", state: Any) -> tuple[Tensor, ...]:
        """h, c and attention of all steps, each of which reads what the one before found."""
        pair = isinstance(state, tuple)
        state = tuple(s[0] for s in state) if pair else state[0]
        c = y.new_zeros(y.shape[1], found.size)
        steps = []
        for x in y:
            state = self.below(torch.cat((x, c), -1), state)
            h = state[0] if pair else state
            context, weights = found(h[None])
            c = context[0]
            steps.append((h, c, weights[0]))
        return tuple(map(torch.stack, zip(*steps, strict=True)))

    def _dropped(self, x: Tensor) -> Tensor:
        return dropped(x, self.dropout) if self.training and self.dropout else x


class _Found:
    """What there is to find in what was read."""

    def __init__(self, attention: Attention | None, m: Tensor, inside: Tensor, end: Tensor) -> None:
        self._attention, self._memory, self._inside, self._end = attention, m, inside, end
        self._keys = None if attention is None else attention.keys(m)
        self.size = m.shape[2]

    def __call__(self, h: Tensor) -> tuple[Tensor, Tensor]:
        """Contexts `[T, B, M]`, weights `[T, B, S]`; without attention the end, and equal ones."""
        if self._attention is None or self._keys is None:
            equal = self._inside / self._inside.sum(1, keepdim=True)
            return self._end.expand(len(h), -1, -1), equal.expand(len(h), -1, -1)
        found: tuple[Tensor, Tensor] = self._attention(h, self._memory, self._keys, self._inside)
        return found


def _vectors(size: int, width: int) -> Embedding:
    found = Embedding(size, width, padding_idx=PADDING, dtype=DTYPE)
    with torch.no_grad():
        found.weight.mul_(width**-0.5)
    return found


def loss(scores: Tensor, truth: Tensor, smoothing: float = 0.0) -> Tensor:
    """Mean cross entropy of `[N, V]` with the units `[N]`."""
    return F.cross_entropy(scores, truth, label_smoothing=smoothing)
