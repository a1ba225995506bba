"""RNN, LSTM and GRU layers with the arguments, results and state dicts of their torch.nn namesakes.

`stack.py` says what they take and return.
"""

from typing import Any, Unpack

import torch

from gruta.cells.gru import op as gru
from gruta.cells.lstm import op as lstm
from gruta.cells.op import Cell
from gruta.cells.rnn import op as rnn
from gruta.nn.options import Extras, Nonlinearity, Options, check_extras
from gruta.nn.stack import Recurrent


class GRU(Recurrent):
    """The gated recurrent unit; arguments as torch.nn.GRU, then those of `Extras`, and:

    reset_after: True multiplies the reset gate into W_hn h + b_hn (torch, cuDNN); False into h
        before that product (the paper's later form, the ONNX default).
    """

    gates = 3
    mode = "GRU"
    reset_after: bool

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: torch.dtype | None = None,
        *,
        reset_after: bool = True,
        **extras: Unpack[Extras],
    ) -> None:
        check_extras("GRU", extras)
        options = Options(
            input_size=input_size,
            hidden_size=hidden_size,
            num_layers=num_layers,
            bias=bias,
            batch_first=batch_first,
            dropout=dropout,
            bidirectional=bidirectional,
            reset_after=reset_after,
            **extras,
        )
        super().__init__(options, device, dtype)

    @property
    def cell(self) -> Cell:
        """What computes it."""
        return gru.RESET_AFTER if self.reset_after else gru.RESET_BEFORE


class LSTM(Recurrent):
    """The long short-term memory; arguments as torch.nn.LSTM, then those of `Extras`."""

    gates = 4
    state_names = ("h_0", "c_0")
    weight_names = (*Recurrent.weight_names, "weight_hr")
    mode = "LSTM"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: torch.dtype | None = None,
        **extras: Unpack[Extras],
    ) -> None:
        check_extras("LSTM", extras)
        options = Options(
            input_size=input_size,
            hidden_size=hidden_size,
            num_layers=num_layers,
            bias=bias,
            batch_first=batch_first,
            dropout=dropout,
            bidirectional=bidirectional,
            proj_size=proj_size,
            **extras,
        )
        super().__init__(options, device, dtype)

    @property
    def cell(self) -> Cell:
        """What computes it."""
        return lstm.LSTM


class RNN(Recurrent):
    """The plain recurrent network; arguments as torch.nn.RNN, then those of `Extras`."""

    gates = 1
    nonlinearity: Nonlinearity

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: Nonlinearity = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: torch.dtype | None = None,
        **extras: Unpack[Extras],
    ) -> None:
        check_extras("RNN", extras)
        options = Options(
            input_size=input_size,
            hidden_size=hidden_size,
            num_layers=num_layers,
            nonlinearity=nonlinearity,
            bias=bias,
            batch_first=batch_first,
            dropout=dropout,
            bidirectional=bidirectional,
            **extras,
        )
        self.mode = f"RNN_{nonlinearity.upper()}"
        super().__init__(options, device, dtype)

    @property
    def cell(self) -> Cell:
        """What computes it."""
        return rnn.TANH if self.nonlinearity == "tanh" else rnn.RELU


CELLS: dict[str, type[Any]] = {"gru": GRU, "lstm": LSTM, "rnn": RNN}
"""The layers by their cells' names."""

FORMS = {
    cell.name: cell for cell in (gru.RESET_AFTER, gru.RESET_BEFORE, lstm.LSTM, rnn.TANH, rnn.RELU)
}
"""What computes them, by their kernels' names."""
