"""A vocoder from a model file: log-mel spectra become samples."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from gruta.codec.audio.mel import Frames, Samples
from gruta.codec.audio.vocoder import VocoderCodec
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.runtime import checks
from gruta.runtime.model import Model


class VocodeModel(Model[VocoderCodec]):
    """Makes sounds."""

    @property
    def rate(self) -> int:
        """Samples a second that it makes."""
        return self.codec.rate

    def __call__(self, spectra: Any, *, temperature: float = 0.9, seed: int = 0) -> list[Samples]:
        """Samples `[(T − 1) · step]` from -1 to 1 of each log-mel spectrum `[T, bands]` of a list.

        temperature: below 1 the likeliest is likelier still. InputError names what does not fit.
        """
        temperature = checks.real("temperature", temperature, 1e-3, 10)
        seed = checks.whole("seed", seed, 0)
        return [
            self.head.make(one, seed=seed, temperature=temperature) for one in self._frames(spectra)
        ]

    def log_mel(self, samples: Any) -> Frames:
        """The spectrum `[T, bands]`, as it reads them, of samples `[N]` at `rate` a second."""
        values = checks.numbers("samples", samples, ("samples",), False).astype(np.float32)
        return self.codec.mel.of(values)

    def _frames(self, spectra: Any) -> list[Frames]:
        if isinstance(spectra, str | bytes) or not isinstance(spectra, Sequence | np.ndarray):
            problem = _("expected a list of arrays, got {kind}")
            raise InputError(spectra=problem.format(kind=type(spectra).__name__))
        found = []
        axes = ("frames", self.codec.mel.bands)
        for i, one in enumerate(spectra):
            values = checks.numbers(f"spectra[{i}]", one, axes, False).astype(np.float32)
            if not len(values):
                raise InputError(**{f"spectra[{i}]": _("expected at least one step")})
            found.append(values)
        return found


MODEL = VocodeModel
