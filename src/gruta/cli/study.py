"""`gruta study`: one thing that the textbook says, trained, measured, drawn and explained."""

import json
import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gruta.cli.commands import Commands
from gruta.errors import InputError
from gruta.locale import translate as _

if TYPE_CHECKING:
    from gruta.studies.plan import Effort

study_app = Commands(no_args_is_help=True)

Quick = Annotated[bool, typer.Option("--quick", help=_("Less of everything: under a minute."))]
Full = Annotated[
    bool, typer.Option("--full", help=_("Three times the steps over 600: about an hour."))
]
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
    _study("vanishing", _effort(quick), seed, out, as_json)


@study_app.command(
    "exploding",
    help=_("A loss with a cliff: without clipping, clipped by value, and clipped by norm."),
)
def exploding(quick: Quick = False, seed: Seed = 0, out: Out = None, as_json: Json = False) -> None:
    """Which runs survive, and what clipping does to the direction."""
    _study("exploding", _effort(quick), seed, out, as_json)


@study_app.command(
    "memory",
    help=_(
        "Who remembers over hundreds of steps: the adding problem over 200 and 600 steps, and "
        "copying, for the three cells. The same command again goes on after a kill."
    ),
)
def memory(
    quick: Quick = False,
    full: Full = False,
    seed: Seed = 0,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Who remembers, and for how long."""
    _study("memory", _effort(quick, full), seed, out, as_json)


@study_app.command(
    "gates",
    help=_(
        "Follow one fact through a sequence: which units keep it, and when the update gate lets go."
    ),
)
def gates(quick: Quick = False, seed: Seed = 0, out: Out = None, as_json: Json = False) -> None:
    """Which units keep a fact, and when they let go."""
    _study("gates", _effort(quick), seed, out, as_json)


@study_app.command(
    "forgetting",
    help=_(
        "Paragraphs whose deciding word stands near the beginning: right answers of RNN, LSTM and "
        "GRU by its distance from the end."
    ),
)
def forgetting(
    quick: Quick = False, seed: Seed = 0, out: Out = None, as_json: Json = False
) -> None:
    """Who still knows the beginning at the end."""
    _study("forgetting", _effort(quick), seed, out, as_json)


@study_app.command(
    "advice",
    help=_(
        "How far advice can be trusted: its rules held against trainings whose end is known. Their "
        "thresholds were calibrated so."
    ),
)
def advice(quick: Quick = False, seed: Seed = 0, out: Out = None, as_json: Json = False) -> None:
    """Whether those that a rule tells of fail."""
    _study("advice", _effort(quick), seed, out, as_json)


def _effort(quick: bool, full: bool = False) -> "Effort":
    if quick and full:
        raise InputError("--quick and --full: give one or the other")
    return "quick" if quick else "full" if full else "usual"


def _study(name: str, effort: "Effort", seed: int, out: Path | None, as_json: bool) -> None:
    from gruta.cli.progress import progress, stoppable
    from gruta.report import page
    from gruta.studies.plan import Plan

    study: Any = import_module(f"gruta.studies.{name}")
    directory = out or Path("runs", f"study-{name}")
    if directory.exists() and not directory.is_dir():
        raise InputError(f"--out: expected a directory, found the file {directory}")
    plan = Plan(directory, partial(print, file=sys.stderr, flush=True), progress, effort, seed)
    with stoppable(shlex.join(["gruta", *sys.argv[1:]])), _kernel_threads():
        found = study.run(plan)
    report = page.write(directory, study.title(), study.lead(), study.sections(found))
    if as_json:
        print(json.dumps(found.to_json() | {"report": str(report)}))
    else:
        print(_("Open the report: {path}").format(path=report))


@contextmanager
def _kernel_threads() -> Iterator[None]:
    """Several threads for the kernels alone, unless the environment has a number: they gain from a
    second one, and the small tensor operations between them do not.
    """
    given = os.environ.get("GRUTA_THREADS")
    os.environ["GRUTA_THREADS"] = given or str(min(4, os.cpu_count() or 1))
    try:
        yield
    finally:
        if given is None:
            del os.environ["GRUTA_THREADS"]
