"""`gruta bench runtime`: one step of a stream from Python, again and again, and sequences of one
row, on one thread.

Everyone has the same weights and rows. All results are compared with the float64 reference first;
then the processes take turns, and every single call is timed.
"""

import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gruta.bench.cases import Case
from gruta.bench.inputs import draw
from gruta.bench.parity import truth
from gruta.bench.process import Process, WorkerError, processes
from gruta.bench.rivals import OF_STREAMS, QUANTISED, missing_packages
from gruta.bench.worker import Worker, named, serve
from gruta.cells import CellName
from gruta.locale import translate as _

FRAME = 0.01
"""Seconds from a frame to the next."""

ROUNDS = 10
MOST_ERROR = 2e-5
"""Of the largest true value; whoever is off by more in float32 gets no time."""


@dataclass(frozen=True)
class Steps:
    """Of one contestant and case, of T steps a call of these layers. seconds of a step: the median,
    and what one call in 20 and one in 100 exceed; None where it has no time, and `note` says why.
    mean: of all. error: the largest difference from the reference, over its largest value. state:
    bytes that a stream keeps.
    """

    cell: CellName
    H: int
    T: int
    layers: int
    directions: int
    name: str
    variant: str
    steps: int
    p50: float | None
    p95: float | None
    p99: float | None
    mean: float | None
    error: float | None
    state: int
    note: str = ""

    @property
    def streams(self) -> int | None:
        """That one core serves, a frame each every 10 ms; None of sequences."""
        return None if self.mean is None or self.T > 1 else int(FRAME / self.mean)

    def __str__(self) -> str:
        told = self.note if self.p50 is None else f"{self.p50 * 1e6:.2f} µs"
        of = f"{self.cell.upper()} H{self.H} T{self.T} L{self.layers} D{self.directions}"
        return f"{of} {self.name} {self.variant}: {told}"


def measured(cases: Sequence[Case], steps: int, seed: int, logs: Path) -> Iterator[Steps]:
    """Each case, and of it each contestant that is installed."""
    names = [name for name in OF_STREAMS if not missing_packages(name)]
    with tempfile.TemporaryDirectory() as place, _team(names, logs) as team:
        for case in cases:
            yield from _case(case, team, steps, seed, place)


def _team(names: Sequence[str], logs: Path) -> Any:
    """A process of its own for each."""
    return processes(names, 1, logs, worker=__name__)


def _case(
    case: Case, team: dict[str, Process], steps: int, seed: int, place: str
) -> Iterator[Steps]:
    expected = truth(case, draw(case, seed))["h"]
    ready: list[tuple[str, str, float]] = []
    for name, process in team.items():
        for variant in process.ask("variants", case=case.key, slow=False)["variants"]:
            try:
                answer = process.ask(
                    "prepare", case=case.key, variant=variant, seed=seed, directory=place
                )
                found = np.load(answer["files"]["h"], allow_pickle=False)
                error = float(np.abs(found - expected).max() / np.abs(expected).max())
            except WorkerError as reason:
                yield _untimed(case, name, variant, None, str(reason))
                continue
            if variant != QUANTISED and not error <= MOST_ERROR:
                off = _("its results are not those of the reference")
                yield _untimed(case, name, variant, error, off)
                continue
            ready.append((name, variant, error))
    for _round in range(ROUNDS):
        for name, variant, _error in ready:
            team[name].ask("steps", variant=variant, count=-(-steps // (ROUNDS * case.T)))
    for name, variant, error in ready:
        told = team[name].ask("told", variant=variant)
        p50, p95, p99, mean = (told[one] / case.T for one in ("p50", "p95", "p99", "mean"))
        timed, state = told["steps"] * case.T, told["state"] or _h(case)
        about = (case.cell, case.H, case.T, case.layers, case.directions, name, variant)
        yield Steps(*about, timed, p50, p95, p99, mean, error, state)


def _untimed(case: Case, name: str, variant: str, error: float | None, why: str) -> Steps:
    about = (case.cell, case.H, case.T, case.layers, case.directions, name, variant)
    return Steps(*about, 0, None, None, None, None, error, _h(case), why)


def _h(case: Case) -> int:
    """Bytes of a state in single precision."""
    states = 2 if case.cell == "lstm" else 1
    return 4 * case.H * states * case.layers * case.directions


class Stepper(Worker):
    """A worker that times each step."""

    def __init__(self, name: str, threads: int) -> None:
        super().__init__(name, threads)
        self._times: dict[str, list[np.ndarray[Any, Any]]] = {}

    def variants(self, case: str, slow: bool) -> dict[str, Any]:
        """Those of the rival, and those with weights of 8 bits."""
        self._times = {}
        found = super().variants(case, slow)["variants"]
        smaller = getattr(self._loaded, "smaller", None)
        return {"variants": [*found, *(smaller(named(case)) if smaller else ())]}

    def steps(self, variant: str, count: int) -> dict[str, Any]:
        """Time so many more."""
        step, clock = self._jobs[variant].call, time.perf_counter_ns
        for _warm in range(min(200, 2 * count)):
            step()
        found = np.empty(count, np.int64)
        for i in range(count):
            begin = clock()
            step()
            found[i] = clock() - begin
        self._times.setdefault(variant, []).append(found)
        return {}

    def told(self, variant: str) -> dict[str, Any]:
        """Of all of them, in seconds."""
        times = np.concatenate(self._times[variant]) * 1e-9
        p50, p95, p99 = np.percentile(times, [50, 95, 99]).tolist()
        state = getattr(self._jobs[variant], "state", 0)
        return {"steps": len(times), "p50": p50, "p95": p95, "p99": p99} | {
            "mean": float(times.mean()),
            "state": state,
        }


def main() -> None:
    """As `worker.main`."""
    name, threads = sys.argv[1], int(sys.argv[2])
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)
        serve(sys.stdin, answers, lambda: Stepper(name, threads))


if __name__ == "__main__":
    main()
