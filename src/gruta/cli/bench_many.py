"""`gruta bench many`: forecasts of series in very many files."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gruta.cli.handing_out import JsonPath, hand_out
from gruta.errors import InputError
from gruta.extras import need
from gruta.locale import translate as _

if TYPE_CHECKING:
    from gruta.bench.many import Run

HELP = _(
    "How many series a second `gruta predict` forecasts of a folder of Parquet files, with one "
    "process and with more, here or by Ray, and what memory it takes."
)


def many(
    series: Annotated[int, typer.Option(min=1, help=_("So many series."))] = 4_000,
    days: Annotated[int, typer.Option(min=40, help=_("Rows of each."))] = 365,
    files: Annotated[int, typer.Option(min=1, help=_("Files that they are in."))] = 10,
    workers: Annotated[
        list[int] | None,
        typer.Option(
            min=1,
            help=_("Parts at once; may be given several times."),
            show_default="1, 2",
        ),
    ] = None,
    on: Annotated[
        str, typer.Option(metavar="ray", help=_("By Ray."), show_default=_("this machine"))
    ] = "",
    horizon: Annotated[int, typer.Option(min=1, help=_("Steps to forecast."))] = 14,
    hidden: Annotated[int, typer.Option(min=1, help=_("Units of the GRU."))] = 32,
    place: Annotated[
        Path | None,
        typer.Option(
            help=_("Directory for files and forecasts; what is done there is not done again."),
            show_default=_("one that is taken away"),
        ),
    ] = None,
    json_path: JsonPath = "",
) -> None:
    """Measure forecasts of many files."""
    from gruta.bench.many import Task, runs

    if on not in ("", "ray"):
        raise InputError(on=_("expected ray, got {given!r}").format(given=on))
    if on:
        need(on)
    task = Task(series, days, files, horizon, hidden)
    hand_out(runs(task, workers or [1, 2], on, place), json_path, _print)


def _print(found: "list[Run]") -> None:
    from rich.table import Table

    from gruta.bench.names import megabytes
    from gruta.cli.console import console
    from gruta.locale.numbers import number

    table = Table(title=_("series in many files"))
    for name in (
        _("by"),
        _("processes"),
        _("series a second"),
        _("a core"),
        _("times one"),
        _("cores at work"),
        _("a process, at most"),
        _("the first process, at most"),
    ):
        table.add_column(name, justify="right")
    for one in found:
        table.add_row(
            one.on,
            number(one.workers),
            number(one.rate, 1),
            number(one.rate_a_core, 1),
            number(one.rate / found[0].rate, 2),
            number(one.cores, 2),
            megabytes(one.peak),
            megabytes(one.own_peak),
        )
    console().print(table)
