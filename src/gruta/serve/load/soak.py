"""Minutes of load on one process: memory stays flat, answers come in time, none is another's.

`make soak` runs it: 2,000 streams, five minutes, each answer held against the runtime bit for bit.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import gruta
from gruta.runtime.model import Model
from gruta.serve.load.client import Load, Sensor, run
from gruta.serve.load.models import CHANNELS, untrained
from gruta.serve.load.server import Served, served

_GROWTH = 1.05
"""Of the memory from the first third, once all streams are open, to the last: no more than this."""


def soak(streams: int, rate: float, seconds: float, budget: float, within: float) -> list[str]:
    """What went wrong; numbers are printed. budget, within: milliseconds that a step waits for
    company, and in which 99 of 100 steps are answered.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "plant.gruta"
        untrained(path, 64)
        command = ["-m", "gruta", "serve", str(path), "--port", "0", "--budget-ms", str(budget)]
        with served(command) as server:
            load = Load(server.port, "plant", streams, rate, seconds, CHANNELS, keep=streams)
            return asyncio.run(_under(load, server, gruta.load(path), within))


async def _under(load: Load, server: Served, model: Model[object], within: float) -> list[str]:
    memory: list[int] = []
    watching = asyncio.create_task(_watch(server, memory, load.seconds / 100))
    took, sensors = await run(load)
    watching.cancel()
    third = len(memory) // 3
    before, after = max(memory[1 : third + 1]), max(memory[-third:])
    crossed = sum(not _is_own(sensor, model) for sensor in sensors)
    _print(f"{took.answered} steps of {load.streams} streams in {load.seconds:.0f} s")
    _print(f"answered in {took.p50:.1f} ms (median), {took.p99:.1f} (99 %), {took.most:.1f} (most)")
    _print(f"memory {before / 2**20:.1f} MB in the first third, {after / 2**20:.1f} in the last")
    _print(f"processor {server.seconds() / load.seconds:.0%} of one, its start included")
    _print(f"streams whose answers are not the runtime's: {crossed}")
    wrong = [f"{count} streams ended early: {why}" for why, count in took.failed.items()]
    if crossed:
        wrong.append(f"{crossed} streams were told something else than the runtime says")
    if took.p99 > within:
        wrong.append(f"99 % of the answers took up to {took.p99:.0f} ms, more than {within:.0f}")
    if after > before * _GROWTH:
        wrong.append("memory has grown")
    return wrong


async def _watch(server: Served, memory: list[int], every: float) -> None:
    while True:
        memory.append(server.memory())
        await asyncio.sleep(every)


def _is_own(sensor: Sensor, model: Model[object]) -> bool:
    """Whether a stream heard what the runtime says of its rows, to the last bit."""
    stream, rows = model.stream(), sensor.rows or []
    for row, answer in zip(rows, sensor.answers, strict=False):
        stream.accept(row)  # type: ignore[attr-defined]
        stream.advance()
        if not np.array_equal(stream.result().astype(np.float32), answer):
            return False
    return len(rows) - len(sensor.answers) <= 1


def _print(told: str) -> None:
    sys.stdout.write(told + "\n")
    sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> None:
    """Exit with 1 and the reasons where something went wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=2000)
    parser.add_argument("--rate", type=float, default=0.2)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--budget-ms", type=float, default=50)
    parser.add_argument("--within-ms", type=float, default=250)
    given = parser.parse_args(arguments)
    wrong = soak(given.streams, given.rate, given.seconds, given.budget_ms, given.within_ms)
    if wrong:
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main()
