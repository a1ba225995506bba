"""`Vocoder`: from recordings to a network that makes sounds, in scikit-learn's manners."""

from typing import TYPE_CHECKING, Any

from gruta.arithmetic import as_usual
from gruta.codec.audio.mel import Frames, Samples
from gruta.codec.audio.vocoder import VocoderCodec
from gruta.settings import resolve
from gruta.tasks.estimator import Estimator
from gruta.tasks.vocode.options import MakingOptions
from gruta.tasks.vocode.task import TASK

if TYPE_CHECKING:
    from gruta.insight import XRay
    from gruta.tasks.vocode.evaluation import Evaluation


class Vocoder(Estimator[VocoderCodec]):
    """Makes the samples of a sound from its log-mel spectrum, one after the other.

    Settings are keyword arguments, those of `gruta.tasks.vocode.settings.VocodeSettings`:

    >>> vocoder = Vocoder(steps=5000).fit("prompts/")
    >>> (copy,) = vocoder.predict(["hello.wav"])

    Recordings are whatever `gruta.data.audio.read.read_recordings` takes; what is said in them need
    not be known. What is made needs no PyTorch.
    """

    task = TASK

    @property
    def rate(self) -> int:
        """Samples a second that it makes."""
        return self._fitted().codec.rate

    @as_usual()
    def predict(self, data: Any, **how: Any) -> list[Samples]:
        """Of each recording a sound `[N]` made from its spectrum alone, at `rate`; how: see
        `gruta.tasks.vocode.options.MakingOptions`.
        """
        from gruta.tasks.sounds import Sounds
        from gruta.tasks.vocode.parts import read

        trained = self._fitted()
        sounds = Sounds(read(data, trained.settings), trained.codec.mel)
        return [self.make(sounds.log_mel(i), **how) for i in range(len(sounds))]

    @as_usual()
    def make(self, log_mel: Frames, **how: Any) -> Samples:
        """Samples `[(T − 1) · step]` of a log-mel spectrum `[T, bands]`."""
        options = resolve(MakingOptions, how)
        found: Samples = self._fitted().head.make(
            log_mel, seed=options.seed, temperature=options.temperature
        )
        return found

    @as_usual()
    def evaluate(self, data: Any, *, train: Any = None, **how: Any) -> "Evaluation":
        """Scores beside simple models: on the test part of what was trained on, or on all of it.

        train: what was trained on, for the simple models, where that is not `data` and cannot be
        read again. how: see `EvaluateOptions`.
        """
        return TASK.evaluate(self._fitted(), data, train=train, **how)

    def score(self, data: Any, y: None = None) -> float:
        """How likely it finds recordings: nats a sample, below 0."""
        return -float(self.evaluate(data).scores[0].nats)

    def xray(self, data: Any, *, number: int = 1) -> "XRay":
        """A look inside the network while it reads one recording of `data`, counted from 1."""
        from gruta.tasks.look import xrayed

        return xrayed(TASK, self._fitted(), data, number=number)
