"""Translation as a task: texts become other texts, words their sounds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gruta.codec.text.pairs import PairCodec
from gruta.tasks.scores import Metric, deciding
from gruta.tasks.scoring import to_score
from gruta.tasks.task import Input, Judged, Look, Options, Report
from gruta.tasks.translate.options import EvaluateOptions, InspectOptions, PredictOptions
from gruta.tasks.translate.settings import TranslateSettings

if TYPE_CHECKING:
    import polars as pl

    from gruta.data.pairs import Pairs
    from gruta.report.page import Table
    from gruta.tasks.portrait import Portrait
    from gruta.tasks.trained import Trained
    from gruta.tasks.translate.evaluation import Evaluation
    from gruta.tasks.translate.head import TranslateHead
    from gruta.tasks.translate.lesson import TranslateLesson
    from gruta.tasks.translate.network import TranslateNetwork
    from gruta.tasks.translate.parts import PairsInParts


@dataclass(frozen=True)
class TranslateTask:
    """Translate texts by a recurrent network with attention."""

    name = "translate"
    summary = (
        "Train a translator on PAIRS of texts: sentences and their translations, words and their "
        "sounds. A share is held out and scored beside a translation memory."
    )
    settings, codec, packages = TranslateSettings, PairCodec, ("sacrebleu", "tokenizers", "regex")
    input = Input(
        "PAIRS",
        "Lines with a tab between two texts, CSV, Excel, Parquet or JSON lines; or a text file, "
        "with --targets.",
    )
    options = Options(evaluate=EvaluateOptions, predict=PredictOptions, inspect=InspectOptions)

    @property
    def metrics(self) -> Sequence[Metric]:
        """Of translations."""
        from gruta.tasks.translate.metrics import METRICS

        return METRICS

    def open(
        self, source: Any, settings: TranslateSettings, codec: PairCodec | None = None
    ) -> "Pairs":
        """The pairs of whatever holds them; texts alone will do for who is asked."""
        from gruta.tasks.translate.parts import as_codec_reads, read

        if codec is None:
            return read(source, settings)
        return as_codec_reads(codec, read(source, settings, asked=True))

    def of_text(self, text: str, codec: PairCodec) -> list[str]:
        """A list of one text, as in Python."""
        return [text]

    def read(self, source: Any, settings: TranslateSettings) -> "PairsInParts":
        """Pairs in three parts, those of one source or group in one."""
        from gruta.tasks.translate.parts import in_parts, read

        return in_parts(read(source, settings), settings)

    def fit_codec(self, data: "PairsInParts", settings: TranslateSettings) -> PairCodec:
        """The units of the training part."""
        return data.codec

    def network(self, codec: PairCodec, settings: TranslateSettings) -> "TranslateNetwork":
        """Untrained."""
        from gruta.tasks.translate.network import TranslateNetwork

        return TranslateNetwork(codec, settings)

    def lesson(
        self,
        network: "TranslateNetwork",
        codec: PairCodec,
        data: "PairsInParts",
        settings: TranslateSettings,
    ) -> "TranslateLesson":
        """Batches by length."""
        from gruta.tasks.translate.lesson import TranslateLesson

        return TranslateLesson(network, codec, data.train, data.validation, settings)

    def settle(self, lesson: "TranslateLesson", codec: PairCodec) -> PairCodec:
        """Nothing is left to decide."""
        return codec

    def head(self, trained: "Trained[PairCodec]") -> "TranslateHead":
        """The network on NumPy arrays."""
        from gruta.tasks.translate.head import head_of

        return head_of(trained)

    def held_out(self, source: Any, settings: TranslateSettings) -> Mapping[str, Any] | None:
        """The test's own file, or the share that was held out."""
        if settings.test:
            return {"source": settings.test, "train": source}
        return {"source": source} if settings.test_share else None

    def answer(self, trained: "Trained[PairCodec]", source: Any, **how: Any) -> "pl.DataFrame":
        """What each text becomes: a row each, or several with `best`, the likeliest first."""
        from gruta.tasks.translate.answers import answered

        return answered(trained, source, **how).frame()

    def evaluate(
        self,
        trained: "Trained[PairCodec]",
        source: Any,
        *,
        targets: str | Path | None = None,
        train: Any = None,
        like: "Evaluation | None" = None,
        **how: Any,
    ) -> "Evaluation":
        """Scores on the test part of what was trained on, or on all of other pairs.

        targets: the other side's file, where `source` is one of texts alone. train: what was
        trained on, for the simple models, where `source` is not that; by default what the run
        read, if that is still there and the same. like: of another network, trained and scored on
        the same; its simple models are not fitted again.
        """
        from gruta.tasks.translate.evaluation import evaluate
        from gruta.tasks.translate.parts import asked_to_score, parts_of

        known = to_score(
            trained,
            asked_to_score(trained, source, targets),
            partial(parts_of, trained),
            train=train,
            again=trained.source,
        )
        learned = known.parts.train if known.parts else None
        return evaluate(trained, known.test, learned, seen=known.seen, like=like, **how)

    def judged(self, found: "Evaluation") -> Judged:
        """BLEU, chrF, or the share of words that are wholly right."""
        from gruta.tasks.translate.evaluation import measures

        metric = deciding(found.metrics)

        def score(some: NDArray[np.int64]) -> float:
            said = [found.written[i].text for i in some]
            value = measures(said, found.expected.pick(some))[metric.name]
            return 0.0 if value is None else value

        return Judged(metric, len(found.written), score)

    def verdict(self, found: "Evaluation") -> str:
        """Against the best simple model."""
        from gruta.tasks.translate.report import verdict

        return verdict(found)

    def scores(self, found: "Evaluation") -> "Table":
        """A row a model."""
        from gruta.tasks.translate.report import scores

        return scores(found)

    def report(
        self, trained: "Trained[PairCodec]", found: "Evaluation", metrics: list[dict[str, Any]]
    ) -> Report:
        """How good it is, what it writes and looks at, how it learned."""
        from gruta.tasks.translate.report import report

        return report(trained, found, metrics)

    def look(self, trained: "Trained[PairCodec]", source: Any, *, number: int = 1) -> Look:
        """One text, and how likely the network finds what it becomes."""
        from gruta.tasks.translate.look import look
        from gruta.tasks.translate.parts import read

        return look(trained, read(source, trained.settings, asked=True), number)

    def portrait(self, trained: "Trained[PairCodec]", source: Any = None) -> "Portrait":
        """What reads, and some texts."""
        from gruta.tasks.translate.parts import read
        from gruta.tasks.translate.portrait import portrait

        given = None if source is None else read(source, trained.settings, asked=True)
        return portrait(trained, given)


TASK = TranslateTask()
