"""Calls of one process that are compared with each other, in turns."""

import random
from collections.abc import Callable, Sequence
from functools import partial
from statistics import median

from gruta.bench.blocks import Block, block, estimate
from gruta.bench.results import counted


def in_turns(calls: Sequence[Callable[[], object]], rounds: int, seconds: float) -> list[float]:
    """The median seconds of each call, from blocks of at least so long that take turns.

    Each round has an order of its own, since one may leave memory and caches to the next in a
    state of its own. Blocks in which others had the core do not count, where enough calm ones are
    there.
    """
    expected = [estimate(call, seconds / 2) for call in calls]
    return _medians(calls, rounds, [partial(block, seconds=seconds, expected=e) for e in expected])


def steps_in_turns(calls: Sequence[Callable[[], object]], rounds: int, steps: int) -> list[float]:
    """Likewise from blocks of so many calls, with one before that is not timed: all are called
    equally often, so that trainings stand at the same step.
    """
    return _medians(calls, rounds, [partial(block, seconds=steps - 1, expected=1.0)] * len(calls))


def _medians(
    calls: Sequence[Callable[[], object]],
    rounds: int,
    timed: Sequence[Callable[[Callable[[], object]], Block]],
) -> list[float]:
    blocks: list[list[Block]] = [[] for _ in calls]
    draw = random.Random(0)
    for _ in range(rounds):
        for k in draw.sample(range(len(calls)), len(calls)):
            blocks[k].append(timed[k](calls[k]))
    return [median(counted([b.seconds for b in own], [b.waited for b in own])) for own in blocks]
