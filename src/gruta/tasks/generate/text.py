"""What the generator does with texts: a language model of their units."""

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gruta.codec.text.units import Units
from gruta.settings import resolve
from gruta.tasks.generate.metrics import METRICS
from gruta.tasks.generate.options import ContinueOptions, GenerateOptions, sampling
from gruta.tasks.generate.settings import GenerateSettings
from gruta.tasks.generate.source import to_score_again
from gruta.tasks.task import Judged, Look, Report

if TYPE_CHECKING:
    import polars as pl

    from gruta.data.text import Texts
    from gruta.report.page import Table
    from gruta.tasks.generate.evaluation import Evaluation
    from gruta.tasks.generate.lesson import GenerateLesson
    from gruta.tasks.generate.making import Making
    from gruta.tasks.generate.network import GenerateNetwork
    from gruta.tasks.generate.parts import TextsInParts
    from gruta.tasks.generate.scoring import OpenProgress
    from gruta.tasks.portrait import Portrait
    from gruta.tasks.trained import Trained


class OfText:
    """What `GenerateTask` asks where units are those of a text."""

    def open(self, source: Any, settings: GenerateSettings) -> "Texts":
        """The texts of whatever holds them."""
        from gruta.data.text import read_texts

        return read_texts(source, settings.encoding)

    def read(self, source: Any, settings: GenerateSettings) -> "TextsInParts":
        """In three parts; the test may have a file of its own."""
        from gruta.tasks.generate.parts import in_parts

        s = settings
        test = self.open(Path(s.test), s) if s.test else None
        return in_parts(self.open(source, s), s, test)

    def fit_codec(self, data: "TextsInParts", settings: GenerateSettings) -> Units:
        """The units of the training part."""
        s, texts = settings, [one.text for one in data.train.texts]
        if s.units == "bytes":
            return Units.bytes()
        if s.units == "subwords":
            from gruta.data.subwords import learn_byte_pairs

            return learn_byte_pairs(texts, s.vocabulary)
        assert s.units != "notes"
        return Units.fit(texts, s.units, s.fewest, s.vocabulary)

    def network(self, codec: Units, settings: GenerateSettings) -> "GenerateNetwork":
        """Untrained."""
        from gruta.tasks.generate.network import GenerateNetwork

        return GenerateNetwork(codec.size, settings)

    def lesson(
        self,
        network: "GenerateNetwork",
        codec: Units,
        data: "TextsInParts",
        settings: GenerateSettings,
    ) -> "GenerateLesson":
        """Streams of text side by side."""
        from gruta.tasks.generate.lesson import GenerateLesson

        train, validation = (
            codec.in_one([one.text for one in part.texts]) for part in (data.train, data.validation)
        )
        return GenerateLesson(network, codec, train, validation, settings)

    def count(self, lesson: "GenerateLesson", codec: Units) -> dict[str, Any]:
        """The n-grams of the training part, and how much they weigh beside the network."""
        from gruta.tasks.generate.counted import counted

        return counted(lesson, codec) if lesson.settings.ngram else {}

    def answer(self, trained: "Trained[Units]", source: Any, **how: Any) -> "pl.DataFrame":
        """How each text goes on, as `ContinueOptions` says."""
        import polars as pl

        from gruta.tasks.generate.generation import written

        o = resolve(ContinueOptions, how)
        texts = self.open(source, trained.settings).texts
        made = [
            written(
                trained.head, trained.codec, one.text, sampling(o), length=o.length, seed=o.seed
            )[0]
            for one in texts
        ]
        return pl.DataFrame({"text": [one.name for one in texts], "continuation": made})

    def make(self, trained: "Trained[Units]", **how: Any) -> "Making":
        """Text that follows a prompt, as `GenerateOptions` says."""
        from gruta.tasks.generate.making import Making

        return Making(trained, resolve(GenerateOptions, how))

    def evaluate(
        self,
        trained: "Trained[Units]",
        source: Any,
        *,
        train: Any = None,
        like: "Evaluation | None" = None,
    ) -> "Evaluation":
        """Scores on the test part of what was trained on, or on all of other texts.

        train: what was trained on, for the n-gram models, where `source` is not that; by default
        what the run read, if that is still there and the same. like: of another network, trained
        and scored on the same; its n-gram models are not counted again.
        """
        from gruta.tasks.generate.evaluation import evaluate

        known = to_score_again(self, trained, source, train)
        return evaluate(trained, known.test, known.parts, seen=known.seen, like=like)

    def scored(
        self,
        trained: "Trained[Units]",
        source: Any,
        dynamic: float = 0.0,
        progress: "OpenProgress | None" = None,
    ) -> "Evaluation":
        """Scores on whatever texts. dynamic: the rate at which it goes on learning from them."""
        from gruta.tasks.generate.scoring import scored, scored_dynamically

        texts = self.open(source, trained.settings)
        if not dynamic:
            return scored(trained, texts)
        from gruta.train import Progress

        silent = nullcontext(Progress())
        return scored_dynamically(trained, texts, dynamic, progress or (lambda *_said: silent))

    def judged(self, found: "Evaluation") -> Judged:
        """Bits a character, by units."""
        costs = np.concatenate(found.nats) / np.log(2)
        units_a_character = len(costs) / found.texts.length

        def score(some: NDArray[np.int64]) -> float:
            return float(costs[some].mean() * units_a_character)

        return Judged(METRICS[0], len(costs), score)

    def verdict(self, found: "Evaluation") -> str:
        """Against the best n-gram model."""
        from gruta.tasks.generate.report import verdict

        return verdict(found)

    def scores(self, found: "Evaluation") -> "Table":
        """A row a model."""
        from gruta.tasks.generate.report import scores

        return scores(found)

    def report(
        self, trained: "Trained[Units]", found: "Evaluation", metrics: list[dict[str, Any]]
    ) -> Report:
        """How good it is, what it writes, what surprised it, how it learned."""
        from gruta.tasks.generate.report import report

        return report(trained, found, metrics)

    def look(self, trained: "Trained[Units]", source: Any) -> Look:
        """The beginning of a text, and how likely the network finds it."""
        from gruta.tasks.generate.look import look

        return look(trained, self.open(source, trained.settings))

    def portrait(self, trained: "Trained[Units]", source: Any) -> "Portrait":
        """With the end of a text, and what it writes itself."""
        from gruta.tasks.generate.portrait import portrait

        return portrait(trained, None if source is None else self.open(source, trained.settings))


TEXT = OfText()
