"""Recordings with what is said in them, whose samples are read when they are asked for."""

import hashlib
import math
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from gruta.codec.audio.mel import Frames, Samples
from gruta.data.audio.arrays import read_features
from gruta.data.audio.flaws import tell_flaws
from gruta.data.audio.resample import resampled
from gruta.data.audio.sound import Place, Sound, content_of, read_samples
from gruta.data.found import Found
from gruta.data.parts import apart
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.reading import Guess, Repair

Kind = Literal["sound", "features"]
By = Literal["auto", "speaker", "file"]

FEWEST_SPEAKERS = 10
"""Of fewer, whole speakers are held out only where that is asked for."""


@dataclass(frozen=True, eq=False)
class Utterance:
    """One recording, or a stretch of one, and what is said in it.

    sound: a file's description, samples `[N]` at `rate` a second, or features `[T, C]`, of which
    a `Place` is one that Kaldi wrote. start, stop: seconds of the sound, None for its end. text:
    None where it is not known. speaker: None where nobody said.
    """

    name: str
    sound: Sound | Place | Samples | Frames
    text: str | None
    speaker: str | None = None
    start: float = 0.0
    stop: float | None = None
    rate: int = 0

    @property
    def seconds(self) -> float:
        """How long it is; NaN for features, which do not tell."""
        if isinstance(self.sound, Sound):
            whole = self.sound.seconds
        elif self.rate and isinstance(self.sound, np.ndarray):
            whole = len(self.sound) / self.rate
        else:
            return math.nan
        return (whole if self.stop is None else min(self.stop, whole)) - self.start

    @property
    def source(self) -> str:
        """What it was cut from."""
        if isinstance(self.sound, Sound):
            return str(self.sound.place)
        return self.name


@dataclass(frozen=True, eq=False)
class Recordings:
    """Some, in order. source: as messages name them. channel: which is taken of several, from 1;
    0 for their mean.
    """

    kind: Kind
    utterances: tuple[Utterance, ...]
    source: str
    channel: int = 0
    guesses: tuple[Guess, ...] = ()
    repairs: tuple[Repair, ...] = ()

    def __len__(self) -> int:
        return len(self.utterances)

    @property
    def texts(self) -> list[str]:
        """What is said in each; InputError where that is not known."""
        for one in self.utterances:
            if one.text is None:
                problem = _(
                    "{source}: expected what is said in each recording, found none for {name}; "
                    "give a table with a column of transcripts, or a .txt file beside each"
                )
                raise InputError(problem.format(source=self.source, name=one.name))
        return [one.text or "" for one in self.utterances]

    @property
    def speakers(self) -> list[str] | None:
        """Who speaks in each; None unless that is known of all."""
        found = [one.speaker for one in self.utterances if one.speaker is not None]
        return found if len(found) == len(self) else None

    @property
    def seconds(self) -> float:
        """How long all are together."""
        return math.fsum(one.seconds for one in self.utterances)

    def pick(self, places: Iterable[int]) -> "Recordings":
        """These, in this order."""
        return replace(self, utterances=tuple(self.utterances[i] for i in places))

    def samples(self, i: int, rate: int, found: Found | None = None) -> Samples:
        """One `[N]`, at so many samples a second; found: is told where it is silent or clipped."""
        one = self.utterances[i]
        if isinstance(one.sound, Sound):
            about = {"start": one.start, "stop": one.stop, "channel": self.channel}
            samples = read_samples(one.sound, rate, found, **about)  # type: ignore[arg-type]
        elif isinstance(one.sound, np.ndarray) and one.rate:
            last = None if one.stop is None else round(one.stop * one.rate)
            samples = resampled(one.sound[round(one.start * one.rate) : last], one.rate, rate)
        else:
            problem = _("{name}: features, of which no samples can be made")
            raise InputError(problem.format(name=one.name))
        if found is not None:
            tell_flaws(samples, one.name, found)
        return samples

    def features(self, i: int) -> Frames:
        """Those that were given `[T, C]`; InputError for recordings."""
        one = self.utterances[i]
        if self.kind != "features" or isinstance(one.sound, Sound):
            raise InputError(_("{name}: a sound, not features").format(name=one.name))
        return one.sound if isinstance(one.sound, np.ndarray) else read_features(one.sound)

    def fingerprint(self) -> str:
        """SHA-256 of all recordings as their files hold them, where each is cut, and texts."""
        found = hashlib.sha256(f"{self.kind} {self.channel}".encode())
        for one, content in zip(self.utterances, self.contents(), strict=True):
            cut = f"{content} {one.start} {one.stop} {one.speaker}".encode()
            found.update(cut + b"\xfe" + (one.text or "").encode() + b"\xff")  # bytes of no text
        return found.hexdigest()

    def contents(self) -> list[str]:
        """A word for what each file or array holds, the same for those that hold the same."""
        known: dict[Place, str] = {}
        found = []
        for one in self.utterances:
            if isinstance(one.sound, Sound):
                place = one.sound.place
                if place not in known:
                    with content_of(place) as content:
                        known[place] = hashlib.file_digest(content, "sha256").hexdigest()
                found.append(known[place])
            else:
                array = read_features(one.sound) if isinstance(one.sound, Place) else one.sound
                head = f"{array.shape} {one.rate} ".encode()
                numbers = np.ascontiguousarray(array, "<f4").tobytes()
                found.append(hashlib.sha256(head + numbers).hexdigest())
        return found


def parted(
    recordings: Recordings, share: float, seed: int, by: By = "auto"
) -> tuple[Recordings, Recordings]:
    """Most of them, and about `share` of them that are held out.

    Stretches of one file, and files that hold the same, stand on one side; by "speaker" all that
    one speaker said does too, as by "auto" where ten or more are known. InputError where speakers
    are asked for and not known.
    """
    speakers = recordings.speakers
    if by == "speaker" and speakers is None:
        problem = _("{source}: expected who speaks in each recording, which is not known of all")
        raise InputError(problem.format(source=recordings.source))
    groups: Sequence[str] = recordings.contents()
    if speakers and (by == "speaker" or (by == "auto" and len(set(speakers)) >= FEWEST_SPEAKERS)):
        groups = _joined(speakers, groups)
    held, kept = apart(groups, share, seed)
    return recordings.pick(kept), recordings.pick(held)


def _joined(speakers: Sequence[str], contents: Sequence[str]) -> list[str]:
    """Speakers, those of whom the same files are known under one name."""
    first: dict[str, str] = {}
    root = {name: name for name in speakers}

    def head(name: str) -> str:
        while root[name] != name:
            name = root[name]
        return name

    for speaker, content in zip(speakers, contents, strict=True):
        root[head(speaker)] = head(first.setdefault(content, speaker))
    return [head(name) for name in speakers]


def plain(text: str) -> str:
    """A transcript as it is kept: accents composed (NFC), one blank between words."""
    return " ".join(unicodedata.normalize("NFC", text).split())
