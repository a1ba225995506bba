"""Recordings as the speaker learns from them: what is said, and the frames in which it is heard."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from gruta.codec.audio.mel import Frames
from gruta.codec.audio.saying import DEPTH, END, SayingCodec, heard, said
from gruta.codec.scaler import Scaler
from gruta.codec.text.numerals import Language
from gruta.codec.text.signs import Signs
from gruta.data.audio.recordings import Recordings
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.reading import Repair
from gruta.tasks import sounds
from gruta.tasks.sounds import Sounds, SoundsInParts
from gruta.tasks.speak.phonemes import opened
from gruta.tasks.speak.pronouncing import Pronouncer
from gruta.tasks.speak.reading import Reader, kind_of, spelled
from gruta.tasks.speak.settings import SpeakSettings
from gruta.tasks.trained import Trained

_PORTUGUESE = frozenset("ãõçáâêôíú")


@dataclass(frozen=True, eq=False)
class SayingsInParts:
    """Recordings for training, for validation and for the test."""

    parts: SoundsInParts
    settings: SpeakSettings

    @property
    def train(self) -> Recordings:
        """To learn from."""
        return self.parts.train

    @property
    def validation(self) -> Recordings:
        """To pick the weights."""
        return self.parts.validation

    @property
    def test(self) -> Recordings:
        """To score."""
        return self.parts.test

    def fingerprint(self) -> str:
        """Of what training sees."""
        return self.parts.fingerprint()

    def told(self) -> list[tuple[str, str]]:
        """How many recordings in each part, how long they are, and what is said in them."""
        codec, phonemes = self.codec, self.settings.phonemes
        title = _("phonemes and marks") if phonemes else _("characters")
        found = [*self.parts.told(), (title, number(codec.size - 1))]
        if phonemes:
            found.append((_("phonemes by"), phonemes))
        return [*found, (_("how numbers are said"), codec.language)]

    @cached_property
    def pronouncer(self) -> Pronouncer | None:
        """What turns words into phonemes, if these are read."""
        return opened(self.settings.phonemes) if self.settings.phonemes else None

    @cached_property
    def codec(self) -> SayingCodec:
        """Fitted on the training part."""
        return fitted(self.parts, self.settings, self.pronouncer)

    def reader(self, codec: SayingCodec) -> Reader:
        """Makes numbers of texts."""
        return Reader(codec, self.pronouncer)


def read(source: Any, settings: SpeakSettings) -> Recordings:
    """Recordings with what is said in them, but for those that are silent or too long."""
    s = settings
    found = sounds.read(source, s, text_column=s.text_column, lone=False)
    return found if found is source else _short(found, s)


def _short(recordings: Recordings, settings: SpeakSettings) -> Recordings:
    """Those that say something, and are no longer than is asked for."""
    kept = list(range(len(recordings)))
    digits, done = _("transcripts with digits"), _("written out as they are said")
    repairs = [replace(one, done=done) if one.kind == digits else one for one in recordings.repairs]
    texts = recordings.texts
    long = [i for i in kept if recordings.utterances[i].seconds > settings.longest]
    mute = [i for i in kept if not any(c.isalnum() for c in texts[i])]
    kinds = {
        _("recordings of more than {seconds} s").format(seconds=number(settings.longest)): long,
        _("transcripts without a letter or figure"): mute,
    }
    for kind, places in kinds.items():
        if places:
            names = tuple(recordings.utterances[i].name for i in places[:3])
            repairs.append(Repair(kind, len(places), names, _("left out")))
    kept = [i for i in kept if i not in {*long, *mute}]
    if not kept:
        problem = _("{source}: expected recordings of words, of {seconds} s or less, found none")
        told = problem.format(source=recordings.source, seconds=number(settings.longest))
        raise InputError(told)
    return replace(recordings.pick(kept), repairs=tuple(repairs))


def in_parts(recordings: Recordings, settings: SpeakSettings) -> SayingsInParts:
    """Training, validation and test; InputError where they are too few."""
    held = read(settings.test, settings) if settings.test else None
    return SayingsInParts(sounds.in_parts(recordings, settings, held), settings)


def fitted(
    parts: SoundsInParts, settings: SpeakSettings, pronouncer: Pronouncer | None = None
) -> SayingCodec:
    """Units, spectra, their scale, and how fast is spoken, in the training part."""
    s, train = settings, parts.train
    language = language_of(train.texts) if s.language == "auto" else s.language
    written = [said(text, language) for text in train.texts]
    if pronouncer is not None:
        pronouncer.require_said(written, s.phonemes)
    texts = [[*units, END] for units in spelled(written, pronouncer)]
    units = Signs.fit(texts, kind_of(pronouncer))
    kept = Sounds(train, parts.mel)
    frames = [spectrum(kept, i) for i in range(len(train))]
    rows = np.concatenate(frames).astype(np.float64)
    floor = float(np.percentile(rows, 99.9)) - DEPTH
    scaler = Scaler.fit(np.maximum(rows, floor))
    steps = np.array([-(-len(one) // s.together) for one in frames])
    lengths = np.array([len(text) for text in texts])
    pace = float(lengths.sum() / steps.sum())
    longest = int(lengths.max())
    return SayingCodec(units, language, parts.mel, scaler, floor, s.together, longest, pace)


def language_of(texts: Sequence[str]) -> Language:
    """Portuguese where more than one character of a hundred is of its own, else English."""
    letters = "".join(texts).lower()
    own = sum(one in _PORTUGUESE for one in letters)
    return "pt_BR" if own > 0.01 * len(letters) else "en"


def spectrum(kept: Sounds, i: int) -> Frames:
    """`[T, bands]` of one recording, without the silence around what is said."""
    log_mel = kept.log_mel(i)
    return log_mel[heard(log_mel)]


def parts_of(trained: Trained[SayingCodec], source: Any) -> SayingsInParts:
    """Recordings, opened or not, in the parts of a run that learned from them."""
    return in_parts(read(source, trained.settings), trained.settings)


def texts_of(source: Any, settings: SpeakSettings) -> list[str]:
    """What is to be said: of a list of texts, a file of lines, or recordings with transcripts."""
    if isinstance(source, Recordings):
        return source.texts
    if isinstance(source, Sequence) and not isinstance(source, str):
        if all(isinstance(one, str) for one in source) and source:
            return list(source)
    elif isinstance(source, str | Path) and Path(source).suffix.lower() == ".txt":
        from gruta.data.pairs import read_lines

        return [line for line in read_lines(Path(source), settings.encoding)[0] if line.strip()]
    return read(source, settings).texts
