"""`gruta train`: a command for each task."""

import json
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gruta.cli.commands import Commands
from gruta.cli.launch import At, Launch, Machines, Processes, again, may_restart, ranks
from gruta.cli.options import source_of, with_settings
from gruta.errors import Exists, InputError, OtherRun
from gruta.extras import need
from gruta.files import is_remote
from gruta.locale import translate as _
from gruta.settings import resolve
from gruta.tasks import registry
from gruta.tasks.scores import Scores
from gruta.tasks.task import Chooses, Task

if TYPE_CHECKING:
    from gruta.train import Ranks

train_app = Commands(no_args_is_help=True)

RunPath = Annotated[
    str | None,
    typer.Option(
        metavar="PATH|URL",
        help=_("Directory of the run, here or in an object store (s3://bucket/run)."),
        show_default=_("runs/, the file's name, the cell"),
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
Compare = Annotated[
    bool,
    typer.Option(
        "--compare",
        help=_("Train GRU, LSTM and RNN with as many steps and about as many parameters."),
    ),
]
Profile = Annotated[bool, typer.Option("--profile", help=_("Show where the training time went."))]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        help=_("Show what would be read and trained, and about what it takes; train nothing."),
    ),
]
Json = Annotated[bool, typer.Option("--json", help=_("Print JSON, for programs."))]


@train_app.callback(help=_("Train a model on a file; each task is a command."))
def tasks() -> None:
    """Keep each task a command of its own, also where there is only one."""


@dataclass(frozen=True)
class Job:
    """A training: of what, on what, where to, and how the result is told.

    source: a file or folder, or several where the task takes so many. data: what it holds, once it
    is read. url: where the run lies that is worked on in the directory, by `remote`, if it is in an
    object store.
    """

    task: Task[Any]
    source: Path | Sequence[Path]
    directory: Path
    resume: bool
    profile: bool
    as_json: bool
    data: Any = None
    url: str = ""
    remote: Any = None

    @property
    def where(self) -> str:
        """The run, as a person has named it."""
        return self.url or str(self.directory)

    def opened(self, settings: Any) -> "Job":
        """With the source read; what was guessed about it is told."""
        from gruta.cli.verbs import tell

        data = self.task.open(self.source, settings)
        if not self.as_json:
            tell(self.name, data)
        return replace(self, data=data)

    @property
    def places(self) -> list[str]:
        """What is read, as the command line says it."""
        return [str(self.source)] if isinstance(self.source, Path) else list(map(str, self.source))

    @property
    def name(self) -> str:
        """The source as a run keeps it: where there may be several, as a shell reads them."""
        return shlex.join(self.places) if self.task.input.many else str(self.source)


def _command(task: Task[Any]) -> Callable[..., None]:
    """The command that trains this task."""
    taken: Any = source_of(task)

    @with_settings(task.settings)
    def command(
        source: taken,
        run: RunPath = None,
        resume: Resume = False,
        overwrite: Overwrite = False,
        compare: Compare = False,
        profile: Profile = False,
        dry_run: DryRun = False,
        as_json: Json = False,
        processes: Processes = 1,
        machines: Machines = 1,
        at: At = "",
        *,
        given: dict[str, Any],
    ) -> None:
        launch = Launch(processes, machines, at)
        launch.check()
        need(*task.packages, "matplotlib", "jinja2")
        cell = "cells" if compare else given.get("cell", task.settings.model_fields["cell"].default)
        first = source[0] if task.input.many else source
        directory = Path(run or f"runs/{first.stem}-{cell}")
        url = run if run and is_remote(run) else ""
        job = Job(task, source, directory, resume, profile, as_json, url=url)
        _refuse(job, overwrite, compare, given)
        if dry_run:
            _rehearse(job, given)
        elif launch.is_wanted:
            resolve(task.settings, given)
            raise typer.Exit(launch.run())
        else:
            _trained(job, overwrite, compare, given)

    return command


def _trained(job: Job, overwrite: bool, compare: bool, given: dict[str, Any]) -> None:
    """Train, and tell of it; of processes that train together the first does."""
    from gruta.runs.replace import replacing

    if job.url and overwrite:
        raise InputError(_("--overwrite: not in an object store; name another run by --run"))
    with ranks() as own, _in_store(_gone_on_with(job, own), compare, own) as job:
        if own.size > 1 and overwrite:
            raise InputError(
                _("--overwrite: several processes train beside no other run; name another by --run")
            )
        if not own.first:
            job = replace(job, as_json=True)
        with replacing(job.directory) if overwrite else nullcontext(job.directory) as place:
            try:
                result = _compare(job, place, given) if compare else _train_one(job, place, given)
            except Exists as error:
                raise InputError(_occupied(job.where, own.size == 1 and not job.url)) from error
    if not own.first:
        return
    if job.as_json:
        print(json.dumps(result))
        return
    if "report" in result:
        print(_("Report: {path}").format(path=result["report"]))
    print(_("Run: {path}").format(path=job.where))


def _gone_on_with(job: Job, own: "Ranks") -> Job:
    """The job, to be gone on with where a launcher has started its processes anew, and the run that
    is there is of those before: not one that was there before them.
    """
    if not may_restart():
        return job
    goes_on = b""
    if own.first:
        from gruta.runs.remote import has_run

        there = has_run(job.url) if job.url else (job.directory / "run.json").is_file()
        place = job.url or str(job.directory.resolve())
        before = own.first_said(f"before {place}", "run" if there else "none")
        goes_on = b"1" if there and before == "none" else b""
    return replace(job, resume=bool(own.share(goes_on)) or job.resume)


def _rehearse(job: Job, given: dict[str, Any]) -> None:
    from gruta.cli.console import console
    from gruta.report.terminal import lines
    from gruta.tasks.rehearsal import rehearse

    settings = resolve(job.task.settings, given)
    found = rehearse(job.task, job.opened(settings).data, settings)
    if job.as_json:
        print(json.dumps(found.to_json()))
    else:
        console().print(lines(found.table()))


@contextmanager
def _in_store(job: Job, compare: bool, own: Any) -> Iterator[Job]:
    """With a folder to work in, where the run lies in an object store; the first process has it."""
    if not (job.url and own.first):
        yield job
        return
    from gruta.runs.remote import working_copy

    try:
        with working_copy(job.url, resume=job.resume, several=compare) as remote:
            yield replace(job, directory=remote.folder, remote=remote)
    except Exists as error:
        raise InputError(_occupied(job.url, replaceable=False)) from error
    except BaseException as error:
        for note in getattr(error, "__notes__", ()):
            print(f"gruta: {note}", file=sys.stderr)
        raise


def _occupied(directory: str, replaceable: bool) -> str:
    """replaceable: whether --overwrite is for such a run."""
    if not replaceable:
        return _(
            "{path}: exists already; go on with it by --resume, or name another place by --run"
        ).format(path=directory)
    return _(
        "{path}: exists already; go on with it by --resume, put a new run in its place by "
        "--overwrite, or name another directory by --run"
    ).format(path=directory)


def _refuse(job: Job, overwrite: bool, compare: bool, given: dict[str, Any]) -> None:
    if job.resume and overwrite:
        raise InputError(_("--resume and --overwrite: give one or the other"))
    if compare and "cell" in given:
        raise InputError(cell=_("--compare trains all three; give one or the other"))


def _train_one(job: Job, place: Path, given: dict[str, Any]) -> dict[str, Any]:
    """One network; what JSON says of it."""
    from gruta.cli.verbs import show
    from gruta.runs.replace import drop

    settings = resolve(job.task.settings, (_earlier(job) if job.resume else {}) | given)
    job = job.opened(settings)
    on = ["gruta", "train", job.task.name, *job.places, "--run", job.where, *again()]
    if place == job.directory:
        result, found = train_job(job, place, settings, [*on, "--resume"])
    else:  # beside the run that it is to replace
        anew = ["gruta", *sys.argv[1:]]
        try:
            left = replace(job, resume=(place / "run.json").is_file())
            result, found = train_job(left, place, settings, anew)
        except OtherRun:
            drop(place)
            result, found = train_job(job, place, settings, anew)
    if found is not None and not job.as_json:
        show(job.task, found)
    return result


def _compare(job: Job, place: Path, given: dict[str, Any]) -> dict[str, Any]:
    """A network a cell, each a run in `place`; those that are there go on or are taken as they are.

    What JSON says of them all; the networks come first in its scores.
    """
    from gruta.cli.verbs import show
    from gruta.tasks.compare import same_budget
    from gruta.train.ranks import current

    settings = resolve(job.task.settings, given)
    if job.task.held_out(job.source, settings) is None:
        raise InputError(_("--compare: nothing is held out to compare on; give a test share"))
    if getattr(settings, "auto", 0):
        raise InputError(
            auto=_("--compare trains all three as they are set; find settings out with one first")
        )
    job, ranks = job.opened(settings), current()
    results: dict[str, Any] = {}
    evaluations: list[Any] = []
    for cell, own in same_budget(job.task, job.data, settings).items():
        run = place / cell
        begun = bool(ranks.share(b"1" if (run / "run.json").is_file() else b""))
        url = f"{job.url}/{cell}" if job.url else ""
        one = replace(job, directory=job.directory / cell, url=url, resume=begun)
        like = evaluations[0] if evaluations else None
        results[cell], found = train_job(one, run, own, ["gruta", *sys.argv[1:]], like)
        if not ranks.first:
            continue
        first = replace(found.scores[0], seconds=results[cell]["seconds"])
        evaluations.append(replace(found, scores=[first, *found.scores[1:]]))
    if not ranks.first:
        return {}
    together: Any = replace(evaluations[0], scores=_together([e.scores for e in evaluations]))
    if not job.as_json:
        show(job.task, together, *(job.task.verdict(found) for found in evaluations))
    scores = [s.to_json() for s in together.scores]
    return {"run": job.where, "runs": results, "scores": scores}


def _together(scores: list[list[Scores]]) -> list[Scores]:
    """The networks' scores, and then those of the simple models, which all have."""
    simple = set.intersection(*({one.model for one in own} for own in scores))
    networks = [one for own in scores for one in own if one.model not in simple]
    return [*networks, *(one for one in scores[0] if one.model in simple)]


def train_job(
    job: Job, place: Path, settings: Any, again: list[str], like: Any = None
) -> tuple[dict[str, Any], Any]:
    """Train in `place`, score what was held out, and write the report.

    What JSON says of it, and the evaluation, if there is one. again: the command to go on with.
    like: another network's evaluation, with the simple models for this one's.
    """
    from gruta.cli.progress import progress, stoppable
    from gruta.cli.tables import print_profile
    from gruta.report.page import REPORT
    from gruta.tasks.fitting import fit
    from gruta.tasks.mirrored import Mirrored
    from gruta.tasks.scored import score
    from gruta.tasks.scores import to_json
    from gruta.train.ranks import current

    task, name = job.task, job.directory.name
    with stoppable(shlex.join(again)), progress(name, settings.steps) as shown:
        fitted = fit(
            task,
            job.data,
            settings,
            place,
            resume=job.resume,
            progress=shown if job.remote is None else Mirrored(shown, job.remote),
            name=job.name,
        )
    if not current().first:
        return {}, None
    result: dict[str, Any] = {"run": job.where}
    result["seconds"] = round(fitted.stopwatch.total, 1)
    if fitted.trained.choice is not None:
        result["chosen"] = fitted.trained.choice["chosen"]
        if not job.as_json:
            _show_choice(task, fitted.trained.choice)
    if job.profile and job.as_json:
        result["profile"] = fitted.stopwatch.seconds
    elif job.profile:
        print_profile(name, fitted.stopwatch.seconds)
    found = score(task, fitted.trained, job.data, fitted.metrics, place, like)
    if found is None:
        return result, None
    scores = to_json(found.scores, found.lost_to)
    return result | scores | {"report": f"{job.where}/{REPORT}"}, found


def _show_choice(task: Task[Any], choice: Mapping[str, Any]) -> None:
    from gruta.cli.console import console
    from gruta.report.terminal import lines

    assert isinstance(task, Chooses)
    table, chosen = task.tried(choice)
    console().print(lines(table))
    print(chosen)


def _earlier(job: Job) -> dict[str, Any]:
    """The settings that the run was started with."""
    from gruta.runs import Run
    from gruta.tasks.trained import settings_of
    from gruta.train.ranks import current

    def read() -> dict[str, Any]:
        return settings_of(Run.open(job.directory, job.task.name), job.task)

    ranks = current()
    own = json.dumps(read()).encode() if ranks.first else b""
    found: dict[str, Any] = json.loads(ranks.share(own))
    return found


for _name in registry.HOMES:
    _task = registry.task(_name)
    train_app.command(_name, help=_(_task.summary))(_command(_task))
