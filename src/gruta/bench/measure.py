"""One run of `gruta bench cells`: every rival in a process of its own, blocks in turn."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gruta.bench import limits, machine
from gruta.bench.blocks import Block
from gruta.bench.cases import Case
from gruta.bench.goals import judge, judge_memory
from gruta.bench.parity import TOLERANCE, Arrays, compare
from gruta.bench.process import Process, WorkerError, processes
from gruta.bench.results import Outcome, Report, Row, Timing, calm, counted
from gruta.bench.rivals import ENTRIES, missing_packages, storage
from gruta.bench.worker import LIMITS, REFERENCE
from gruta.locale import translate as _
from gruta.locale.numbers import brief

Files = Mapping[str, str]
"""Files of arrays by the array's name."""

PAUSE = 0.02
"""Seconds between blocks, for the threads of the last one to go to sleep."""


@dataclass(frozen=True)
class Plan:
    """What to measure and how. rivals: by name, gruta among them.

    rounds: blocks of each contestant, of at least `seconds` each; where other programs disturbed
    some, there are more, up to `most`. slow: also what takes a rival minutes to make ready.
    """

    cases: Sequence[Case]
    rivals: Sequence[str]
    threads: Sequence[int]
    seed: int
    rounds: int = 5
    most: int = 8
    seconds: float = 0.1
    slow: bool = False


class Watch(Protocol):
    """Who wants to see it happen."""

    def begins(self, done: int, total: int, case: Case, threads: int) -> None:
        """Row number `done`, from 0, of `total` is next."""

    def ends(self, row: Row) -> None:
        """A row is there."""

    def note(self, message: str) -> None:
        """Something to know."""


def measure(plan: Plan, logs: Path, watch: Watch) -> Report:
    """The whole run; `logs` is a directory for what the workers print."""
    missing = {name: packages for name in plan.rivals if (packages := missing_packages(name))}
    present = [name for name in plan.rivals if name not in missing]
    jobs = [(n, case) for n in plan.threads for case in plan.cases if _wanted(plan, case, n)]
    about: dict[str, dict[str, str]] = {}
    rates: dict[int, dict[str, float]] = {}
    rows: list[Row] = []
    described = machine.describe()
    for threads in plan.threads:
        own = [case for n, case in jobs if n == threads]
        names = [name for name in present if _needed(name, own)]
        with (
            processes([LIMITS, REFERENCE, *names], threads, logs) as team,
            TemporaryDirectory() as scratch,
        ):
            about |= {name: _about(team[name]) for name in names}
            rates[threads] = {kind: _rate(team[LIMITS], kind, plan) for kind in limits.LIMITS}
            for case in own:
                watch.begins(len(rows), len(jobs), case, threads)
                for process in team.values():
                    process.revive()  # one that a case was too much for tries the next
                arithmetic = rates[threads][limits.ARITHMETIC]
                bench = Bench(plan, team, threads, case, Path(scratch), logs, arithmetic)
                rows.append(bench.memory() if case.regime == "memory" else bench.time())
                watch.ends(rows[-1])
    settings = asdict(plan) | {"cases": len(plan.cases), "tolerance": TOLERANCE}
    return Report(described, settings, about, missing, rates, tuple(rows))


def _wanted(plan: Plan, case: Case, threads: int) -> bool:
    return case.regime != "memory" or threads == plan.threads[0]


def _needed(name: str, cases: Sequence[Case]) -> bool:
    return not (ENTRIES[name].forward_only and all(case.trains for case in cases))


def _about(process: Process) -> dict[str, str]:
    try:
        return process.ask("about")
    except WorkerError as error:
        return {"problem": str(error)}


def _rate(process: Process, kind: str, plan: Plan) -> float:
    asked = {"kind": kind, "seconds": plan.seconds}
    asked["streamed"] = limits.typical(kind, limits.l2_bytes())
    found = [process.ask("limit", **asked) for _ in range(plan.rounds)]
    return median(counted([f["rate"] for f in found], [f["waited"] for f in found]))


@dataclass(frozen=True)
class Bench:
    """One case on one number of threads, with the processes that take part.

    arithmetic: flops a second that the threads can do in registers.
    """

    plan: Plan
    team: Mapping[str, Process]
    threads: int
    case: Case
    scratch: Path
    logs: Path
    arithmetic: float

    def time(self) -> Row:
        """Parity, then warm-up, then blocks in turn."""
        self.team[REFERENCE].send("truth", **self._drawn)  # meanwhile the others make ready
        outcomes = self._compared(
            [
                self._ready(self.team[name], variant)
                for name in self._rivals()
                for variant in self._variants(self.team[name])
            ]
        )
        kind = limits.kind(self.case, self.threads, limits.l2_bytes())
        blocks, rate = self._turns([(o.rival, o.variant) for o in outcomes if not o.problem], kind)
        timed = [
            replace(o, timing=Timing(tuple(own)))
            if (own := blocks.get((o.rival, o.variant)))
            else o
            for o in outcomes
        ]
        limit = limits.gflops(self.case, kind, rate, self.arithmetic)
        row = Row(self.case, self.threads, tuple(timed), kind, limit)
        best = {name: row.of(name) for name in self._rivals()}
        seconds = {name: o.cost for name, o in best.items() if o and o.cost is not None}
        return replace(row, verdict=judge(self.case, self.threads, seconds, limit))

    def memory(self) -> Row:
        """A fresh process a contestant, which does one step of training; parity after it."""
        self.team[REFERENCE].send("truth", **self._drawn)
        ready = []
        for name in self._rivals():
            for variant in self._variants(self.team[name]):
                with processes([name], self.threads, self.logs) as fresh:
                    ready.append(self._ready(fresh[name], variant, do="peak"))
        outcomes = self._compared(ready)
        peaks = {(o.rival, o.variant): o.peak for o in outcomes if o.peak is not None}
        verdict = judge_memory(self.case, self.threads, peaks)
        return Row(self.case, self.threads, tuple(outcomes), verdict=verdict)

    def _rivals(self) -> list[str]:
        return [name for name in self.team if name not in (LIMITS, REFERENCE)]

    def _variants(self, process: Process) -> list[str]:
        try:
            asked = process.ask("variants", case=self.case.key, slow=self.plan.slow)
        except WorkerError:
            return [""]  # it has a problem, which preparing will show
        return list(asked["variants"])

    @property
    def _drawn(self) -> dict[str, Any]:
        return {"case": self.case.key, "seed": self.plan.seed, "directory": str(self.scratch)}

    def _ready(self, process: Process, variant: str, do: str = "prepare") -> tuple[Outcome, Files]:
        """Made ready, and the files of its results, to be compared."""
        outcome = Outcome(process.name, variant)
        try:
            answer = process.ask(do, variant=variant, **self._drawn)
        except WorkerError as error:
            return replace(outcome, problem=str(error)), {}
        peaks: dict[str, Any] = {"peak": answer.get("peak"), "before": answer.get("before")}
        return replace(outcome, note=answer["note"], **peaks), answer["files"]

    def _compared(self, ready: Sequence[tuple[Outcome, Files]]) -> list[Outcome]:
        """Each beside the truth; not near enough is a problem, and then there is no peak either."""
        true = _arrays(self.team[REFERENCE].answer()["files"])
        return [o if o.problem else self._judged(o, _arrays(files), true) for o, files in ready]

    def _judged(self, outcome: Outcome, found: Arrays, true: Arrays) -> Outcome:
        parity = compare(self.case, found, true, storage(outcome.variant))
        outcome = replace(outcome, parity=parity)
        if parity.passed:
            return outcome
        problem = _("parity: {name} off by {error}").format(
            name=parity.worst, error=brief(parity.error)
        )
        return replace(outcome, problem=problem, peak=None, before=None)

    def _turns(
        self, contestants: Sequence[tuple[str, str]], kind: str
    ) -> tuple[dict[tuple[str, str], list[Block]], float]:
        """Blocks by contestant, and the median of the limit's rate among them."""
        blocks: dict[tuple[str, str], list[Block]] = {c: [] for c in contestants}
        rates: list[tuple[float, float]] = []
        for name, variant in contestants:
            self.team[name].ask("warm", variant=variant, seconds=self.plan.seconds / 2)
            time.sleep(PAUSE)
        for turn in range(self.plan.most):
            if turn >= self.plan.rounds and all(
                calm(b.waited for b in own) >= self.plan.rounds for own in blocks.values()
            ):
                break
            for name, variant in contestants:
                answer = self.team[name].ask("block", variant=variant, seconds=self.plan.seconds)
                blocks[name, variant].append(Block(**answer))
                time.sleep(PAUSE)
            limit = self.team[LIMITS].ask(
                "limit",
                kind=kind,
                seconds=self.plan.seconds,
                streamed=self.case.streamed_bytes // self.threads,
            )
            rates.append((limit["rate"], limit["waited"]))
        return blocks, median(counted([r for r, _ in rates], [w for _, w in rates]))


def _arrays(files: Files) -> dict[str, NDArray[Any]]:
    """The arrays in the files, which are then gone."""
    found = {name: np.load(file, allow_pickle=False) for name, file in files.items()}
    for file in files.values():
        Path(file).unlink()
    return found
