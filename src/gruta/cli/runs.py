"""`gruta runs`: what has been trained, and in what runs differ."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gruta.cli.commands import Commands
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number

if TYPE_CHECKING:
    from gruta.report.page import Table
    from gruta.runs.summary import Summary

runs_app = Commands()


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
    from gruta.runs.summary import Summary, differences, runs_in

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
        out.print(lines(_listed(task, own, differences(own))))


def _listed(task: str, found: "list[Summary]", differing: dict[str, list[object]]) -> "Table":
    """A row a run: where it stands, the first of its scores, and what sets it apart."""
    from gruta.report.page import Column, Table

    names = dict.fromkeys(name for one in found for name in one.scores)
    scores = [name for name in names if name not in ("model", "parameters")][:2]
    titles = [_("run"), _("state"), _("step"), _("validation"), _("training (s)")]
    columns = [Column(title, 0 if k == 2 else None) for k, title in enumerate(titles)]
    columns += [Column(name, 3) for name in scores] + [Column(_("set apart by"))]
    states = {"finished": _("finished"), "training": _("in training"), "stopped": _("stopped")}
    rows = []
    for i, one in enumerate(found):
        apart = {name: values[i] for name, values in differing.items() if values[i] is not None}
        rows.append(
            [
                str(one.path),
                states[one.state],
                one.step,
                number(one.validation_loss),
                number(one.seconds, 1),
                *(one.scores.get(name) for name in scores),
                ", ".join(f"{name} {value}" for name, value in list(apart.items())[:4]),
            ]
        )
    return Table(columns, rows, task)
