"""What goes on inside the layers, handed out on the way: states, gates, gradients through time."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

import torch
from torch import Tensor

GATES = {
    "gru": ("r", "z", "n", "q"),
    "gru_reset_before": ("r", "z", "n", "q"),
    "lstm": ("i", "f", "g", "o", "c"),
    "rnn_tanh": (),
    "rnn_relu": (),
}
"""What each cell's kernel saves of a step, in order."""


@dataclass
class Tap:
    """One call of a layer in one direction; nothing is copied, so nothing may be changed in place.

    name: of the layer, "l0" or "l0_reverse" as in its parameters. cell: the kernel's name. h: the
    states `[T, B, P]`. gates: by the letter of the cell's README, `[T, B, H]` each; for the LSTM c
    is the cell state. through: ∂L/∂h_t and, in the LSTM, ∂L/∂c_t along every path, direct and
    through later steps, `[T, B, P or H]`; filled by a backward pass. All are 0 past a row's length.
    """

    name: str
    cell: str
    h: Tensor
    gates: dict[str, Tensor]
    through: tuple[Tensor, ...] = field(default=())


_current: ContextVar[list[Tap] | None] = ContextVar("taps", default=None)

collected = _current.get
"""What was collected so far; None where nobody collects."""


@contextmanager
def tapped() -> Iterator[list[Tap]]:
    """Collects a `Tap` for every layer and direction that is computed meanwhile.

    Where the kernels do not serve (`explain` says where), the composite form is tapped, on any
    device. Calls under a transform (vmap, jvp), torch.compile or torch.jit.trace leave none.
    """
    found: list[Tap] = []
    token = _current.set(found)
    try:
        yield found
    finally:
        _current.reset(token)


def is_tapped() -> bool:
    """Whether somebody collects."""
    return _current.get() is not None


class Notes:
    """What the composite form leaves of a call: gates step by step, then, on the way back, the
    gradient that reaches each state.

    shapes: `(T, B, size)` of each state.
    """

    def __init__(self, shapes: Sequence[tuple[int, int, int]]) -> None:
        self.shapes = shapes
        self.steps: dict[int, tuple[Tensor, ...]] = {}
        self.through: tuple[Tensor, ...] = ()
        self.tap: Tap | None = None

    def gates(self) -> Tensor | None:
        """All gates of all steps, as the kernels save them; None where the cell has none."""
        rows = [torch.cat(self.steps[t], dim=-1) for t in sorted(self.steps)]
        return torch.stack(rows).detach() if rows else None

    def follow(self, t: int, k: int, new: Tensor, held: Tensor, hold: Tensor | float) -> None:
        """Keep ∂L/∂(k-th state after step t) once it is known.

        new: before, held: after holding; the cell state is read before too, on the way to h.
        """
        if not new.requires_grad:
            return

        def at_held(d: Tensor) -> None:
            self._at(t, k).copy_(hold * d)

        def at_new(d: Tensor) -> None:
            if held is new:
                self._at(t, k).copy_(d)
            else:
                self._at(t, k).add_(d)

        if held is not new:
            held.register_hook(at_held)  # type: ignore[no-untyped-call]  # comes before the other
        new.register_hook(at_new)  # type: ignore[no-untyped-call]

    def _at(self, t: int, k: int) -> Tensor:
        assert self.tap is not None
        if not self.tap.through:
            like = self.tap.h
            self.tap.through = tuple(like.new_zeros(shape) for shape in self.shapes)
        return self.tap.through[k][t]


def record(
    cell: str, names: Sequence[str], h: Sequence[Tensor], gates: Sequence[Tensor | None]
) -> list[Tap]:
    """The taps of a call, one a direction, which are also given to who collects."""
    letters = GATES[cell]
    found = []
    for name, states, saved in zip(names, h, gates, strict=True):
        parts = saved.chunk(len(letters), dim=-1) if letters and saved is not None else ()
        by_letter = dict(zip(letters, parts, strict=True)) if parts else {}
        found.append(Tap(name, cell, states.detach(), by_letter))
    collected = _current.get()
    if collected is not None:
        collected.extend(found)
    return found
