"""Sounds from spectra as a task: the vocoder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from gruta.codec.audio.vocoder import VocoderCodec
from gruta.tasks.scores import Metric, deciding
from gruta.tasks.scoring import to_score
from gruta.tasks.task import Input, Judged, Look, Options, Report
from gruta.tasks.vocode.options import EvaluateOptions, InspectOptions
from gruta.tasks.vocode.settings import VocodeSettings

if TYPE_CHECKING:
    import polars as pl

    from gruta.data.audio.recordings import Recordings
    from gruta.report.page import Table
    from gruta.tasks.portrait import Portrait
    from gruta.tasks.sounds import SoundsInParts
    from gruta.tasks.trained import Trained
    from gruta.tasks.vocode.evaluation import Evaluation
    from gruta.tasks.vocode.head import VocodeHead
    from gruta.tasks.vocode.lesson import VocodeLesson
    from gruta.tasks.vocode.network import VocodeNetwork


@dataclass(frozen=True)
class VocodeTask:
    """Make a sound of its spectrum, sample by sample."""

    name = "vocode"
    summary = (
        "Train a vocoder on DATA: recordings, of which it learns to make the samples from their "
        "spectra, for gruta speak. A share is held out and scored beside Griffin and Lim's way."
    )
    settings, codec = VocodeSettings, VocoderCodec
    packages = ("soundfile", "soxr")
    input = Input(
        "DATA",
        "Folder of recordings, a table that names them, or a sound file; what is said in them need "
        "not be known.",
    )
    options = Options(evaluate=EvaluateOptions, inspect=InspectOptions)

    @property
    def metrics(self) -> Sequence[Metric]:
        """Of sounds."""
        from gruta.tasks.vocode.metrics import METRICS

        return METRICS

    def open(
        self, source: Any, settings: VocodeSettings, codec: VocoderCodec | None = None
    ) -> "Recordings":
        """The recordings of whatever holds them."""
        from gruta.tasks.vocode.parts import read

        return read(source, settings)

    def of_text(self, text: str, codec: VocoderCodec) -> None:
        """It reads no text."""
        return

    def read(self, source: Any, settings: VocodeSettings) -> "SoundsInParts":
        """Recordings in three parts, those of one file in one."""
        from gruta.tasks.vocode.parts import in_parts, read

        return in_parts(read(source, settings), settings)

    def fit_codec(self, data: "SoundsInParts", settings: VocodeSettings) -> VocoderCodec:
        """Spectra and their scale in the training part."""
        from gruta.tasks.vocode.parts import fitted

        return fitted(data, settings)

    def network(self, codec: VocoderCodec, settings: VocodeSettings) -> "VocodeNetwork":
        """Untrained."""
        from gruta.tasks.vocode.network import VocodeNetwork

        return VocodeNetwork(codec, settings)

    def lesson(
        self,
        network: "VocodeNetwork",
        codec: VocoderCodec,
        data: "SoundsInParts",
        settings: VocodeSettings,
    ) -> "VocodeLesson":
        """Stretches of sound."""
        from gruta.tasks.vocode.lesson import VocodeLesson

        return VocodeLesson(network, codec, data.train, data.validation, settings)

    def settle(self, lesson: "VocodeLesson", codec: VocoderCodec) -> VocoderCodec:
        """Nothing of the codec is left to decide."""
        return codec

    def head(self, trained: "Trained[VocoderCodec]") -> "VocodeHead":
        """The network on NumPy arrays."""
        from gruta.tasks.vocode.head import head_of

        return head_of(trained)

    def held_out(self, source: Any, settings: VocodeSettings) -> Mapping[str, Any] | None:
        """The test's own file, or the share that was held out."""
        if settings.test:
            return {"source": settings.test, "train": source}
        return {"source": source} if settings.test_share else None

    def answer(self, trained: "Trained[VocoderCodec]", source: Any) -> "pl.DataFrame":
        """How likely it finds the samples of each recording."""
        from gruta.tasks.vocode.answers import answered

        return answered(trained, source)

    def evaluate(
        self,
        trained: "Trained[VocoderCodec]",
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
        from gruta.tasks.vocode.evaluation import evaluate
        from gruta.tasks.vocode.parts import parts_of, read

        given = read(source, trained.settings)
        known = to_score(
            trained, given, partial(parts_of, trained), train=train, again=trained.source
        )
        learned = known.parts.train if known.parts else None
        return evaluate(trained, known.test, learned, seen=known.seen, like=like, **how)

    def judged(self, found: "Evaluation") -> Judged:
        """Nats a sample."""
        nats, counts = np.array(found.nats), np.array(found.samples)
        metric = deciding(self.metrics)
        return Judged(
            metric, len(nats), lambda some: float(np.average(nats[some], weights=counts[some]))
        )

    def verdict(self, found: "Evaluation") -> str:
        """Against the simple models."""
        from gruta.tasks.vocode.report import verdict

        return verdict(found)

    def scores(self, found: "Evaluation") -> "Table":
        """A row a model."""
        from gruta.tasks.vocode.report import scores

        return scores(found)

    def report(
        self, trained: "Trained[VocoderCodec]", found: "Evaluation", metrics: list[dict[str, Any]]
    ) -> Report:
        """How good and how fast it is, how it sounds, how it learned."""
        from gruta.tasks.vocode.report import report

        return report(trained, found, metrics)

    def look(self, trained: "Trained[VocoderCodec]", source: Any, *, number: int = 1) -> Look:
        """A stretch of one recording, and how likely the network finds it."""
        from gruta.tasks.vocode.look import look
        from gruta.tasks.vocode.parts import read

        return look(trained, read(source, trained.settings), number)

    def portrait(self, trained: "Trained[VocoderCodec]", source: Any = None) -> "Portrait":
        """Its layer, and some recordings."""
        from gruta.tasks.vocode.parts import read
        from gruta.tasks.vocode.portrait import portrait

        return portrait(trained, None if source is None else read(source, trained.settings))


TASK = VocodeTask()
