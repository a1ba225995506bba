"""One run of `gruta bench forecast`: the better ways are chosen, then all take turns, by seed."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from gruta.bench import machine
from gruta.bench.forecast.contestants import CONTESTANTS, DEFAULT
from gruta.bench.forecast.outcomes import Job, Outcome, outcome
from gruta.bench.forecast.results import Report, report
from gruta.bench.forecast.sets import SETS, Exam
from gruta.bench.process import Process, WorkerError
from gruta.files import write_atomically

PATIENCE = 3600.0
"""Seconds for one job: statistical models have no budget, and others may have the cores."""

Ask = Callable[[Job, Path], Mapping[str, Any]]
"""Have a job done, its forecasts written to the file; WorkerError with the reason if it was not."""


@dataclass(frozen=True)
class Plan:
    """Sets and contestants by name. seconds: of the CPU, for every training of a network."""

    sets: Sequence[str]
    contestants: Sequence[str]
    seeds: int
    seconds: float


class Watch(Protocol):
    """Who wants to see it happen."""

    def begins(self, done: int, total: int, job: Job) -> None:
        """Job number `done`, from 0, of `total` is next."""

    def ends(self, found: Outcome) -> None:
        """A result is there."""


def missing_packages(name: str) -> list[str]:
    """The packages that a contestant needs and that are not installed."""
    return [package for package in CONTESTANTS[name].packages if find_spec(package) is None]


def measure(plan: Plan, results: Path, ask: Ask, watch: Watch) -> Report:
    """The whole run. What lies in `results` from an earlier one of the same versions is taken."""
    missing = {name: gone for name in plan.contestants if (gone := missing_packages(name))}
    present = [name for name in plan.contestants if name not in missing]
    choices = [
        Job(name, key, "validation", way, 0, plan.seconds)
        for key in plan.sets
        for name in present
        for way in CONTESTANTS[name].ways
        if way != DEFAULT
    ]
    trials = {(job.set, job.contestant) for job in choices}
    tests = sum(
        (plan.seeds if CONTESTANTS[name].drawn else 1) * (2 if (key, name) in trials else 1)
        for key in plan.sets
        for name in present
        if _takes(name, key)
    )
    described = machine.describe()
    turns = _Turns(results, ask, watch, len(choices) + tests)
    better = _better([turns(job) for job in choices])
    outcomes = []
    for seed in range(plan.seeds):
        for key in plan.sets:
            for name in present:
                if not _takes(name, key) or (seed and not CONTESTANTS[name].drawn):
                    continue
                ways = (DEFAULT, better[key, name]) if (key, name) in better else (DEFAULT,)
                outcomes += [turns(Job(name, key, "test", way, seed, plan.seconds)) for way in ways]
    versions = {name: CONTESTANTS[name].versions() for name in present}
    return report(asdict(plan), described, versions, missing, outcomes)


def _takes(name: str, key: str) -> bool:
    return SETS[key].seasons[0] <= CONTESTANTS[name].longest_season


def _better(tried: Sequence[Outcome]) -> dict[tuple[str, str], str]:
    """By set and contestant the way, of those that worked, with the least MAE in validation."""
    best: dict[tuple[str, str], Outcome] = {}
    for found in tried:
        place = found.job.set, found.job.contestant
        if found.problem:
            continue
        if place not in best or found.scores["mae"] < best[place].scores["mae"]:
            best[place] = found
    return {place: found.job.way for place, found in best.items()}


class _Turns:
    """Does jobs, one after the other, each once and for all."""

    def __init__(self, results: Path, ask: Ask, watch: Watch, total: int) -> None:
        self._results, self._ask, self._watch = results, ask, watch
        self._done, self._total = 0, total

    def __call__(self, job: Job) -> Outcome:
        self._watch.begins(self._done, self._total, job)
        self._done += 1
        told, forecasts = (self._results / f"{job.name}{end}" for end in (".json", ".npz"))
        versions = CONTESTANTS[job.contestant].versions()
        answer = _kept(told, versions)
        if answer is None:
            try:
                answer = self._ask(job, forecasts)
            except WorkerError as error:
                found = Outcome(job, problem=str(error))
                self._watch.ends(found)
                return found
            text = json.dumps({"job": asdict(job), "versions": versions, "answer": answer})
            write_atomically(told, text.encode())
        with np.load(forecasts, allow_pickle=False) as arrays:
            exam = Exam(SETS[job.set], job.part)
            found = outcome(job, exam, answer, arrays["forecasts"], arrays["seconds"])
        self._watch.ends(found)
        return found


def _kept(file: Path, versions: Mapping[str, str]) -> Mapping[str, Any] | None:
    """What was answered before, if that was with these versions."""
    try:
        found = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return None
    answer: Mapping[str, Any] = found["answer"]
    return answer if found["versions"] == versions else None


@contextmanager
def workers(logs: Path) -> Iterator[Ask]:
    """A process for each contestant, on one thread, started when it is first asked."""
    team: dict[str, Process] = {}

    def ask(job: Job, forecasts: Path) -> Mapping[str, Any]:
        name = job.contestant
        if name not in team:
            log = logs / f"{name}.log"
            team[name] = Process(name, 1, log, "gruta.bench.forecast.worker", PATIENCE)
        team[name].revive()
        return team[name].ask("forecast", file=str(forecasts.absolute()), **asdict(job))

    try:
        yield ask
    finally:
        for process in team.values():
            process.close()
