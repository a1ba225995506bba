"""A recogniser from a model file: recordings become texts, each as a whole or as it comes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.codec.audio.speech import SpeechCodec
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.runtime import checks
from gruta.runtime.model import Model
from gruta.tasks.transcribe.heard import Heard, heard
from gruta.tasks.transcribe.stream import WIDEST, TranscribeStream, advanced

BEST = 1000


@dataclass(frozen=True)
class _How:
    beam: int
    ngram: bool


class TranscribeModel(Model[SpeechCodec]):
    """Writes down what is said in recordings."""

    @property
    def rate(self) -> int:
        """Samples a second that it hears; 0 where it reads features."""
        mel = self.codec.mel
        return 0 if mel is None else mel.rate

    def __call__(self, recordings: Any, **how: Any) -> list[str]:
        """What is said in each recording of a list; how: see `heard`."""
        return [several[0].text for several in self.heard(recordings, **how)]

    def heard(
        self,
        recordings: Any,
        *,
        rate: int | None = None,
        best: int = 1,
        beam: int = 16,
        ngram: bool = True,
    ) -> list[list[Heard]]:
        """Of each recording its likeliest texts, the best first, with words in time.

        recordings: samples `[N]` from -1 to 1 at `rate`, or features `[T, C]` where the model reads
        those. rate: of the samples, where it is to be checked. beam: texts that are followed side
        by side; 1: the likeliest character of each frame. ngram: ask what was counted beside the
        network. InputError names the recording that does not fit.
        """
        if rate is not None and rate != self.rate:
            problem = _("expected {expected} samples a second, got {rate}; resample them first")
            told = {"expected": number(self.rate), "rate": number(rate)}
            raise InputError(rate=problem.format(**told))
        best = checks.whole("best", best, 1, BEST)
        how = _How(checks.whole("beam", beam, 1, WIDEST), bool(ngram))
        given, mel = checks.arrays("recordings", recordings, self.checked), self.codec.mel
        frames = [self.codec.encode(one if mel is None else mel.of(one)) for one in given]
        return heard(self.head, self.codec, frames, how, best) if frames else []

    def stream(self, *, beam: int = 16, ngram: bool = True) -> TranscribeStream:  # type: ignore[override]
        """A recording that is heard as it comes; beam and ngram as `heard` has them. InputError
        where the network reads backwards too.
        """
        return TranscribeStream(self, beam, ngram)

    def _advance(self, ready: list[TranscribeStream]) -> None:
        advanced(self, ready)

    def checked(self, name: str, given: Any) -> NDArray[np.float32]:
        """Samples `[N]`, or features `[T, C]`; InputError for anything else."""
        if self.codec.mel is not None:
            return checks.samples(name, given)
        return checks.singles(name, given, ("frames", len(self.codec.names)))


MODEL = TranscribeModel
