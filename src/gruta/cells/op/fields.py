"""A direction's tensors as the kernels take them: in the order of `kernels.Weights`, `Pass` and
`Gradients`, None for what is left out.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from torch import Tensor

Fields = tuple[Any, ...]
Tensors = Sequence[Tensor | None]


class Masks(NamedTuple):
    """What a walk does to the state besides, as `Walk` says; hold: a mask for each state."""

    lengths: Tensor | None = None
    reset: Tensor | None = None
    dropout: Tensor | None = None
    hold_h: Tensor | None = None
    hold_c: Tensor | None = None


NO_MASKS = Masks()

_PADS = (), (None,), (None, None)


def pass_fields(
    masks: Masks,
    reverse: bool,
    x: Tensor,
    initial: Tensors,
    restarts: Tensors,
    h: Tensor,
    finals: Tensors,
    gates: Tensor | None,
) -> Fields:
    """Those of `kernels.Pass`, a tensor for each view of three numbers."""
    lengths, reset, dropout, hold_h, hold_c = masks
    pad = _PADS[2 - len(initial)]
    return (
        *(lengths, reverse, reset, *restarts, *pad, dropout, hold_h, hold_c),
        *(x, *initial, *pad, h, *finals, *pad, gates),
    )


def weight_fields(weights: Tensors) -> Fields:
    """Those of `kernels.Weights`."""
    return (*weights, *_PADS[5 - len(weights)])


def gradient_fields(
    dh: Tensor | None,
    d_finals: Tensors,
    dx: Tensor | None,
    d_initial: Tensors,
    d_restarts: Tensors,
    d_weights: Tensors,
    through: Tensors,
) -> Fields:
    """Those of `kernels.Gradients`; through: none, or one for each state."""
    pad = _PADS[2 - len(d_initial)]
    return (
        *(dh, *d_finals, *pad, dx, *d_initial, *pad, *d_restarts, *pad),
        *(*weight_fields(d_weights), *through, *_PADS[2 - len(through)]),
    )
