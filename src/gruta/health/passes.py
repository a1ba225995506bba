"""One sequence through a recurrent layer, step by step: what the measures are taken of.

A `Call` is what a hook on the layer sees of a model's run; `passes` runs the layer's twin over it,
and the gradient back, and hands out states, gates and gradients of every layer and direction.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gruta.cells import CELLS, CellName
from gruta.cells.gru import jacobian as gru_jacobian
from gruta.cells.gru import reference as gru
from gruta.cells.lstm import jacobian as lstm_jacobian
from gruta.cells.lstm import reference as lstm
from gruta.cells.op import Tap, tapped
from gruta.cells.rnn import jacobian as rnn_jacobian
from gruta.cells.rnn import reference as rnn
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.nn.recurrent import FORMS
from gruta.nn.stack import Recurrent

Array = NDArray[Any]

_JACOBIAN_BYTES = 2**26


@dataclass(frozen=True, eq=False)
class Pass:
    """One sequence through one layer in one direction.

    All arrays run in the order of the layer's walk, so for a reverse pass index 0 is the last step
    of the sequence. layer: its name in the model and its parameters' suffix, "encoder l0_reverse".
    is_last: whether its outputs are those of the stack.
    cell: the kernel's name. x `[T, I]`, h and h_prev `[T, P]` after and before each step; c and
    c_prev `[T, H]` likewise, the LSTM's alone. gates: by the letter of the cell's README, `[T, H]`.
    weights: by name, w_ih, w_hh, b_ih, b_hh, w_hr (or None), and norm, four arrays or None.
    hold: the share of the old state that zoneout's expectation keeps beside the gates.
    through: ∂L/∂h_t and, in the LSTM, ∂L/∂c_t along every path, where a loss is known; else empty.
    """

    layer: str
    cell: str
    reverse: bool
    is_last: bool
    x: Array
    h: Array
    h_prev: Array
    gates: dict[str, Array]
    weights: dict[str, Any]
    c: Array | None = None
    c_prev: Array | None = None
    hold: float = 0.0
    through: tuple[Array, ...] = field(default=())

    @property
    def kind(self) -> CellName:
        """Which cell it is, in whatever form."""
        return next(name for name in CELLS if self.cell.startswith(name))

    @property
    def stack(self) -> str:
        """The name in the model of the layer that it belongs to, with all its layers."""
        return self.layer.rsplit(" ", 1)[0]

    @property
    def is_first(self) -> bool:
        """Whether it reads what the stack is given, and no layer's states."""
        return self.layer.rsplit(" ", 1)[-1] in ("l0", "l0_reverse")

    @property
    def state_size(self) -> int:
        """How many numbers are carried from step to step: those of h and, in the LSTM, of c."""
        size: int = self.h.shape[1] + (0 if self.c is None else self.c.shape[1])
        return size

    @property
    def is_plain(self) -> bool:
        """Whether it is the textbook's plain RNN: its whole state is replaced at each step."""
        return self.kind == "rnn" and not self.hold and not self.weights.get("norm")

    @property
    def keep(self) -> Array | None:
        """The share of the old state that each unit keeps at each step, `[T, H]`: z in the GRU, f
        in the LSTM. None for a plain RNN, which replaces its state.
        """
        gate = FORMS[self.cell].keep
        if not gate:
            return np.full_like(self.h, self.hold) if self.hold else None
        return self.hold + (1 - self.hold) * self.gates[gate]

    def jacobians(self, backwards: bool = False) -> Iterator[Array]:
        """J_t = ∂s_t/∂s_{t−1} in float64 for runs of steps, `[steps, S, S]`, from the first on, or
        from the last back, steps and runs both.

        s is h, or in the LSTM h and c side by side.
        """
        S = self.state_size
        size = max(1, _JACOBIAN_BYTES // (8 * S * S))
        starts = range(0, len(self.h), size)
        for start in reversed(starts) if backwards else starts:
            J = self._rows(slice(start, start + size))._closed_form()
            if self.hold:
                J = self.hold * np.eye(S) + (1 - self.hold) * J
            yield J[::-1] if backwards else J

    def _rows(self, rows: slice) -> "Pass":
        def cut(a: Array | None) -> Any:
            return None if a is None else a[rows].astype(np.float64)

        return replace(
            self,
            h=cut(self.h),
            h_prev=cut(self.h_prev),
            c=cut(self.c),
            c_prev=cut(self.c_prev),
            gates={letter: cut(gate) for letter, gate in self.gates.items()},
        )

    def _closed_form(self) -> Array:
        """The cell's Jacobians, without what zoneout adds."""
        w_hh, norm = self.weights["w_hh"], self.weights["norm"]
        h, h_prev, last = self.h[:, None], self.h_prev[:, None], self.h[-1:]
        gates = {letter: gate[:, None] for letter, gate in self.gates.items()}
        J: Array
        if self.c is not None and self.c_prev is not None:
            c = (self.c - self.hold * self.c_prev) / (1 - self.hold)
            trace = lstm.Trace(h, last, c[-1:], h_prev, self.c_prev[:, None], **gates, c=c[:, None])
            J = lstm_jacobian.state_jacobians(trace, w_hh, self.weights["w_hr"], norm=norm)
        elif self.kind == "gru":
            of_gru = gru.Trace(h, last, h_prev, **gates)
            after = self.cell == "gru"
            J = gru_jacobian.state_jacobians(of_gru, w_hh, reset_after=after, norm=norm)
        else:
            n = (h - self.hold * h_prev) / (1 - self.hold)
            kind: rnn.Nonlinearity = "relu" if self.cell.endswith("relu") else "tanh"
            of_rnn = rnn.Trace(h, last, h_prev, n)
            J = rnn_jacobian.state_jacobians(of_rnn, w_hh, nonlinearity=kind, norm=norm)
        return J[:, 0]


@dataclass
class Call:
    """One sequence of a call of a recurrent layer, as a hook saw it.

    name: the layer's in the model. x `[T, I]`; initial: the states, `[L*D, size]` each, None for
    the layer's own. d_out `[T, D*P]` and d_finals `[L*D, size]`: the loss's gradients, where known.
    out `[T, D*P]`: what the layer answered.
    """

    name: str
    x: Tensor
    initial: tuple[Tensor, ...] | None = None
    d_out: Tensor | None = None
    d_finals: tuple[Tensor | None, ...] = ()
    out: Tensor | None = None

    @property
    def has_gradient(self) -> bool:
        """Whether a loss's gradient reached the layer."""
        return self.d_out is not None or any(d is not None for d in self.d_finals)

    def from_its_end(self, directions: int) -> "Call":
        """The same call with the gradient of the last step alone that the loss reads.

        In a reverse direction that is the first of the sequence. So one sees a gradient fade where
        a loss that reads every step would feed it anew at each.
        """
        if self.d_out is None or any(d is not None and bool(d.any()) for d in self.d_finals):
            return replace(self, d_out=None)
        kept = torch.zeros_like(self.d_out)
        parts = zip(self.d_out.chunk(directions, dim=1), kept.chunk(directions, 1), strict=True)
        for k, (given, own) in enumerate(parts):
            read = given.any(dim=1).nonzero()
            if len(read):
                t = int(read[0] if k else read[-1])
                own[t] = given[t]
        return replace(self, d_out=kept)


def passes(layer: Recurrent, call: Call) -> list[Pass]:
    """Every layer and direction of `call`, computed by the twin of the layer that was called.

    With the loss's gradients, `through` is filled. InputError for a sequence of fewer than two
    steps, and for weights or an input that are not finite.
    """
    _check(layer, call)
    dtype = next(layer.parameters()).dtype
    x = call.x.detach().to("cpu", dtype)[:, None].requires_grad_(call.has_gradient)
    states = None
    if call.initial is not None:
        rows = tuple(s.detach().to("cpu", dtype)[:, None] for s in call.initial)
        states = rows if len(rows) > 1 else rows[0]
    with apart(), torch.set_grad_enabled(call.has_gradient), tapped() as taps:
        out, finals = layer(x, states)
        if call.has_gradient:
            lone = isinstance(finals, Tensor)
            _back(x, out, (finals,) if lone else finals, call)
    begun = _begun(layer, states, dtype)
    return _as_passes(layer, call, x.detach(), taps, begun)


@contextmanager
def apart() -> Iterator[None]:
    """For a twin's run, which may come in the midst of a model's: it is not part of that.

    The twin has its own precision whatever autocast is around, and is not what a checkpoint around
    the model's layer keeps and computes again.
    """
    as_it_is = torch.autograd.graph.saved_tensors_hooks(_same, _same)
    with torch.autocast("cpu", enabled=False), as_it_is:
        yield


def _same(t: Tensor) -> Tensor:
    return t


def _check(layer: Recurrent, call: Call) -> None:
    if len(call.x) < 2:
        problem = _(
            "{layer}: expected a sequence of two steps at least, got {count}; there is no way "
            "through time to see"
        )
        raise InputError(problem.format(layer=call.name, count=len(call.x)))
    for name, weight in layer.named_parameters():
        if not bool(torch.isfinite(weight).all()):
            problem = _(
                "{layer}.{name}: holds NaN or infinity; go back to an earlier checkpoint, and "
                "train on with clipping or a lower learning rate"
            )
            raise InputError(problem.format(layer=call.name, name=name))
    if not bool(torch.isfinite(call.x).all()):
        step = int((~torch.isfinite(call.x)).any(dim=1).nonzero()[0])
        problem = _("{layer}: its input holds NaN or infinity at step {step}; look at the data")
        raise InputError(problem.format(layer=call.name, step=step))


def _back(x: Tensor, out: Tensor, finals: Sequence[Tensor], call: Call) -> None:
    """Send the loss's gradients back through the twin, which fills the taps."""
    given = [(out[:, 0], call.d_out)]
    given += [(f[:, 0], d) for f, d in zip(finals, call.d_finals, strict=False)]
    pairs = [(reached, d.to("cpu", out.dtype)) for reached, d in given if d is not None]
    torch.autograd.grad([r for r, _ in pairs], x, [d for _, d in pairs])


def _begun(layer: Recurrent, states: Any, dtype: torch.dtype) -> list[Array]:
    """The state that each layer and direction starts from: `[L*D, size]`, h and then c."""
    if states is not None:
        each = states if isinstance(states, tuple) else (states,)
        return [s[:, 0].numpy() for s in each]
    if layer.learn_h0:
        return [getattr(layer, name).detach().numpy() for name in layer.state_names]
    rows = layer.num_layers * layer.directions
    shapes = ((rows, size) for size in layer.state_sizes)
    return [torch.zeros(shape, dtype=dtype, device="cpu").numpy() for shape in shapes]


def _as_passes(
    layer: Recurrent, call: Call, x: Tensor, taps: Sequence[Tap], begun: Sequence[Array]
) -> list[Pass]:
    directions = layer.directions
    below, found = x[:, 0].numpy(), []
    for k in range(layer.num_layers):
        own = taps[k * directions : (k + 1) * directions]
        for d, tap in enumerate(own):
            begins = [b[k * directions + d] for b in begun]
            last = k == layer.num_layers - 1
            found.append(_as_pass(layer, call.name, below, tap, begins, bool(d), last))
        out = np.concatenate([tap.h[:, 0].numpy() for tap in own], axis=-1)
        below = out + below if layer.residual and k else out
    return found


def _as_pass(
    layer: Recurrent,
    name: str,
    x: Array,
    tap: Tap,
    begun: Sequence[Array],
    reverse: bool,
    is_last: bool,
) -> Pass:
    def walked(t: Tensor) -> Array:
        array: Array = t[:, 0].detach().numpy()
        return array[::-1] if reverse else array

    def before(states: Array, start: Array) -> Array:
        return np.concatenate([start[None], states[:-1]])

    gates = {letter: walked(gate) for letter, gate in tap.gates.items()}
    h, c = walked(tap.h), gates.pop("c", None)
    return Pass(
        f"{name} {tap.name}".strip(),
        tap.cell,
        reverse,
        is_last,
        x[::-1] if reverse else x,
        h,
        before(h, begun[0]),
        gates,
        _weights(layer, tap.name),
        c,
        None if c is None else before(c, begun[1]),
        float(layer.zoneout),
        tuple(walked(d) for d in tap.through),
    )


def _weights(layer: Recurrent, name: str) -> dict[str, Any]:
    """The weights of the pass whose parameters end with `_name`, in float64."""

    def own(start: str) -> Array | None:
        weight = getattr(layer, f"{start}_{name}", None)
        return None if weight is None else weight.detach().numpy().astype(np.float64)

    weights = {"w_ih": "weight_ih", "w_hh": "weight_hh", "b_ih": "bias_ih", "b_hh": "bias_hh"}
    norm = tuple(own(start) for start in layer.norm_names)
    has_projection = layer.proj_size > 0
    return {
        **{short: own(start) for short, start in weights.items()},
        "w_hr": own("weight_hr") if has_projection else None,
        "norm": norm if layer.layer_norm else None,
    }
