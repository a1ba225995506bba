"""`gruta train`: a command for each task."""

import json
import shlex
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from gruta.cli.commands import Commands
from gruta.cli.options import with_settings
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.tasks import registry
from gruta.tasks.task import Task

train_app = Commands(no_args_is_help=True)

RunPath = Annotated[
    Path | None,
    typer.Option(
        help=_("Directory of the run."), show_default=_("runs/, the file's name, the cell")
    ),
]
Resume = Annotated[bool, typer.Option("--resume", help=_("Go on with the run where it stopped."))]
Overwrite = Annotated[
    bool,
    typer.Option(
        "--overwrite",
        help=_("Put the new run in the place of one that is there, once it is whole."),
    ),
]
Profile = Annotated[bool, typer.Option("--profile", help=_("Show where the training time went."))]
Json = Annotated[bool, typer.Option("--json", help=_("Print JSON, for programs."))]


@train_app.callback(help=_("Train a model on a file; each task is a command."))
def tasks() -> None:
    """Keep each task a command of its own, also where there is only one."""


@dataclass(frozen=True)
class Job:
    """A training: of what, on what, where to, and how the result is told."""

    task: Task[Any]
    source: Path
    directory: Path
    resume: bool
    profile: bool
    as_json: bool


def _command(task: Task[Any]) -> Callable[..., None]:
    """The command that trains this task."""
    taken = typer.Argument(metavar=task.input.metavar, help=_(task.input.help), show_default=False)

    @with_settings(task.settings)
    def command(
        source: Annotated[Path, taken],
        run: RunPath = None,
        resume: Resume = False,
        overwrite: Overwrite = False,
        profile: Profile = False,
        as_json: Json = False,
        *,
        given: dict[str, Any],
    ) -> None:
        from gruta.runs.replace import replacing

        cell = given.get("cell", task.settings.model_fields["cell"].default)
        directory = run or Path("runs", f"{source.stem}-{cell}")
        if resume and overwrite:
            raise InputError("--resume and --overwrite: give one or the other")
        job = Job(task, source, directory, resume, profile, as_json)
        with replacing(directory) if overwrite else nullcontext(directory) as place:
            result = _train(job, place, given)
        if as_json:
            print(json.dumps(result))
            return
        if "report" in result:
            print(_("Report: {path}").format(path=result["report"]))
        print(_("Run: {path}").format(path=directory))

    return command


def _train(job: Job, place: Path, given: dict[str, Any]) -> dict[str, Any]:
    """Train in `place`, score what was held out, and write the report; what JSON says of it."""
    from gruta.cli.progress import progress, stoppable
    from gruta.cli.tables import print_profile
    from gruta.cli.verbs import scores_as_json, show
    from gruta.report.page import REPORT, write
    from gruta.settings import resolve
    from gruta.tasks.fitting import fit

    task, name = job.task, job.directory.name
    settings: Any = resolve(task.settings, (_earlier(job) if job.resume else {}) | given)
    again = ["gruta", "train", task.name, str(job.source), "--run", str(job.directory), "--resume"]
    with stoppable(shlex.join(again)), progress(name, settings.steps) as shown:
        fitted = fit(task, job.source, settings, place, resume=job.resume, progress=shown)
    result: dict[str, Any] = {"run": str(job.directory)}
    if job.profile and job.as_json:
        result["profile"] = fitted.stopwatch.seconds
    elif job.profile:
        print_profile(name, fitted.stopwatch.seconds)
    held_out = task.held_out(job.source, settings)
    if held_out is not None:
        found = task.evaluate(fitted.trained, **held_out)
        told = task.report(fitted.trained, found, fitted.metrics)
        write(place, told.title, told.lead, told.sections)
        result |= scores_as_json(found) | {"report": str(job.directory / REPORT)}
        if not job.as_json:
            show(task, found)
    return result


def _earlier(job: Job) -> dict[str, Any]:
    """The settings that the run was started with."""
    from gruta.runs import Run
    from gruta.tasks.trained import settings_of

    found: dict[str, Any] = settings_of(Run.open(job.directory, job.task.name), job.task)
    return found


for _name in registry.HOMES:
    _task = registry.task(_name)
    train_app.command(_name, help=_(_task.summary))(_command(_task))
