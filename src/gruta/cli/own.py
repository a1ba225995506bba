"""Commands that one task alone has: each is declared there, and made here."""

import itertools
import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from gruta.cli.asking import asking
from gruta.cli.commands import Commands
from gruta.cli.options import with_own_options
from gruta.cli.train import Json
from gruta.cli.verbs import require_writable, tell, write_frame
from gruta.errors import InputError
from gruta.extras import need
from gruta.locale import translate as _
from gruta.settings import ReadingSettings, resolve
from gruta.tasks import registry
from gruta.tasks.commands import Asking, Call, Command
from gruta.tasks.trained import is_unfinished

Out = Annotated[
    Path | None,
    typer.Option(
        help=_("CSV or Parquet file to write all forecasts or answers into, beside the truth."),
        show_default=_("none"),
    ),
]


def app_of(own: Command | Asking) -> Commands:
    """The command, as the list of commands takes it."""
    app = Commands()
    app.command()(asking(own) if isinstance(own, Asking) else _command(own))
    return app


def _command(own: Command) -> Callable[..., None]:
    metavar = f"[RUN] {own.task.input.metavar}" if own.trains else f"RUN {own.task.input.metavar}"
    what = (
        _("A run that is finished, or none to train anew, and what it reads.")
        if own.trains
        else _("A run that is finished, and what it reads.")
    )
    where = typer.Option(
        help=_("Directory to write into."),
        show_default=_default_place(own),
    )

    @with_own_options(own)
    def command(
        places: Annotated[
            list[Path], typer.Argument(metavar=metavar, help=what, show_default=False)
        ],
        run: Annotated[Path | None, where] = None,
        out: Out = None,
        as_json: Json = False,
        *,
        given: dict[str, Any],
    ) -> None:
        from gruta.cli.console import console, this_command
        from gruta.cli.progress import progress, stoppable
        from gruta.report.page import REPORT, write
        from gruta.report.terminal import lines

        need(*own.task.packages, "matplotlib", "jinja2")
        if out is not None:
            require_writable(out)
        call = _call(own, places, run, given, progress, quiet=as_json)
        with stoppable(this_command()):
            found = own.do(call)
            told = found.report
            write(call.place, told.title, told.lead, told.sections)
        if out is not None:
            write_frame(found, out)
        report = str(call.place / REPORT)
        if as_json:
            print(json.dumps({"run": str(call.place)} | found.to_json() | {"report": report}))
            return
        for table in found.tables:
            console().print(lines(table))
        print("\n".join(found.words))
        print(_("Report: {path}").format(path=report))

    return command


def _default_place(own: Command) -> str:
    if own.place and own.trains:
        return _("RUN/{place}, or runs/, the file's name, the cell, {place}").format(
            place=own.place
        )
    return f"RUN/{own.place}" if own.place else _("RUN-2, or the next number that is free")


def _call(
    own: Command,
    places: list[Path],
    run: Path | None,
    given: dict[str, Any],
    progress: Any,
    *,
    quiet: bool,
) -> Call:
    """What the line says; InputError where its parts do not go together."""
    name = own.task.input.metavar
    if len(places) != 2 and not (own.trains and len(places) == 1):
        wanted = _("{name}, or RUN {name}").format(name=name) if own.trains else f"RUN {name}"
        problem = _("expected {wanted}, got {count} arguments: {given}")
        raise InputError(
            problem.format(wanted=wanted, count=len(places), given=shlex.join(map(str, places)))
        )
    *runs, source = places
    how = {option: given.pop(option) for option in own.options.model_fields if option in given}
    resolve(own.options, how)
    finished = runs[0] if runs else None
    if finished is not None:
        registry.require_task(finished, own.task)
        trained = [option for option in given if option not in ReadingSettings.model_fields]
        problem = _(
            "the run {finished} is trained; leave it out, or give {name} alone to train anew"
        ).format(finished=finished, name=name)
        if trained:
            raise InputError(**dict.fromkeys(trained, problem))
    return Call(
        finished,
        source,
        run or _place(own, finished, source, given),
        given,
        how,
        lambda data: None if quiet else tell(source, data),
        progress,
    )


def _place(own: Command, run: Path | None, source: Path, given: dict[str, Any]) -> Path:
    if run is not None:
        return run / own.place if own.place else _next(run)
    cell = given.get("cell", own.task.settings.model_fields["cell"].default)
    return Path("runs", f"{source.stem}-{cell}-{own.place}")


def __getattr__(name: str) -> Commands:
    """NAME_app, of each command that a task has."""
    for own in registry.commands():
        if name == f"{own.name}_app":
            return app_of(own)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _next(run: Path) -> Path:
    """Beside a run: its name and the next number, of which nothing is there or what was stopped."""
    name, _dash, last = run.resolve().name.rpartition("-")
    if not (name and last.isdecimal()):
        name, last = run.resolve().name, "1"
    places = (run.parent / f"{name}-{k}" for k in itertools.count(int(last) + 1))
    return next(place for place in places if not place.exists() or is_unfinished(place))
