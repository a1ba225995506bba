"""Recordings from which a network learns to make sounds: read, looked at, and in three parts."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from gruta.codec.audio.mel import Frames, Mel, Samples
from gruta.codec.scaler import Scaler
from gruta.data.audio.flaws import is_silent
from gruta.data.audio.read import read_recordings
from gruta.data.audio.recordings import Recordings, parted
from gruta.data.audio.sound import Sound
from gruta.data.audio.transcripts import Columns
from gruta.data.found import Found
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.reading import Repair
from gruta.settings import reading
from gruta.settings.sounds import mel_of

_HIGHEST = 24_000
"""Samples a second that are made, at most, where nobody says otherwise."""

_KEPT = 2**27
"""Samples that are kept in memory, at most; of more recordings each is read when it is needed."""

_SCALED = 2000
"""Recordings that scales are taken from, at most."""


class Wanted(Protocol):
    """What settings of such a task say; see `gruta.settings.sounds.SoundSettings`."""

    @property
    def audio_column(self) -> str:
        """Of a table."""

    @property
    def channel(self) -> int:
        """Of several."""

    @property
    def rate(self) -> int:
        """Samples a second; 0 for what most have."""

    @property
    def test(self) -> str:
        """The test's own file."""

    @property
    def test_share(self) -> float:
        """What is held out."""

    @property
    def validation_share(self) -> float:
        """What is held out of the rest."""

    @property
    def seed(self) -> int:
        """Of the draw."""


@dataclass(frozen=True, eq=False)
class ThreeParts:
    """Recordings for training, for validation and for the test."""

    train: Recordings
    validation: Recordings
    test: Recordings

    def fingerprint(self) -> str:
        """Of what training sees."""
        return f"{self.train.fingerprint()}{self.validation.fingerprint()}"

    def told(self) -> list[tuple[str, str]]:
        """How many recordings in each part, and how long those to train on are."""
        counts = {
            _("recordings to train on"): self.train,
            _("recordings to validate on"): self.validation,
            _("recordings of the test"): self.test,
        }
        found = [(name, number(len(part))) for name, part in counts.items() if len(part)]
        if self.train.kind == "sound":
            found.append((_("minutes to train on"), number(self.train.seconds / 60, 1)))
        return found


@dataclass(frozen=True, eq=False)
class SoundsInParts(ThreeParts):
    """The same, and the spectra of all."""

    mel: Mel

    def told(self) -> list[tuple[str, str]]:
        """And at which rate they are."""
        return [*super().told(), (_("samples a second"), number(self.mel.rate))]

    @cached_property
    def scaler(self) -> Scaler:
        """Of the bands, over the training part."""
        places = range(0, len(self.train), -(-len(self.train) // _SCALED))
        sounds = Sounds(self.train, self.mel)
        rows = np.concatenate([sounds.log_mel(i) for i in places])
        return Scaler.fit(rows.astype(np.float64))


def read(source: Any, settings: Any, *, text_column: str = "", lone: bool = True) -> Recordings:
    """The sounds of whatever holds them, but for silent ones, which are told as left out.

    lone: whether what is said in them need not be known. InputError for features, and where
    nothing is left.
    """
    s = settings
    columns = Columns(s.audio_column, text_column, "")
    found = read_recordings(source, columns, reading(s), channel=s.channel, rate=s.rate, lone=lone)
    if found.kind != "sound":
        problem = _("{source}: expected recordings, found features, of which no sound can be made")
        raise InputError(problem.format(source=found.source))
    return found if found is source else _of_use(found, s)


def _of_use(recordings: Recordings, settings: Wanted) -> Recordings:
    """Without those in which nothing is heard."""
    rate, found = settings.rate or usual_rate(recordings), Found()
    flaws = Found()
    kept = []
    for i, one in enumerate(recordings.utterances):
        if is_silent(recordings.samples(i, rate, flaws)):
            found.add(1, one.name, _("silent recordings"), _("left out"))
        else:
            kept.append(i)
            if _rate_of(one) != rate:
                kind = _("recordings of other rates than {rate} samples a second")
                done = _("resampled")
                found.add(1, one.name, kind.format(rate=number(rate)), done)
    if not kept:
        problem = _("{source}: expected sounds, found silence alone")
        raise InputError(problem.format(source=recordings.source))
    told = [one for one in flaws.repairs() if one.kind != _("silent recordings")]
    repairs: Sequence[Repair] = (*recordings.repairs, *found.repairs(), *told)
    return replace(recordings.pick(kept), repairs=tuple(repairs))


def _rate_of(one: Any) -> int:
    return int(one.sound.rate if isinstance(one.sound, Sound) else one.rate)


def usual_rate(recordings: Recordings) -> int:
    """What most have."""
    rates = Counter(map(_rate_of, recordings.utterances))
    return min(rates.most_common(1)[0][0], _HIGHEST)


def in_parts(recordings: Recordings, settings: Any, held: Recordings | None) -> SoundsInParts:
    """Training, validation and test, which is `held` where it has a file of its own; InputError
    where they are too few.
    """
    s = settings
    rest = recordings
    if held is None:
        rest, held = _held_out(recordings, s.test_share, s.seed)
    learned, chosen = _held_out(rest, s.validation_share, s.seed + 1)
    if not len(learned) or not len(chosen) or not (len(held) or not s.test_share):
        problem = _(
            "{source}: {count} recordings are too few to train, validate and test on; expected "
            "several different ones for each part"
        )
        raise InputError(problem.format(source=recordings.source, count=len(recordings)))
    return SoundsInParts(learned, chosen, held, mel_of(s, s.rate or usual_rate(learned)))


def _held_out(recordings: Recordings, share: float, seed: int) -> tuple[Recordings, Recordings]:
    if not share:
        return recordings, recordings.pick([])
    return parted(recordings, share, seed, "file")


class Sounds:
    """Samples and spectra of recordings, kept in memory while they are not too many."""

    def __init__(self, recordings: Recordings, mel: Mel) -> None:
        self.recordings, self.mel = recordings, mel
        self._kept: dict[int, tuple[Samples, Frames]] = {}
        self._room = _KEPT

    def __len__(self) -> int:
        return len(self.recordings)

    def samples(self, i: int) -> Samples:
        """`[N]` of one."""
        return self.both(i)[0]

    def log_mel(self, i: int) -> Frames:
        """`[T, bands]` of one."""
        return self.both(i)[1]

    def both(self, i: int) -> tuple[Samples, Frames]:
        """Samples `[N]` and their spectra `[T, bands]`."""
        if i in self._kept:
            return self._kept[i]
        samples = self.recordings.samples(i, self.mel.rate)
        found = samples, self.mel.of(samples)
        if len(samples) <= self._room:
            self._room -= len(samples)
            self._kept[i] = found
        return found

    def keeps(self, i: int) -> bool:
        """Whether one is in memory."""
        return i in self._kept

    def frames(self) -> "np.ndarray[Any, np.dtype[np.int64]]":
        """How many each has `[M]`, by its length."""
        seconds = [one.seconds for one in self.recordings.utterances]
        return np.array([self.mel.count(round(s * self.mel.rate)) for s in seconds], np.int64)
