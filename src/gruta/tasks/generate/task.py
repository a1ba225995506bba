"""Generating as a task: texts and notes, one unit after the other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gruta.codec.text.units import Units
from gruta.tasks.generate.codec import AnyUnits
from gruta.tasks.generate.notes.task import NOTES, OfNotes
from gruta.tasks.generate.options import ContinueOptions, EvaluateOptions, GenerateOptions
from gruta.tasks.generate.settings import GenerateSettings
from gruta.tasks.generate.text import TEXT, OfText
from gruta.tasks.scores import Metric
from gruta.tasks.task import Input, Judged, Look, Made, Options, Report

if TYPE_CHECKING:
    import polars as pl

    from gruta.report.page import Table
    from gruta.tasks.generate.scoring import OpenProgress
    from gruta.tasks.portrait import Portrait
    from gruta.tasks.trained import Trained


@dataclass(frozen=True)
class GenerateTask:
    """Write text or music by a recurrent network, a unit after the other.

    What settings call units decides whose work it is: that of `OfText` or of `OfNotes`.
    """

    name = "generate"
    summary = (
        "Train a language model on text files, of which it writes more: characters, words, "
        "subwords or bytes, one after the other. The end is held out and scored beside an n-gram "
        "model of the same units. With --units notes it reads MIDI files, piano rolls and scores, "
        "and writes music; some pieces are held out whole."
    )
    settings, codec, packages = GenerateSettings, AnyUnits, ("regex",)
    input = Input("FILE", "Text files, music files, or folders of them.", many=True)
    options = Options(evaluate=EvaluateOptions, predict=ContinueOptions, generate=GenerateOptions)

    @property
    def metrics(self) -> Sequence[Metric]:
        """Of how likely a text is."""
        from gruta.tasks.generate.metrics import METRICS

        return METRICS

    def open(self, source: Any, settings: GenerateSettings, codec: Any = None) -> Any:
        """The texts or pieces of whatever holds them."""
        return _of(settings.units).open(source, settings)

    def of_text(self, text: str, codec: Any) -> list[str] | None:
        """A list of one text, as in Python; notes are read from files."""
        return [text] if isinstance(codec, Units) else None

    def read(self, source: Any, settings: GenerateSettings) -> Any:
        """In three parts; the test may have a file of its own."""
        return _of(settings.units).read(source, settings)

    def fit_codec(self, data: Any, settings: GenerateSettings) -> Any:
        """The units of the training part."""
        return _of(settings.units).fit_codec(data, settings)

    def network(self, codec: Any, settings: GenerateSettings) -> Any:
        """Untrained."""
        return _of(settings.units).network(codec, settings)

    def lesson(self, network: Any, codec: Any, data: Any, settings: GenerateSettings) -> Any:
        """Streams side by side."""
        return _of(settings.units).lesson(network, codec, data, settings)

    def settle(self, lesson: Any, codec: Any) -> Any:
        """Nothing is left to decide."""
        return codec

    def count(self, lesson: Any, codec: Any) -> Mapping[str, Any]:
        """The n-grams of a text; frames of notes are hardly ever the same."""
        return _of(codec.kind).count(lesson, codec)

    def head(self, trained: "Trained[Any]") -> Any:
        """The network on NumPy arrays."""
        from gruta.tasks.generate.head import head_of

        return head_of(trained)

    def held_out(self, source: Any, settings: GenerateSettings) -> Mapping[str, Any] | None:
        """The test's own file, or what was held out."""
        if settings.test:
            return {"source": Path(settings.test), "train": source}
        return {"source": source} if settings.test_share else None

    def answer(self, trained: "Trained[Any]", source: Any, **how: Any) -> "pl.DataFrame":
        """How each text or piece goes on, as `ContinueOptions` says."""
        return _of(trained.settings.units).answer(trained, source, **how)

    def make(self, trained: "Trained[Any]", **how: Any) -> Made:
        """What follows a prompt, as `GenerateOptions` says."""
        return _of(trained.settings.units).make(trained, **how)

    def evaluate(
        self, trained: "Trained[Any]", source: Any, *, train: Any = None, like: Any = None
    ) -> Any:
        """Scores on the test part of what was trained on, or on all of other texts or pieces.

        train: what was trained on, for the simple models, where `source` is not that; by default
        what the run read, if that is still there and the same. like: of another network, trained
        and scored on the same; its simple models are not fitted again.
        """
        return _of(trained.settings.units).evaluate(trained, source, train=train, like=like)

    def scored(
        self,
        trained: "Trained[Any]",
        source: Any,
        dynamic: float = 0.0,
        progress: "OpenProgress | None" = None,
    ) -> Any:
        """Scores on whatever texts or pieces. dynamic: the rate at which the network goes on
        learning from them; progress: opens what shows a person how that goes.
        """
        return _of(trained.settings.units).scored(trained, source, dynamic, progress)

    def judged(self, found: Any) -> Judged:
        """Bits a character, or of notes nats a frame."""
        return _of(found.codec.kind).judged(found)

    def verdict(self, found: Any) -> str:
        """Against the best simple model."""
        return _of(found.codec.kind).verdict(found)

    def scores(self, found: Any) -> "Table":
        """A row a model."""
        return _of(found.codec.kind).scores(found)

    def report(self, trained: "Trained[Any]", found: Any, metrics: list[dict[str, Any]]) -> Report:
        """How good it is, what it writes, what surprised it, how it learned."""
        return _of(trained.settings.units).report(trained, found, metrics)

    def look(self, trained: "Trained[Any]", source: Any) -> Look:
        """The beginning of a text or a piece, and how likely the network finds it."""
        return _of(trained.settings.units).look(trained, source)

    def portrait(self, trained: "Trained[Any]", source: Any = None) -> "Portrait":
        """Its layers, for a page."""
        return _of(trained.settings.units).portrait(trained, source)


def _of(units: str) -> OfNotes | OfText:
    """Whose work it is."""
    return NOTES if units == "notes" else TEXT


TASK = GenerateTask()
