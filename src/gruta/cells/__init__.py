"""The mathematics of the recurrent cells, one folder a cell; see README.md for the contract."""

from typing import Literal, get_args

CellName = Literal["gru", "lstm", "rnn"]

CELLS: tuple[CellName, ...] = get_args(CellName)
"""The cells by the names that users give; `gruta.nn.CELLS` has their layers."""
