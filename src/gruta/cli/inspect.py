"""`gruta inspect`: a look inside a trained network."""

import json
import os
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
    from gruta.insight.by_hand import ByHand
    from gruta.tasks.trained import Trained

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
        raise InputError(_("--at and --layer: they say which step of a unit; give --unit too"))
    if sum(one is not None for one in (source, data, text)) > 1:
        raise InputError(_("INPUT, --data and --text: give one of them"))
    found = _look(run, source, data, text, given, quiet=as_json)
    hand = None if unit is None else _by_hand(found, unit, at, layer)
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


def _by_hand(found: "XRay", unit: int, at: int | None, layer: str | None) -> "ByHand":
    """The step of a unit, of the last layer and at the last step unless it is said which."""
    steps = {view.name: len(view.one.h) for view in found.views}
    last = steps.get(found.views[-1].name if layer is None else layer, 1) - 1
    return found.by_hand(unit, last if at is None else at, layer)


def _look(
    run: Path,
    source: str | None,
    data: str | None,
    text: str | None,
    options: dict[str, Any],
    *,
    quiet: bool,
) -> "XRay":
    """Into the run's network while it reads a file, a text, or `source`, which may be either.

    A study's network has sequences of its own too.
    """
    from gruta.cli.remedies import command
    from gruta.insight.training import told_by
    from gruta.runs import METRICS, Run, read_metrics
    from gruta.studies import TASK as STUDY
    from gruta.studies.look import look
    from gruta.tasks.look import xrayed
    from gruta.tasks.trained import Trained

    if not run.is_dir():
        raise InputError(_("{run}: expected the directory of a run, found none").format(run=run))
    if (run / "runs").is_dir():
        raise InputError(
            _("{run}: holds a study; name one of the runs in {place}").format(
                run=run, place=run / "runs"
            )
        )
    if Run.open(run).task == STUDY:
        if options:
            problem = _("the run {run} is one of a study, which has no such option; leave it out")
            raise InputError(**dict.fromkeys(options, problem.format(run=run)))
        return look(run, next((one for one in (source, data, text) if one is not None), None))
    task = registry.task_of(run)
    how = taken(task, "inspect", options, run)
    trained = Trained.load(run, task)
    settings = trained.settings
    read = _input(run, trained, data if source is None else source, text, may_be=source)
    trained_on = trained.source or task.input.metavar  # earlier versions did not tell it
    found = xrayed(task, trained, opened(trained, read, how, quiet=quiet), **options)
    told = told_by(read_metrics(run / METRICS), settings.clip, vars(settings).get("tbptt"))
    return replace(
        found,
        training=found.training | told,
        tried_by=lambda advice: command(advice, run, trained_on, task, settings),
    )


def _input(
    run: Path, trained: "Trained[Any]", file: str | None, text: str | None, *, may_be: str | None
) -> Any:
    """The file, or the text as the run's task takes it; InputError where it reads no such thing.

    may_be: a text unless it names a file, where the run reads texts.
    """
    task, codec = trained.task, trained.codec
    reads_text = task.of_text("", codec) is not None
    if may_be is not None and reads_text and not _names_a_file(may_be):
        text = may_be
    if text is not None and not reads_text:
        problem = _("the run {run} reads no text, but a file: gruta inspect {run} {metavar}")
        raise InputError(text=problem.format(run=run, metavar=task.input.metavar))
    if text is not None:
        return task.of_text(text, codec)
    if file is not None:
        return file
    problem = _("INPUT: expected what the run reads: gruta inspect {run} {metavar}")
    if reads_text:
        problem = _('INPUT: expected what the run reads: gruta inspect {run} --text "…"')
    what = _(task.input.help)
    raise InputError(f"{problem.format(run=run, metavar=task.input.metavar)} ({what.rstrip('.')})")


def _names_a_file(word: str) -> bool:
    """Whether there is one, or the word looks like the name of one."""
    looks_so = bool(Path(word).suffix) and not any(map(str.isspace, word))
    return looks_so or os.path.exists(word)
