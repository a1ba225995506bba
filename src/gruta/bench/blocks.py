"""Blocks of time: a call repeated for at least so long, and what the process had of the machine."""

import gc
import itertools
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Block:
    """calls: how many. seconds: wall time of one. cores: CPU time over wall time, all threads.

    waited: the largest share of the wall time that one thread stood ready and had no core, because
    others held it; 0 where the system does not say.
    """

    calls: int
    seconds: float
    cores: float
    waited: float


def estimate(call: Callable[[], object], seconds: float) -> float:
    """Seconds a call takes, from calls over about that time, at least one; also a warm-up."""
    start, calls = time.perf_counter(), 0
    while (passed := time.perf_counter() - start) < seconds or not calls:
        call()
        calls += 1
    return passed / calls


def block(call: Callable[[], object], seconds: float, expected: float) -> Block:
    """Calls over at least that many seconds, when one takes about `expected`.

    Another goes before them and is not timed: after a pause it finds the caches filled by others,
    and memory that the system took back.
    """
    call()
    calls = max(1, int(seconds / expected) + 1)
    collecting = gc.isenabled()
    gc.disable()
    try:
        queued, cpu, start = queue_times(), time.process_time(), time.perf_counter()
        for _ in itertools.repeat(None, calls):
            call()
        wall = time.perf_counter() - start
    finally:
        if collecting:
            gc.enable()
    cores = (time.process_time() - cpu) / wall
    waited = max((t - queued.get(k, 0.0) for k, t in queue_times().items()), default=0.0)
    return Block(calls, wall / calls, cores, min(1.0, waited / wall))


def queue_times() -> dict[str, float]:
    """`queue_time` by thread of this process; empty where there is no such system."""
    try:
        threads = os.listdir("/proc/self/task")
    except OSError:
        return {}
    return {thread: queue_time(f"self/task/{thread}") for thread in threads}


def queue_time(thread: str) -> float:
    """Seconds that a thread, by its place in /proc, was ready to run and did not; 0 if unknown."""
    try:
        return int(Path("/proc", thread, "schedstat").read_text("ascii").split()[1]) / 1e9
    except OSError:  # the thread ended, or the kernel keeps no such statistics
        return 0.0
