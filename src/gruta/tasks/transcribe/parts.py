"""Recordings as the recogniser hears them: what is trained on, what is held out, what is asked."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from gruta.codec.audio.ctc import Numbers, frames_needed
from gruta.codec.audio.mel import Frames, Mel
from gruta.codec.audio.speech import SpeechCodec
from gruta.codec.audio.transcripts import spelled
from gruta.codec.scaler import Scaler
from gruta.codec.text.units import Units
from gruta.data.audio.read import read_recordings
from gruta.data.audio.recordings import Recordings, Utterance, parted
from gruta.data.audio.sound import Sound
from gruta.data.audio.transcripts import Columns
from gruta.data.found import Found
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.reading import Repair
from gruta.settings import reading
from gruta.tasks.sounds import ThreeParts
from gruta.tasks.trained import Trained
from gruta.tasks.transcribe.front import frames_left
from gruta.tasks.transcribe.settings import TranscribeSettings

_HIGHEST = 16_000
"""Samples a second that speech is heard at, at most, where nobody says otherwise."""

_LISTENED, _SHORT = 36_000.0, 60.0
"""Seconds that are listened to for silent and clipped recordings, at most: of all, and of each."""

_SCALED = 2000
"""Recordings that scales are taken from, at most."""


@dataclass(frozen=True, eq=False)
class RecordingsInParts(ThreeParts):
    """Recordings with what is said in them."""

    settings: TranscribeSettings

    def told(self) -> list[tuple[str, str]]:
        """And who speaks, in how many characters."""
        found = super().told()
        if self.train.speakers is not None:
            found.append((_("speakers to train on"), number(len(set(self.train.speakers)))))
        found.append((_("characters"), number(self.codec.size - 1)))
        return found

    @cached_property
    def codec(self) -> SpeechCodec:
        """Fitted on the training part."""
        return fitted(self.train, self.settings)


def read(source: Any, settings: TranscribeSettings, *, asked: bool = False) -> Recordings:
    """The recordings of whatever holds them; without transcripts where a trained model is asked."""
    s = settings
    columns = Columns(s.audio_column, s.text_column, s.speaker_column)
    found = read_recordings(source, columns, reading(s), channel=s.channel, rate=s.rate, lone=asked)
    found = _with_flaws(found, s)
    return found if asked else _with_words(found, s)


def _with_flaws(recordings: Recordings, settings: TranscribeSettings) -> Recordings:
    """With silent and clipped ones told, unless there is more of them than is worth reading."""
    if recordings.kind != "sound" or recordings.seconds > _LISTENED:
        return recordings
    rate, found = settings.rate or usual_rate(recordings), Found()
    for i, one in enumerate(recordings.utterances):
        if one.seconds <= _SHORT:
            recordings.samples(i, rate, found)
    known_already = {one.kind for one in recordings.repairs}
    told = [one for one in found.repairs() if one.kind not in known_already]
    return replace(recordings, repairs=(*recordings.repairs, *told))


def _with_words(recordings: Recordings, settings: TranscribeSettings) -> Recordings:
    """Those of which something is left once it is spelled; the others are told."""
    s = settings
    left = [bool(spelled(text, s.capitals, s.marks)) for text in recordings.texts]
    if all(left):
        return recordings
    mute = [one.name for one, says in zip(recordings.utterances, left, strict=True) if not says]
    if len(mute) == len(left):
        problem = _("{source}: expected words in the transcripts, found none")
        raise InputError(problem.format(source=recordings.source))
    kind, done = _("transcripts without a letter or figure"), _("left out")
    repair = Repair(kind, len(mute), tuple(mute[:3]), done)
    kept = recordings.pick(i for i, says in enumerate(left) if says)
    return replace(kept, repairs=(*kept.repairs, repair))


def in_parts(recordings: Recordings, settings: TranscribeSettings) -> RecordingsInParts:
    """Training, validation and test; InputError where they are too few, or one is too short."""
    s = settings
    if s.test:
        rest, held = recordings, read(s.test, s)
        _require_alike(held, rest)
    else:
        rest, held = _held_out(recordings, s.test_share, s.seed, s)
    learned, chosen = _held_out(rest, s.validation_share, s.seed + 1, s)
    if not len(learned) or not len(chosen) or not (len(held) or not s.test_share):
        problem = _(
            "{source}: {count} recordings are too few to train, validate and test on; expected "
            "several different ones for each part"
        )
        raise InputError(problem.format(source=recordings.source, count=len(recordings)))
    found = RecordingsInParts(learned, chosen, held, s)
    for part in (learned, chosen):
        require_room(part, found.codec, s)
    return found


def _held_out(
    recordings: Recordings, share: float, seed: int, settings: TranscribeSettings
) -> tuple[Recordings, Recordings]:
    if not share:
        return recordings, recordings.pick([])
    return parted(recordings, share, seed, settings.held_out)


def _require_alike(test: Recordings, train: Recordings) -> None:
    if test.kind != train.kind:
        names = {"sound": _("sounds"), "features": _("features")}
        problem = _("{test}: expected {wanted}, as in {train}, found {found}")
        told = {"wanted": names[train.kind], "found": names[test.kind]}
        raise InputError(problem.format(test=test.source, train=train.source, **told))


def fitted(train: Recordings, settings: TranscribeSettings) -> SpeechCodec:
    """Characters, spectra and scales of the training part."""
    s = settings
    texts = [spelled(text, s.capitals, s.marks) for text in train.texts]
    units = Units.fit(texts, "characters", 1, 100_000)
    mel = None
    if train.kind == "sound":
        rate = s.rate or usual_rate(train)
        mel = Mel(rate, s.bands, window=max(0.025, s.hop / 1000), hop=s.hop / 1000)
    places = range(0, len(train), -(-len(train) // _SCALED))
    frames = [own for i in places if len(own := frames_of(train, i, mel))]
    if not frames:
        problem = _("{source}: expected recordings of a frame or more, found none")
        raise InputError(problem.format(source=train.source))
    scaler = Scaler.fit(np.concatenate(frames).astype(np.float64))
    longest = max(counted(one, mel) for one in train.utterances) * s.hop / 1000
    names = tuple(f"{'mel' if mel else 'x'}{k + 1}" for k in range(len(scaler.mean)))
    how = (s.capitals, s.marks, names, scaler, s.by_recording, s.hop / 1000, longest)
    return SpeechCodec(units, *how, mel)


def usual_rate(recordings: Recordings) -> int:
    """What most have."""
    rates = Counter(
        one.sound.rate if isinstance(one.sound, Sound) else one.rate
        for one in recordings.utterances
    )
    return min(rates.most_common(1)[0][0], _HIGHEST)


def frames_of(recordings: Recordings, i: int, mel: Mel | None) -> Frames:
    """`[T, C]` of one recording."""
    if mel is None:
        return recordings.features(i)
    return mel.of(recordings.samples(i, mel.rate))


def counted(one: Utterance, mel: Mel | None) -> int:
    """How many frames a recording has."""
    if mel is not None:
        return mel.count(round(one.seconds * mel.rate))
    return len(one.sound) if isinstance(one.sound, np.ndarray) else 0


def require_room(recordings: Recordings, codec: SpeechCodec, settings: TranscribeSettings) -> None:
    """InputError where a recording has fewer frames than its transcript needs: CTC cannot align
    them.
    """
    short = [
        (one, text, frames, needed)
        for one, text in zip(recordings.utterances, recordings.texts, strict=True)
        if (frames := frames_left(counted(one, codec.mel), settings))
        < (needed := frames_needed(codec.numbers(text)))
        and isinstance(one.sound, Sound | np.ndarray)
    ]
    if not short:
        return
    one, text, frames, needed = short[0]
    problem = _(
        "{source}: {name} is shorter than its transcript: {frames} frames behind the first layers, "
        "{needed} needed for {text!r}"
    )
    told = problem.format(
        source=recordings.source,
        name=one.name,
        frames=number(frames),
        needed=number(needed),
        text=text if len(text) <= 60 else f"{text[:59]}…",
    )
    if len(short) > 1:
        told += _(", and {count} more are").format(count=number(len(short) - 1))
    told += _("; mend the transcript, leave the recording out, or take a smaller stride or hop")
    raise InputError(told)


def parts_of(trained: Trained[SpeechCodec], source: Any) -> RecordingsInParts:
    """Recordings, opened or not, in the parts of a run that learned from them; InputError if they
    are too few.
    """
    return in_parts(read(source, trained.settings), trained.settings)


def as_codec_hears(codec: SpeechCodec, recordings: Recordings) -> Recordings:
    """The same; InputError where they are of another kind than the model's."""
    kind = "features" if codec.mel is None else "sound"
    if recordings.kind != kind:
        wanted = _("sounds") if codec.mel else _("features of {count} channels")
        problem = _("{source}: expected {wanted}, as the network was trained on")
        shown = wanted.format(count=len(codec.names))
        raise InputError(problem.format(source=recordings.source, wanted=shown))
    if codec.mel is None:
        for i, one in enumerate(recordings.utterances):
            channels = recordings.features(i).shape[1]
            if channels != len(codec.names):
                problem = _("{name}: expected features of {expected} channels, found {found}")
                shown_counts = {"expected": len(codec.names), "found": channels}
                raise InputError(problem.format(name=one.name, **shown_counts))
    return recordings


def truths(codec: SpeechCodec, recordings: Recordings) -> Sequence[Numbers]:
    """What is said in each, in numbers."""
    return [codec.numbers(text) for text in recordings.texts]


def to_be_scored(source: Any, settings: TranscribeSettings) -> Recordings:
    """Recordings with what is said in them, as `read` gives them; InputError where that is not
    known.
    """
    if isinstance(source, Recordings):
        return _with_words(_known(source), settings)
    return read(source, settings)


def _known(recordings: Recordings) -> Recordings:
    """Those with a transcript, where some have none: who is asked takes these too."""
    if any(one.text for one in recordings.utterances):
        return recordings.pick(i for i, one in enumerate(recordings.utterances) if one.text)
    return recordings
