"""Which path a call of a layer would take, on what, and why; nothing is computed."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from gruta import kernels
from gruta.cells.op import Path, Side, Walk, threads, why
from gruta.nn.sequences import unpack
from gruta.nn.stack import Recurrent


@dataclass(frozen=True)
class Explanation:
    """How one layer of a stack would be computed.

    layer: its number. path: "gruta's compiled kernel", "torch's own op" or "the composite form
    under autograd". reason: what decided. For the kernel, isa: the instruction set; groups: how
    many directions run side by side; members: threads that share one direction; splits_units:
    whether these split its units, else the rows of the batch.
    """

    layer: int
    path: str
    reason: str
    isa: str = ""
    groups: int = 1
    members: int = 1
    splits_units: bool = False

    def __str__(self) -> str:
        return f"layer {self.layer}: {self.path}, since {self.reason}{self._plan()}"

    def _plan(self) -> str:
        if not self.isa:
            return ""
        split = "units" if self.splits_units else "rows"
        shared = f", which split the {split}" if self.members > 1 else ""
        sides = f", {self.groups} directions side by side" if self.groups > 1 else ""
        threads = f"{self.members} thread{'s' if self.members > 1 else ''}"
        fast = ", fast activations" if kernels.activations() == "fast" else ""
        return f"; {self.isa}{fast}{sides}, {threads} a direction{shared}"


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
        raise TypeError(
            f"module: expected a GRU, LSTM or RNN of gruta.nn, got {type(module).__name__}: pass "
            "the layer itself, for instance model.gru"
        )
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
    path, reason = why(cell, walk, x, [side])
    if path not in (Path.KERNEL, Path.ROUNDED):
        return Explanation(layer, path.value, reason)
    sizes = (B, T, width, states[-1].shape[1], states[0].shape[1])
    plan = kernels.layer_plan(cell.name, sizes, module.directions, threads())
    return Explanation(layer, path.value, reason, kernels.isa(), *plan)
