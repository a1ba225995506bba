"""RNN, LSTM and GRU layers with the arguments, results and state dicts of their torch.nn namesakes.

Shapes, with D directions, L layers, and P the size of h (`proj_size` for a projected LSTM, else H):
input `[T, B, I]` (`[B, T, I]` with batch_first, `[T, I]` unbatched, or a PackedSequence), output
`[T, B, D*P]` laid out as the input is, initial and final h `[L*D, B, P]`, c `[L*D, B, H]`.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar, Literal, TypedDict, Unpack

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from gruta.cells.gru import op as gru
from gruta.cells.lstm import op as lstm
from gruta.cells.op import Cell, Walk, run
from gruta.cells.rnn import op as rnn
from gruta.nn import init as schemes
from gruta.nn.arguments import check_arguments, check_input, refuse_projection
from gruta.nn.sequences import as_lengths, repack, unpack, without_padding

State = tuple[Tensor, ...]


class Recurrent(nn.Module):
    """What the three layers share; use `RNN`, `LSTM` or `GRU`.

    Arguments as torch.nn's, then, by keyword only:
        init: "torch", "orthogonal" or "chrono", see `gruta.nn.init`.
        longest_lag: for chrono, the longest lag in steps that the network should remember.
        learn_h0: the state to start from when none is given is learned (parameters `h_0`, and
            `c_0` in the LSTM, `[L*D, P or H]`); it starts at zero.
    """

    gates: ClassVar[int]
    state_names: ClassVar[tuple[str, ...]] = ("h_0",)
    mode: str

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
        *,
        init: schemes.Scheme = "torch",
        longest_lag: int | None = None,
        learn_h0: bool = False,
    ) -> None:
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = dropout
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        self.init = init
        self.longest_lag = longest_lag
        self.learn_h0 = learn_h0
        check_arguments(self)
        schemes.check(init, self.mode, bias, longest_lag)
        for name, shape in self._shapes():
            setattr(self, name, nn.Parameter(torch.empty(shape, device=device, dtype=dtype)))
        self.reset_parameters()

    def _shapes(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Name and shape of every parameter, in torch.nn's order."""
        rows, h_size = self.gates * self.hidden_size, self.proj_size or self.hidden_size
        for layer, suffix in self._passes():
            width = h_size * self._directions if layer else self.input_size
            yield f"weight_ih_l{layer}{suffix}", (rows, width)
            yield f"weight_hh_l{layer}{suffix}", (rows, h_size)
            if self.bias:
                yield f"bias_ih_l{layer}{suffix}", (rows,)
                yield f"bias_hh_l{layer}{suffix}", (rows,)
            if self.proj_size:
                yield f"weight_hr_l{layer}{suffix}", (self.proj_size, self.hidden_size)
        if self.learn_h0:
            for name, size in zip(self.state_names, self._state_sizes(), strict=True):
                yield name, (self.num_layers * self._directions, size)

    def _passes(self) -> Iterator[tuple[int, str]]:
        """The layer and the name's suffix of every pass: forwards, then backwards, a layer."""
        for layer in range(self.num_layers):
            yield layer, ""
            if self.bidirectional:
                yield layer, "_reverse"

    @property
    def _directions(self) -> int:
        return 2 if self.bidirectional else 1

    def _state_sizes(self) -> tuple[int, ...]:
        return (self.proj_size or self.hidden_size, self.hidden_size)[: len(self.state_names)]

    def _cell(self) -> Cell:
        raise NotImplementedError

    def _weights(self, layer: int, suffix: str) -> tuple[Tensor | None, ...]:
        names = ("weight_ih_l", "weight_hh_l", "bias_ih_l", "bias_hh_l")
        return tuple(getattr(self, f"{name}{layer}{suffix}", None) for name in names)

    def reset_parameters(self) -> None:
        """Draw all parameters anew, by the scheme `init`."""
        schemes.fill(self)

    def flatten_parameters(self) -> None:
        """Do nothing: there is no flat weight buffer. Here for code written for torch.nn."""

    @property
    def all_weights(self) -> list[list[Tensor]]:
        """The weights and biases, a list for every layer and direction, in torch.nn's order."""
        names = [name for name, _ in self._shapes() if name not in self.state_names]
        per_pass = len(names) // (self.num_layers * self._directions)
        tensors = [getattr(self, name) for name in names]
        return [tensors[i : i + per_pass] for i in range(0, len(tensors), per_pass)]

    def forward(
        self,
        input: Tensor | PackedSequence,
        hx: Tensor | Sequence[Tensor] | None = None,
        *,
        lengths: Tensor | Sequence[int] | None = None,
    ) -> tuple[Tensor | PackedSequence, Tensor | State]:
        """(output, final state), shapes as the module's docstring says.

        lengths: `[B]` integers from 0 to T on any device; past its length a row's output is 0 and
        its state stays. ValueError or RuntimeError, as torch.nn raises, on shapes that do not fit.
        """
        if isinstance(input, PackedSequence):
            if lengths is not None:
                raise ValueError("lengths: a PackedSequence has its own; give one or the other")
            check_input(self, input.data, 2)
            x, walk_lengths = unpack(input)
            out, state = self._layers(x, self._initial(x, hx), walk_lengths)
            return repack(out, input), state
        if input.dim() not in (2, 3):
            raise ValueError(
                f"{type(self).__name__}: Expected input to be 2D or 3D, got {input.dim()}D instead"
            )
        if input.dim() == 2:
            if lengths is not None:
                raise ValueError("lengths: the input has no batch axis for them; cut it instead")
            check_input(self, input, 2)
            x = input[:, None]
            out, state = self._layers(x, self._initial(x, hx, batched=False), None)
            return out.squeeze(1), _each(state, lambda s: s.squeeze(1))
        check_input(self, input, 3)
        x = input.transpose(0, 1) if self.batch_first else input
        T, B = x.shape[:2]
        given = None if lengths is None else as_lengths(lengths, T, B, x.device)
        x = x if given is None else without_padding(x, given)
        out, state = self._layers(x, self._initial(x, hx), given)
        return (out.transpose(0, 1) if self.batch_first else out), state

    def _initial(
        self, x: Tensor, hx: Tensor | Sequence[Tensor] | None, batched: bool = True
    ) -> State:
        """The checked initial states, each `[L*D, B, size]`."""
        shapes = [(self.num_layers * self._directions, x.shape[1], s) for s in self._state_sizes()]
        if hx is None:
            if not self.learn_h0:
                return tuple(x.new_zeros(shape) for shape in shapes)
            learned = (getattr(self, name)[:, None] for name in self.state_names)
            return tuple(s.expand(shape) for s, shape in zip(learned, shapes, strict=True))
        states = self._as_states(hx)
        if not batched:
            if any(s.dim() != 2 for s in states):
                dims = ", ".join(f"{s.dim()}-D" for s in states)
                raise RuntimeError(f"hx: for unbatched 2-D input expected 2-D states, got {dims}")
            states = tuple(s[:, None] for s in states)
        for state, shape in zip(states, shapes, strict=True):
            if state.shape != shape:
                raise RuntimeError(f"Expected hidden size {shape}, got {list(state.shape)}")
            if state.dtype != x.dtype and not torch.is_autocast_enabled(x.device.type):
                raise RuntimeError(
                    f"hx: expected dtype {x.dtype} as the input's, got {state.dtype}"
                )
        return states

    def _as_states(self, hx: Tensor | Sequence[Tensor]) -> State:
        """The tensors of `hx`, one for each of `state_names`; TypeError on anything else."""
        pair = len(self.state_names) == 2
        states = tuple(hx) if pair and isinstance(hx, tuple | list) else (hx,)
        if len(states) != len(self.state_names) or not all(isinstance(s, Tensor) for s in states):
            expected = "a tuple of the tensors h_0 and c_0" if pair else "a tensor"
            raise TypeError(
                f"{type(self).__name__}: hx: expected {expected}, got {type(hx).__name__}"
            )
        return states

    def _layers(self, x: Tensor, initial: State, lengths: Tensor | None) -> tuple[Tensor, Any]:
        cell, finals = self._cell(), []
        for layer in range(self.num_layers):
            if layer and self.dropout:
                x = F.dropout(x, self.dropout, self.training)
            outputs = []
            for direction, suffix in enumerate(("", "_reverse")[: self._directions]):
                states = (s[layer * self._directions + direction] for s in initial)
                walk = Walk(lengths, reverse=bool(direction))
                out, *final = run(cell, walk, (x, *states, *self._weights(layer, suffix)))
                outputs.append(out)
                finals.append(final)
            x = outputs[0] if len(outputs) == 1 else torch.cat(outputs, dim=-1)
        stacked = tuple(torch.stack(s) for s in zip(*finals, strict=True))
        return x, stacked if len(stacked) > 1 else stacked[0]

    def extra_repr(self) -> str:
        """The sizes, and the arguments that differ from their defaults."""
        shown = [
            f"{name}={getattr(self, name)!r}"
            for name, default in _DEFAULTS.items()
            if getattr(self, name, default) != default
        ]
        return ", ".join([str(self.input_size), str(self.hidden_size), *shown])


_DEFAULTS: dict[str, Any] = {
    "proj_size": 0,
    "num_layers": 1,
    "bias": True,
    "batch_first": False,
    "dropout": 0.0,
    "bidirectional": False,
    "nonlinearity": "tanh",
    "reset_after": True,
    "init": "torch",
    "longest_lag": None,
    "learn_h0": False,
}


def _each(state: Tensor | State, change: Callable[[Tensor], Tensor]) -> Tensor | State:
    return tuple(map(change, state)) if isinstance(state, tuple) else change(state)


class Extras(TypedDict, total=False):
    """The arguments of `Recurrent` that torch.nn does not have."""

    init: schemes.Scheme
    longest_lag: int | None
    learn_h0: bool


class GRU(Recurrent):
    """The gated recurrent unit; arguments as torch.nn.GRU, then those of `Recurrent`, and:

    reset_after: True multiplies the reset gate into W_hn h + b_hn (torch, cuDNN); False into h
        before that product (the paper's later form, the ONNX default).
    """

    gates = 3
    mode = "GRU"

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
        refuse_projection(extras)
        super().__init__(
            input_size=input_size,
            hidden_size=hidden_size,
            num_layers=num_layers,
            bias=bias,
            batch_first=batch_first,
            dropout=dropout,
            bidirectional=bidirectional,
            device=device,
            dtype=dtype,
            **extras,
        )
        self.reset_after = reset_after

    def _cell(self) -> Cell:
        return gru.RESET_AFTER if self.reset_after else gru.RESET_BEFORE


class LSTM(Recurrent):
    """The long short-term memory; arguments as torch.nn.LSTM, then those of `Recurrent`."""

    gates = 4
    state_names = ("h_0", "c_0")
    mode = "LSTM"

    def _cell(self) -> Cell:
        return lstm.LSTM

    def _weights(self, layer: int, suffix: str) -> tuple[Tensor | None, ...]:
        w_hr = getattr(self, f"weight_hr_l{layer}{suffix}", None)
        return (*super()._weights(layer, suffix), w_hr)


class RNN(Recurrent):
    """The plain recurrent network; arguments as torch.nn.RNN, then those of `Recurrent`."""

    gates = 1

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: Literal["tanh", "relu"] = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: torch.dtype | None = None,
        **extras: Unpack[Extras],
    ) -> None:
        refuse_projection(extras)
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"nonlinearity: expected 'tanh' or 'relu', got {nonlinearity!r}")
        self.mode = f"RNN_{nonlinearity.upper()}"
        super().__init__(
            input_size=input_size,
            hidden_size=hidden_size,
            num_layers=num_layers,
            bias=bias,
            batch_first=batch_first,
            dropout=dropout,
            bidirectional=bidirectional,
            device=device,
            dtype=dtype,
            **extras,
        )
        self.nonlinearity = nonlinearity

    def _cell(self) -> Cell:
        return rnn.TANH if self.nonlinearity == "tanh" else rnn.RELU
