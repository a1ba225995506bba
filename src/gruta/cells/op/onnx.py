"""A layer under torch.onnx.export, with either exporter: one GRU, LSTM or RNN node.

Without this the exporters write out the steps of the example and no others, or refuse. Both ways
give the node the same inputs, which ONNX's operator `GRU` and its like describe.
"""

import warnings
from collections.abc import Sequence

import torch
from torch import Tensor

from gruta.cells.op.cell import Cell, Tensors, Walk
from gruta.cells.op.onnx_nodes import KINDS, define, node, ordered
from gruta.cells.op.tracing import Layer, Side, by_side, never_recorded, recording
from gruta.errors import InputError


def exporting() -> bool:
    """Whether torch.onnx.export captures the call."""
    return (torch.compiler.is_compiling() or recording()) and _under_way()


def _under_way() -> bool:
    if not torch.onnx.is_in_onnx_export():
        return False
    define()
    return True


# As for `transforms.transformed`: what it says holds for as long as a graph is captured.
_under_way._dynamo_marked_constant = True  # type: ignore[attr-defined]


def layer(cell: Cell, x: Tensor, sides: Sequence[Side]) -> Layer:
    """What `run_layer` returns, as one node. InputError where ONNX's operators lack an option."""
    walk, given = sides[0]
    _refuse(cell, walk, given)
    states, kind = cell.states, KINDS[cell.name]
    initial = [torch.cat([own[k] for _, own in sides]) for k in range(states)]
    own = [tensors[2 * states : 2 * states + 4] for _, tensors in sides]
    weights = [torch.stack([ordered(w[k], kind.gates) for w in own]) for k in (0, 1)]
    bias = None
    if given[2 * states + 2] is not None:
        both = [torch.cat([ordered(b, kind.gates) for b in w[2:]]) for w in own]
        bias = torch.stack(both)
    lengths = None if walk.lengths is None else walk.lengths.to(torch.int32)
    H = _width(given[2 * states + 1])
    y, *finals = node(cell.name, len(sides), H, (x, *weights, bias, lengths, *initial))
    h = y.permute(0, 2, 1, 3).flatten(2) if len(sides) > 1 else y.squeeze(1)
    if walk.lengths is not None:  # ONNX Runtime gives zeros for a row without steps
        there = (walk.lengths > 0)[:, None]
        finals = [torch.where(there, end, s) for end, s in zip(finals, initial, strict=True)]
    return h, by_side(finals, len(sides))


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
            f"torch.onnx.export: ONNX's {KINDS[cell.name].name} has no {named}; export a "
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
