"""Trainings that the page starts, stops and goes on with, and what runs are at."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gruta.errors import InputError
from gruta.lab.opened import sources_of
from gruta.lab.processes import Processes, interrupt
from gruta.lab.records import newest
from gruta.lab.shelf import Shelf
from gruta.lab.sources import Sources
from gruta.locale import translate as _
from gruta.runs import METRICS, MODEL, Run
from gruta.runs.lock import is_training
from gruta.settings import resolve
from gruta.tasks import registry
from gruta.tasks.trained import settings_of

SETTINGS = (
    "cell",
    "hidden",
    "layers",
    "embedding",
    "steps",
    "batch_size",
    "learning_rate",
    "clip",
    "clip_threshold",
    "init",
    "seed",
    "tbptt",
    "units",
    "horizon",
    "lookback",
    "time",
    "target",
    "text",
    "label",
)
"""What the page may set: nothing that names a file, or sends anything anywhere."""

_GOING = ("starting", "training", "finishing")

_TWICE = 5.0
"""Seconds."""

_WATCHED = {"log_every": 5, "watch_every": 20}


@dataclass
class Trainings:
    """Of the runs on a shelf; new ones come into `folder`."""

    shelf: Shelf
    folder: Path
    sources: Sources
    processes: Processes = field(default_factory=Processes)
    _stopped: dict[str, float] = field(default_factory=dict)

    def start(self, task: str, source: str, given: Mapping[str, Any]) -> str:
        """The id of the run that is begun; InputError for what would not be trained."""
        place, how = self.sources.find(source)
        task = str(how.pop("task", task))
        asked = how | _WATCHED | {name: value for name, value in given.items() if value is not None}
        foreign = set(given) - set(SETTINGS)
        if foreign:
            problem = _("the page sets no {names}").format(names=", ".join(sorted(foreign)))
            raise InputError(problem)
        known = registry.task(task)
        settings: Any = resolve(known.settings, asked)
        known.open([place] if known.input.many else place, settings)
        cell = asked.get("cell", settings.cell)
        path = self._new(f"{self.sources.called(source)}-{cell}")
        options = [one for name, value in asked.items() for one in _option(name, value)]
        command = ["train", task, "--run", str(path), *options, "--", str(place)]
        self.processes.start(str(path), ["gruta", *command])
        return self.shelf.expect(path)

    def stop(self, name: str) -> None:
        """As Ctrl-C does: the training ends behind a step, and can be gone on with. A button that
        is pressed twice is no second Ctrl-C, which would not wait for that step.
        """
        path, now = self.shelf.run(name), time.monotonic()
        if self._state(path) in _GOING and now - self._stopped.get(name, -_TWICE) < _TWICE:
            return
        self._stopped[name] = now
        if self.processes.alive(str(path)):
            self.processes.interrupt(str(path))
        else:
            interrupt(path)

    def resume(self, name: str) -> None:
        """As `--resume` does; InputError where it is finished, or of something else than a task."""
        path = self.shelf.run(name)
        if self._state(path) in _GOING:
            raise InputError(_("{name} is under way already").format(name=name))
        task = registry.task_of(path)
        run = Run.open(path, task.name)
        if run.has(MODEL):
            raise InputError(_("{run}: it is finished").format(run=name))
        told = run.about.get("source")
        places = sources_of(told, many=task.input.many)
        if not places or not all(Path(place).exists() for place in places):
            problem = _(
                "{run}: what it was trained on ({source}) is not there; go on with it where it is"
            )
            raise InputError(problem.format(run=name, source=told))
        command = ["train", task.name, "--run", str(path), "--resume", "--", *places]
        self.processes.start(str(path), ["gruta", *command])

    def listed(self) -> list[dict[str, Any]]:
        """What each run is at."""
        return [self.told(name, path) for name, path in self.shelf.known().items()]

    def told(self, name: str, path: Path) -> dict[str, Any]:
        """Of one: its state, task, cell, and how many of its steps are taken."""
        found: dict[str, Any] = {"id": name, "path": str(path), "state": self._state(path)}
        failure = self.processes.failure(str(path))
        if failure:
            found["error"] = {"en": failure, "pt": failure}
        try:
            run = Run.open(path)
            task = run.task
            settings = settings_of(run, registry.task(task)) if task in registry.HOMES else {}
            settings = settings or run.settings()
        except InputError as error:
            return found | {"error": found.get("error") or {"en": str(error), "pt": str(error)}}
        record = newest(path / METRICS) or {}
        return found | {
            "task": task,
            "cell": _only(str, settings.get("cell")),
            "step": record.get("step", 0),
            "steps": _only(int, settings.get("steps")),
        }

    def _state(self, path: Path) -> str:
        if (path / "run.json").is_file() and is_training(Run(path)):
            return "training"
        if self.processes.alive(str(path)):
            return "finishing" if (path / MODEL).is_file() else "starting"
        if (path / MODEL).is_file():
            return "finished"
        return "failed" if self.processes.failure(str(path)) else "stopped"

    def _new(self, name: str) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        folder = self.folder.resolve()
        for k in range(1, 10_000):
            path = folder / (name if k == 1 else f"{name}-{k}")
            if not path.exists() and not self.processes.alive(str(path)):
                return path
        raise InputError(_("{folder}: too many runs of one name").format(folder=self.folder))


def _only(kind: type, value: Any) -> Any:
    """The file of a study's run may say anything."""
    return value if isinstance(value, kind) else None


def _option(name: str, value: Any) -> list[str]:
    """As the command line takes it; with the sign of equality no value is taken for an option."""
    values = value if isinstance(value, list | tuple) else [value]
    return [f"--{name.replace('_', '-')}={one}" for one in values]
