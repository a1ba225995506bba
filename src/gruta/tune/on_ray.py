"""Trials as tasks of Ray, on this machine or a cluster.

The process that asks has the study: it draws settings, hears of validations, ends what is worse
than the others, and keeps the runs that are the best. What the tasks need goes to them, and what
they make comes back, so no machine but this one reaches the storage or the file.
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import Trial

from gruta.cluster import connected
from gruta.errors import InputError
from gruta.processes import called
from gruta.runs import CHECKPOINT
from gruta.settings import resolve
from gruta.tasks import registry
from gruta.tasks.fitting import fit
from gruta.train import Diverged, Progress
from gruta.tune.sweep import Sweep, alive

AT = "at"
"""What a trial's attribute is called that has the process in which it is under way."""

_LOOK = 0.5
"""Seconds between two looks at what the tasks have told."""

Validation = tuple[int, int, float]
"""Number of the trial, step, and the lowest value so far."""


class Board:
    """Where tasks write how they do, and read whether to go on: an actor of Ray."""

    def __init__(self) -> None:
        self._told: list[Validation] = []
        self._begun: dict[int, str] = {}
        self._ended: set[int] = set()

    def begin(self, number: int, process: str) -> None:
        """A trial is under way in this process."""
        self._begun[number] = process

    def tell(self, told: Validation) -> bool:
        """A validation; whether the trial goes on."""
        self._told.append(told)
        return told[0] not in self._ended

    def end(self, number: int) -> None:
        """Let a trial end at its next validation."""
        self._ended.add(number)

    def news(self) -> tuple[list[Validation], dict[int, str]]:
        """What was told since the last time."""
        told, self._told, begun, self._begun = self._told, [], self._begun, {}
        return told, begun


@dataclass(frozen=True)
class Tried:
    """What came of a trial.

    files: of its run, by name, where it came to its end. why: it failed. lost: its process is gone.
    again: then its settings are tried once more.
    """

    best: float | None = None
    seconds: float = 0.0
    files: Mapping[str, bytes] = field(default_factory=dict)
    pruned: bool = False
    why: str = ""
    lost: bool = False
    again: bool = False


def go_on_ray(
    sweep: Sweep,
    trials: int,
    until: float,
    workers: int | None,
    address: str | None = None,
    told: Callable[[Trial, Tried], None] = lambda trial, tried: None,
) -> None:
    """As `Sweep.go_on`, with up to so many trials at once on a cluster of Ray; None: a trial a
    core. told: called with each that has ended or is lost.
    """
    import ray

    with connected(workers, address):
        # It may lie on a machine that is lost; what it forgets then is told anew.
        lasting = ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=-1)
        data, board = ray.put(sweep.data), lasting(Board).remote()
        task = ray.remote(num_cpus=1, max_retries=0)(_tried)
        under_way = _UnderWay(sweep, board, told)
        with under_way:
            while not (sweep.is_over(trials, until) and not under_way.trials):
                most = workers or int(ray.cluster_resources().get("CPU", 1)) or 1
                while len(under_way.trials) < most and not sweep.is_over(trials, until):
                    trial = sweep.asked(trials)
                    if trial is None:
                        break
                    with sweep.ending(trial):
                        settings = sweep.drawn(trial)
                        own = sweep.task.name, data, settings.model_dump()
                        under_way.begin(trial, task.remote(*own, trial.number, board))
                under_way.look()


class _UnderWay:
    """Trials that tasks are at, by what Ray knows them by; none is left when it is over."""

    def __init__(self, sweep: Sweep, board: Any, told: Callable[[Trial, Tried], None]) -> None:
        self.trials: dict[Any, Trial] = {}
        self._sweep, self._board, self._told = sweep, board, told
        self._alive: dict[int, ExitStack] = {}

    def __enter__(self) -> None:
        return None

    def __exit__(self, *error: object) -> None:
        import ray

        for one, trial in self.trials.items():
            ray.cancel(one, force=True)
            self._alive.pop(trial.number).close()
            self._sweep.interrupted(trial)

    def begin(self, trial: Trial, one: Any) -> None:
        """A task has it."""
        stack = ExitStack()
        stack.enter_context(alive(trial))
        self._alive[trial.number], self.trials[one] = stack, trial

    def look(self) -> None:
        """Wait a moment for one that ends, and pass on what all have told."""
        import ray

        if not self.trials:
            time.sleep(_LOOK)
            return
        ready, _rest = ray.wait(list(self.trials), num_returns=1, timeout=_LOOK)
        self._hear(ray.get(self._board.news.remote()))
        for one in ready:
            trial = self.trials.pop(one)
            self._alive.pop(trial.number).close()
            try:
                tried = ray.get(one)
            except ray.exceptions.RayTaskError as error:
                self._sweep.again(trial.number)
                raise error.cause if isinstance(error.cause, Exception) else error from None
            except ray.exceptions.RayError:  # its process or machine was lost
                again = self._sweep.again(trial.number)
                self._told(trial, Tried(lost=True, again=again))
            else:
                self._end(trial, tried)
                self._told(trial, tried)

    def _hear(self, news: tuple[list[Validation], Mapping[int, str]]) -> None:
        of = {trial.number: trial for trial in self.trials.values()}
        for number, process in news[1].items():
            if number in of:
                of[number].set_user_attr(AT, process)
        for number, step, value in news[0]:
            if number in of:
                of[number].report(value, step)
                if of[number].should_prune():
                    self._board.end.remote(number)

    def _end(self, trial: Trial, tried: Tried) -> None:
        with self._sweep.ending(trial):
            if tried.pruned:
                raise optuna.TrialPruned
            if tried.why:
                raise Diverged(tried.why)
            place = self._sweep.place(trial.number)
            for name, content in tried.files.items():
                path = place / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            self._sweep.complete(trial, tried.best, tried.seconds)


class _Told(Progress):
    """A trial's validations go to the board, which may end it."""

    def __init__(self, number: int, board: Any) -> None:
        self._number, self._board = number, board
        self.best: float | None = None

    def validated(self, record: Mapping[str, Any], best: bool) -> None:
        """Tell of each but the one before the first step."""
        import ray

        value = record.get("criterion", record["validation_loss"])
        if value is None:
            return
        self.best = value if self.best is None else min(self.best, value)
        if record["step"]:
            told = self._number, record["step"], self.best
            if not ray.get(self._board.tell.remote(told)):
                raise optuna.TrialPruned


def _tried(name: str, data: Any, given: Mapping[str, Any], number: int, board: Any) -> Tried:
    """In a process of Ray's."""
    import ray

    ray.get(board.begin.remote(number, called()))
    task, curve = registry.task(name), _Told(number, board)
    with tempfile.TemporaryDirectory(prefix="gruta-") as folder:
        place = Path(folder, "run")
        try:
            fitted = fit(task, data, resolve(task.settings, dict(given)), place, progress=curve)
        except optuna.TrialPruned:
            return Tried(pruned=True)
        except (Diverged, InputError) as error:
            return Tried(why=str(error))
        files = {path.relative_to(place).as_posix(): path.read_bytes() for path in _files(place)}
        return Tried(curve.best, fitted.stopwatch.total, files)


def _files(place: Path) -> Iterator[Path]:
    """Of a run that is finished."""
    for path in place.rglob("*"):
        if path.is_file() and path.name != CHECKPOINT:
            yield path
