"""What a cell is to PyTorch, and how a call of it walks over time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from gruta.cells.layer_norm import EPSILON
from gruta.cells.op.tap import Notes

Tensors = tuple[Any, ...]  # each a Tensor, or None where the cell can do without


class Walk(NamedTuple):
    """How a layer walks over time, and what happens to its state on the way.

    lengths: `[B]` int64, the steps of each row; None for all T.
    reverse: from the last step to the first.
    reset: `[T, B]` bool; where true, the state is replaced before x_t is read, in either direction,
        by the restart state of the call or by zeros. Past a row's length it has no effect.
    dropout: `[B, P]`, a factor on the copy of h that enters the products with W_hh: 0 or 1/(1 - p).
    hold: zoneout (Krueger et al. 2016, arXiv:1606.01305): for each state `[T, B, size]` bool, true
        where a unit keeps its old value; or a number p, for p * old + (1 - p) * new everywhere.
    notes: where the composite form writes what it does, if somebody looks.
    """

    lengths: Tensor | None = None
    reverse: bool = False
    reset: Tensor | None = None
    dropout: Tensor | None = None
    hold: tuple[Tensor, ...] | float = 0.0
    notes: Notes | None = None

    @property
    def is_default(self) -> bool:
        """All T steps of every row, and nothing happens to the state between them."""
        return not self.hold and self.has_no_masks

    @property
    def has_no_masks(self) -> bool:
        """Whether all the tensors are left out."""
        held = isinstance(self.hold, tuple)
        return not held and self.lengths is self.reset is self.dropout is None

    def active(self, T: int) -> Tensor | None:
        """`[T, B, 1]` bool: true where step t lies within row b's length; None where all do."""
        if self.lengths is None:
            return None
        return (torch.arange(T, device=self.lengths.device)[:, None] < self.lengths)[:, :, None]

    def restarted(self, t: int, state: Tensor, restart: Tensor | None) -> Tensor:
        """The state `[B, size]` that step t starts from; `restart [size]`, None for zeros."""
        if self.reset is None:
            return state
        start = 0 if restart is None else restart.to(state.dtype)
        return torch.where(self.reset[t][:, None], start, state)

    def dropped(self, h: Tensor) -> Tensor:
        """The copy of h `[B, P]` that enters the products with W_hh."""
        return h if self.dropout is None else h * self.dropout

    def held(self, t: int, k: int, old: Tensor, new: Tensor) -> Tensor:
        """The k-th state after step t, which leads from `old` to `new`, both `[B, size]`."""
        if isinstance(self.hold, tuple):
            share: Tensor | float = self.hold[k][t]
            after = torch.where(self.hold[k][t], old, new)
        else:
            share = self.hold
            after = share * old + (1 - share) * new if share else new
        if self.notes is not None:
            self.notes.follow(t, k, new, after, share)
        return after

    def note(self, t: int, *gates: Tensor) -> None:
        """Say what step t did, in the order of `tap.GATES`."""
        if self.notes is not None:
            self.notes.steps[t] = gates


def product(
    v: Tensor, w: Tensor, bias: Tensor | None, norm: Sequence[Tensor | None], H: int
) -> Tensor:
    """W v + bias, or LN(W v) + bias where there is a norm: `[..., G·H]`, normalised gate by gate.

    v: `[..., size]`; w: `[G·H, size]`; bias `[G·H]`; norm: its gain and bias `[G·H]`, or two None.
    The answer has the dtype of the product W v, which under autocast is not the weights'.
    """
    gain, shift = norm
    if gain is None or shift is None:
        return F.linear(v, w, bias)
    p = F.linear(v, w)
    blocks = p.view(*p.shape[:-1], -1, H)
    a = F.layer_norm(blocks, (H,), eps=EPSILON).flatten(-2) * gain + shift
    return (a if bias is None else a + bias).to(p.dtype)


NO_NORM = (None,) * 4


class Side(NamedTuple):
    """What one direction of a layer computes from, beside x.

    initial: its states. restarts: for each of them what a reset sets it to, `[size]`, or None for
    zeros. weights: w_ih, w_hh, b_ih, b_hh (or None) and, where the cell projects, w_hr (or None).
    norm: the layer norm's ln_ih_gain, ln_ih_bias, ln_hh_gain, ln_hh_bias `[G·H]`, all None without.
    """

    initial: Sequence[Any]
    restarts: Sequence[Any]
    weights: Sequence[Any]
    norm: Sequence[Any] = NO_NORM

    @property
    def tensors(self) -> Tensors:
        """All in a row."""
        return (*self.initial, *self.restarts, *self.weights, *self.norm)

    @property
    def for_kernel(self) -> Tensors:
        """What a kernel takes of it, in a row: the layer norm's only where there is one."""
        if self.has_norm:
            return self.tensors
        return (*self.initial, *self.restarts, *self.weights)

    @property
    def has_biases(self) -> bool:
        """Whether the products have biases."""
        return self.weights[2] is not None

    @property
    def has_norm(self) -> bool:
        """Whether there is a layer norm."""
        return self.norm[-1] is not None


Sides = Sequence[tuple[Walk, Side]]
"""The directions of a layer: how each walks, and what it computes from."""


@dataclass(frozen=True)
class Cell:
    """A cell's passes over a sequence.

    `tensors` are x `[T, B, I]` and those of a `Side`, in its order.

    name: the kernel's. letters: of its gates, in the order of the weights' blocks of rows. states:
    how many are carried from step to step.
    composite(walk, *tensors) -> h and the final states, differentiable in every way.
    native(walk, *tensors) -> the same by torch's own op, where it has one; states `[1, B, size]`.
    keep: the letter of the gate that says which share of the old state stays, "" where none does.
    entry: of the one that lets in the new, where that is not what keep leaves.
    projects: whether a weight w_hr that makes h of a larger state has a place among the tensors.
    widens: whether under autocast the results have the wider dtype of the products and the states,
    as torch's GRU has it, and not the products'.
    """

    name: str
    letters: str
    states: int
    composite: Callable[..., tuple[Tensor, ...]]
    native: Callable[..., tuple[Tensor, ...]] | None = None
    keep: str = ""
    entry: str = ""
    projects: bool = False
    widens: bool = False

    @property
    def gates(self) -> int:
        """G."""
        return len(self.letters)

    def block(self, weight: Tensor, letter: str) -> Tensor:
        """The rows `[H, ...]` of one gate in a weight or bias `[G·H, ...]`."""
        return weight.chunk(self.gates)[self.letters.index(letter)]

    def side(self, tensors: Tensors) -> Side:
        """The parts of a direction's tensors, with a layer norm's or without."""
        s, end = self.states, 2 * self.states + 4 + self.projects
        norm = tensors[end:] or NO_NORM
        return Side(tensors[:s], tensors[s : 2 * s], tensors[2 * s : end], norm)

    def result_dtype(self, x: Tensor, h_0: Tensor) -> torch.dtype:
        """That of h and the final states for these inputs on a CPU, autocast as it stands."""
        if x.dtype is torch.float64 or not torch.is_autocast_enabled("cpu"):
            return x.dtype
        products = torch.get_autocast_dtype("cpu")
        return torch.promote_types(products, h_0.dtype) if self.widens else products
