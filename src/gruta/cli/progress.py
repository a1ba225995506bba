"""Training, as a person watches it: a live line on a terminal, plain lines elsewhere."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, ProgressColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Column

from gruta.cli.console import resumable
from gruta.errors import InputError, RankLost
from gruta.locale import translate as _
from gruta.locale.numbers import brief, number
from gruta.train import Diverged, Interrupted, Progress
from gruta.train.ranks import current

_ROOMY = 115
"""Columns of a terminal that has room for more than the least."""


class LiveProgress(Progress):
    """Steps, loss and validation, the time left, and in a wide terminal what else is known."""

    def __init__(self, bar: Bar, task: TaskID, width: int) -> None:
        self._bar, self._task, self._width = bar, task, width
        self._title = bar.tasks[task].description

    def part(self, name: str, number: int, count: int) -> None:
        """The bar begins anew."""
        told = _part(self._title, name, number, count)
        self._bar.update(self._task, completed=0, description=told)

    def step(self, record: Mapping[str, Any]) -> None:
        """Move the bar."""
        self._bar.update(
            self._task,
            completed=record["step"],
            loss=brief(record["loss"]),
            norm=brief(record["gradient_norm_before_clipping"]),
            speed=_speed(record),
        )

    def validated(self, record: Mapping[str, Any], best: bool) -> None:
        """Show the loss and, or in a narrow terminal instead, the scores that pick the weights."""
        told = _scores(record)
        if not told or self._width >= _ROOMY:
            loss = brief(record["validation_loss"])
            told.insert(0, _("validation {loss}").format(loss=loss))
        self._bar.update(self._task, validation=", ".join(told) + ("*" if best else ""))

    def note(self, message: str) -> None:
        """A line above the bar."""
        self._bar.console.print(message, markup=False)


class PlainProgress(Progress):
    """A line for each validation, for logs and pipes."""

    def __init__(self, title: str, steps: int) -> None:
        self._title, self._steps, self._last = title, steps, "-"
        self._whole = title

    def part(self, name: str, number: int, count: int) -> None:
        """The next lines begin with it."""
        self._title, self._last = _part(self._whole, name, number, count), "-"

    def step(self, record: Mapping[str, Any]) -> None:
        """Keep what the next line will show."""
        self._last = _("loss {loss}, gradient norm {norm}, {speed}").format(
            loss=number(record["loss"]),
            norm=number(record["gradient_norm_before_clipping"]),
            speed=_speed(record),
        )

    def validated(self, record: Mapping[str, Any], best: bool) -> None:
        """One line."""
        scores = [number(record["validation_loss"]), *_scores(record)]
        line = _("{title}: step {step} of {steps}, {last}, validation {validation}").format(
            title=self._title,
            step=record["step"],
            steps=self._steps,
            last=self._last,
            validation=", ".join(scores) + ("*" if best else ""),
        )
        self.note(line)

    def note(self, message: str) -> None:
        """One line."""
        print(message, file=sys.stderr, flush=True)


@contextmanager
def progress(title: str, steps: int) -> Iterator[Progress]:
    """The progress that suits standard error; `title` names what is trained. Of processes that
    train together the first alone shows it.
    """
    if not current().first:
        yield Progress()
        return
    console = Console(stderr=True)
    if not console.is_terminal:
        yield PlainProgress(title, steps)
        return
    with live(console, title, steps) as shown:
        yield shown


@contextmanager
def live(console: Console, title: str, steps: int) -> Iterator[LiveProgress]:
    """One line on a terminal, at most as wide as that is."""
    with Bar(*_columns(console.width), console=console, transient=True) as bar:
        validation = _("validation {loss}").format(loss="-")
        task = bar.add_task(title, total=steps, loss="-", norm="-", validation=validation, speed="")
        yield LiveProgress(bar, task, console.width)


def _columns(width: int) -> Iterator[ProgressColumn]:
    """Those that the terminal has room for; a run's name may be of any length, and is cut."""
    name = Column(no_wrap=True, overflow="ellipsis", max_width=width // 5)
    yield TextColumn("{task.description}", markup=False, table_column=name)
    if width >= 150:
        yield BarColumn(20)
    yield TextColumn(_("step {task.completed}/{task.total}"))
    if width >= 80:
        yield TextColumn(_("loss {task.fields[loss]}"))
    if width >= _ROOMY:
        yield TextColumn(_("gradient {task.fields[norm]}"))
    yield TextColumn("{task.fields[validation]}", markup=False)
    if width >= 130:
        yield TextColumn("{task.fields[speed]}")
    yield TimeRemainingColumn()


@contextmanager
def stoppable(again: str) -> Iterator[None]:
    """Let a training inside end early with a message; the command `again` would go on with it."""
    try:
        with resumable(again):
            yield
    except Interrupted as stop:
        if not current().first:
            raise typer.Exit(130) from None
        print(f"gruta: {stop}; {_('to go on:')} {again}", file=sys.stderr)
        raise typer.Exit(130) from None
    except Diverged as error:
        raise InputError(str(error)) from error
    except RankLost as lost:
        raise RankLost(f"{lost}; {_('to go on:')} {again}", told=lost.told) from lost


def _scores(record: Mapping[str, Any]) -> list[str]:
    """A validation's scores by name, where not its loss but a criterion of them picks weights."""
    if "criterion" not in record:
        return []
    others = ("step", "validation_loss", "criterion")
    return [f"{_(name)} {number(s, 3)}" for name, s in record.items() if name not in others]


def _part(title: str, name: str, number: int, count: int) -> str:
    told = _("{title}, {number} of {count} ({name})")
    return told.format(title=title, name=name, number=number, count=count)


def _speed(record: Mapping[str, Any]) -> str:
    per_second = record["step"] / max(record["seconds"], 1e-9)
    return _("{n} steps/s").format(n=number(per_second, 1))
