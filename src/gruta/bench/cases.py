"""What `gruta bench cells` measures: cells, regimes, sizes, and what gruta should reach."""

from dataclasses import dataclass
from typing import Literal, get_args

Cell = Literal["gru", "lstm", "rnn"]
Regime = Literal["step", "sequence", "half", "inference", "training-one", "training", "memory"]

CELLS: tuple[Cell, ...] = get_args(Cell)
REGIMES: tuple[Regime, ...] = get_args(Regime)

GATES: dict[Cell, int] = {"gru": 3, "lstm": 4, "rnn": 1}

STREAM = 64
"""So many steps in a row a stream is fed, again and again, in the regime `step`."""


@dataclass(frozen=True)
class Goal:
    """What gruta should reach; None where nothing is asked.

    torch: time of torch.nn over that of gruta. other: the same for the best of the other rivals.
    share: of the machine's limit. seconds: at most, for a call. memory, memory_rebuilt: peak memory
    over that of torch.nn, the second where gates are rebuilt in the backward pass.
    """

    torch: float | None = None
    other: float | None = None
    share: float | None = None
    seconds: float | None = None
    memory: float | None = None
    memory_rebuilt: float | None = None


@dataclass(frozen=True)
class Case:
    """One line of the table. T, B, I, H: steps, batch, input and hidden size. quick: in --quick."""

    cell: Cell
    regime: Regime
    T: int
    B: int
    I: int
    H: int
    goal: Goal = Goal()
    quick: bool = False

    @property
    def key(self) -> str:
        """A name fit for a file."""
        return f"{self.cell}-{self.regime}-T{self.T}-B{self.B}-I{self.I}-H{self.H}"

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


def _gru() -> tuple[Case, ...]:
    large, wide = Goal(1.6, 1.2, 0.85), Goal(1.6, 1.3, 0.75)
    return (
        Case("gru", "step", 1, 1, 40, 64, Goal(20, 8, seconds=2e-6), quick=True),
        Case("gru", "step", 1, 1, 128, 256, Goal(8, 2.5)),
        Case("gru", "step", 1, 1, 256, 512, Goal(3.5, 1.7)),
        Case("gru", "sequence", 100, 1, 40, 64, Goal(12, 1.6, 0.85), quick=True),
        Case("gru", "sequence", 100, 1, 128, 256, Goal(3.2, 1.2, 0.85)),
        Case("gru", "sequence", 100, 1, 256, 512, Goal(2.8, 1.1, 0.85)),
        Case("gru", "half", 100, 1, 128, 256, Goal(5, 2), quick=True),
        Case("gru", "half", 100, 1, 256, 512, Goal(5, 2)),
        Case("gru", "inference", 100, 32, 40, 64, Goal(3, 1.2, 0.75), quick=True),
        Case("gru", "inference", 100, 32, 128, 256, large, quick=True),
        Case("gru", "inference", 100, 64, 256, 512, large),
        Case("gru", "inference", 90, 256, 5, 256, large),
        Case("gru", "training-one", 100, 1, 40, 64, Goal(10, 2), quick=True),
        Case("gru", "training-one", 100, 1, 128, 256, Goal(5, 2)),
        Case("gru", "training", 100, 32, 40, 64, Goal(3, 1.3, 0.75), quick=True),
        Case("gru", "training", 100, 32, 128, 256, wide),
        Case("gru", "training", 100, 64, 256, 512, wide),
        Case("gru", "training", 90, 256, 5, 256, wide),
        Case(
            "gru", "memory", 2000, 64, 128, 256, Goal(memory=0.6, memory_rebuilt=0.35), quick=True
        ),
    )


def _lstm() -> tuple[Case, ...]:
    large, training = Goal(1.0, share=0.85), Goal(1.25, share=0.75)
    return (
        Case("lstm", "step", 1, 1, 40, 64, quick=True),
        Case("lstm", "step", 1, 1, 128, 256),
        Case("lstm", "step", 1, 1, 256, 512),
        Case("lstm", "sequence", 100, 1, 40, 64, Goal(2, share=0.85), quick=True),
        Case("lstm", "sequence", 100, 1, 128, 256, Goal(1.25, share=0.85)),
        Case("lstm", "sequence", 100, 1, 256, 512, Goal(share=0.85)),
        Case("lstm", "half", 100, 1, 128, 256, quick=True),
        Case("lstm", "half", 100, 1, 256, 512),
        Case("lstm", "inference", 100, 32, 40, 64, Goal(1.15, share=0.75), quick=True),
        Case("lstm", "inference", 100, 32, 128, 256, large),
        Case("lstm", "inference", 100, 64, 256, 512, large),
        Case("lstm", "inference", 90, 256, 5, 256, large),
        Case("lstm", "training-one", 100, 1, 40, 64, Goal(1.4), quick=True),
        Case("lstm", "training-one", 100, 1, 128, 256, Goal(1.4)),
        Case("lstm", "training", 100, 32, 40, 64, training, quick=True),
        Case("lstm", "training", 100, 32, 128, 256, training),
        Case("lstm", "training", 100, 64, 256, 512, training),
        Case("lstm", "training", 90, 256, 5, 256, training),
        Case("lstm", "memory", 2000, 64, 128, 256),
    )


def _rnn() -> tuple[Case, ...]:
    large, training = Goal(1.4, share=0.85), Goal(1.4, share=0.75)
    return (
        Case("rnn", "step", 1, 1, 40, 64, quick=True),
        Case("rnn", "step", 1, 1, 128, 256),
        Case("rnn", "step", 1, 1, 256, 512),
        Case("rnn", "sequence", 100, 1, 40, 64, Goal(5, share=0.85), quick=True),
        Case("rnn", "sequence", 100, 1, 128, 256, Goal(share=0.85)),
        Case("rnn", "sequence", 100, 1, 256, 512, Goal(share=0.85)),
        Case("rnn", "half", 100, 1, 128, 256, quick=True),
        Case("rnn", "half", 100, 1, 256, 512),
        Case("rnn", "inference", 100, 32, 40, 64, Goal(1.4, share=0.75), quick=True),
        Case("rnn", "inference", 100, 32, 128, 256, large),
        Case("rnn", "inference", 100, 64, 256, 512, large),
        Case("rnn", "inference", 90, 256, 5, 256, large),
        Case("rnn", "training-one", 100, 1, 40, 64, Goal(5), quick=True),
        Case("rnn", "training-one", 100, 1, 128, 256),
        Case("rnn", "training", 100, 32, 40, 64, training, quick=True),
        Case("rnn", "training", 100, 32, 128, 256, training),
        Case("rnn", "training", 100, 64, 256, 512, training),
        Case("rnn", "training", 90, 256, 5, 256, training),
        Case("rnn", "memory", 2000, 64, 128, 256),
    )


CASES = (*_gru(), *_lstm(), *_rnn())
