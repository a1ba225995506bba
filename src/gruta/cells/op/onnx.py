"""A layer under torch.onnx.export, with either exporter: one GRU, LSTM or RNN node.

Without this the exporters write out the steps of the example and no others, or refuse. Both ways
give the node the same inputs, which ONNX's operator `GRU` and its like describe.
"""

import warnings

import torch
from torch import Tensor

from gruta.cells.op.cell import Cell, Side, Sides, Walk
from gruta.cells.op.onnx_nodes import KINDS, define, node, ordered
from gruta.cells.op.tracing import Layer, by_side, never_recorded, recording
from gruta.errors import InputError
from gruta.locale import translate as _


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


def layer(cell: Cell, x: Tensor, sides: Sides) -> Layer:
    """What `run_layer` returns, as one node. InputError where ONNX's operators lack an option."""
    walk, first = sides[0]
    _refuse(cell, walk, first)
    kind = KINDS[cell.name]
    initial = [torch.cat(each) for each in zip(*(side.initial for _, side in sides), strict=True)]
    w_ih, w_hh, b_ih, b_hh = list(zip(*(side.weights for _, side in sides), strict=True))[:4]
    weights = [torch.stack([ordered(w, kind.gates) for w in each]) for each in (w_ih, w_hh)]
    bias = None
    if first.has_biases:
        own = [[ordered(b, kind.gates) for b in both] for both in zip(b_ih, b_hh, strict=True)]
        bias = torch.stack([torch.cat(both) for both in own])
    lengths = None if walk.lengths is None else walk.lengths.to(torch.int32)
    H = _width(w_hh[0])
    y, *finals = node(cell.name, len(sides), H, (x, *weights, bias, lengths, *initial))
    h = y.permute(0, 2, 1, 3).flatten(2) if len(sides) > 1 else y.squeeze(1)
    if walk.lengths is not None:  # ONNX Runtime gives zeros for a row without steps
        there = (walk.lengths > 0)[:, None]
        finals = [torch.where(there, end, s) for end, s in zip(finals, initial, strict=True)]
    return h, by_side(finals, len(sides))


def _refuse(cell: Cell, walk: Walk, side: Side) -> None:
    """InputError that names what ONNX's operators cannot say."""
    dtype = side.weights[0].dtype
    lacking = {
        "zoneout": bool(walk.hold),
        _("recurrent_dropout in training"): walk.dropout is not None,
        "reset_mask": walk.reset is not None,
        "layer_norm": side.has_norm,
        "proj_size": cell.projects and side.weights[-1] is not None,
        _("weights of {dtype}").format(dtype=dtype): not _is_known(dtype),
    }
    named = ", ".join(name for name, there in lacking.items() if there)
    if named:
        problem = _(
            "torch.onnx.export: ONNX's {name} has no {named}; export a model without, or keep this "
            "one in PyTorch (torch.export, torch.jit.trace)"
        )
        raise InputError(problem.format(name=KINDS[cell.name].name, named=named))
    if dtype is torch.float64:
        warnings.warn(
            _(
                "torch.onnx.export: ONNX Runtime runs no recurrent layer of float64, though ONNX "
                "has them; export model.float()"
            ),
            UserWarning,
            stacklevel=2,
        )


@never_recorded
def _width(w_hh: Tensor) -> int:
    return w_hh.shape[1]


def _is_known(dtype: torch.dtype) -> bool:
    return dtype in (torch.float16, torch.float32, torch.float64)
