"""`gruta inspect`: a look inside a trained network."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from gruta.cli.commands import Commands
from gruta.errors import InputError
from gruta.locale import translate as _

inspect_app = Commands()


@inspect_app.command(
    help=_(
        "Look inside a trained network while it reads one sequence: what its gates keep, how far "
        "back its gradient reaches, what it remembers, and what could be better. With --unit, one "
        "unit's step by hand."
    )
)
def inspect(
    run: Annotated[
        Path, typer.Argument(metavar="RUN", help=_("Directory of a run."), show_default=False)
    ],
    data: Annotated[
        Path | None,
        typer.Option(help=_("CSV or Parquet file that a forecaster reads."), show_default=False),
    ] = None,
    text: Annotated[
        str | None,
        typer.Option(help=_("Text that a network of words reads."), show_default=False),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="STAMP",
            help=_("First stamp to forecast, after the window that is looked at."),
            show_default=_("the last with a whole horizon"),
        ),
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
    as_json: Annotated[bool, typer.Option("--json", help=_("Print JSON, for programs."))] = False,
) -> None:
    """Look inside a trained network."""
    from gruta.cli.looks import look
    from gruta.insight.page import save_all
    from gruta.insight.terminal import show, show_by_hand

    if unit is None and (at is not None or layer is not None):
        raise InputError("--at and --layer: they say which step of a unit; give --unit too")
    found = look(run, data, text, start)
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
