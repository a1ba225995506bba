"""What looking costs: a training step with `gruta.watch` over one without, in turns."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any

import torch
from torch import nn as torch_nn

from gruta import nn
from gruta.bench.blocks import block, estimate
from gruta.bench.cases import CELLS, Cell
from gruta.health import Clipper, watch

SIZES = (100, 32, 40, 64), (100, 32, 128, 256)  # T, B, I, H
EVERY, ROUNDS = 50, 7


@dataclass(frozen=True)
class Overhead:
    """One cell at one size, with the layers of one library.

    step: seconds of a plain training step. watched: time with a watch that measures every 50 steps
    over time without. clipped: time with a `Clipper` by norm over time with torch's
    `clip_grad_norm_`.
    """

    cell: Cell
    library: str
    T: int
    B: int
    I: int
    H: int
    step: float
    watched: float
    clipped: float

    def __str__(self) -> str:
        return f"{self.cell.upper()} of {self.library} B{self.B} H{self.H}: {self.ratios}"

    @property
    def ratios(self) -> str:
        """Of watching and of clipping."""
        return f"{self.watched:.3f} / {self.clipped:.3f}"


def overheads(threads: int) -> Iterator[Overhead]:
    """Every cell, size and library; a step is forward, backward and an update by SGD."""
    torch.set_num_threads(threads)
    for cell in CELLS:
        for library in (nn, torch_nn):
            for T, B, I, H in SIZES:
                layer = getattr(library, cell.upper())(I, H)
                found = _in_turns(list(_ways(layer, torch.randn(T, B, I))))
                plain, watched, by_torch, by_gruta = found
                name = library.__name__
                ratios = watched / plain, by_gruta / by_torch
                yield Overhead(cell, name, T, B, I, H, plain / EVERY, *ratios)


def _ways(layer: torch_nn.Module, x: torch.Tensor) -> Iterator[Callable[[], None]]:
    """50 steps: plain, watched, clipped by torch, clipped by gruta."""
    optimizer = torch.optim.SGD(layer.parameters(), 1e-6)
    clipper = Clipper("norm", 1.0)

    def steps(clip: Callable[[], Any] = lambda: None) -> None:
        for _ in range(EVERY):
            layer(x)[0][-1].square().sum().backward()
            clip()
            optimizer.step()
            optimizer.zero_grad()

    def watched() -> None:
        with watch(layer, every=EVERY):
            steps()

    yield steps
    yield watched
    yield lambda: steps(lambda: torch_nn.utils.clip_grad_norm_(layer.parameters(), 1.0))
    yield lambda: steps(lambda: clipper(layer))


def _in_turns(ways: list[Callable[[], None]]) -> list[float]:
    """The median seconds of each way, from blocks that take turns."""
    expected = [estimate(way, 0.0) for way in ways]
    blocks = [
        [block(way, 0.0, seconds).seconds for way, seconds in zip(ways, expected, strict=True)]
        for _ in range(ROUNDS)
    ]
    return [median(own) for own in zip(*blocks, strict=True)]
