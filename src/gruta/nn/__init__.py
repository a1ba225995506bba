"""Recurrent layers that take the place of torch.nn's, and how one sees what they do.

`RNN`, `LSTM` and `GRU` are the layers; `explain` says which path a call takes, and `tapped` hands
out states, gates and gradients through time.
"""

from gruta.cells.op import Tap, tapped
from gruta.nn.explain import Explanation, explain
from gruta.nn.recurrent import GRU, LSTM, RNN

__all__ = ["GRU", "LSTM", "RNN", "Explanation", "Tap", "explain", "tapped"]
