"""Tables in the terminal."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table

from gruta.cli.console import console
from gruta.locale import translate as _
from gruta.locale.numbers import number, percent
from gruta.report.terminal import lines
from gruta.tasks.forecast.names import model_name

if TYPE_CHECKING:
    from gruta.demo.results import JobResult
    from gruta.demo.seeds import SeedScores

WORK = ("forward", "backward", "optimizer")
"""The parts of a training step that no loop can do without."""


def print_job(job: "JobResult") -> None:
    """The report's table: a row a model, with the seconds that its training took; and who lost to
    whom.
    """
    from gruta.demo.report import score_rows

    out = console()
    out.print(lines(score_rows(job, _(job.title))))
    for cell, better in job.lost_to.items():
        out.print(_lost(cell, better))


def _lost(network: str, better: Sequence[str]) -> str:
    return _("{network} loses to: {better}").format(
        network=model_name(network), better=", ".join(map(model_name, better))
    )


def print_seeds(scores: "SeedScores") -> None:
    """The mean over seeds, and the paired difference to the rich linear model."""
    table = _table(_(scores.job.title), _("seed"))
    table.add_column("sMAPE %", justify="right", no_wrap=True)
    for seed, value in scores.by_seed.items():
        table.add_row(str(seed), number(value, 4))
    table.add_row(_("mean"), f"{number(scores.mean, 4)} ± {number(scores.deviation, 4)}")
    table.add_row(model_name("linear rich"), number(scores.rich, 4))
    table.add_row(
        _("paired difference ± standard error"),
        f"{number(scores.difference, 4)} ± {number(scores.standard_error, 4)}",
    )
    console().print(table)


def print_trials(title: str, rows: Mapping[str, Sequence[float]], ends: Sequence[int]) -> None:
    """sMAPE of each variant, by the row at which a fold ends, and the mean."""
    table = _table(f"{title}, sMAPE %", _("variant"))
    for end in ends:
        table.add_column(_("up to row {end}").format(end=end), justify="right", no_wrap=True)
    table.add_column(_("mean"), justify="right", no_wrap=True)
    for variant, scores in rows.items():
        table.add_row(model_name(variant), *(number(s, 3) for s in scores))
    console().print(table)


def print_profile(title: str, seconds_of: Mapping[str, float]) -> None:
    """Where the time of a training went; validation is forward passes, and counted apart."""
    if not seconds_of:
        console().print(_("{title}: trained before, no time went into it now").format(title=title))
        return
    table = _table(_("{title}: where the training time went").format(title=title), _("part"))
    table.add_column(_("seconds"), justify="right", no_wrap=True)
    table.add_column(_("share"), justify="right", no_wrap=True)
    total = sum(seconds_of.values())
    parts = {
        "batch": _("batch"),
        "forward": _("forward pass"),
        "backward": _("backward pass"),
        "optimizer": _("clipping and optimizer"),
        "validation": _("validation"),
        "log": _("log"),
        "checkpoint": _("checkpoint"),
    }
    for part, seconds in seconds_of.items():
        table.add_row(parts.get(part, part), number(seconds, 2), percent(seconds / total, 1))
    work = sum(seconds_of.get(part, 0.0) for part in (*WORK, "validation"))
    table.add_row(
        _("outside the network and optimizer"),
        number(total - work, 2),
        percent(1 - work / total, 1),
    )
    console().print(table)


def _table(title: str, first: str) -> Table:
    table = Table(title=title or None, box=box.SIMPLE, collapse_padding=True, pad_edge=False)
    table.add_column(first, min_width=16)
    return table
