"""GRUCell, LSTMCell and RNNCell: one step at a time, in the place of their torch.nn namesakes.

A step that nobody differentiates or looks into is computed by the kernels: a few rows with the
weights as they lie, more with packed ones where these fit in the cache (a third of a megabyte).
Else torch's own op serves; training is mostly the cost of the call, of which autograd's in C++ is
the least. Under a transform (vmap, jvp), for which torch's op has no rule, and for the reset-before
form, which it does not know, the composite form stands in.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from gruta.cells.gru import op as gru
from gruta.cells.lstm import op as lstm
from gruta.cells.op import Cell, Walk, never_recorded, short
from gruta.cells.op.transforms import transformed
from gruta.cells.rnn import op as rnn
from gruta.locale import translate as _
from gruta.nn.scripting import CELL_WEIGHTS, Unquantised, as_leaf, for_script

__all__ = ["GRUCell", "LSTMCell", "RNNCell"]

_RNNS = {"tanh": rnn.TANH, "relu": rnn.RELU}


class GRUCell(nn.GRUCell):
    """One step of a GRU; arguments, results and state dicts as torch.nn.GRUCell, and:

    reset_after: as in `gruta.nn.GRU`, True for torch's form, False for the other one.
    """

    qconfig = Unquantised()
    __prepare_scriptable__ = for_script

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: torch.dtype | None = None,
        *,
        reset_after: bool = True,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, device, dtype)
        self.reset_after = reset_after

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """h' `[B, H]` from x `[B, I]` and h `[B, H]`, zeros if it is not given; or without B."""
        cell = gru.RESET_AFTER if self.reset_after else gru.RESET_BEFORE
        after: Tensor | None = _step(self, cell, input, hx)
        return super().forward(input, hx) if after is None else after

    def extra_repr(self) -> str:
        """The sizes, and the arguments that differ from their defaults."""
        return super().extra_repr() + ("" if self.reset_after else ", reset_after=False")


class LSTMCell(nn.LSTMCell):
    """One step of an LSTM; arguments, results and state dicts as torch.nn.LSTMCell."""

    qconfig = Unquantised()
    __prepare_scriptable__ = for_script

    def forward(
        self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        """(h', c') `[B, H]` from x `[B, I]` and (h, c), zeros if not given; or without B."""
        after: tuple[Tensor, Tensor] | None = _step(self, lstm.LSTM, input, hx)
        if after is None:
            h, c = super().forward(input, hx)
            return h, c
        return after


class RNNCell(nn.RNNCell):
    """One step of a plain RNN; arguments, results and state dicts as torch.nn.RNNCell."""

    qconfig = Unquantised()
    __prepare_scriptable__ = for_script

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """h' `[B, H]` from x `[B, I]` and h `[B, H]`, zeros if it is not given; or without B."""
        cell = _RNNS.get(self.nonlinearity)  # torch says what is wrong with another one
        after: Tensor | None = None if cell is None else _step(self, cell, input, hx)
        return super().forward(input, hx) if after is None else after


def _step(module: nn.RNNCellBase, cell: Cell, x: Tensor, state: Any) -> Any:
    """The state after a step, None where torch's own op is to find it."""
    if not torch.is_grad_enabled():
        after = short.step(cell, module._parameters, x, state)
        if after is not None:
            return after
    if isinstance(x, torch.fx.Proxy):
        return as_leaf(module, x, state)
    if transformed() or cell.native is None:
        return _composite(module, cell, x, state)
    return None


def _composite(module: nn.RNNCellBase, cell: Cell, x: Tensor, state: Any) -> Any:
    """The state after a step, by plain torch operations."""
    _check(module, x, state)
    if x.dim() == 1:
        given = None if state is None else _each(state, lambda s: s[None])
        return _each(_composite(module, cell, x[None], given), lambda s: s.squeeze(0))
    if state is None:
        states = (x.new_zeros(x.shape[0], module.hidden_size),) * cell.states
    else:
        states = tuple(state) if cell.states == 2 else (state,)
    weights = [getattr(module, name) for name in CELL_WEIGHTS]
    nothing = (None,) * cell.states, (None,) * (cell.projects + 4)
    _, *after = cell.composite(Walk(), x[None], *states, *nothing[0], *weights, *nothing[1])
    return tuple(after) if cell.states == 2 else after[0]


def _each(state: Any, change: Callable[[Tensor], Tensor]) -> Any:
    return tuple(map(change, state)) if isinstance(state, tuple | list) else change(state)


@never_recorded
def _check(module: nn.RNNCellBase, x: Tensor, state: Any) -> None:
    """ValueError for the wrong number of axes, RuntimeError for sizes that do not fit."""
    name, I, H = type(module).__name__, module.input_size, module.hidden_size
    states = () if state is None else state if isinstance(state, tuple | list) else (state,)
    for what, t, size in (("input", x, I), *(("hidden", s, H) for s in states)):
        if t.dim() not in (1, 2):
            raise ValueError(
                _("{name}: Expected {what} to be 1D or 2D, got {dims}D instead").format(
                    name=name, what=what, dims=t.dim()
                )
            )
        if t.shape[-1] != size or t.shape[:-1] != x.shape[:-1]:
            expected = [*x.shape[:-1], size]
            raise RuntimeError(
                _("{name}: {what}: expected shape {expected}, got {found}").format(
                    name=name, what=what, expected=expected, found=list(t.shape)
                )
            )
