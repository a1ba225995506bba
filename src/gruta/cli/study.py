"""`gruta study`: one thing that the textbook says, trained, measured, drawn and explained."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from gruta.cli.commands import Commands
from gruta.errors import InputError
from gruta.locale import translate as _

if TYPE_CHECKING:
    from gruta.studies.plan import Effort

study_app = Commands(no_args_is_help=True)

Quick = Annotated[
    bool, typer.Option("--quick", help=_("Less of everything: a minute or two of one core."))
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


class Offer(NamedTuple):
    """A study as a command: its name in the registry, its help, that of --full if it has it."""

    name: str
    help: str
    full: str = ""


OFFERS = (
    Offer(
        "vanishing",
        _(
            "The gradient through time in RNN, LSTM and GRU as sequences grow, and through depth "
            "with and without residual connections."
        ),
    ),
    Offer(
        "exploding",
        _("A loss with a cliff: without clipping, clipped by value, and clipped by norm."),
    ),
    Offer(
        "memory",
        _(
            "Who remembers over hundreds of steps: the adding problem over 200 and 600 steps, and "
            "copying, for the three cells. The same command again goes on after a kill."
        ),
        _("Three times the steps over 600: about an hour."),
    ),
    Offer(
        "gates",
        _(
            "Follow one fact through a sequence: which units keep it, and when the update gate "
            "lets go."
        ),
    ),
    Offer(
        "forgetting",
        _(
            "Paragraphs whose deciding word stands near the beginning: right answers of RNN, LSTM "
            "and GRU by its distance from the end."
        ),
    ),
    Offer(
        "advice",
        _(
            "How far advice can be trusted: its rules held against trainings whose end is known. "
            "Their thresholds were calibrated so."
        ),
    ),
    Offer(
        "remedies",
        _(
            "Advice to start with gates that keep, tried on a forecaster of real series: whether "
            "its error falls."
        ),
        _("The LSTM too: about as long again."),
    ),
    Offer(
        "linear",
        _(
            "What a network adds to the linear model that it contains, on real series of many "
            "kinds, and whether intervals hold what they promise."
        ),
        _("The series that choices were made on too: twice as long."),
    ),
)


def _add(offer: Offer) -> None:
    Full = Annotated[bool, typer.Option("--full", help=offer.full)]

    def usual(quick: Quick = False, seed: Seed = 0, out: Out = None, as_json: Json = False) -> None:
        _study(offer.name, "quick" if quick else "usual", seed, out, as_json)

    def thorough(
        quick: Quick = False,
        full: Full = False,
        seed: Seed = 0,
        out: Out = None,
        as_json: Json = False,
    ) -> None:
        if quick and full:
            raise InputError(_("--quick and --full: give one or the other"))
        _study(offer.name, "quick" if quick else "full" if full else "usual", seed, out, as_json)

    command = thorough if offer.full else usual
    study_app.command(offer.name, help=offer.help)(command)


for _offer in OFFERS:
    _add(_offer)


def _study(name: str, effort: "Effort", seed: int, out: Path | None, as_json: bool) -> None:
    from gruta.cli.console import this_command
    from gruta.cli.progress import progress, stoppable
    from gruta.report import page
    from gruta.studies.plan import Plan
    from gruta.studies.registry import STUDIES

    study = STUDIES[name]
    directory = out or Path("runs", f"study-{name}")
    if directory.exists() and not directory.is_dir():
        problem = _("--out: expected a directory, found the file {path}")
        raise InputError(problem.format(path=directory))
    plan = Plan(directory, partial(print, file=sys.stderr, flush=True), progress, effort, seed)
    with stoppable(this_command()), _kernel_threads():
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
