"""Generating text as a task: a language model of units."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field

from gruta.codec.text.units import Units
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.tasks.generate.settings import GenerateSettings
from gruta.tasks.scores import Metric
from gruta.tasks.task import Input, Look, Options, Report

if TYPE_CHECKING:
    import polars as pl

    from gruta.data.text import Texts
    from gruta.report.page import Table
    from gruta.tasks.generate.evaluation import Evaluation
    from gruta.tasks.generate.head import GenerateHead
    from gruta.tasks.generate.lesson import GenerateLesson
    from gruta.tasks.generate.network import GenerateNetwork
    from gruta.tasks.trained import Trained


@dataclass(frozen=True)
class TextsInParts:
    """Text to train on, to validate on, and of the test."""

    train: "Texts"
    validation: "Texts"
    test: "Texts | None"

    def fingerprint(self) -> str:
        """Of what training sees."""
        return f"{self.train.fingerprint()}{self.validation.fingerprint()}"

    def told(self) -> list[tuple[str, str]]:
        """How much there is of each."""
        test = 0 if self.test is None else self.test.length
        return [
            (_("texts to train on"), number(len(self.train))),
            (_("characters to train on"), number(self.train.length)),
            (_("characters to validate on"), number(self.validation.length)),
            (_("characters of the test"), number(test)),
        ]


class EvaluateOptions(BaseModel):
    """What an evaluation can be told."""

    train: str | None = Field(
        None,
        description="The text it was trained on, for the n-gram model beside the network.",
        json_schema_extra={
            "metavar": "FILE",
            "shown": "what the run read, where that is still there",
        },
    )


@dataclass(frozen=True)
class GenerateTask:
    """Write text by a recurrent network, a unit after the other."""

    name = "generate"
    summary = (
        "Train a language model on text files, of which it writes more: characters, words, "
        "subwords or bytes, one after the other. The end is held out and scored beside an n-gram "
        "model of the same units."
    )
    settings, codec, packages = GenerateSettings, Units, ()
    input = Input("FILE", "Text file, or a folder of text files.")
    options = Options(evaluate=EvaluateOptions)

    @property
    def metrics(self) -> Sequence[Metric]:
        """Of how likely a text is."""
        from gruta.tasks.generate.metrics import METRICS

        return METRICS

    def open(self, source: Any, settings: GenerateSettings, codec: Units | None = None) -> "Texts":
        """The texts of whatever holds them."""
        from gruta.data.text import read_texts

        return read_texts(source, settings.encoding)

    def of_text(self, text: str, codec: Units) -> list[str]:
        """A list of one text, as in Python."""
        return [text]

    def read(self, source: Any, settings: GenerateSettings) -> TextsInParts:
        """In three parts; the test may have a file of its own."""
        s = settings
        texts = self.open(source, s)
        if s.test:
            return in_parts(texts, self.open(s.test, s), s)
        return in_parts(texts, None, s)

    def fit_codec(self, data: TextsInParts, settings: GenerateSettings) -> Units:
        """The units of the training part."""
        s, texts = settings, [one.text for one in data.train.texts]
        if s.units == "bytes":
            return Units.bytes()
        if s.units == "subwords":
            from gruta.data.subwords import learn_byte_pairs

            return learn_byte_pairs(texts, s.vocabulary)
        return Units.fit(texts, s.units, s.fewest, s.vocabulary)

    def network(self, codec: Units, settings: GenerateSettings) -> "GenerateNetwork":
        """Untrained."""
        from gruta.tasks.generate.network import GenerateNetwork

        return GenerateNetwork(codec.size, settings)

    def lesson(
        self,
        network: "GenerateNetwork",
        codec: Units,
        data: TextsInParts,
        settings: GenerateSettings,
    ) -> "GenerateLesson":
        """Streams of text side by side."""
        from gruta.tasks.generate.lesson import GenerateLesson

        train, validation = (
            codec.in_one([one.text for one in part.texts]) for part in (data.train, data.validation)
        )
        return GenerateLesson(network, codec, train, validation, settings)

    def settle(self, lesson: "GenerateLesson", codec: Units) -> Units:
        """Nothing is left to decide."""
        return codec

    def head(self, trained: "Trained[Units]") -> "GenerateHead":
        """The network on NumPy arrays."""
        from gruta.tasks.generate.head import GenerateHead

        return GenerateHead(trained.weights, trained.codec.size, trained.settings)

    def held_out(self, source: Any, settings: GenerateSettings) -> Mapping[str, Any] | None:
        """The test's own file, or the end that was held out."""
        if settings.test:
            return {"source": settings.test, "train": source}
        return {"source": source} if settings.test_share else None
