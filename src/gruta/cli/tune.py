"""`gruta tune`: a command for each task, which finds its settings by trials."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gruta.cli.commands import Commands
from gruta.cli.options import source_of, with_settings
from gruta.errors import InputError
from gruta.extras import need
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.settings import resolve
from gruta.tasks import registry
from gruta.tasks.task import Chooses, Task, networks

if TYPE_CHECKING:
    from gruta.tune.on_ray import Tried
    from gruta.tune.sweep import Sweep

tune_app = Commands(no_args_is_help=True)

Trials = Annotated[
    int,
    typer.Option(min=1, max=1_000_000, help=_("Trials that are to end, of all processes.")),
]
Hours = Annotated[
    float | None,
    typer.Option(
        min=0.0, help=_("After so many hours no trial begins."), show_default=_("no limit")
    ),
]
SpaceOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=SPACE",
        help=_(
            "What is tried of a setting: LOW..HIGH, LOW..HIGH:log or a,b,c; a name alone tries "
            "what suits it. Settings that are set are not tried."
        )
        + " "
        + _("May be given several times."),
        show_default=_("what suits the task"),
    ),
]
Storage = Annotated[
    str,
    typer.Option(
        metavar="FILE|URL",
        help=_(
            "Where processes and machines share trials: a file, or a database as Optuna takes it "
            "(sqlite:///…, mysql://…, postgresql://…)."
        ),
        show_default=_("trials.log in the directory"),
    ),
]
Name = Annotated[
    str, typer.Option(help=_("Name of the study in the storage."), show_default=_("the task"))
]
Directory = Annotated[
    Path | None,
    typer.Option(
        "--run",
        help=_("Directory of the runs and of the report."),
        show_default=_("runs/, the file's name, tune"),
    ),
]
Processes = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=1024,
        help=_("Trials at once, each in a process of its own."),
        show_default=_("1; with --on ray as many as there are cores"),
    ),
]
On = Annotated[
    str,
    typer.Option(
        metavar="ray",
        help=_("Let Ray train, on a cluster or on this machine. Needs the extra ray."),
        show_default=_("this machine"),
    ),
]
Address = Annotated[
    str,
    typer.Option(
        metavar="HOST:PORT",
        help=_("Of a cluster of Ray that is there; ray://HOST:PORT from outside of it."),
        show_default=_("what RAY_ADDRESS names, or this machine"),
    ),
]
Json = Annotated[bool, typer.Option("--json", help=_("Print JSON, for programs."))]

_HELPS = "GRUTA_TUNE_HELPS"
"""Tells a process that it is one of several that another one has started."""


@tune_app.callback(help=_("Find settings by trials; each task is a command."))
def tasks() -> None:
    """Keep each task a command of its own."""


def _command(task: Task[Any]) -> Callable[..., None]:
    """The command that finds settings of this task."""
    taken: Any = source_of(task)

    @with_settings(task.settings)
    def command(
        source: taken,
        trials: Trials = 20,
        hours: Hours = None,
        space: SpaceOption = None,
        storage: Storage = "",
        name: Name = "",
        run: Directory = None,
        processes: Processes = None,
        on: On = "",
        address: Address = "",
        as_json: Json = False,
        *,
        given: dict[str, Any],
    ) -> None:
        if on not in ("", "ray"):
            raise InputError(on=_("expected ray, got {name!r}").format(name=on))
        if address and not on:
            raise InputError(address=_("is that of a cluster of Ray; give --on ray too"))
        need(*task.packages, "optuna", "matplotlib", "jinja2", *([on] if on else []))
        first = source[0] if task.input.many else source
        directory = run or Path("runs", f"{first.stem}-tune")
        until = time.monotonic() + 3600 * hours if hours is not None else float("inf")
        sweep = _begun(task, source, directory, given, space or [], storage, name or task.name)
        if _HELPS in os.environ:
            _help(sweep, trials, until)
            return
        with _ended_by_sigterm():
            if on:
                _on_ray(sweep, trials, until, processes, address)
            else:
                _here(sweep, trials, until, processes or 1)
            _tell(sweep, trials, as_json)

    return command


def _begun(
    task: Task[Any],
    source: Any,
    directory: Path,
    given: dict[str, Any],
    asked: list[str],
    storage: str,
    name: str,
) -> "Sweep":
    import warnings

    import optuna

    from gruta.tune.space import space_of
    from gruta.tune.sweep import Sweep, storage_at

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    settings = resolve(task.settings, given)
    if networks(task, settings) or (isinstance(task, Chooses) and task.leaves_open(settings)):
        raise InputError(
            _("gruta tune tries settings of one network; leave --auto, --ensemble and the like out")
        )
    space = space_of(settings, given, asked)
    data = task.open(source, settings)
    task.read(data, settings)  # tells what does not fit before anything is written
    directory.mkdir(parents=True, exist_ok=True)
    place = storage_at(storage or str(directory / "trials.log"))
    return Sweep.begun(task, data, given, space, directory, place, name)


def _here(sweep: "Sweep", trials: int, until: float, processes: int) -> None:
    """Trials in this process and in others that it starts and ends."""
    from gruta.cli.console import this_command
    from gruta.cli.progress import stoppable
    from gruta.surroundings import undisturbed

    helpers = [_helper() for _i in range(processes - 1)]
    try:
        with stoppable(this_command()):
            with undisturbed():
                sweep.go_on(trials, until, _progress)
            codes = [one.wait() for one in helpers]
    finally:
        for one in helpers:
            one.terminate()  # which does nothing to one that has ended
        for one in helpers:
            one.communicate()
    if max(codes, default=0) > 0 or (any(codes) and len(sweep.ended) < trials):
        raise InputError(_("a process that tried settings has failed; see above"))
    if any(codes):  # killed by a signal, of which it could not tell
        told = _("a process that tried settings was lost; what it had under way is tried again")
        print(told, file=sys.stderr, flush=True)


def _helper() -> "subprocess.Popen[bytes]":
    """Another process with the same command, which tells nothing but what is wrong, and ends when
    this one does. Ctrl-C is this one's, and SIGTERM is passed on.
    """
    return subprocess.Popen(
        [sys.executable, "-m", "gruta", *sys.argv[1:]],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        env=os.environ | {_HELPS: "1"},
        start_new_session=True,
    )


def _help(sweep: "Sweep", trials: int, until: float) -> None:
    """In such a process."""
    from gruta.surroundings import undisturbed
    from gruta.train import Interrupted, Progress

    def leave() -> None:
        os.read(0, 1)  # nothing comes until the one that was asked is gone
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=leave, daemon=True).start()
    with _ended_by_sigterm(), suppress(Interrupted, KeyboardInterrupt), undisturbed():
        sweep.go_on(trials, until, lambda number, steps: nullcontext(Progress()))


def _on_ray(sweep: "Sweep", trials: int, until: float, workers: int | None, address: str) -> None:
    from gruta.cli.console import resumable, this_command
    from gruta.tune.on_ray import go_on_ray

    def told(trial: Any, tried: "Tried") -> None:
        name = _("trial {number}").format(number=trial.number)
        print(f"{name}: {_came(tried)}", file=sys.stderr, flush=True)

    with resumable(this_command()):
        go_on_ray(sweep, trials, until, workers, address or None, told)


def _came(tried: "Tried") -> str:
    if tried.lost and tried.again:
        return _("its process was lost; tried again")
    if tried.lost:
        return _("its process was lost each time; is there enough memory for a trial?")
    if tried.pruned:
        return _("cut short")
    if tried.why:
        return tried.why
    return _("no validation gave a number") if tried.best is None else number(tried.best, 5)


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """SIGTERM ends what is inside as Ctrl-C does: what was started is ended too."""

    def end(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _progress(name: str, steps: int) -> Any:
    from gruta.cli.progress import progress

    told = {"best": _("best settings"), "default": _("settings as they are")}
    return progress(told.get(name) or _("trial {number}").format(number=name), steps)


def _tell(sweep: "Sweep", trials: int, as_json: bool) -> None:
    from gruta.cli.console import console, this_command
    from gruta.cli.progress import stoppable
    from gruta.report.page import write
    from gruta.report.terminal import lines
    from gruta.runs import Run
    from gruta.runs.lock import training_alone
    from gruta.tune import told
    from gruta.tune.outcome import outcome

    if sweep.best is None:
        raise InputError(hours=_("no trial came to its end; give more time, or more trials"))
    with stoppable(this_command()), training_alone(Run(sweep.directory)):
        found = outcome(sweep, _progress)
        page = write(sweep.directory, told.title(found), told.lead(found), told.sections(found))
    if as_json:
        print(json.dumps(told.as_json(found) | {"report": str(page)}))
        return
    out = console()
    out.print(lines(told.settings(found)))
    out.print(lines(told.scores(found)))
    print(told.lead(found))
    print(told.honest())
    if len(sweep.ended) < trials:
        print(_("To go on: {command}").format(command=this_command()))
    print(_("Report: {path}").format(path=page))
    print(_("Run: {path}").format(path=found.best.run))


def _help_of(task: Task[Any]) -> str:
    told = _(
        "Settings of gruta train {task}, found by trials: each is a training, which may end early "
        "where it validates worse than others. The best and the settings as they are become runs, "
        "scored on what was held out."
    )
    return told.format(task=task.name)


for _name in registry.HOMES:
    _task = registry.task(_name)
    _short = _("Settings of {task}, by trials").format(task=_name)
    tune_app.command(_name, help=_help_of(_task), short_help=_short)(_command(_task))
