"""What torch.jit.trace records of a call: nodes that take any length and batch, as torch.nn's do.

A trace of the composite form would hold the steps of the example and no others. What torch's own op
can do is recorded as that op, one a layer; all else as a loop of TorchScript around one traced step
of the composite form. Neither needs gruta to load, and both can be differentiated.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from gruta.cells.op.cell import Cell, Side, Walk

P = ParamSpec("P")
R = TypeVar("R")
Sides = Sequence[tuple[Walk, Side]]
Layer = tuple[Tensor, list[tuple[Tensor, ...]]]

_OPS: dict[str, Any] = {
    "gru": torch.gru,
    "lstm": torch.lstm,
    "rnn_tanh": torch.rnn_tanh,
    "rnn_relu": torch.rnn_relu,
}


def recording() -> bool:
    """Whether torch.jit.trace is under way."""
    return torch._C._get_tracing_state() is not None


@contextmanager
def unrecorded() -> Iterator[None]:
    """Nothing done here is recorded, and sizes are numbers, not nodes of the graph."""
    state = torch._C._get_tracing_state()
    torch._C._set_tracing_state(None)  # type: ignore[attr-defined]
    try:
        yield
    finally:
        torch._C._set_tracing_state(state)  # type: ignore[attr-defined]


def never_recorded(check: Callable[P, R]) -> Callable[P, R]:
    """A check that leaves nothing in a trace, not even torch's warnings on comparing sizes."""

    @wraps(check)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        if not recording():
            return check(*args, **kwargs)
        with unrecorded():
            return check(*args, **kwargs)

    return wrapped


def layer(cell: Cell, x: Tensor, sides: Sides) -> Layer:
    """What `run_layer` returns, in nodes that a trace can keep."""
    walk, first = sides[0]
    plain = not walk.hold and walk.reset is walk.dropout is None and not first.has_norm
    if plain and cell.name in _OPS:
        return _by_torch(cell, x, sides)
    found = [_by_loop(cell, walk, x, side) for walk, side in sides]
    return torch.cat([h for h, _ in found], dim=-1), [final for _, final in found]


def _by_torch(cell: Cell, x: Tensor, sides: Sides) -> Layer:
    """By one of torch's own ops, both directions in one."""
    lengths, states = sides[0][0].lengths, cell.states
    initial = [torch.cat(each) for each in zip(*(side.initial for _, side in sides), strict=True)]
    weights = [w for _, side in sides for w in side.weights if w is not None]
    hx: Any = initial if states > 1 else initial[0]
    has_biases = sides[0][1].has_biases
    how = (weights, has_biases, 1, 0.0, True, len(sides) > 1)  # one layer, no dropout, training
    op = _OPS[cell.name]
    if lengths is None:
        h, *finals = op(x, hx, *how, False)  # time first
        return h, by_side(finals, len(sides))
    there = lengths > 0
    packed = pack_padded_sequence(x, lengths.clamp(min=1).cpu(), enforce_sorted=False)
    order, back = packed.sorted_indices, packed.unsorted_indices
    assert order is not None
    assert back is not None
    ordered: Any = [s.index_select(1, order) for s in initial]
    data, *ends = op(packed.data, packed.batch_sizes, ordered if states > 1 else ordered[0], *how)
    h, _ = pad_packed_sequence(PackedSequence(data, packed.batch_sizes, order, back))
    h = torch.where(there[:, None], F.pad(h, (0, 0, 0, 0, 0, x.shape[0] - h.shape[0])), 0)
    finals = [
        torch.where(there[:, None], end.index_select(1, back), start)
        for end, start in zip(ends, initial, strict=True)
    ]
    return h, by_side(finals, len(sides))


def by_side(finals: Sequence[Tensor], D: int) -> list[tuple[Tensor, ...]]:
    """The final states `[D, B, size]` of an op, one direction after the other; no view of one."""
    if D == 1:
        return [tuple(finals)]
    return list(zip(*(final.chunk(D) for final in finals), strict=True))


def _by_loop(cell: Cell, walk: Walk, x: Tensor, side: Side) -> tuple[Tensor, Any]:
    """h `[T, B, P]` and the final states of one direction, by a loop of TorchScript."""
    active = walk.active(x.shape[0])
    held = walk.hold if isinstance(walk.hold, tuple) else ()
    masks = {"lengths": None if active is None else active[..., 0].long(), "reset": walk.reset}
    masks |= {f"hold_{k}": mask for k, mask in enumerate(held)}
    over_time = {"x": x} | {name: mask for name, mask in masks.items() if mask is not None}
    initial = [state.squeeze(0) for state in side.initial]
    others = [walk.dropout, *side.restarts, *side.weights, *side.norm]
    constant = [t for t in others if t is not None]

    def step(now: list[Tensor], state: list[Tensor], constant: list[Tensor]) -> list[Tensor]:
        at = dict(zip(over_time, now, strict=True))
        given = iter(constant)
        dropout, *weights = [None if t is None else next(given) for t in others]
        one = Walk(
            lengths=at.get("lengths"),
            reset=at["reset"][None] if "reset" in at else None,
            dropout=dropout,
            hold=tuple(at[f"hold_{k}"][None] for k in range(len(held))) if held else walk.hold,
        )
        h, *after = cell.composite(one, at["x"][None], *state, *weights)
        return [h[0], *after]

    with unrecorded(), torch.no_grad():
        example = ([t[0] for t in over_time.values()], initial, constant)
        loop = _loop_of(_scripted(torch.jit.trace, step, example, check_trace=False, strict=False))
    h, *finals = loop(list(over_time.values()), initial, constant, walk.reverse)
    return h, tuple(final.unsqueeze(0) for final in finals)


def _loop_of(step: Any) -> Any:
    """The function of TorchScript that takes such a step for every t."""

    def loop(
        over_time: list[Tensor], state: list[Tensor], constant: list[Tensor], reverse: bool
    ) -> list[Tensor]:
        T = over_time[0].size(0)
        out: list[Tensor] = []
        for k in range(T):
            t = T - 1 - k if reverse else k
            after = step([each[t] for each in over_time], state, constant)
            out.append(after[0])
            state = after[1:]
        if reverse:
            out.reverse()
        return [torch.stack(out)] + state  # noqa: RUF005  # TorchScript knows no starred lists

    return _scripted(torch.jit.script, loop)


def _scripted(make: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """A function of TorchScript, made without torch's warning that TorchScript is deprecated."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return make(*args, **kwargs)
