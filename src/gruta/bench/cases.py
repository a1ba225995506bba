"""What `gruta bench cells` measures: cells, regimes, sizes, and what gruta should reach."""

from dataclasses import dataclass
from typing import Literal, get_args

from gruta.cells import CELLS, CellName

Regime = Literal[
    "step", "sequence", "half", "inference", "training-one", "training", "memory", "row", "stack"
]

ROW: Regime = "row"
STACK: Regime = "stack"
"""Sequences of one row by what the runtime calls, the latter of several layers or directions, whose
states begin as zeros: for `gruta bench runtime` alone.
"""

REGIMES = tuple(one for one in get_args(Regime) if one not in (ROW, STACK))


GATES: dict[CellName, int] = {"gru": 3, "lstm": 4, "rnn": 1}

STREAM = 64
"""So many steps in a row a stream is fed, again and again, in the regime `step`."""


@dataclass(frozen=True)
class Goal:
    """What gruta should reach; None where nothing is asked.

    torch: time of torch.nn over that of gruta. other: the same for the best of the other rivals.
    share: of the machine's limit. seconds: at most, for a call. memory, memory_halved,
    memory_rebuilt: peak memory over that of torch.nn; where gates are kept in 16 bits, and where
    they are rebuilt in the backward pass.
    """

    torch: float | None = None
    other: float | None = None
    share: float | None = None
    seconds: float | None = None
    memory: float | None = None
    memory_halved: float | None = None
    memory_rebuilt: float | None = None


NOTHING = Goal()


@dataclass(frozen=True)
class Case:
    """One line of the table. T, B, I, H: steps, batch, input and hidden size. quick: in --quick.
    layers, directions: of a stack.
    """

    cell: CellName
    regime: Regime
    T: int
    B: int
    I: int
    H: int
    goal: Goal = NOTHING
    quick: bool = False
    layers: int = 1
    directions: int = 1

    @property
    def key(self) -> str:
        """A name fit for a file."""
        name = f"{self.cell}-{self.regime}-T{self.T}-B{self.B}-I{self.I}-H{self.H}"
        stacked = f"-L{self.layers}-D{self.directions}"
        return name + stacked if self.regime == STACK else name

    @property
    def trains(self) -> bool:
        """Whether a call is a forward and a backward pass."""
        return self.regime in ("training-one", "training", "memory")

    @property
    def steps(self) -> int:
        """Steps that inputs are drawn for and that are compared with the reference."""
        return STREAM if self.regime == "step" else self.T

    @property
    def flops(self) -> int:
        """Floating point operations of a call: 2·gates·H·(I+H) a row and step, training thrice."""
        forward = 2 * GATES[self.cell] * self.H * (self.I + self.H) * self.T * self.B
        return 3 * forward if self.trains else forward

    @property
    def weight_bytes(self) -> int:
        """Bytes of a weight in storage."""
        return 2 if self.regime == "half" else 4

    @property
    def streamed_bytes(self) -> int:
        """Bytes of weights that every step must read anew.

        Over a sequence the input's projection is one product for many steps, and does not count.
        """
        width = self.I + self.H if self.regime == "step" else self.H
        return GATES[self.cell] * self.H * width * self.weight_bytes


def _lines() -> tuple[tuple[Regime, int, int, int, int, Goal, Goal, Goal], ...]:
    """Regime, T, B, I, H, and the goals of the GRU, the LSTM and the RNN."""
    step, stream = Goal(20, 8, seconds=2e-6), Goal(share=0.85)
    inference, training = Goal(1.6, 1.2, 0.85), Goal(1.6, 1.3, 0.75)
    lstm_inference, lstm_training = Goal(1.0, share=0.85), Goal(1.25, share=0.75)
    rnn_inference, rnn_training = Goal(1.4, share=0.85), Goal(1.4, share=0.75)
    memory = Goal(memory=0.6, memory_halved=0.45, memory_rebuilt=0.35)
    large = inference, lstm_inference, rnn_inference
    wide = training, lstm_training, rnn_training
    small = Goal(3, 1.2, 0.75), Goal(1.15, share=0.75), Goal(1.4, share=0.75)
    return (
        ("step", 1, 1, 40, 64, step, NOTHING, NOTHING),
        ("step", 1, 1, 128, 256, Goal(8, 2.5), NOTHING, NOTHING),
        ("step", 1, 1, 256, 512, Goal(3.5, 1.7), NOTHING, NOTHING),
        ("sequence", 100, 1, 40, 64, Goal(12, 1.6, 0.85), Goal(2, share=0.85), Goal(5, share=0.85)),
        ("sequence", 100, 1, 128, 256, Goal(3.2, 1.2, 0.85), Goal(1.25, share=0.85), stream),
        ("sequence", 100, 1, 256, 512, Goal(2.8, 1.1, 0.85), stream, stream),
        ("half", 100, 1, 128, 256, Goal(5, 2), NOTHING, NOTHING),
        ("half", 100, 1, 256, 512, Goal(5, 2), NOTHING, NOTHING),
        ("inference", 100, 32, 40, 64, *small),
        ("inference", 100, 32, 128, 256, *large),
        ("inference", 100, 64, 256, 512, *large),
        ("inference", 90, 256, 5, 256, *large),
        ("training-one", 100, 1, 40, 64, Goal(20, 2), Goal(1.4), Goal(5)),
        ("training-one", 100, 1, 128, 256, Goal(5, 2), Goal(1.4), NOTHING),
        ("training", 100, 32, 40, 64, Goal(3, 1.3, 0.75), lstm_training, rnn_training),
        ("training", 100, 32, 128, 256, *wide),
        ("training", 100, 64, 256, 512, *wide),
        ("training", 90, 256, 5, 256, *wide),
        ("memory", 2000, 64, 128, 256, memory, NOTHING, NOTHING),
    )


def _is_quick(cell: CellName, regime: Regime, B: int, H: int) -> bool:
    """The smallest size of a regime; of the GRU also its memory, and a larger inference."""
    if regime == "memory" or (regime, B, H) == ("inference", 32, 256):
        return cell == "gru"
    return (256 if regime == "half" else 64) == H


CASES = tuple(
    Case(cell, regime, T, B, I, H, goals[i], _is_quick(cell, regime, B, H))
    for i, cell in enumerate(CELLS)
    for regime, T, B, I, H, *goals in _lines()
)

_OF_RUNTIME: tuple[tuple[Regime, int, int, int], ...] = (
    ("step", 1, 1, 1),
    (ROW, 100, 1, 1),
    (STACK, 100, 1, 2),
    (STACK, 100, 2, 1),
)

OF_RUNTIME = tuple(
    Case(cell, regime, T, 1, I, H, layers=layers, directions=directions)
    for cell in CELLS
    for regime, T, layers, directions in _OF_RUNTIME
    for I, H in ((40, 64), (128, 256), (256, 512))
)
"""What `gruta bench runtime` measures: a step by itself, and in a sequence; of one layer, of one
that reads both ways, and of two.
"""
