"""What a command of one task's own is: `gruta NAME`, beside the verbs that all tasks have."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import BaseModel

from gruta.tasks.task import NoOptions, Opened, Records, Report, Task

if TYPE_CHECKING:
    from gruta.report.page import Table
    from gruta.tasks.trained import Trained
    from gruta.train import Progress


class Outcome(Records, Protocol):
    """What a command found; its frame is what `--out` writes."""

    @property
    def tables(self) -> "Sequence[Table]":
        """For the terminal."""

    @property
    def words(self) -> Sequence[str]:
        """Said below them."""

    @property
    def report(self) -> Report:
        """The page."""

    def to_json(self) -> dict[str, Any]:
        """For a program."""


@dataclass(frozen=True)
class Call:
    """What a command was called with.

    run: a finished run, if one was given. place: the directory to write into. given: settings that
    were set. how: its own options that were. tell: to be called with the source once it is read.
    progress: from a title and a number of steps to where a person sees a training go.
    """

    run: Path | None
    source: Path
    place: Path
    given: Mapping[str, Any]
    how: Mapping[str, Any]
    tell: Callable[[Opened], None]
    progress: Callable[[str, int], AbstractContextManager["Progress"]]


@dataclass(frozen=True)
class Command:
    """A command on RUN and FILE.

    do: what it does. options: its own. trains: whether it can be given FILE alone, with the
    settings of a training. place: where it writes, as its help says, unless `--run` tells; "" where
    that has to be told. name and help are in the list of commands of the command line.
    """

    task: Task[Any]
    name: str
    do: Callable[[Call], Outcome]
    options: type[BaseModel] = NoOptions
    trains: bool = False
    place: str = ""


class Answered(Records, Protocol):
    """What texts were answered with."""

    @property
    def lines(self) -> Sequence[str]:
        """For the terminal, and for programs that read lines."""


@dataclass(frozen=True)
class Asking:
    """A command on RUN and texts, which are arguments, lines of the standard input, or a file's.

    do: from a trained model, what it was asked, as its task opens it, and the options, to the
    answers. Name, options and help are those of a `Command`.
    """

    task: Task[Any]
    name: str
    do: Callable[["Trained[Any]", Any, Mapping[str, Any]], Answered]
    options: type[BaseModel] = NoOptions
    trains: bool = False
