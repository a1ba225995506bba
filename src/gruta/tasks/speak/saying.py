"""Texts said aloud: in pieces where they are long, each a spectrum, and these as samples."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from gruta.codec.audio.griffin_lim import sound_of
from gruta.codec.audio.mel import Frames, Samples
from gruta.codec.audio.saying import SayingCodec, sentences
from gruta.codec.text.signs import BLANK, is_heard
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

    units: of each piece, its characters or phonemes. unknown: those that training has not seen, and
    words without phonemes, which were left out. unseen: letters that the model of phonemes was not
    trained on.
    """

    text: str
    written: str
    units: Sequence[Sequence[str]]
    spectra: Sequence[Spectrum]
    unknown: Sequence[str]
    unseen: Sequence[str]
    codec: SayingCodec

    @property
    def pieces(self) -> list[str]:
        """Each as people read it."""
        return [self.codec.units.joined(units) for units in self.units]

    @property
    def phonemes(self) -> str | None:
        """All that was read; None where that is characters."""
        units = self.codec.units
        if units.kind == "characters":
            return None
        return units.joined([*chain.from_iterable([BLANK, *one] for one in self.units)][1:])

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
    text: str,
    *,
    seed: int = 0,
    variety: float | None = None,
) -> Said:
    """A text, whatever its length; InputError where nothing of it can be said."""
    reader, codec = head.reader, head.reader.codec
    written = codec.written_out(text)
    (units,) = reader.units([text])
    unknown = codec.unknown(units)
    able = _single_blanks([one for one in units if one not in unknown])
    if not any(map(is_heard, able)):
        if not written.strip():
            problem = _("expected a text, got nothing that can be said")
        elif codec.units.kind == "characters":
            problem = _("{text!r}: no letter of it was in what the network was trained on")
        else:
            problem = _("{text!r}: no phoneme of it was in what the network was trained on")
        raise InputError(text=problem.format(text=text if len(text) < 60 else f"{text[:59]}…"))
    pieces = [one for one in sentences(able, codec.longest - 1) if any(map(is_heard, one))]
    spectra = [
        head.say(codec.numbers(one), seed=seed + i, variety=variety) for i, one in enumerate(pieces)
    ]
    left_out = [*unknown, *reader.unsaid(text)]
    return Said(text, written, pieces, spectra, left_out, reader.unseen(text), codec)


def _single_blanks(units: Sequence[str]) -> list[str]:
    """White space as one blank each, and none at the ends."""
    plain = [BLANK if one.isspace() else one for one in units]
    pairs = zip(plain, [BLANK, *plain], strict=False)
    found = [one for one, before in pairs if {one, before} != {BLANK}]
    return found[:-1] if found[-1:] == [BLANK] else found
