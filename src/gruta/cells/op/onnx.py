"""A layer under torch.onnx.export, with either exporter: one GRU, LSTM or RNN node.

Without this the exporters write out the steps of the example and no others, or refuse. Both ways
give the node the same inputs, which ONNX's operator `GRU` and its like describe.
"""

import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from gruta.cells.op.cell import Cell, Tensors, Walk
from gruta.cells.op.tracing import Layer, Side, never_recorded, recording
from gruta.errors import InputError


class Kind(NamedTuple):
    """How ONNX says a cell: its operator, its order of our gates, and attributes of its own.

    activation: what the attribute names for every direction, where it is not the operator's own.
    """

    operator: str
    gates: tuple[int, ...]
    attributes: dict[str, int]
    activation: str = ""


_KINDS = {
    "gru": Kind("GRU", (1, 0, 2), {"linear_before_reset": 1}),  # z r h
    "gru_reset_before": Kind("GRU", (1, 0, 2), {"linear_before_reset": 0}),
    "lstm": Kind("LSTM", (0, 3, 1, 2), {}),  # i o f c
    "rnn_tanh": Kind("RNN", (0,), {}),
    "rnn_relu": Kind("RNN", (0,), {}, "Relu"),
}


def exporting() -> bool:
    """Whether torch.onnx.export captures the call."""
    return (torch.compiler.is_compiling() or recording()) and _under_way()


def _under_way() -> bool:
    return torch.onnx.is_in_onnx_export()


# As for `transforms.transformed`: what it says holds for as long as a graph is captured.
_under_way._dynamo_marked_constant = True  # type: ignore[attr-defined]


def layer(cell: Cell, x: Tensor, sides: Sequence[Side]) -> Layer:
    """What `run_layer` returns, as one node. InputError where ONNX's operators lack an option."""
    walk, given = sides[0]
    _refuse(cell, walk, given)
    states, kind = cell.states, _KINDS[cell.name]
    initial = [torch.stack([own[k] for _, own in sides]) for k in range(states)]
    own = [tensors[2 * states : 2 * states + 4] for _, tensors in sides]
    weights = [torch.stack([_ordered(kind, w[k]) for w in own]) for k in (0, 1)]
    bias = None
    if given[2 * states + 2] is not None:
        both = [torch.cat([_ordered(kind, w[2]), _ordered(kind, w[3])]) for w in own]
        bias = torch.stack(both)
    lengths = None if walk.lengths is None else walk.lengths.to(torch.int32)
    attributes: dict[str, Any] = {
        "hidden_size": _width(given[2 * states + 1]),
        "direction": "bidirectional" if len(sides) > 1 else "forward",
        **kind.attributes,
    }
    if kind.activation:
        attributes["activations"] = [kind.activation] * len(sides)
    y, *finals = _node(kind.operator, attributes, (x, *weights, bias, lengths, *initial))
    h = y.permute(0, 2, 1, 3).flatten(2) if len(sides) > 1 else y.squeeze(1)
    if walk.lengths is not None:  # ONNX Runtime gives zeros for a row without steps
        there = (walk.lengths > 0)[:, None]
        finals = [torch.where(there, end, s) for end, s in zip(finals, initial, strict=True)]
    return h, list(zip(*(f.unbind(0) for f in finals), strict=True))


def _refuse(cell: Cell, walk: Walk, given: Tensors) -> None:
    """InputError that names what ONNX's operators cannot say."""
    lacking = {
        "zoneout": bool(walk.hold),
        "recurrent_dropout in training": walk.dropout is not None,
        "reset_mask": walk.reset is not None,
        "layer_norm": given[-1] is not None,
        "proj_size": cell.projects and given[2 * cell.states + 4] is not None,
        f"weights of {given[2 * cell.states].dtype}": not _is_known(given[2 * cell.states].dtype),
    }
    named = ", ".join(name for name, there in lacking.items() if there)
    if named:
        raise InputError(
            f"torch.onnx.export: ONNX's {_KINDS[cell.name].operator} has no {named}; export a "
            "model without, or keep this one in PyTorch (torch.export, torch.jit.trace)"
        )
    if given[2 * cell.states].dtype is torch.float64:
        warnings.warn(
            "torch.onnx.export: ONNX Runtime runs no recurrent layer of float64, though ONNX has "
            "them; export model.float()",
            UserWarning,
            stacklevel=2,
        )


@never_recorded
def _width(w_hh: Tensor) -> int:
    return w_hh.shape[1]


def _is_known(dtype: torch.dtype) -> bool:
    return dtype in (torch.float16, torch.float32, torch.float64)


def _ordered(kind: Kind, weight: Tensor) -> Tensor:
    """`[G·H, ...]` with the gates in ONNX's order."""
    if len(kind.gates) == 1:
        return weight
    H = weight.shape[0] // len(kind.gates)
    return torch.cat([weight[k * H : (k + 1) * H] for k in kind.gates])


def _node(
    operator: str, attributes: dict[str, Any], inputs: tuple[Tensor | None, ...]
) -> Sequence[Tensor]:
    """Y `[T, D, B, H]` and the final states `[D, B, H]`.

    inputs: X, W, R, B, sequence_lens, initial_h and, for an LSTM, initial_c.
    """
    if recording():
        return _Node.apply(operator, attributes, *inputs)  # type: ignore[no-any-return,no-untyped-call]
    x, shapes = inputs[0], _shapes(*inputs)
    assert x is not None
    found = torch.onnx.ops.symbolic_multi_out(
        operator, inputs, attributes, dtypes=[x.dtype] * len(shapes), shapes=shapes
    )
    return [y if x.is_cpu else y.to(x.device) for y in found]


def _shapes(*inputs: Any) -> list[tuple[int, ...]]:
    """Of what a node with these inputs gives."""
    T, (D, B, H) = inputs[0].shape[0], inputs[5].shape
    return [(T, D, B, H), *[(D, B, H)] * len(inputs[5:])]


class _Node(torch.autograd.Function):
    """The node for the exporter that traces (dynamo=False), which asks `symbolic` for it."""

    @staticmethod
    def forward(
        ctx: Any, operator: str, attributes: dict[str, Any], *inputs: Any
    ) -> tuple[Tensor, ...]:
        return tuple(inputs[0].new_zeros(shape) for shape in _shapes(*inputs))

    @staticmethod
    def symbolic(g: Any, operator: str, attributes: dict[str, Any], *inputs: Any) -> Any:
        kinds = {int: "i", str: "s", list: "s"}
        named = {f"{name}_{kinds[type(value)]}": value for name, value in attributes.items()}
        given = [_left_out(g) if value is None else value for value in inputs]
        return g.op(operator, *given, outputs=len(inputs) - 4, **named)


def _left_out(g: Any) -> Any:
    """What stands for an optional input that is not given; a None would end the process."""
    nothing = g.op("prim::Constant")
    nothing.setType(torch._C.OptionalType.ofTensor())
    return nothing
