"""The checks on what a recurrent layer is called with; the error types are torch.nn's."""

from collections.abc import Sequence

import torch
from torch import Tensor

from gruta.cells.op import never_recorded
from gruta.locale import translate as _

_STRIDED = torch.strided


def check_layout(x: Tensor, name: str) -> None:
    """RuntimeError unless x is one dense block of numbers, of which every one counts."""
    advice = ""
    if x.is_nested:
        advice = _(
            "a nested tensor; pad it, x.to_padded_tensor(0.0), and give its rows' steps as lengths"
        )
    elif isinstance(x, torch.masked.MaskedTensor):
        advice = _("a MaskedTensor; fill it, x.to_tensor(0.0), and give its rows' steps as lengths")
    elif x.layout is not _STRIDED:
        advice = _("one of layout {layout}; make it dense, x.to_dense()").format(layout=x.layout)
    elif x.is_quantized:
        advice = _("a quantised one of {dtype}; x.dequantize() gives its numbers").format(
            dtype=x.dtype
        )
    if advice:
        raise RuntimeError(
            _("{name}: expected a dense tensor, got {advice}").format(name=name, advice=advice)
        )


@never_recorded
def check_input(x: Tensor, dims: int, size: int, dtype: torch.dtype, time: int = 0) -> None:
    """ValueError on the wrong dtype, RuntimeError on the wrong shape.

    x: of `dims` axes, `time` the one of the steps, the last one of this size. dtype: the weights'.
    """
    if x.dtype != dtype and not torch.is_autocast_enabled(x.device.type):
        raise ValueError(
            _(
                "input: expected dtype {dtype}, the weights', got {found}; convert one of them, "
                "input.to({dtype}) or model.to({found})"
            ).format(dtype=dtype, found=x.dtype)
            if x.is_floating_point() or x.is_complex()
            else _(
                "input: expected dtype {dtype}, the weights', got {found}; convert it, "
                "input.to({dtype}), or look tokens up in an nn.Embedding first"
            ).format(dtype=dtype, found=x.dtype)
        )
    if x.dim() != dims:
        raise RuntimeError(
            _("input must have {dims} dimensions, got {found}").format(dims=dims, found=x.dim())
        )
    if x.shape[-1] != size:
        problem = _("input.size(-1) must be equal to input_size. Expected {size}, got {found}")
        raise RuntimeError(problem.format(size=size, found=x.shape[-1]))
    if x.shape[time] == 0:
        raise RuntimeError(_("input: expected at least one time step, got none"))


@never_recorded
def check_states(states: Sequence[Tensor], shapes: Sequence[tuple[int, ...]], x: Tensor) -> None:
    """RuntimeError unless the initial states have these shapes, and the dtype of the input x."""
    for state, shape in zip(states, shapes, strict=True):
        check_layout(state, "hx")
        if state.shape != shape:
            raise RuntimeError(
                _("Expected hidden size {expected}, got {found}").format(
                    expected=tuple(map(int, shape)), found=list(state.shape)
                )
            )
        if state.dtype != x.dtype and not torch.is_autocast_enabled(x.device.type):
            raise RuntimeError(
                _("hx: expected dtype {dtype} as the input's, got {found}").format(
                    dtype=x.dtype, found=state.dtype
                )
            )
