"""Speech from texts as a task."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from gruta.codec.audio.saying import SayingCodec
from gruta.reading import Guess, Repair
from gruta.tasks.scores import Metric, deciding
from gruta.tasks.scoring import to_score
from gruta.tasks.speak.options import EvaluateOptions, InspectOptions
from gruta.tasks.speak.settings import SpeakSettings
from gruta.tasks.task import Input, Judged, Look, Options, Report

if TYPE_CHECKING:
    import polars as pl

    from gruta.data.audio.recordings import Recordings
    from gruta.report.page import Table
    from gruta.runtime.file import Contents
    from gruta.tasks.portrait import Portrait
    from gruta.tasks.speak.evaluation import Evaluation
    from gruta.tasks.speak.head import SpeakHead
    from gruta.tasks.speak.lesson import SpeakLesson
    from gruta.tasks.speak.network import SpeakNetwork
    from gruta.tasks.speak.parts import SayingsInParts
    from gruta.tasks.trained import Trained


@dataclass(frozen=True)
class Texts:
    """Texts that are to be said."""

    texts: Sequence[str]
    guesses: Sequence[Guess] = ()
    repairs: Sequence[Repair] = ()


@dataclass(frozen=True)
class SpeakTask:
    """Say texts aloud."""

    name = "speak"
    summary = (
        "Train a speaker on DATA: recordings of one voice with what is said in them, of which it "
        "learns to say texts. A share is held out and scored beside simple models."
    )
    settings, codec = SpeakSettings, SayingCodec
    packages = ("soundfile", "soxr")
    input = Input(
        "DATA",
        "Folder or table of recordings and what is said in them; to be asked, a .txt file of texts "
        "too, one a line.",
    )
    options = Options(evaluate=EvaluateOptions, inspect=InspectOptions)

    @property
    def metrics(self) -> Sequence[Metric]:
        """Of what is said."""
        from gruta.tasks.speak.metrics import METRICS

        return METRICS

    def open(
        self, source: Any, settings: SpeakSettings, codec: SayingCodec | None = None
    ) -> "Recordings | Texts":
        """The recordings of whatever holds them; texts alone will do for who is asked."""
        from gruta.tasks.speak.parts import read, texts_of

        if codec is not None and (isinstance(source, list) or str(source).endswith(".txt")):
            return Texts(tuple(texts_of(source, settings)))
        return read(source, settings)

    def of_text(self, text: str, codec: SayingCodec) -> "list[str]":
        """The text alone."""
        return [text]

    def read(self, source: Any, settings: SpeakSettings) -> "SayingsInParts":
        """Recordings in three parts, those of one file in one."""
        from gruta.tasks.speak.parts import in_parts, read

        return in_parts(read(source, settings), settings)

    def fit_codec(self, data: "SayingsInParts", settings: SpeakSettings) -> SayingCodec:
        """Units of texts, spectra and their scale in the training part."""
        return data.codec

    def network(self, codec: SayingCodec, settings: SpeakSettings) -> "SpeakNetwork":
        """Untrained."""
        from gruta.tasks.speak.network import SpeakNetwork

        return SpeakNetwork(codec, settings)

    def lesson(
        self,
        network: "SpeakNetwork",
        codec: SayingCodec,
        data: "SayingsInParts",
        settings: SpeakSettings,
    ) -> "SpeakLesson":
        """Recordings of about one length."""
        from gruta.tasks.speak.lesson import SpeakLesson

        return SpeakLesson(network, data.reader(codec), data.train, data.validation, settings)

    def inner(self, data: "SayingsInParts") -> "Contents | None":
        """What turns words into phonemes, if these are read."""
        return None if data.pronouncer is None else data.pronouncer.contents

    def settle(self, lesson: "SpeakLesson", codec: SayingCodec) -> SayingCodec:
        """Nothing of the codec is left to decide."""
        return codec

    def head(self, trained: "Trained[SayingCodec]") -> "SpeakHead":
        """The network on NumPy arrays."""
        from gruta.tasks.speak.head import head_of

        return head_of(trained)

    def held_out(self, source: Any, settings: SpeakSettings) -> Mapping[str, Any] | None:
        """The test's own file, or the share that was held out."""
        if settings.test:
            return {"source": settings.test, "train": source}
        return {"source": source} if settings.test_share else None

    def answer(self, trained: "Trained[SayingCodec]", source: Any) -> "pl.DataFrame":
        """How each text is said, and how long that takes."""
        from gruta.tasks.speak.answers import answered

        return answered(trained, plain(source))

    def evaluate(
        self,
        trained: "Trained[SayingCodec]",
        source: Any,
        *,
        train: Any = None,
        like: "Evaluation | None" = None,
        **how: Any,
    ) -> "Evaluation":
        """Scores on the test part of what was trained on, or on all of other recordings.

        train: what was trained on, for the simple models, where `source` is not that; by default
        what the run read, if that is still there and the same. like: of another network, trained
        and scored on the same; its simple models are not asked again.
        """
        from gruta.tasks.speak.evaluation import evaluate
        from gruta.tasks.speak.parts import parts_of, read

        given = read(source, trained.settings)
        known = to_score(
            trained, given, partial(parts_of, trained), train=train, again=trained.source
        )
        learned = known.parts.train if known.parts else None
        return evaluate(trained, known.test, learned, seen=known.seen, like=like, **how)

    def judged(self, found: "Evaluation") -> Judged:
        """How far the spectra are off, on average."""
        far = np.array(found.distortions)
        return Judged(deciding(self.metrics), len(far), lambda some: float(far[some].mean()))

    def verdict(self, found: "Evaluation") -> str:
        """Against the simple models."""
        from gruta.tasks.speak.report import verdict

        return verdict(found)

    def scores(self, found: "Evaluation") -> "Table":
        """A row a model."""
        from gruta.tasks.speak.report import scores

        return scores(found)

    def report(
        self, trained: "Trained[SayingCodec]", found: "Evaluation", metrics: list[dict[str, Any]]
    ) -> Report:
        """How good it is, how it sounds and what it looks at, how it learned."""
        from gruta.tasks.speak.report import report

        return report(trained, found, metrics)

    def look(self, trained: "Trained[SayingCodec]", source: Any, *, number: int = 1) -> Look:
        """One text that is said, and how far off the network is."""
        from gruta.tasks.speak.look import look

        return look(trained, plain(source), number)

    def portrait(self, trained: "Trained[SayingCodec]", source: Any = None) -> "Portrait":
        """What reads characters, and some texts."""
        from gruta.tasks.speak.look import asked
        from gruta.tasks.speak.portrait import portrait

        return portrait(trained, [] if source is None else asked(trained, plain(source))[0])


def plain(source: Any) -> Any:
    """Texts as a list, where they were opened before."""
    return list(source.texts) if isinstance(source, Texts) else source


TASK = SpeakTask()
