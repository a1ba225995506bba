"""The checks on a recurrent layer's arguments and input; the error types are torch.nn's."""

import numbers
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeGuard

import torch
from torch import Tensor

from gruta.cells.op import never_recorded
from gruta.cells.op.transforms import PLAIN

if TYPE_CHECKING:
    from gruta.nn.stack import Recurrent

_STRIDED = torch.strided


def check_arguments(layer: "Recurrent") -> None:
    """TypeError or ValueError that names the argument, what was expected, and what came."""
    for name in ("input_size", "hidden_size", "num_layers", "proj_size"):
        value = getattr(layer, name)
        if not isinstance(value, int) or isinstance(value, bool):
            raise TypeError(f"{name} should be of type int, got: {type(value).__name__}")
    for name in ("bias", "batch_first", "learn_h0", "layer_norm", "residual", "recompute"):
        value = getattr(layer, name)
        if not isinstance(value, bool):
            raise TypeError(f"{name} should be of type bool, got: {type(value).__name__}")
    for name in ("input_size", "hidden_size", "num_layers"):
        if getattr(layer, name) <= 0:
            raise ValueError(f"{name} must be greater than zero, got {getattr(layer, name)}")
    if not 0 <= layer.proj_size < layer.hidden_size:
        raise ValueError(
            f"proj_size must be 0 (no projection) or smaller than hidden_size "
            f"({layer.hidden_size}), got {layer.proj_size}"
        )
    if layer.residual and layer.num_layers == 1:
        raise ValueError(
            "residual=True adds a layer's input to its output from the second layer on: expected "
            "num_layers of at least 2, got 1"
        )
    _check_probability(layer, "recurrent_dropout")
    _check_probability(layer, "zoneout")
    _check_dropout(layer)


def refuse_projection(given: Mapping[str, object]) -> None:
    """ValueError if `proj_size`, which only the LSTM has, is among the arguments given."""
    if "proj_size" in given:
        raise ValueError("proj_size is only supported by the LSTM, not by RNN or GRU")


def _check_probability(layer: "Recurrent", name: str) -> None:
    p = getattr(layer, name)
    if not isinstance(p, numbers.Real) or isinstance(p, bool) or not 0 <= float(p) < 1:
        kind = ValueError if isinstance(p, numbers.Real | str) else TypeError
        raise kind(f"{name} should be a number from 0 to below 1, got {p!r}")


def _check_dropout(layer: "Recurrent") -> None:
    p = layer.dropout
    if not isinstance(p, numbers.Real) or isinstance(p, bool) or not 0 <= p <= 1:
        kind = ValueError if isinstance(p, numbers.Real | str) else TypeError
        raise kind(f"dropout should be a number from 0 to 1, got {p!r}")
    if p > 0 and layer.num_layers == 1:
        warnings.warn(
            f"dropout={p} acts between layers, after all but the last one: with num_layers=1 it "
            "does nothing",
            UserWarning,
            stacklevel=5,
        )


def is_plain(x: Any) -> TypeGuard[Tensor]:
    """Whether x is a tensor without behaviour of its own, and one that `check_layout` lets pass."""
    return type(x) in PLAIN and not x.is_nested and x.layout is _STRIDED and not x.is_quantized


def check_layout(x: Tensor, name: str) -> None:
    """RuntimeError unless x is one dense block of numbers, of which every one counts."""
    advice = ""
    if x.is_nested:
        advice = (
            "a nested tensor; pad it, x.to_padded_tensor(0.0), and give its rows' steps as lengths"
        )
    elif isinstance(x, torch.masked.MaskedTensor):
        advice = "a MaskedTensor; fill it, x.to_tensor(0.0), and give its rows' steps as lengths"
    elif x.layout is not _STRIDED:
        advice = f"one of layout {x.layout}; make it dense, x.to_dense()"
    elif x.is_quantized:
        advice = f"a quantised one of {x.dtype}; x.dequantize() gives its numbers"
    if advice:
        raise RuntimeError(f"{name}: expected a dense tensor, got {advice}")


@never_recorded
def check_input(layer: "Recurrent", x: Tensor, dims: int) -> None:
    """ValueError on the wrong dtype, RuntimeError on the wrong shape."""
    dtype = layer.weight_ih_l0.dtype
    if x.dtype != dtype and not torch.is_autocast_enabled(x.device.type):
        raise ValueError(
            f"input: expected dtype {dtype}, the weights', got {x.dtype}; convert one of them, "
            f"input.to({dtype}) or model.to({x.dtype})"
            if x.is_floating_point() or x.is_complex()
            else f"input: expected dtype {dtype}, the weights', got {x.dtype}; convert it, "
            f"input.to({dtype}), or look tokens up in an nn.Embedding first"
        )
    if x.dim() != dims:
        raise RuntimeError(f"input must have {dims} dimensions, got {x.dim()}")
    if x.shape[-1] != layer.input_size:
        raise RuntimeError(
            f"input.size(-1) must be equal to input_size. Expected {layer.input_size}, "
            f"got {x.shape[-1]}"
        )
    time = 1 if dims == 3 and layer.batch_first else 0
    if x.shape[time] == 0:
        raise RuntimeError("input: expected at least one time step, got none")


@never_recorded
def check_states(states: Sequence[Tensor], shapes: Sequence[tuple[int, ...]], x: Tensor) -> None:
    """RuntimeError unless the initial states have these shapes, and the dtype of the input x."""
    for state, shape in zip(states, shapes, strict=True):
        check_layout(state, "hx")
        if state.shape != shape:
            raise RuntimeError(
                f"Expected hidden size {tuple(map(int, shape))}, got {list(state.shape)}"
            )
        if state.dtype != x.dtype and not torch.is_autocast_enabled(x.device.type):
            raise RuntimeError(f"hx: expected dtype {x.dtype} as the input's, got {state.dtype}")
