"""What a task promises, so that training, predicting, scoring and looking inside are written once.

The README beside has how to add one. A task is imported without PyTorch; methods that need it
import it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar, runtime_checkable

from pydantic import BaseModel

from gruta.files import write_atomically
from gruta.reading import Guess, Repair
from gruta.tasks.scores import Metric, Scores

if TYPE_CHECKING:
    import matplotlib.figure
    import numpy as np
    import polars as pl
    import torch
    from numpy.typing import NDArray

    from gruta.insight.foretold import Foretold
    from gruta.report.page import Section, Table
    from gruta.runs import Run
    from gruta.runtime.file import Contents
    from gruta.tasks.portrait import Portrait
    from gruta.tasks.trained import Trained
    from gruta.train import Lesson, Progress


class Data(Protocol):
    """What a task reads: checked, with its part for training and the others."""

    def fingerprint(self) -> str:
        """SHA-256 of all that training sees: a run goes on with the same data alone."""

    def told(self) -> Sequence[tuple[str, str]]:
        """What they hold, for people: names and values."""


class Opened(Protocol):
    """What a task has read from a file or from what Python has."""

    @property
    def guesses(self) -> Sequence[Guess]:
        """What was found out on reading, as nobody had said it."""

    @property
    def repairs(self) -> Sequence[Repair]:
        """What was found amiss, and what was done about it."""


class Codec(Protocol):
    """What leads from data to numbers and back; NumPy alone."""

    def to_json(self) -> dict[str, Any]:
        """Plain values."""

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """What `to_json` gave; InputError if it is anything else."""


class Records(Protocol):
    """What was asked and answered, as a table."""

    def frame(self) -> "pl.DataFrame":
        """A row each."""

    @property
    def renamed(self) -> Mapping[str, str]:
        """Columns of `frame` that are called otherwise, as the data has some of these names."""


class Evaluation(Records, Protocol):
    """Scores of the network, which come first, and of the simple models beside it."""

    @property
    def scores(self) -> list[Scores]:
        """A model each."""

    @property
    def lost_to(self) -> list[str]:
        """The simple models that are better."""

    @property
    def notes(self) -> Sequence[str]:
        """What is to be known beside: that training saw some of it, that much was left out."""


@dataclass(frozen=True)
class Input:
    """What a command takes for this task: FILE, and what that is, in English.

    many: whether training takes several.
    """

    metavar: str
    help: str
    many: bool = False


@dataclass(frozen=True)
class Report:
    """What is told of a trained network: the page's title and lead, and its sections."""

    title: str
    lead: str
    sections: "Sequence[Section]"

    # matplotlib and jinja2 are loaded by who looks.
    def plot(self) -> "dict[str, matplotlib.figure.Figure]":
        """Its charts by name."""
        from gruta.report.page import Figure

        content = (item for section in self.sections for item in section.content)
        return {item.name: item.figure for item in content if isinstance(item, Figure)}

    def save(self, path: str | Path) -> None:
        """Write it as one HTML file that needs no other."""
        from gruta.report.page import render

        write_atomically(Path(path), render(self.title, self.lead, self.sections).encode())


@dataclass(frozen=True, eq=False)
class Look:
    """What an X-ray runs: the network on inputs, and a loss of its result.

    arrays: the same inputs as the head on NumPy arrays takes them.
    labels, columns: by layer, what stands at each step, and what the numbers that it reads are
    called. shown, answer: what the network reads and says, for people. foretold: what it took for
    likely at each step. leave_out: rules of the advice that are not told, as following them did not
    help.
    """

    model: "torch.nn.Module"
    inputs: Sequence[Any]
    arrays: Any
    loss: "Callable[[Any], torch.Tensor] | None" = None
    labels: Mapping[str, Any] | None = None
    columns: Mapping[str, Sequence[str]] | None = None
    shown: str = ""
    answer: str = ""
    foretold: "tuple[Foretold, ...]" = ()
    leave_out: Sequence[str] = ()


class NoOptions(BaseModel):
    """Nothing to be told."""


@dataclass(frozen=True)
class Options:
    """What commands that ask a run can be told besides the input."""

    evaluate: type[BaseModel] = NoOptions
    predict: type[BaseModel] = NoOptions
    inspect: type[BaseModel] = NoOptions
    explain: type[BaseModel] = NoOptions
    generate: type[BaseModel] = NoOptions
    spread: type[BaseModel] = NoOptions


C = TypeVar("C", bound=Codec)


class Task(Protocol[C]):
    """One kind of work for a recurrent network.

    A network, its lesson, its head and its data are the task's own: nobody else looks into them.
    """

    @property
    def name(self) -> str:
        """What run.json says, and the command: `gruta train NAME`."""

    @property
    def summary(self) -> str:
        """For the help, in English."""

    @property
    def input(self) -> Input:
        """What every command takes for it."""

    @property
    def settings(self) -> type[BaseModel]:
        """All that training can be told: `NetworkSettings`, `TrainSettings`, and its own."""

    @property
    def options(self) -> Options:
        """What commands that ask a run can be told."""

    @property
    def metrics(self) -> Sequence[Metric]:
        """The columns of its tables of scores."""

    @property
    def packages(self) -> Sequence[str]:
        """What its scores need besides: asked for before training begins."""

    @property
    def codec(self) -> type[C]:
        """Reads codec.json."""

    def open(self, source: Any, settings: Any, codec: C | None = None) -> Opened:
        """What a file or what Python has holds; InputError says what does not fit, and where.

        codec: of a trained model that is to read it.

        All that takes a source takes what came of it too, and reads nothing anew.
        """

    def of_text(self, text: str, codec: C) -> Any:
        """What `open` takes for this text alone; None where a model of this codec reads no text."""

    def read(self, source: Any, settings: Any) -> Data:
        """What `open` gives, in parts."""

    def fit_codec(self, data: Any, settings: Any) -> C:
        """From the training part alone."""

    def network(self, codec: C, settings: Any) -> "torch.nn.Module":
        """Untrained, from these two alone; on "meta" too."""

    def lesson(self, network: Any, codec: C, data: Any, settings: Any) -> "Lesson":
        """What the loop trains."""

    def settle(self, lesson: Any, codec: C) -> C:
        """What the validation part decides once training is over."""

    def head(self, trained: "Trained[C]") -> Any:
        """The network on NumPy arrays; ValueError if the weights are of another."""

    def held_out(self, source: Any, settings: Any) -> Mapping[str, Any] | None:
        """How to call `evaluate` after training on `source`; None where nothing was held out."""

    @property
    def answer(self) -> Callable[..., "pl.DataFrame"]:
        """`answer(trained, source, **how)`: what the network says of the input, a row each."""

    @property
    def evaluate(self) -> Callable[..., Evaluation]:
        """`evaluate(trained, source, like=None, **how)`: scores, on what training did not see of
        the input where that can be told. like: an evaluation of another network that was trained
        and scored on the same, whose simple models stand for those of this one.
        """

    @property
    def look(self) -> Callable[..., Look]:
        """`look(trained, source, **how)`: one sequence, for the X-ray."""

    def verdict(self, found: Any) -> str:
        """Of an evaluation, in plain words: whether the network was worth it."""

    def scores(self, found: Any) -> "Table":
        """Of an evaluation, a row a model."""

    def report(self, trained: "Trained[C]", found: Any, metrics: list[dict[str, Any]]) -> Report:
        """The page; metrics: the records of the training."""


@runtime_checkable
class Combines(Protocol[C]):
    """A task whose settings may ask for several networks that answer as one."""

    def members(self, settings: Any) -> "Mapping[str, tuple[Task[C], Any]]":
        """How to train each, by name: its task and settings. None where one network is enough."""

    def combined(self, members: "Sequence[Trained[C]]", data: Any, settings: Any) -> C:
        """The codec of all of them together, which holds theirs."""


def networks(task: Task[Any], settings: Any) -> "Mapping[str, tuple[Task[Any], Any]]":
    """The members that a training has; none where it is of one network."""
    return task.members(settings) if isinstance(task, Combines) else {}


class Explained(Protocol):
    """Why an answer is what it is."""

    def to_json(self) -> dict[str, Any]:
        """For a program."""

    def report(self) -> Report:
        """The page; its tables and lead are what the terminal shows."""


@runtime_checkable
class Explains(Protocol):
    """A task that can say why: `gruta explain`."""

    @property
    def explain(self) -> Callable[..., Explained]:
        """`explain(trained, source, **how)`: of one answer."""


class Spread(Protocol):
    """What became of very many inputs that were answered in parts."""

    @property
    def tables(self) -> "Sequence[Table]":
        """For the terminal."""

    @property
    def words(self) -> Sequence[str]:
        """Said below them."""

    @property
    def problems(self) -> Mapping[str, str]:
        """What is wrong with parts that have no answer, by what they are called."""

    def to_json(self) -> dict[str, Any]:
        """For a program."""


@runtime_checkable
class Spreads(Protocol):
    """A task whose runs answer for very many inputs in parts: `gruta predict RUN FOLDER`."""

    def names_many(self, source: str) -> bool:
        """Whether this is what names them, and not a lone file."""

    @property
    def spread(self) -> Callable[..., Spread]:
        """`spread(run, source, out, watch=None, **how)`: from a directory of a run to one of
        answers. watch: is told how far it is, `Standing` in `tasks/forecast/many/spread.py`.
        """


class Made(Protocol):
    """Something new, in the making: nothing is made before it is asked for."""

    def pieces(self) -> Iterator[str]:
        """What a person sees of it, as it is made."""

    def to_json(self) -> dict[str, Any]:
        """For a program."""

    def save(self, path: Path) -> None:
        """Write it as a file of the kind that its name says; InputError names those there are."""


@runtime_checkable
class Makes(Protocol):
    """A task whose networks make something new: `gruta generate`."""

    @property
    def make(self) -> Callable[..., Made]:
        """`make(trained, **how)`: as the task's options say."""


@runtime_checkable
class Portrays(Protocol[C]):
    """A task whose networks a page can compute: `gruta lab`."""

    def portrait(self, trained: "Trained[C]", source: Any = None) -> "Portrait":
        """The layers, with sequences of `source` as samples, if it is given. InputError where a
        network has no layers of its own.
        """


@runtime_checkable
class Counts(Protocol):
    """A task whose networks answer together with what was counted, not learned."""

    def count(self, lesson: Any, codec: Any) -> Mapping[str, Any]:
        """What was counted in what `lesson` learned from, as arrays by name; none for nothing."""


@runtime_checkable
class Asks(Protocol):
    """A task whose networks ask a model of another task, which goes wherever they go."""

    def inner(self, data: Any) -> "Contents | None":
        """That model, as its file has it; None where these data need none."""


@dataclass(frozen=True, eq=False)
class Judged:
    """The score of an evaluation that decides: of `size` things in the order in which they came,
    `score` of those at some places.
    """

    metric: Metric
    size: int
    score: "Callable[[NDArray[np.int64]], float]"


@runtime_checkable
class Judges(Protocol):
    """A task whose evaluations can be told apart from chance: `gruta export --weights`."""

    def judged(self, found: Any) -> Judged:
        """Of an evaluation, the network's."""


@runtime_checkable
class Chooses(Protocol):
    """A task that can be asked to find settings out before it trains."""

    def leaves_open(self, settings: Any) -> bool:
        """Whether these settings ask for that."""

    def choose(self, data: Any, settings: Any, run: "Run", progress: "Progress") -> Any:
        """The settings with which to train, none of them left open.

        The run's choice.json keeps what was tried, so that nothing is tried twice, and in the end
        the `chosen` settings by name.
        """

    def tried(self, choice: Mapping[str, Any]) -> "tuple[Table, str]":
        """Of what choice.json holds: a table of what was tried, and what was chosen, in words."""
