"""The tasks by name; each is imported when it is asked for."""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gruta.errors import InputError
from gruta.locale import translate as _

if TYPE_CHECKING:
    from gruta.tasks.commands import Asking, Command
    from gruta.tasks.task import Task

HOMES = {
    "forecast": "gruta.tasks.forecast.task",
    "classify": "gruta.tasks.classify.task",
    "generate": "gruta.tasks.generate.task",
    "translate": "gruta.tasks.translate.task",
    "transcribe": "gruta.tasks.transcribe.task",
    "caption": "gruta.tasks.caption.task",
    "speak": "gruta.tasks.speak.task",
    "vocode": "gruta.tasks.vocode.task",
}
"""The module of each task, which calls it TASK."""

COMMANDS = {
    "forecast": "gruta.tasks.forecast.commands",
    "generate": "gruta.tasks.generate.commands",
    "translate": "gruta.tasks.translate.commands",
}
"""The module of the commands that a task alone has, which calls them COMMANDS."""


def all_tasks() -> "list[Task[Any]]":
    """Each of them."""
    return [task(name) for name in HOMES]


def commands() -> "list[Command | Asking]":
    """Those that one task alone has."""
    return [own for home in COMMANDS.values() for own in import_module(home).COMMANDS]


def require_task(path: Path, wanted: "Task[Any]") -> None:
    """InputError unless there is a run of this task."""
    from gruta.runs import Run

    Run.open(path, wanted.name)


def task_of(path: Path) -> "Task[Any]":
    """The task of a run; InputError where there is no run, or one of something else."""
    from gruta.runs import Run

    name = Run.open(path).task
    if name not in HOMES:
        problem = _("{path}: expected the run of a task ({known}), found one of {name!r}")
        raise InputError(problem.format(path=path, known=", ".join(HOMES), name=name))
    return task(name)


def task(name: str) -> "Task[Any]":
    """The task of this name; InputError if there is none."""
    if name not in HOMES:
        raise InputError(
            _("task: expected one of {known}, got {name!r}").format(
                known=", ".join(HOMES), name=name
            )
        )
    found: Task[Any] = import_module(HOMES[name]).TASK
    return found
