"""`gruta study`: one thing that the textbook says, trained, measured, drawn and explained."""

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from gruta.locale import translate as _

study_app = typer.Typer(no_args_is_help=True, add_completion=False)

Quick = Annotated[bool, typer.Option("--quick", help=_("Less of everything: under a minute."))]
Seed = Annotated[int, typer.Option(min=0, help=_("Seed of all that is drawn at random."))]
Out = Annotated[
    Path | None,
    typer.Option(help=_("Directory of the report."), show_default=_("runs/, the study's name")),
]
Json = Annotated[bool, typer.Option("--json", help=_("Print JSON, for programs."))]


@study_app.callback(help=_("See what the textbook says: trained, measured, drawn and explained."))
def studies() -> None:
    """The studies are commands."""


@study_app.command(
    "vanishing",
    help=_(
        "The gradient through time in RNN, LSTM and GRU as sequences grow, and through depth with "
        "and without residual connections."
    ),
)
def vanishing(quick: Quick = False, seed: Seed = 0, out: Out = None, as_json: Json = False) -> None:
    """Who loses the gradient, who keeps it."""
    _study("vanishing", quick, seed, out, as_json)


@study_app.command(
    "exploding",
    help=_("A loss with a cliff: without clipping, clipped by value, and clipped by norm."),
)
def exploding(quick: Quick = False, seed: Seed = 0, out: Out = None, as_json: Json = False) -> None:
    """Which runs survive, and what clipping does to the direction."""
    _study("exploding", quick, seed, out, as_json)


def _study(name: str, quick: bool, seed: int, out: Path | None, as_json: bool) -> None:
    from gruta.report import page

    study: Any = import_module(f"gruta.studies.{name}")
    found = study.run(quick, seed, lambda line: print(line, file=sys.stderr, flush=True))
    directory = out or Path("runs", f"study-{name}")
    report = page.write(directory, study.title(), study.lead(), study.sections(found))
    if as_json:
        print(json.dumps(found.to_json() | {"report": str(report)}))
    else:
        print(_("Open the report: {path}").format(path=report))
