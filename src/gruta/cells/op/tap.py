"""What goes on inside the layers, handed out on the way: states, gates, gradients through time."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

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


@contextmanager
def tapped() -> Iterator[list[Tap]]:
    """Collects a `Tap` for every layer and direction that the kernels compute meanwhile.

    A call that takes another path (`explain` says which) leaves none: it saves no gates.
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


def record(
    cell: str, names: Sequence[str], h: Sequence[Tensor], gates: Sequence[Tensor]
) -> list[Tap]:
    """The taps of a call, one a direction, which are also given to who collects."""
    letters = GATES[cell]
    found = []
    for name, states, saved in zip(names, h, gates, strict=True):
        parts = saved.chunk(len(letters), dim=-1) if letters else ()
        found.append(Tap(name, cell, states.detach(), dict(zip(letters, parts, strict=True))))
    collected = _current.get()
    if collected is not None:
        collected.extend(found)
    return found
