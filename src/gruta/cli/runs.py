"""`gruta runs`: what has been trained, and in what runs differ."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gruta.cli.commands import Commands
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import decimals, number
from gruta.tasks import registry

if TYPE_CHECKING:
    from gruta.report.page import Table, Value
    from gruta.runs.summary import Summary

runs_app = Commands()
_SCORES = 2
"""So many of a task's scores are shown."""
_WIDE = 110


@runs_app.command(help=_("List runs with their scores, and the settings in which they differ."))
def runs(
    places: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="RUN",
            help=_("Runs, or folders that hold some."),
            show_default="runs",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help=_("Print JSON, for programs."))] = False,
) -> None:
    """List runs with their scores."""
    from gruta.cli.console import console
    from gruta.report.terminal import lines
    from gruta.runs import Run
    from gruta.runs.summary import Summary, runs_in

    found = []
    for run in runs_in(places or [Path("runs")]):
        try:
            found.append(Summary.of(Run.open(run.path)))
        except InputError as error:
            print(f"gruta: {error}", file=sys.stderr)
    if as_json:
        print(json.dumps([one.to_json() for one in found]))
        return
    out = console()
    for task in dict.fromkeys(one.task for one in found):
        own = [one for one in found if one.task == task]
        out.print(lines(_listed(task, own, wide=out.width >= _WIDE)))


def _listed(task: str, found: "list[Summary]", wide: bool) -> "Table":
    """A row a run: where it stands, the first of its scores, and what sets it apart.

    wide: whether there is room for how its training went.
    """
    from gruta.report.page import Column, Table
    from gruta.report.settings import written
    from gruta.runs.summary import set_apart

    states = {"finished": _("finished"), "training": _("in training"), "stopped": _("stopped")}
    told: list[tuple[Column, list[Value]]] = [
        (Column(_("run")), [str(one.path) for one in found]),
        (Column(_("state")), [states[one.state] for one in found]),
    ]
    metrics = registry.task(task).metrics[:_SCORES] if task in registry.HOMES else ()
    if wide:
        told.append((Column(_("step"), 0), [one.step for one in found]))
    if wide or not metrics:
        told.append((Column(_("validation")), [number(one.validation_loss) for one in found]))
    if wide:
        told.append((Column(_("training (s)")), [number(one.seconds, 1) for one in found]))
    for metric in metrics:
        scores = [one.scores.get(metric.name) for one in found]
        digits = decimals(scores) if metric.digits is None else metric.digits
        values = [None if score is None else metric.factor * score for score in scores]
        told.append((Column(_(metric.title), digits), values))
    # A semicolon, as numbers may hold a comma.
    apart = ["; ".join(f"{n} {written(v)}" for n, v in own.items()) for own in set_apart(found)]
    told.append((Column(_("set apart by")), [*apart]))
    captions = {
        "forecast": _("forecasters"),
        "classify": _("classifiers"),
        "translate": _("translators"),
        "caption": _("captioners"),
        "study": _("networks of studies"),
    }
    columns, values_of = zip(*told, strict=True)
    return Table(columns, list(zip(*values_of, strict=True)), captions.get(task, task))
