"""`gruta bench many`: `gruta predict` of a folder, in processes of its own."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from gruta.bench.process import environment
from gruta.bench.rows import Layout, write
from gruta.errors import InputError
from gruta.files import write_atomically
from gruta.locale import translate as _
from gruta.locale.numbers import number

_LEARNED = 100
"""Series of the training, of which the speed does not depend."""

TASK = "task.json"
"""In the place: of which task its files are."""


@dataclass(frozen=True)
class Task:
    """What is forecast: series of so many days, in so many files, by a GRU of `hidden` units."""

    series: int
    days: int
    files: int
    horizon: int
    hidden: int


@dataclass(frozen=True)
class Run:
    """One command. seconds: from its first look at the files to the last forecast, with the start
    of processes; busy, cpu: of all processes together, at the parts alone, and of these the
    processors', whoever else was at work. peak: bytes of the largest
    process, and of the one that hands parts out.
    """

    on: str
    workers: int
    series: int
    rows: int
    seconds: float
    busy: float
    cpu: float
    peak: int
    own_peak: int

    @property
    def rate(self) -> float:
        """Series a second, all in all."""
        return self.series / self.seconds

    @property
    def rate_a_core(self) -> float:
        """Series that a processor forecasts in a second of its own."""
        return self.series / self.cpu

    @property
    def cores(self) -> float:
        """Processes that were at it, on average."""
        return self.busy / self.seconds

    def __str__(self) -> str:
        told = _("{on}, {workers}: {rate} series a second")
        return told.format(on=self.on, workers=self.workers, rate=number(self.rate, 1))


def runs(task: Task, workers: Sequence[int], on: str, place: Path | None) -> Iterator[Run]:
    """The same forecasts with each number of processes.

    InputError for fewer series than files, a place of another task, and a command that fails.
    """
    if task.files > task.series:
        problem = _("expected at most as many as series, {series}; got {files}")
        raise InputError(files=problem.format(series=task.series, files=task.files))
    with TemporaryDirectory() if place is None else nullcontext(str(place)) as home:
        source, run = _made(Path(home), task)
        for count in workers:
            out = Path(home, f"out-{on or 'here'}-{count}")
            yield _timed(source, run, out, count, on)


def _made(home: Path, task: Task) -> tuple[Path, Path]:
    """The folder of files and a trained run; what is there of the same task is taken as it is."""
    source, run, learned = home / "in", home / "run", home / "learned.parquet"
    _require_same(home, task)
    source.mkdir(parents=True, exist_ok=True)
    write_atomically(home / TASK, json.dumps(asdict(task)).encode())
    least, more = divmod(task.series, task.files)
    for i in range(task.files):
        path, partial = source / f"{i:05}.parquet", source / f"_{i:05}.parquet"
        if not path.exists():
            first = i * least + min(i, more)
            write(partial, least + (i < more), task.days, Layout(), first)
            partial.replace(path)
    if not (run / "codec.json").exists():
        write(learned, _LEARNED, task.days, Layout())
        options = ["--horizon", task.horizon, "--hidden", task.hidden, "--steps", 20]
        _gruta("train", "forecast", learned, "--run", run, *options, "--overwrite", "--json")
    return source, run


def _require_same(home: Path, task: Task) -> None:
    """InputError where files or a run of another task lie there."""
    told = home / TASK
    if not told.exists() and not any((home / name).exists() for name in ("in", "run")):
        return
    try:
        before = told.read_text("utf-8")
        same = json.loads(before) == asdict(task)
    except (OSError, ValueError):
        before, same = "?", False
    if not same:
        problem = _("{path}: is of another task, {before}; name another directory")
        raise InputError(place=problem.format(path=home, before=before))


def _timed(source: Path, run: Path, out: Path, workers: int, on: str) -> Run:
    how = ["--on", on] if on else []
    told = _gruta("predict", run, source, "--out", out, "--workers", workers, *how, "--json")
    found = json.loads(told)
    if not found["series_now"]:
        problem = _("{path}: all is forecast there already; name another directory")
        raise InputError(place=problem.format(path=out.parent))
    return Run(
        on or _("this machine"),
        workers,
        found["series_now"],
        found["rows"],
        found["seconds"],
        found["busy_seconds"],
        found["cpu_seconds"],
        found["peak_bytes"],
        found["own_peak_bytes"],
    )


def _gruta(*arguments: object) -> str:
    """What a command prints; what it tells on the way is seen."""
    command = [sys.executable, "-m", "gruta", *map(str, arguments)]
    done = subprocess.run(
        command, env=environment(1), stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        problem = _("gruta {command} ended with status {status}; what it said is above")
        raise InputError(problem.format(command=arguments[0], status=done.returncode))
    return done.stdout.splitlines()[-1]
