"""Texts said aloud: in pieces where they are long, each a spectrum, and these as samples."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from gruta.codec.audio.griffin_lim import sound_of
from gruta.codec.audio.mel import Frames, Samples
from gruta.codec.audio.saying import SayingCodec, sentences
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.tasks.speak.head import SpeakHead, Spectrum

PAUSE = 0.25
"""Seconds of silence between two pieces."""

Vocoder = Callable[[Frames], Samples]
"""Samples `[N]` of a log-mel spectrum `[T, bands]`."""


@dataclass(frozen=True, eq=False)
class Said:
    """A text, as it was written out, in pieces, and the spectrum of each.

    unknown: its characters that training has not seen, which were left out.
    """

    text: str
    written: str
    pieces: Sequence[str]
    spectra: Sequence[Spectrum]
    unknown: Sequence[str]
    codec: SayingCodec

    @property
    def ended(self) -> bool:
        """Whether each piece came to an end by itself."""
        return all(one.ended for one in self.spectra)

    @property
    def log_mel(self) -> Frames:
        """`[T, bands]` of all of it."""
        codec = self.codec
        gap = np.full((round(PAUSE * codec.rate / codec.mel.step), codec.mel.bands), codec.floor)
        parts = []
        for one in self.spectra:
            parts += [codec.decode(one.frames), gap.astype(np.float32)]
        return np.concatenate(parts[:-1])

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.log_mel) * self.codec.mel.step / self.codec.rate

    def samples(self, vocoder: Vocoder | None = None, seed: int = 0) -> Samples:
        """`[N]` at the codec's rate; without a vocoder by Griffin and Lim."""
        if vocoder is None:
            return sound_of(self.log_mel, self.codec.mel, seed=seed)
        return vocoder(self.log_mel)


def say(
    head: SpeakHead,
    codec: SayingCodec,
    text: str,
    *,
    seed: int = 0,
    variety: float | None = None,
) -> Said:
    """A text, whatever its length; InputError where nothing of it can be said."""
    written = codec.written_out(text)
    unknown = codec.unknown(text)
    able = " ".join("".join(one for one in written if one not in unknown).split())
    if not any(one.isalnum() for one in able):
        if not written.strip():
            problem = _("expected a text, got nothing that can be said")
        else:
            problem = _("{text!r}: no letter of it was in what the network was trained on")
        raise InputError(text=problem.format(text=text if len(text) < 60 else f"{text[:59]}…"))
    pieces = [one for one in sentences(able, codec.longest - 1) if any(c.isalnum() for c in one)]
    spectra = [
        head.say(codec.units.encode(one + "\n"), seed=seed + i, variety=variety)
        for i, one in enumerate(pieces)
    ]
    return Said(text, written, pieces, spectra, unknown, codec)
