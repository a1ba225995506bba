"""Cells that step and layers in 16 bits, beside torch.nn's, in turns in one process."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import nn as torch_nn

from gruta import nn
from gruta.bench.turns import in_turns
from gruta.cells import CELLS, CellName

STEPS = (1, 40, 64), (1, 128, 256), (32, 40, 64)  # B, I, H
SEQUENCES = (100, 32, 40, 64), (100, 32, 40, 256)  # T, B, I, H
ROUNDS, SECONDS = 7, 0.1
HALF = torch.bfloat16

Way = Callable[[], object]


@dataclass(frozen=True)
class Ratio:
    """One way to call one module.

    job: "step", without a gradient; "step, training"; or a training step of a layer over T=100:
    "autocast", "kept in 16 bits". seconds: of gruta's call. torch: torch.nn's time over it, None
    where that does not run. float32: gruta's time over that of its layer in float32, else None.
    """

    cell: CellName
    job: str
    B: int
    I: int
    H: int
    seconds: float
    torch: float | None
    float32: float | None

    def __str__(self) -> str:
        return f"{self.cell.upper()} {self.job} B{self.B} I{self.I} H{self.H}: {self.ratios}"

    @property
    def ratios(self) -> str:
        """Beside torch.nn, and beside float32."""
        return " / ".join("–" if r is None else f"{r:.2f}" for r in (self.torch, self.float32))


def ratios(threads: int) -> Iterator[Ratio]:
    """Every cell and way; bfloat16 is the dtype of 16 bits."""
    torch.set_num_threads(threads)
    for cell in CELLS:
        for B, I, H in STEPS:
            ours, theirs = (_steps(library, cell, B, I, H) for library in (nn, torch_nn))
            for job, mine, torchs in zip(("step", "step, training"), ours, theirs, strict=True):
                own, others = in_turns([mine, torchs], ROUNDS, SECONDS)
                yield Ratio(cell, job, B, I, H, own, others / own, None)
        for T, B, I, H in SEQUENCES:
            plain, *ways = _sequences(nn, cell, T, B, I, H)
            _, *rivals = _sequences(torch_nn, cell, T, B, I, H)
            jobs = "autocast", "kept in 16 bits"
            for job, mine, torchs in zip(jobs, ways, rivals, strict=True):
                calls = [mine, plain, torchs] if _runs(torchs) else [mine, plain]
                spent = in_turns(calls, ROUNDS, SECONDS)
                beside = spent[2] / spent[0] if len(spent) > 2 else None
                yield Ratio(cell, job, B, I, H, spent[0], beside, spent[0] / spent[1])


def _steps(library: Any, cell: CellName, B: int, I: int, H: int) -> tuple[Way, Way]:
    """A step of the cell without a gradient, and one with the way back."""
    module = getattr(library, f"{cell.upper()}Cell")(I, H)
    x, h = torch.randn(B, I), torch.randn(B, H)
    state = (h, torch.randn(B, H)) if cell == "lstm" else h
    d = torch.randn(B, H)

    def still() -> None:
        with torch.no_grad():
            module(x, state)

    def trained() -> None:
        module.zero_grad()
        after = module(x, state)
        (after[0] if cell == "lstm" else after).backward(d)

    return still, trained


def _sequences(
    library: Any, cell: CellName, T: int, B: int, I: int, H: int
) -> tuple[Way, Way, Way]:
    """A training step of the layer in float32, under autocast, and kept in 16 bits."""
    layer, kept = (getattr(library, cell.upper())(I, H) for _ in range(2))
    x, kept = torch.randn(T, B, I), kept.to(HALF)

    def train(layer: Any, x: torch.Tensor, cast: bool) -> None:
        layer.zero_grad()
        with torch.autocast("cpu", HALF) if cast else nullcontext():
            loss = layer(x)[0].float().square().mean()
        loss.backward()

    return (
        partial(train, layer, x, False),
        partial(train, layer, x, True),
        partial(train, kept, x.to(HALF), False),
    )


def _runs(way: Way) -> bool:
    """Whether torch can do it here: its LSTM in 16 bits asks for a CPU that has them."""
    try:
        way()
    except RuntimeError:
        return False
    return True
