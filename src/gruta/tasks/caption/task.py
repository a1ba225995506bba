"""Captions as a task: of a picture or a clip, what is to be seen in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gruta.codec.pictures.captions import CaptionCodec
from gruta.tasks.caption.options import EvaluateOptions, InspectOptions, PredictOptions
from gruta.tasks.caption.settings import CaptionSettings
from gruta.tasks.scores import Metric, deciding
from gruta.tasks.scoring import to_score
from gruta.tasks.task import Input, Judged, Look, Options, Report

if TYPE_CHECKING:
    import polars as pl

    from gruta.data.pictures.captioned import Captioned
    from gruta.report.page import Table
    from gruta.tasks.caption.evaluation import Evaluation
    from gruta.tasks.caption.head import CaptionHead
    from gruta.tasks.caption.lesson import CaptionLesson
    from gruta.tasks.caption.network import CaptionNetwork
    from gruta.tasks.caption.parts import CaptionsInParts
    from gruta.tasks.portrait import Portrait
    from gruta.tasks.trained import Trained


@dataclass(frozen=True)
class CaptionTask:
    """Caption pictures and clips by a recurrent network that looks at them."""

    name = "caption"
    summary = (
        "Train a captioner on DATA: pictures and clips with captions, in one language or several. "
        "A share is held out and scored beside the captions of the nearest pictures."
    )
    settings, codec, packages = CaptionSettings, CaptionCodec, ("PIL", "sacrebleu", "tokenizers")
    input = Input(
        "DATA",
        "Table with the file of a picture or a clip (GIF, APNG, WebP, video) and captions in each "
        "row, or a folder with a text file beside each picture.",
    )
    options = Options(evaluate=EvaluateOptions, predict=PredictOptions, inspect=InspectOptions)

    @property
    def metrics(self) -> Sequence[Metric]:
        """Of captions."""
        from gruta.tasks.caption.metrics import METRICS

        return METRICS

    def open(
        self, source: Any, settings: CaptionSettings, codec: CaptionCodec | None = None
    ) -> "Captioned":
        """The pictures of whatever holds them; pictures alone will do for who is asked."""
        from gruta.tasks.caption.parts import read

        return read(source, settings, asked=codec is not None)

    def of_text(self, text: str, codec: CaptionCodec) -> None:
        """No text is read."""

    def read(self, source: Any, settings: CaptionSettings) -> "CaptionsInParts":
        """Pictures in three parts, those that look the same, or of one group, in one."""
        from gruta.tasks.caption.parts import in_parts, read

        return in_parts(read(source, settings), settings)

    def fit_codec(self, data: "CaptionsInParts", settings: CaptionSettings) -> CaptionCodec:
        """The colours and the units of the training part."""
        from gruta.tasks.caption.parts import fitted

        return fitted(data.train, settings)

    def network(self, codec: CaptionCodec, settings: CaptionSettings) -> "CaptionNetwork":
        """Untrained."""
        from gruta.tasks.caption.network import CaptionNetwork

        return CaptionNetwork(codec, settings)

    def lesson(
        self,
        network: "CaptionNetwork",
        codec: CaptionCodec,
        data: "CaptionsInParts",
        settings: CaptionSettings,
    ) -> "CaptionLesson":
        """Pictures changed by chance, each with one of its captions."""
        from gruta.tasks.caption.lesson import CaptionLesson

        return CaptionLesson(network, codec, data.train, data.validation, settings)

    def settle(self, lesson: "CaptionLesson", codec: CaptionCodec) -> CaptionCodec:
        """How near a picture of the training part has to be for its caption to be taken."""
        return lesson.settled(codec)

    def head(self, trained: "Trained[CaptionCodec]") -> "CaptionHead":
        """The network on NumPy arrays."""
        from gruta.tasks.caption.head import head_of

        return head_of(trained)

    def held_out(self, source: Any, settings: CaptionSettings) -> Mapping[str, Any] | None:
        """The test's own file, or the share that was held out."""
        if settings.test:
            return {"source": settings.test, "train": source}
        return {"source": source} if settings.test_share else None

    def answer(self, trained: "Trained[CaptionCodec]", source: Any, **how: Any) -> "pl.DataFrame":
        """What is said of each picture: a row each, or several with `best`, the likeliest first."""
        from gruta.tasks.caption.answers import answered

        return answered(trained, source, **how).frame()

    def evaluate(
        self,
        trained: "Trained[CaptionCodec]",
        source: Any,
        *,
        train: Any = None,
        like: "Evaluation | None" = None,
        **how: Any,
    ) -> "Evaluation":
        """Scores on the test part of what was trained on, or on all of other pictures.

        train: what was trained on, for the simple models, where `source` is not that; by default
        what the run read, if that is still there and the same. like: of another network, trained
        and scored on the same; its simple models are not asked again.
        """
        from gruta.tasks.caption.evaluation import evaluate
        from gruta.tasks.caption.parts import asked_to_score, parts_of

        known = to_score(
            trained,
            asked_to_score(trained, source),
            partial(parts_of, trained),
            train=train,
            again=trained.source,
        )
        learned = known.parts.train if known.parts else None
        return evaluate(trained, known.test, learned, seen=known.seen, like=like, **how)

    def judged(self, found: "Evaluation") -> Judged:
        """BLEU, or the share of captions that are wholly right; those of a picture go together."""
        from gruta.tasks.caption.scores import rows_of

        metric = deciding(found.metrics)
        rows, own = rows_of(found.expected.shots), next(iter(found.counted.values()))

        def score(some: NDArray[np.int64]) -> float:
            at = np.concatenate([rows[i] for i in some])
            return own.bleu(at) if metric.name == "bleu" else float(own.exact[at].mean())

        return Judged(metric, len(rows), score)

    def verdict(self, found: "Evaluation") -> str:
        """Against the best simple model."""
        from gruta.tasks.caption.report import verdict

        return verdict(found)

    def scores(self, found: "Evaluation") -> "Table":
        """A row a model."""
        from gruta.tasks.caption.report import scores

        return scores(found)

    def report(
        self, trained: "Trained[CaptionCodec]", found: "Evaluation", metrics: list[dict[str, Any]]
    ) -> Report:
        """How good it is, what it says and looks at, how it learned."""
        from gruta.tasks.caption.report import report

        return report(trained, found, metrics)

    def look(self, trained: "Trained[CaptionCodec]", source: Any, *, number: int = 1) -> Look:
        """One picture, and how likely the network finds what is said of it."""
        from gruta.tasks.caption.look import look
        from gruta.tasks.caption.parts import read

        return look(trained, read(source, trained.settings, asked=True), number)

    def portrait(self, trained: "Trained[CaptionCodec]", source: Any = None) -> "Portrait":
        """What reads frames, and some pictures or clips."""
        from gruta.tasks.caption.parts import read
        from gruta.tasks.caption.portrait import portrait

        given = None if source is None else read(source, trained.settings, asked=True)
        return portrait(trained, given)


TASK = CaptionTask()
