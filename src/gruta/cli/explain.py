"""`gruta explain`: what made a forecast what it is."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from gruta.cli.commands import Commands
from gruta.cli.options import with_options_of
from gruta.cli.verbs import Json, RunPath, Source, opened, taken
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.tasks import registry
from gruta.tasks.task import Explains

explain_app = Commands()


@explain_app.command(
    help=_(
        "Take one forecast apart: what each input adds to it, how far back the past counts and, "
        "with --against, what changed since another."
    )
)
@with_options_of(registry.all_tasks(), "explain")
def explain(
    run: RunPath,
    source: Source,
    out: Annotated[
        Path | None,
        typer.Option(
            help=_("Directory for the pictures and the page."), show_default="RUN/explained"
        ),
    ] = None,
    as_json: Json = False,
    *,
    given: dict[str, Any],
) -> None:
    """Take one forecast apart."""
    from gruta.cli.console import console
    from gruta.report.page import Table, write
    from gruta.report.terminal import lines
    from gruta.tasks.trained import Trained

    task = registry.task_of(run)
    if not isinstance(task, Explains):
        problem = _(
            "the run {run} is of the task {name}, and forecasts alone are explained; gruta inspect "
            "{run} looks inside its network"
        )
        raise InputError(problem.format(run=run, name=task.name))
    how = taken(task, "explain", given, run)
    trained = Trained.load(run, task)
    found = task.explain(trained, opened(trained, source, how, quiet=as_json), **given)
    if as_json:
        print(json.dumps(found.to_json()))
        return
    told, shown = found.report(), console()
    print(told.lead)
    for section in told.sections:
        for table in (item for item in section.content if isinstance(item, Table)):
            shown.print(lines(table))
    page = write(out or run / "explained", told.title, told.lead, told.sections)
    print(_("Open the page: {path}").format(path=page), file=sys.stderr)
