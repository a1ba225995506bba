"""What the layers' options cost: time with an option over time without, in turns in one process."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch

from gruta import nn
from gruta.bench.turns import in_turns
from gruta.cells import CELLS, CellName, op

SIZES = (100, 32, 40, 64), (100, 32, 128, 256)  # T, B, I, H
ROUNDS, SECONDS = 5, 0.1

OF_THE_LAYER: dict[str, dict[str, Any]] = {
    "recurrent_dropout=0.3": {"recurrent_dropout": 0.3},
    "zoneout=0.1": {"zoneout": 0.1},
    "layer_norm=True": {"layer_norm": True},
    "recompute=True": {"recompute": True},
    "save='half'": {"save": "half"},
}
OF_THE_CALL = "lengths=", "reset_mask="
OPTIONS = (*OF_THE_CALL, *OF_THE_LAYER)


@dataclass(frozen=True)
class Cost:
    """One option of one cell. inference, training: time with it over time without it.

    threads: how many a call may use.
    """

    cell: CellName
    T: int
    B: int
    I: int
    H: int
    threads: int
    option: str
    inference: float
    training: float

    def __str__(self) -> str:
        return f"{self.cell.upper()} B{self.B} H{self.H} {self.option}: {self.ratios}"

    @property
    def ratios(self) -> str:
        """In inference and in training."""
        return f"{self.inference:.2f} / {self.training:.2f}"


def costs(threads: int) -> Iterator[Cost]:
    """Every cell, size and option; lengths are uniform from 0 to T, a reset has 1 step in 50."""
    torch.set_num_threads(threads)
    for cell in CELLS:
        for T, B, I, H in SIZES:
            ways = {"": _ways(cell, T, B, I, H, "")}
            ways |= {option: _ways(cell, T, B, I, H, option) for option in OPTIONS}
            infer, train = ([w[i] for w in ways.values()] for i in range(2))
            found = list(
                zip(in_turns(infer, ROUNDS, SECONDS), in_turns(train, ROUNDS, SECONDS), strict=True)
            )
            plain = found[0]
            for option, (inference, training) in zip(OPTIONS, found[1:], strict=True):
                ratios = inference / plain[0], training / plain[1]
                yield Cost(cell, T, B, I, H, op.threads(), option, *ratios)


def _ways(
    cell: CellName, T: int, B: int, I: int, H: int, option: str
) -> tuple[Callable[[], object], Callable[[], object]]:
    """A call for inference, in evaluation, and one for training."""
    kind, given = nn.CELLS[cell], OF_THE_LAYER.get(option, {})
    still, trained = kind(I, H, **given).eval(), kind(I, H, **given)
    x, dh = torch.randn(T, B, I), torch.randn(T, B, H)
    call: dict[str, Any] = {}
    if option == "lengths=":
        call["lengths"] = torch.randint(0, T + 1, (B,))
    elif option == "reset_mask=":
        call["reset_mask"] = torch.rand(T, B) < 0.02

    def infer() -> None:
        with torch.inference_mode():
            still(x, **call)

    def train() -> None:
        trained.zero_grad()
        trained(x, **call)[0].backward(dh)

    return infer, train
