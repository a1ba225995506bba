"""The checks on a recurrent layer's arguments and input; the error types are torch.nn's."""

import numbers
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from gruta.cells.op import never_recorded

if TYPE_CHECKING:
    from gruta.nn.stack import Recurrent


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


@never_recorded
def check_input(layer: "Recurrent", x: Tensor, dims: int) -> None:
    """ValueError on the wrong dtype, RuntimeError on the wrong shape."""
    dtype = layer.weight_ih_l0.dtype
    if x.dtype != dtype and not torch.is_autocast_enabled(x.device.type):
        raise ValueError(
            f"input: expected dtype {dtype}, the weights', got {x.dtype}; convert one of them, "
            f"input.to({dtype}) or model.to({x.dtype})"
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
        if state.shape != shape:
            raise RuntimeError(f"Expected hidden size {tuple(shape)}, got {list(state.shape)}")
        if state.dtype != x.dtype and not torch.is_autocast_enabled(x.device.type):
            raise RuntimeError(f"hx: expected dtype {x.dtype} as the input's, got {state.dtype}")
