"""What the machine can do at most, by gruta's own probes: arithmetic, and weights read anew."""

import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from gruta import kernels
from gruta.bench.blocks import queue_time
from gruta.bench.cases import Case

ARITHMETIC, L2, L3 = "FMA", "L2", "L3"
"""Multiply-adds in registers; a row times a matrix that lies in L2, or in L3."""

LIMITS = (ARITHMETIC, L2, L3)
FEW = 3
"""From so many rows on, arithmetic limits; below, the weights that each step reads anew."""

ASSUMED_L2 = 1 << 20
LEAST_STREAM = 1 << 16


def l2_bytes() -> int:
    """The size of one core's second-level cache, 1 MB where the system does not say."""
    for index in Path("/sys/devices/system/cpu/cpu0/cache").glob("index*"):
        if (index / "level").read_text().strip() == "2":
            return int((index / "size").read_text().strip().removesuffix("K")) << 10
    return ASSUMED_L2


def kind(case: Case, threads: int, l2: int) -> str:
    """What limits a case: weights count as in L2 if a core's part fills at most 3/4 of it."""
    if case.B >= FEW:
        return ARITHMETIC
    return L2 if case.streamed_bytes / threads <= 0.75 * l2 else L3


def gflops(case: Case, kind: str, rate: float, arithmetic: float) -> float:
    """The limit of a case: `rate` is in flops a second, or in bytes of weights a second.

    Weights that each step reads anew, once forward and in training once back, come at the rate of
    the cache; the other products at that of `arithmetic`, in flops a second.
    """
    if kind == ARITHMETIC:
        return rate / 1e9
    passes = 2 if case.trains else 1
    streamed = passes * case.T * case.streamed_bytes
    of_these = 2 * case.B * streamed / case.weight_bytes
    return case.flops / (streamed / rate + (case.flops - of_these) / arithmetic) / 1e9


def rate(kind: str, threads: int, seconds: float, streamed: int) -> tuple[float, float]:
    """Flops or bytes a second that all `threads` do together, each for at least that time.

    streamed: bytes of weights that one thread reads again and again, for all kinds but arithmetic.
    The second number is the largest share of the time that one of them stood ready without a core.
    """
    probe = _probe(kind, streamed)
    rounds = 1
    while (passed := _together(partial(probe, rounds), 1)[0]) < seconds / 8:
        rounds *= 4
    rounds = max(1, round(rounds * seconds / passed))
    done: list[int] = []
    wall, waited = _together(lambda: done.append(probe(rounds)), threads)
    return sum(done) / wall, waited / wall


def typical(kind: str, l2: int) -> int:
    """Bytes of weights that lie in a cache of this kind for sure; 0 for arithmetic."""
    return {ARITHMETIC: 0, L2: l2 // 2, L3: 4 * l2}[kind]


def _probe(kind: str, streamed: int) -> Callable[[int], int]:
    if kind == ARITHMETIC:
        return kernels.fma_rounds
    return partial(kernels.stream_rounds, max(streamed, LEAST_STREAM))


def _together(work: Callable[[], object], threads: int) -> tuple[float, float]:
    """Seconds until `threads` have each done it, and the longest that one of them queued."""
    queued: list[float] = []

    def watched() -> None:
        before = queue_time("thread-self")
        work()
        queued.append(queue_time("thread-self") - before)

    others = [threading.Thread(target=watched) for _ in range(threads - 1)]
    start = time.perf_counter()
    for other in others:
        other.start()
    watched()
    for other in others:
        other.join()
    return time.perf_counter() - start, max(queued)
