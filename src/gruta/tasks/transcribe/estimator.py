"""`Transcriber`: from recordings and texts to a trained model, in scikit-learn's manners."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gruta.arithmetic import as_usual
from gruta.codec.audio.speech import SpeechCodec
from gruta.tasks.estimator import Taught
from gruta.tasks.transcribe.task import TASK

if TYPE_CHECKING:
    from gruta.insight import XRay
    from gruta.tasks.transcribe.evaluation import Evaluation
    from gruta.tasks.transcribe.heard import Heard


class Transcriber(Taught[SpeechCodec]):
    """Writes down what is said, by a recurrent network and CTC.

    Settings are keyword arguments, those of `gruta.tasks.transcribe.settings.TranscribeSettings`:

    >>> transcriber = Transcriber(steps=5000).fit("prompts/")
    >>> transcriber.predict(["hello.wav"])

    Recordings are whatever `gruta.data.audio.read.read_recordings` takes: files, samples `[N]` with
    `rate` set, or features `[T, C]`. What is predicted needs no PyTorch.
    """

    task = TASK

    @as_usual()
    def predict(self, data: Any, **how: Any) -> list[str]:
        """What is said in each recording; how: `gruta.tasks.transcribe.options.PredictOptions`."""
        return [texts[0].text for texts in self.nbest(data, **(how | {"best": 1}))]

    @as_usual()
    def nbest(self, data: Any, *, best: int = 5, **how: Any) -> "list[Sequence[Heard]]":
        """Of each recording what may be said, the likeliest first: `text`, `score`, `sure`, and
        `words` with their times.
        """
        from gruta.tasks.transcribe.answers import answered

        if isinstance(data, Sequence) and not isinstance(data, str) and not data:
            return []
        return list(answered(self._fitted(), data, best=best, **how).texts)

    @as_usual()
    def evaluate(
        self, data: Any, y: Sequence[str] | None = None, *, train: Any = None, **how: Any
    ) -> "Evaluation":
        """Scores beside simple models: on the test part of what was trained on, or on all of it.

        train: what was trained on, as `fit` takes it with its texts, for the simple models, where
        that is not `data` and cannot be read again. how: see `SearchOptions`.
        """
        source = data if y is None else (data, y)
        return TASK.evaluate(self._fitted(), source, train=train, **how)

    def score(self, data: Any, y: Sequence[str]) -> float:
        """The share of words that are right: 1 less the word error rate."""
        return 1 - float(self.evaluate(data, y).scores[0].wer)

    def xray(self, data: Any, *, number: int = 1) -> "XRay":
        """A look inside the network while it hears one recording of `data`, counted from 1."""
        from gruta.tasks.look import xrayed

        return xrayed(TASK, self._fitted(), data, number=number)
