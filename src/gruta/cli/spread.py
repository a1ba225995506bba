"""`gruta predict` of very many files: how far it is, what became of each, and what failed."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.tasks.task import Spreads

if TYPE_CHECKING:
    from gruta.tasks.forecast.many.spread import Standing

_PAUSE = 10.0
"""Seconds from a line to the next where there is no terminal."""


def spread(
    task: Spreads, run: Path, source: str, out: str | None, given: dict[str, Any], *, as_json: bool
) -> None:
    """Answer for all of them; exit with 2 where parts failed, once the others are done."""
    from gruta.cli.console import console, resumable, this_command
    from gruta.report.terminal import lines

    if out is None:
        raise InputError(out=_("expected a directory to write into, as there are many files"))
    with resumable(this_command()), _watching() as watch:
        found = task.spread(run, source, out, watch=watch, **given)
    if as_json:
        print(json.dumps(found.to_json()))
    else:
        for table in found.tables:
            console().print(lines(table))
        print("\n".join(found.words))
    for problem in found.problems.values():
        print(f"gruta: {problem}", file=sys.stderr)
    if found.problems:
        raise typer.Exit(2)


@contextmanager
def _watching() -> "Iterator[Callable[[Standing], None]]":
    """A live line on a terminal, a line now and then elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines()
        return
    told = TextColumn("{task.description}", markup=False)
    with Bar(told, BarColumn(20), TimeRemainingColumn(), console=console, transient=True) as bar:
        task = bar.add_task(_("looking at the files"), total=None)

        def show(standing: "Standing") -> None:
            bar.update(
                task,
                description=_parts(standing),
                completed=standing.rows,
                total=standing.all_rows,
            )

        yield show


class _Lines:
    """At most one each ten seconds, and the last."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def __call__(self, standing: "Standing") -> None:
        """Print it, if it is time."""
        now = time.monotonic()
        if now - self._last >= _PAUSE or standing.parts == standing.of:
            self._last = now
            left = _("{seconds} s left").format(seconds=number(round(standing.left)))
            print(f"{_parts(standing)}, {left}", file=sys.stderr, flush=True)


def _parts(standing: "Standing") -> str:
    told = _("{parts} of {of} parts, {rate} series a second")
    return told.format(
        parts=number(standing.parts), of=number(standing.of), rate=number(standing.rate, 1)
    )
