"""Batches of sequences of unequal length: padded with lengths, and torch's packed form."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from gruta.cells.op import exporting, never_recorded, recording
from gruta.locale import translate as _


def unpack(packed: PackedSequence) -> tuple[Tensor, Tensor]:
    """x `[T, B, I]` and lengths `[B]` on x's device, in the order of the rows before packing."""
    x, lengths = pad_packed_sequence(packed)
    return x, lengths.to(x.device)


def repack(h: Tensor, like: PackedSequence) -> PackedSequence:
    """h `[T, B, H]`, rows in the order before packing, packed as `like` is."""
    _, lengths = pad_packed_sequence(like)
    if like.sorted_indices is not None:
        h = h.index_select(1, like.sorted_indices)
        lengths = lengths[like.sorted_indices.cpu()]
    data = pack_padded_sequence(h, lengths).data
    return PackedSequence(data, like.batch_sizes, like.sorted_indices, like.unsorted_indices)


def as_lengths(lengths: Tensor | Sequence[int], T: int, B: int, device: torch.device) -> Tensor:
    """`[B]` int64 on `device`; ValueError unless there are B integers from 0 to T.

    Values on an accelerator are not read back, nor any under torch.compile, which would have to cut
    the graph, or under torch.jit.trace: there they are clamped to the range instead, but for ONNX,
    where who runs the file checks them.
    """
    given = torch.as_tensor(lengths)
    _check_lengths(given, B)
    if given.device.type != "cpu" or torch.compiler.is_compiling() or recording():
        given = given.to(device, torch.int64)
        return given if exporting() else given.clamp(0, T)
    if B and not 0 <= int(given.min()) <= int(given.max()) <= T:
        raise ValueError(
            _("lengths: expected values from 0 to {T}, got {given}").format(
                T=T, given=given.tolist()
            )
        )
    return given.to(device, torch.int64)


@never_recorded
def _check_lengths(given: Tensor, B: int) -> None:
    if given.shape != (B,) or given.is_floating_point() or given.dtype == torch.bool:
        problem = _(
            "lengths: expected {B} integers, one a row of the batch, got shape {shape} of {dtype}"
        )
        raise ValueError(problem.format(B=B, shape=list(given.shape), dtype=given.dtype))


def as_resets(reset_mask: Tensor, shape: Sequence[int], axes: str, device: torch.device) -> Tensor:
    """`reset_mask` on `device`; ValueError unless it is a bool tensor of the input's `shape`."""
    given = torch.as_tensor(reset_mask)
    _check_resets(given, shape, axes)
    return given.to(device)


@never_recorded
def _check_resets(given: Tensor, shape: Sequence[int], axes: str) -> None:
    if given.shape != tuple(shape) or given.dtype != torch.bool:
        problem = _(
            "reset_mask: expected bool of shape {axes} = {expected} as the input's, got shape "
            "{shape} of {dtype}"
        )
        raise ValueError(
            problem.format(
                axes=axes, expected=list(shape), shape=list(given.shape), dtype=given.dtype
            )
        )


def without_padding(x: Tensor, lengths: Tensor) -> Tensor:
    """x `[T, B, I]` with zeros past the lengths.

    A NaN there would enter the gradient of the weights, which sums over all steps, as 0 * NaN.
    """
    steps = torch.arange(x.shape[0], device=x.device)[:, None]
    return torch.where((steps < lengths)[:, :, None], x, 0)
