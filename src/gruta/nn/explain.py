"""Which path a call of a layer would take, on what, and why; nothing is computed."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from gruta import kernels
from gruta.cells.op import Path, Side, Walk, threads, why
from gruta.locale import translate as _
from gruta.nn.sequences import unpack
from gruta.nn.stack import Recurrent


@dataclass(frozen=True)
class Explanation:
    """How one layer of a stack would be computed.

    layer: its number. path: "gruta's compiled kernel", "torch's own op" or "the composite form
    under autograd", in any language. reason: what decided, in the reader's. For the kernel, isa:
    the instruction set; groups: how many directions run side by side; members: threads that share
    one direction; splits_units: whether these split its units, else the rows of the batch.
    """

    layer: int
    path: str
    reason: str
    isa: str = ""
    groups: int = 1
    members: int = 1
    splits_units: bool = False

    def __str__(self) -> str:
        told = _("layer {layer}: {path}, since {reason}").format(
            layer=self.layer, path=_(self.path), reason=self.reason
        )
        return told + self._plan()

    def _plan(self) -> str:
        if not self.isa:
            return ""
        fast = _(", fast activations") if kernels.activations() == "fast" else ""
        sides = _(", {count} directions side by side") if self.groups > 1 else ""
        if self.members == 1:
            threads = _(", 1 thread a direction")
        elif self.splits_units:
            threads = _(", {count} threads a direction, which split the units")
        else:
            threads = _(", {count} threads a direction, which split the rows")
        sides, threads = sides.format(count=self.groups), threads.format(count=self.members)
        return f"; {self.isa}{fast}{sides}{threads}"


def explain(
    module: Recurrent,
    input: Tensor | PackedSequence,
    *,
    lengths: Tensor | Sequence[int] | None = None,
    reset_mask: Tensor | None = None,
) -> list[Explanation]:
    """How `module(input, ...)` would be computed here and now, an entry a layer.

    input: as the module takes it, `[T, B, I]` (`[B, T, I]` with batch_first), `[T, I]`, or packed.
    Autograd, autocast, transforms and the number of threads count as they stand at this call.
    TypeError for a module that is not one of gruta's layers.
    """
    if not isinstance(module, Recurrent):
        problem = _(
            "module: expected a GRU, LSTM or RNN of gruta.nn, got {kind}: pass the layer itself, "
            "for instance model.gru"
        )
        raise TypeError(problem.format(kind=type(module).__name__))
    if isinstance(input, PackedSequence):
        padded, own = unpack(input)
        return [_layer(module, padded, k, own, None) for k in range(module.num_layers)]
    with torch.no_grad():
        x = input[:, None] if input.dim() == 2 else input
        x = x.transpose(0, 1) if module.batch_first and input.dim() == 3 else x
    given = None if lengths is None else torch.as_tensor(lengths)
    return [_layer(module, x, k, given, reset_mask) for k in range(module.num_layers)]


def _layer(
    module: Recurrent, x: Tensor, layer: int, lengths: Tensor | None, resets: Tensor | None
) -> Explanation:
    cell, (T, B, width) = module.cell, x.shape
    if layer:
        width = module.directions * module.state_sizes[0]
        x = x.new_empty(T, B, width)
    walk = Walk(lengths, False, resets, *module.noise(x, draw=False))
    states = [x.new_empty(B, size) for size in module.state_sizes]
    side = Side(tuple(states), (None,) * len(states), *module.weights(layer, ""))
    path, reason = why(cell, x, [(walk, side)])
    if path not in (Path.KERNEL, Path.ROUNDED):
        return Explanation(layer, path.value, reason.told())
    sizes = (B, T, width, states[-1].shape[1], states[0].shape[1])
    plan = kernels.layer_plan(cell.name, sizes, module.directions, threads())
    return Explanation(layer, path.value, reason.told(), kernels.isa(), *plan)
