"""`gruta generate`: what a trained run makes."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from gruta.cli.commands import Commands
from gruta.cli.options import with_options_of
from gruta.cli.verbs import Json, RunPath, require_directory
from gruta.errors import InputError
from gruta.extras import need
from gruta.locale import translate as _
from gruta.settings import resolve
from gruta.tasks import registry
from gruta.tasks.task import Makes

generate_app = Commands()


@generate_app.command(help=_("Let a trained run make something new: text, shown as it is written."))
@with_options_of(registry.all_tasks(), "generate", reads=False)
def generate(
    run: RunPath,
    out: Annotated[
        Path | None,
        typer.Option(help=_("File to write."), show_default=_("standard output")),
    ] = None,
    as_json: Json = False,
    *,
    given: dict[str, Any],
) -> None:
    """Let a run make something new."""
    from gruta.tasks.trained import Trained

    task = registry.task_of(run)
    if not isinstance(task, Makes):
        makers = ", ".join(one.name for one in registry.all_tasks() if isinstance(one, Makes))
        problem = _(
            "the run {run} is of the task {name}, which makes nothing; those of {makers} do"
        )
        raise InputError(problem.format(run=run, name=task.name, makers=makers))
    need(*task.packages)
    resolve(task.options.generate, given)
    if out is not None:
        require_directory(out)
    made = task.make(Trained.load(run, task), **given)
    if out is not None:
        made.save(out)
        print(_("Wrote {path}").format(path=out), file=sys.stderr)
    if as_json:
        print(json.dumps(made.to_json()))
    elif out is None:
        for piece in made.pieces():
            sys.stdout.write(piece)
            sys.stdout.flush()
