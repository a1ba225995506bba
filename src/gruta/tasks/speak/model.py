"""A speaker from a model file: texts become samples."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from gruta.codec.audio.mel import Frames, Samples
from gruta.codec.audio.saying import SayingCodec
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.runtime import checks
from gruta.runtime.model import Model
from gruta.tasks.speak.saying import Said, say


@dataclass(frozen=True, eq=False)
class Sound:
    """samples: `[N]` from -1 to 1, `rate` a second."""

    samples: Samples
    rate: int


class SpeakModel(Model[SayingCodec]):
    """Says texts."""

    @property
    def rate(self) -> int:
        """Samples a second of what it says."""
        return self.codec.rate

    def __call__(self, text: Any, *, vocoder: Any = None, seed: int = 0) -> Sound:
        """A text said: samples and their rate.

        vocoder: a model of the task vocode, of the same spectra; without one the way of Griffin and
        Lim is taken. InputError where nothing of the text can be said.
        """
        said = self.say(text, seed=seed)
        if vocoder is None:
            return Sound(said.samples(seed=seed), self.rate)
        if getattr(vocoder, "task", None) != "vocode" or vocoder.codec.mel != self.codec.mel:
            problem = _("expected a vocoder of the same rate, bands and hop")
            raise InputError(vocoder=problem)
        return Sound(vocoder([said.log_mel], seed=seed)[0], self.rate)

    def say(self, text: Any, *, seed: int = 0) -> Said:
        """The same before it is sound: `log_mel`, `written`, `pieces`, `phonemes`, `unknown`,
        `unseen`, `ended`.
        """
        seed = checks.whole("seed", seed, 0, 2**31 - 1)
        return say(self.head, checks.text("text", text), seed=seed)

    def spectrum(self, text: Any, *, seed: int = 0) -> Frames:
        """Its log-mel spectrum `[T, bands]`."""
        return np.asarray(self.say(text, seed=seed).log_mel)


MODEL = SpeakModel
