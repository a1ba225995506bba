"""Calls of one process that are compared with each other, in turns."""

from collections.abc import Callable, Sequence
from statistics import median

from gruta.bench.blocks import block, estimate
from gruta.bench.results import counted


def in_turns(calls: Sequence[Callable[[], object]], rounds: int, seconds: float) -> list[float]:
    """The median seconds of each call, from blocks of at least so long that take turns.

    Blocks in which others had the core do not count, where enough calm ones are there.
    """
    expected = [estimate(call, seconds / 2) for call in calls]
    found = [
        [block(call, seconds, one) for call, one in zip(calls, expected, strict=True)]
        for _ in range(rounds)
    ]
    return [
        median(counted([b.seconds for b in own], [b.waited for b in own]))
        for own in zip(*found, strict=True)
    ]
