"""`Speaker`: from recordings and texts to a network that speaks, in scikit-learn's manners."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gruta.arithmetic import as_usual
from gruta.codec.audio.mel import Samples
from gruta.codec.audio.saying import SayingCodec
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.tasks.estimator import Taught
from gruta.tasks.speak.saying import Said, say
from gruta.tasks.speak.task import TASK

if TYPE_CHECKING:
    from gruta.insight import XRay
    from gruta.tasks.speak.evaluation import Evaluation


class Speaker(Taught[SayingCodec]):
    """Says texts, by attention that only moves forward and a recurrent network that makes spectra.

    Settings are keyword arguments, those of `gruta.tasks.speak.settings.SpeakSettings`:

    >>> speaker = Speaker(steps=3000).fit("prompts/")
    >>> samples = speaker.speak("Please press 2.")

    With `phonemes="runs/cmudict-gru"`, a run of `gruta train translate` or its model file, the
    network reads the phonemes of words, and not their letters.

    Recordings are whatever `gruta.data.audio.read.read_recordings` takes, of one voice. What is
    said needs no PyTorch.
    """

    task = TASK

    @property
    def rate(self) -> int:
        """Samples a second of what it says."""
        return self._fitted().codec.rate

    @as_usual()
    def speak(self, text: str, *, vocoder: Any = None, seed: int = 0) -> Samples:
        """A text said `[N]`, at `rate`.

        vocoder: a trained `gruta.Vocoder` of the same spectra; without one the way of Griffin and
        Lim is taken. InputError where nothing of the text can be said.
        """
        found = self.say(text, seed=seed)
        if vocoder is None:
            return found.samples(seed=seed)
        if vocoder.trained_.codec.mel != self._fitted().codec.mel:
            raise InputError(vocoder=_("expected a vocoder of the same rate, bands and hop"))
        return found.samples(lambda log_mel: vocoder.make(log_mel, seed=seed))

    @as_usual()
    def say(self, text: str, *, seed: int = 0) -> Said:
        """The same before it is sound: `log_mel`, `written`, `pieces`, `phonemes`, `unknown`,
        `unseen`, `ended`.
        """
        trained = self._fitted()
        return say(trained.head, text, seed=seed)

    def predict(self, data: Sequence[str], **how: Any) -> list[Samples]:
        """Each text of a list said; how: see `speak`."""
        return [self.speak(text, **how) for text in data]

    @as_usual()
    def evaluate(
        self, data: Any, y: Sequence[str] | None = None, *, train: Any = None, **how: Any
    ) -> "Evaluation":
        """Scores beside simple models: on the test part of what was trained on, or on all of it.

        train: what was trained on, as `fit` takes it with its texts, for the simple models, where
        that is not `data` and cannot be read again. how: see `EvaluateOptions`.
        """
        source = data if y is None else (data, y)
        return TASK.evaluate(self._fitted(), source, train=train, **how)

    def score(self, data: Any, y: Sequence[str]) -> float:
        """How near it comes to recordings: mel cepstral distortion in decibels, below 0."""
        return -float(self.evaluate(data, y).scores[0].distortion)

    def xray(self, data: Any, *, number: int = 1) -> "XRay":
        """A look inside the network while it says one text of `data`, counted from 1."""
        from gruta.tasks.look import xrayed

        return xrayed(TASK, self._fitted(), data, number=number)
