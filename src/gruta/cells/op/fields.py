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


def walk_fields(masks: Masks, reverse: bool, restarts: Tensors) -> Fields:
    """Those with which `kernels.Pass` begins: how the walk goes."""
    lengths, reset, dropout, hold_h, hold_c = masks
    pad = _PADS[2 - len(restarts)]
    return (lengths, reverse, reset, *restarts, *pad, dropout, hold_h, hold_c)


def fields(
    walk: Fields,
    x: Tensor,
    initial: Tensors,
    weights: Tensors,
    h: Tensor,
    finals: Tensors,
    gates: Tensor | None,
) -> tuple[Fields, Fields]:
    """Those of `kernels.Weights` and of `kernels.Pass`, a tensor for each view of three numbers."""
    pad, (own, norm) = _PADS[2 - len(initial)], _with_norm(weights)
    return (*own, *norm), (*walk, x, *initial, *pad, h, *finals, *pad, gates)


def is_normed(weights: Tensors) -> bool:
    """Whether a layer norm's four parameters follow the four or five weights of a direction."""
    return len(weights) > 5


def _with_norm(weights: Tensors) -> tuple[Fields, Fields]:
    """The five weights of a direction, and the layer norm's four or none."""
    if not is_normed(weights):
        return (*weights, None)[:5], ()
    return (*weights[:-4], None)[:5], tuple(weights[-4:])


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
    pad, (own, norm) = _PADS[2 - len(d_initial)], _with_norm(d_weights)
    through = (*through, None, None)[:2]
    return (dh, *d_finals, *pad, dx, *d_initial, *pad, *d_restarts, *pad, *own, *through, *norm)
