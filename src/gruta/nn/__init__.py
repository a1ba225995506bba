"""Recurrent layers that take the place of torch.nn's: `RNN`, `LSTM`, `GRU`."""

from gruta.nn.recurrent import GRU, LSTM, RNN

__all__ = ["GRU", "LSTM", "RNN"]
