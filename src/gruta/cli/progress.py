"""Training, as a person watches it: a live line on a terminal, plain lines elsewhere."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.train import Diverged, Interrupted, Progress


class LiveProgress(Progress):
    """A bar with the rate of steps, loss, gradient norm before clipping, and the time left."""

    def __init__(self, bar: Bar, task: TaskID) -> None:
        self._bar, self._task = bar, task

    def step(self, record: Mapping[str, Any]) -> None:
        """Move the bar."""
        self._bar.update(
            self._task,
            completed=record["step"],
            loss=number(record["loss"]),
            norm=number(record["gradient_norm_before_clipping"]),
            speed=_speed(record),
        )

    def validated(self, record: Mapping[str, Any], best: bool) -> None:
        """Show the validation's loss."""
        mark = "*" if best else ""
        self._bar.update(self._task, validation=number(record["validation_loss"]) + mark)

    def note(self, message: str) -> None:
        """A line above the bar."""
        self._bar.console.print(message, markup=False)


class PlainProgress(Progress):
    """A line for each validation, for logs and pipes."""

    def __init__(self, title: str, steps: int) -> None:
        self._title, self._steps, self._last = title, steps, "-"

    def step(self, record: Mapping[str, Any]) -> None:
        """Keep what the next line will show."""
        self._last = _("loss {loss}, gradient norm {norm}, {speed}").format(
            loss=number(record["loss"]),
            norm=number(record["gradient_norm_before_clipping"]),
            speed=_speed(record),
        )

    def validated(self, record: Mapping[str, Any], best: bool) -> None:
        """One line."""
        line = _("{title}: step {step} of {steps}, {last}, validation {validation}").format(
            title=self._title,
            step=record["step"],
            steps=self._steps,
            last=self._last,
            validation=number(record["validation_loss"]) + ("*" if best else ""),
        )
        self.note(line)

    def note(self, message: str) -> None:
        """One line."""
        print(message, file=sys.stderr, flush=True)


@contextmanager
def progress(title: str, steps: int) -> Iterator[Progress]:
    """The progress that suits standard error; `title` names what is trained."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield PlainProgress(title, steps)
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn(_("step {task.completed}/{task.total}")),
        TextColumn(_("loss {task.fields[loss]}")),
        TextColumn(_("gradient {task.fields[norm]}")),
        TextColumn(_("validation {task.fields[validation]}")),
        TextColumn("{task.fields[speed]}"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task(title, total=steps, loss="-", norm="-", validation="-", speed="")
        yield LiveProgress(bar, task)


@contextmanager
def stoppable(again: str) -> Iterator[None]:
    """Let a training inside end early with a message; the command `again` would go on with it."""
    try:
        yield
    except Interrupted as stop:
        print(f"gruta: {stop}; {_('to go on:')} {again}", file=sys.stderr)
        raise typer.Exit(130) from None
    except KeyboardInterrupt:
        print(f"gruta: {_('stopped; to go on:')} {again}", file=sys.stderr)
        raise typer.Exit(130) from None
    except Diverged as error:
        raise InputError(str(error)) from error


def _speed(record: Mapping[str, Any]) -> str:
    per_second = record["step"] / max(record["seconds"], 1e-9)
    return _("{n} steps/s").format(n=number(per_second, 1))
