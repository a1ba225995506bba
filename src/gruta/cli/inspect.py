"""`gruta inspect`: a look inside a trained network."""

import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gruta.cli.commands import Commands
from gruta.cli.options import with_options_of
from gruta.cli.verbs import Json, RunPath, opened, taken
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.tasks import registry

if TYPE_CHECKING:
    from gruta.insight import XRay

inspect_app = Commands()


@inspect_app.command(
    help=_(
        "Look inside a trained network while it reads one sequence: what its gates keep, how far "
        "back its gradient reaches, what it remembers, and what could be better. With --unit, one "
        "unit's step by hand."
    )
)
@with_options_of(registry.all_tasks(), "inspect")
def inspect(
    run: RunPath,
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="INPUT", help=_("What the network reads: a file, or text."), show_default=False
        ),
    ] = None,
    data: Annotated[
        str | None, typer.Option(help=_("The input, if it is a file."), show_default=False)
    ] = None,
    text: Annotated[
        str | None, typer.Option(help=_("The input, if it is text."), show_default=False)
    ] = None,
    lag: Annotated[
        int | None,
        typer.Option(
            min=1,
            help=_("Over how many steps the network has to remember, for the advice."),
            show_default=_("the length of the sequence"),
        ),
    ] = None,
    unit: Annotated[
        int | None,
        typer.Option(help=_("Compute a step of this unit by hand."), show_default=False),
    ] = None,
    at: Annotated[
        int | None,
        typer.Option(help=_("The step to compute by hand, from 0."), show_default=_("the last")),
    ] = None,
    layer: Annotated[
        str | None,
        typer.Option(help=_("The layer to compute by hand."), show_default=_("the last")),
    ] = None,
    terms: Annotated[
        int, typer.Option(min=1, help=_("How many terms of a product to print by name."))
    ] = 5,
    out: Annotated[
        Path | None,
        typer.Option(help=_("Directory for the pictures and the page."), show_default="RUN/xray"),
    ] = None,
    as_json: Json = False,
    *,
    given: dict[str, Any],
) -> None:
    """Look inside a trained network."""
    from gruta.insight.page import save_all
    from gruta.insight.terminal import show, show_by_hand

    if unit is None and (at is not None or layer is not None):
        raise InputError("--at and --layer: they say which step of a unit; give --unit too")
    inputs = [one for one in (source, data, text) if one is not None]
    if len(inputs) > 1:
        raise InputError("INPUT, --data and --text: give one of them")
    found = _look(run, inputs[0] if inputs else None, given, quiet=as_json)
    hand = None
    if unit is not None:
        names = [view.name for view in found.views]
        chosen = names[-1] if layer is None else layer
        steps = {view.name: len(view.one.h) for view in found.views}
        hand = found.by_hand(unit, steps.get(chosen, 1) - 1 if at is None else at, layer)
    if as_json:
        result = found.to_json(lag) | ({"by_hand": asdict(hand)} if hand else {})
        print(json.dumps(result))
        return
    directory = out or run / "xray"
    directory.mkdir(parents=True, exist_ok=True)
    if hand is not None:
        show_by_hand(hand, most=terms)
    else:
        show(found, lag=lag)
    page = save_all(found, directory, by_hand=hand, lag=lag)
    print(_("Open the page: {path}").format(path=page), file=sys.stderr)


def _look(run: Path, read: str | None, options: dict[str, Any], *, quiet: bool) -> "XRay":
    """Into the run's network while it reads the input; a study's has sequences of its own too."""
    from gruta.cli.remedies import command
    from gruta.insight.training import told_by
    from gruta.runs import METRICS, Run, read_metrics
    from gruta.studies import contest
    from gruta.studies.look import look
    from gruta.tasks.look import xrayed
    from gruta.tasks.trained import Trained

    if not run.is_dir():
        raise InputError(f"{run}: expected the directory of a run, found none")
    if (run / "runs").is_dir():
        raise InputError(f"{run}: holds a study; name one of the runs in {run / 'runs'}")
    if Run.open(run).task == contest.TASK:
        if options:
            problem = f"the run {run} is one of a study, which has no such option; leave it out"
            raise InputError(**dict.fromkeys(options, problem))
        return look(run, read)
    task = registry.task_of(run)
    how = taken(task, "inspect", options, run)
    if read is None:
        metavar, what = task.input.metavar, task.input.help.rstrip(".")
        raise InputError(
            f"INPUT: the run {run} reads a {what}; name it: gruta inspect {run} {metavar}"
        )
    trained = Trained.load(run, task)
    settings = trained.settings
    trained_on = Run.open(run).about.get("source") or read  # earlier versions did not tell it
    found = xrayed(task, trained, opened(trained, read, how, quiet=quiet), **options)
    told = told_by(read_metrics(run / METRICS), settings.clip, vars(settings).get("tbptt"))
    return replace(
        found,
        training=found.training | told,
        tried_by=lambda advice: command(advice, run, trained_on, task, settings),
    )
