"""Speech recognition as a task: recordings become texts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from gruta.codec.audio.speech import SpeechCodec
from gruta.tasks.scores import Metric, deciding
from gruta.tasks.scoring import to_score
from gruta.tasks.task import Input, Judged, Look, Options, Report
from gruta.tasks.transcribe.errors import rate
from gruta.tasks.transcribe.options import EvaluateOptions, InspectOptions, PredictOptions
from gruta.tasks.transcribe.settings import TranscribeSettings

if TYPE_CHECKING:
    import polars as pl

    from gruta.data.audio.recordings import Recordings
    from gruta.report.page import Table
    from gruta.tasks.portrait import Portrait
    from gruta.tasks.trained import Trained
    from gruta.tasks.transcribe.evaluation import Evaluation
    from gruta.tasks.transcribe.head import TranscribeHead
    from gruta.tasks.transcribe.lesson import TranscribeLesson
    from gruta.tasks.transcribe.network import TranscribeNetwork
    from gruta.tasks.transcribe.parts import RecordingsInParts


@dataclass(frozen=True)
class TranscribeTask:
    """Write down what is said, by a recurrent network and CTC."""

    name = "transcribe"
    summary = (
        "Train a recogniser of speech on DATA: a folder or table of recordings with what is said "
        "in them, one of Kaldi's, or an .npz file of features. A share is held out and scored "
        "beside nearest neighbours."
    )
    settings, codec = TranscribeSettings, SpeechCodec
    packages = ("soundfile", "soxr", "jiwer")
    input = Input(
        "DATA",
        "Folder, CSV, Excel, Parquet or JSON lines file of recordings and their transcripts, .npz "
        "file of features; to be asked, a sound file too.",
    )
    options = Options(evaluate=EvaluateOptions, predict=PredictOptions, inspect=InspectOptions)

    @property
    def metrics(self) -> Sequence[Metric]:
        """Of what is heard."""
        from gruta.tasks.transcribe.metrics import METRICS

        return METRICS

    def open(
        self, source: Any, settings: TranscribeSettings, codec: SpeechCodec | None = None
    ) -> "Recordings":
        """The recordings of whatever holds them; without transcripts for who is asked."""
        from gruta.tasks.transcribe.parts import as_codec_hears, read

        if codec is None:
            return read(source, settings)
        return as_codec_hears(codec, read(source, settings, asked=True))

    def of_text(self, text: str, codec: SpeechCodec) -> None:
        """It reads no text."""
        return

    def read(self, source: Any, settings: TranscribeSettings) -> "RecordingsInParts":
        """Recordings in three parts, those of one file or speaker in one."""
        from gruta.tasks.transcribe.parts import in_parts, read

        return in_parts(read(source, settings), settings)

    def fit_codec(self, data: "RecordingsInParts", settings: TranscribeSettings) -> SpeechCodec:
        """Characters, spectra and scales of the training part."""
        return data.codec

    def network(self, codec: SpeechCodec, settings: TranscribeSettings) -> "TranscribeNetwork":
        """Untrained."""
        from gruta.tasks.transcribe.network import TranscribeNetwork

        return TranscribeNetwork(codec, settings)

    def lesson(
        self,
        network: "TranscribeNetwork",
        codec: SpeechCodec,
        data: "RecordingsInParts",
        settings: TranscribeSettings,
    ) -> "TranscribeLesson":
        """Batches by length."""
        from gruta.tasks.transcribe.lesson import TranscribeLesson

        return TranscribeLesson(network, codec, data.train, data.validation, settings)

    def settle(self, lesson: "TranscribeLesson", codec: SpeechCodec) -> SpeechCodec:
        """Nothing of the codec is left to decide."""
        return codec

    def count(self, lesson: "TranscribeLesson", codec: SpeechCodec) -> Mapping[str, Any]:
        """The n-gram model with which the validation part is heard best; nothing where none is
        wanted, or helps.
        """
        if lesson.settings.ngram == "none":
            return {}
        from gruta.tasks.transcribe.language import chosen

        log_p = lesson.log_probabilities()
        found = chosen(codec, lesson.settings, lesson.texts, log_p, lesson.truth)
        return {} if found is None else found.to_arrays()

    def head(self, trained: "Trained[SpeechCodec]") -> "TranscribeHead":
        """The network on NumPy arrays."""
        from gruta.tasks.transcribe.head import head_of

        return head_of(trained)

    def held_out(self, source: Any, settings: TranscribeSettings) -> Mapping[str, Any] | None:
        """The test's own file, or the share that was held out."""
        if settings.test:
            return {"source": settings.test, "train": source}
        return {"source": source} if settings.test_share else None

    def answer(self, trained: "Trained[SpeechCodec]", source: Any, **how: Any) -> "pl.DataFrame":
        """What is said in each recording: a row each, or several with `best`."""
        from gruta.tasks.transcribe.answers import answered

        return answered(trained, source, **how).frame()

    def evaluate(
        self,
        trained: "Trained[SpeechCodec]",
        source: Any,
        *,
        train: Any = None,
        like: "Evaluation | None" = None,
        **how: Any,
    ) -> "Evaluation":
        """Scores on the test part of what was trained on, or on all of other recordings.

        train: what was trained on, for the simple models, where `source` is not that; by default
        what the run read, if that is still there and the same. like: of another network, trained
        and scored on the same; its simple models are not fitted again.
        """
        from gruta.tasks.transcribe.evaluation import evaluate
        from gruta.tasks.transcribe.parts import as_codec_hears, parts_of, to_be_scored

        given = as_codec_hears(trained.codec, to_be_scored(source, trained.settings))
        known = to_score(
            trained, given, partial(parts_of, trained), train=train, again=trained.source
        )
        learned = known.parts.train if known.parts else None
        return evaluate(trained, known.test, learned, seen=known.seen, like=like, **how)

    def judged(self, found: "Evaluation") -> Judged:
        """The share of wrong words."""
        edits, words = found.errors.word_edits, found.errors.words
        return Judged(
            deciding(self.metrics), len(words), lambda some: rate(edits[some], words[some])
        )

    def verdict(self, found: "Evaluation") -> str:
        """Against the best simple model."""
        from gruta.tasks.transcribe.report import verdict

        return verdict(found)

    def scores(self, found: "Evaluation") -> "Table":
        """A row a model."""
        from gruta.tasks.transcribe.report import scores

        return scores(found)

    def report(
        self, trained: "Trained[SpeechCodec]", found: "Evaluation", metrics: list[dict[str, Any]]
    ) -> Report:
        """How good it is, what it hears and where, how it learned."""
        from gruta.tasks.transcribe.report import report

        return report(trained, found, metrics)

    def look(self, trained: "Trained[SpeechCodec]", source: Any, *, number: int = 1) -> Look:
        """One recording, and how likely the network finds what is said."""
        from gruta.tasks.transcribe.look import look
        from gruta.tasks.transcribe.parts import as_codec_hears, read

        recordings = as_codec_hears(trained.codec, read(source, trained.settings, asked=True))
        return look(trained, recordings, number)

    def portrait(self, trained: "Trained[SpeechCodec]", source: Any = None) -> "Portrait":
        """Its layers, and some recordings."""
        from gruta.tasks.transcribe.parts import as_codec_hears, read
        from gruta.tasks.transcribe.portrait import portrait

        if source is None:
            return portrait(trained, None)
        given = read(source, trained.settings, asked=True)
        return portrait(trained, as_codec_hears(trained.codec, given))


TASK = TranscribeTask()
