"""The translator's network: layers that read, and `gruta.nn.writing` that looks at what they read.

m_1 … m_S = read(E x_1 … E x_S)                       in both directions
"""

from typing import Any

import torch
from torch import Tensor

from gruta.codec.text.pairs import PairCodec
from gruta.nn import CELLS
from gruta.nn.writing import DTYPE, Writer, vectors
from gruta.tasks.translate.head import writing_of
from gruta.tasks.translate.settings import TranslateSettings


class TranslateNetwork(Writer):
    """Scores `[T, B, V]` of what follows each unit that is written, and the attention `[T, B, S]`.

    Numbers of units: what is read `[S, B]` with lengths `[B]`, what is written `[T, B]`.
    """

    def __init__(self, codec: PairCodec, settings: TranslateSettings) -> None:
        s = settings
        super().__init__(writing_of(codec, s), s.dropout)
        self.source = None if codec.shared else vectors(codec.source.size, s.embedding)
        how: dict[str, Any] = {"init": s.init, "dtype": DTYPE}
        if s.init == "chrono":
            how["longest_lag"] = max(3, codec.longest)
        between = s.dropout if s.layers > 1 else 0.0
        self.reader = CELLS[s.cell](
            s.embedding, s.hidden, s.layers, bidirectional=True, dropout=between, **how
        )
        self.add_layers(s.init, codec.longest)

    def forward(self, source: Tensor, lengths: Tensor, written: Tensor) -> tuple[Tensor, Tensor]:
        """written: each text with END in front, and without the end behind it."""
        states, attention = self.states(source, lengths, written)
        return self.scores(states), attention

    def states(self, source: Tensor, lengths: Tensor, written: Tensor) -> tuple[Tensor, Tensor]:
        """o `[T, B, E]` and the attention `[T, B, S]`."""
        of_source = self.target if self.source is None else self.source
        m, ends = self.reader(self.dropped(of_source(source)), lengths=lengths)
        h_n = ends[0] if isinstance(ends, tuple) else ends
        end = torch.cat((h_n[-2], h_n[-1]), -1)
        inside = torch.arange(len(m), device=m.device) < lengths[:, None]
        return self.write(self.dropped(m), inside, end, written)
