"""What looking costs: a training step with `gruta.watch` or a `Clipper`, beside one without."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn as torch_nn

from gruta import nn
from gruta.bench.turns import in_turns
from gruta.cells import CELLS, CellName
from gruta.health import Clipper, watch

SIZES = (100, 32, 40, 64), (100, 32, 128, 256)  # T, B, I, H
EVERY = 50
ROUNDS, SECONDS = 5, 0.2


@dataclass(frozen=True)
class Overhead:
    """One cell at one size, with the layers of one library.

    step: seconds of a plain training step. watch: what a watch that measures every 50 steps adds to
    50 of them, as a share. clip: what a `Clipper` by norm adds to a step beyond torch's
    `clip_grad_norm_`, as a share of the step.
    """

    cell: CellName
    library: str
    T: int
    B: int
    I: int
    H: int
    step: float
    watch: float
    clip: float

    def __str__(self) -> str:
        return f"{self.cell.upper()} of {self.library} B{self.B} H{self.H}: {self.shares}"

    @property
    def shares(self) -> str:
        """Of watching and of clipping, in per cent."""
        return f"{100 * self.watch:.2f} / {100 * self.clip:.2f} %"


def overheads(threads: int) -> Iterator[Overhead]:
    """Every cell, size and library; a step is forward, backward and an update by SGD.

    Every step is measured, and a fiftieth of what that adds is told.
    """
    torch.set_num_threads(threads)
    for cell in CELLS:
        for library in (nn, torch_nn):
            for T, B, I, H in SIZES:
                layer = getattr(library, cell.upper())(I, H)
                found = in_turns(_ways(layer, torch.randn(T, B, I)), ROUNDS, SECONDS)
                plain, watched, by_torch, by_gruta = found
                shares = (watched - plain) / plain / EVERY, (by_gruta - by_torch) / plain
                yield Overhead(cell, library.__name__, T, B, I, H, plain, *shares)


def _ways(layer: torch_nn.Module, x: torch.Tensor) -> list[Callable[[], None]]:
    """A step: plain, watched, clipped by torch, clipped by gruta."""
    seen = copy.deepcopy(layer)
    watch(seen, every=1)
    clipper = Clipper("norm", 1.0)
    return [
        _step(layer, x),
        _step(seen, x),
        _step(layer, x, lambda: torch_nn.utils.clip_grad_norm_(layer.parameters(), 1.0)),
        _step(layer, x, lambda: clipper(layer)),
    ]


def _step(
    layer: torch_nn.Module, x: torch.Tensor, clip: Callable[[], Any] = lambda: None
) -> Callable[[], None]:
    optimizer = torch.optim.SGD(layer.parameters(), 1e-6)

    def step() -> None:
        layer(x)[0][-1].square().sum().backward()
        clip()
        optimizer.step()
        optimizer.zero_grad()

    return step
