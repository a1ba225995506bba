"""Recurrent layers that take the place of torch.nn's, and how one sees what they do.

`RNN`, `LSTM` and `GRU` are the layers, which `CELLS` has by their names; `RNNCell`, `LSTMCell` and
`GRUCell` take one step at a time. `explain` says which path a call takes, and `tapped` hands out
states, gates and gradients through time. `convert` makes a model's layers of torch.nn gruta's, and
`revert` makes them torch.nn's again.
"""

from gruta.cells.op import Tap, tapped
from gruta.nn.cells import GRUCell, LSTMCell, RNNCell
from gruta.nn.convert import Conversion, convert, revert
from gruta.nn.explain import Explanation, explain
from gruta.nn.recurrent import CELLS, GRU, LSTM, RNN

__all__ = [
    "CELLS",
    "GRU",
    "LSTM",
    "RNN",
    "Conversion",
    "Explanation",
    "GRUCell",
    "LSTMCell",
    "RNNCell",
    "Tap",
    "convert",
    "explain",
    "revert",
    "tapped",
]
