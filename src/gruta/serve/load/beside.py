"""How many streams a server answers in time, beside ONNX Runtime behind the same front end."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from gruta.serve.load.client import Load, Took
from gruta.serve.load.models import CHANNELS, untrained
from gruta.serve.load.server import Served, served

SIDES = ("gruta", "onnxruntime")
_MOST = 16_384
_CLOSER = 3
"""Halvings between a number of streams that was answered in time and one that was not."""


@dataclass(frozen=True)
class Terms:
    """Each stream sends so many rows a second; 99 of 100 are to be answered in so many
    milliseconds, over so many seconds.
    """

    rate: float = 2.0
    within_ms: float = 100.0
    budget_ms: float = 20.0
    seconds: float = 6.0


@dataclass(frozen=True)
class Found:
    """streams: that were answered in time, of a GRU of so many units; microseconds of a processor
    that the server took for a step there.
    """

    hidden: int
    side: str
    streams: int
    p99: float
    microseconds: float


def beside(sizes: list[int], terms: Terms) -> Iterator[Found]:
    """Of each size either side, one after the other."""
    with tempfile.TemporaryDirectory() as folder:
        for hidden in sizes:
            path = Path(folder) / "plant.gruta"
            untrained(path, hidden)
            for side in SIDES:
                with served(_command(side, path, terms)) as server:
                    yield _most(hidden, side, server, terms)


def _command(side: str, path: Path, terms: Terms) -> list[str]:
    budget = str(terms.budget_ms)
    if side == "gruta":
        return ["-m", "gruta", "serve", str(path), "--port", "0", "--budget-ms", budget]
    return ["-m", "gruta.serve.load.one_by_one", str(path), "0"]  # it gains nothing by company


def _most(hidden: int, side: str, server: Served, terms: Terms) -> Found:
    best = Found(hidden, side, 0, float("nan"), float("nan"))

    def in_time(streams: int) -> bool:
        nonlocal best
        load = Load(server.port, "plant", streams, terms.rate, terms.seconds, CHANNELS)
        before = server.seconds()
        took = _put(load)
        seconds = server.seconds() - before
        well = not took.failed and took.p99 <= terms.within_ms
        if well:
            each = seconds / max(1, took.answered) * 1e6
            best = Found(hidden, side, streams, took.p99, each)
        return well

    # A machine that has other work to do spoils a try now and then.
    _climb(lambda streams: in_time(streams) or in_time(streams))
    return best


def _climb(in_time: Callable[[int], bool]) -> None:
    """Twice as many until it is too many, then between these."""
    low, high = 0, 32
    while high <= _MOST and in_time(high):
        low, high = high, 2 * high
    for _halving in range(_CLOSER):
        middle = (low + high) // 2
        low, high = (middle, high) if in_time(middle) else (low, middle)


def _put(load: Load) -> Took:
    """A load, from a process of its own."""
    command = [sys.executable, "-m", "gruta.serve.load.client", json.dumps(asdict(load))]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return Took(**json.loads(done.stdout))
