"""Sound files of any kind: what they are, and their samples, by libsndfile.

WAV in all its codings, with the headers WAVE_FORMAT_EXTENSIBLE and RF64, FLAC, Ogg (Vorbis, Opus),
MP3, AIFF, AU, CAF, W64, and NIST SPHERE without compression. What a file is, its content tells,
not its name. Samples are float32 with full scale at -1 and 1, right to the frame.
"""

import io
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from gruta.codec.audio.mel import Samples
from gruta.data.audio.headers import ogg_ends, other_kind, read_mpeg, read_wave
from gruta.data.audio.resample import HIGHEST, LOWEST, Resampler
from gruta.data.found import Found
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number

SUFFIXES = (
    *(".wav", ".wave", ".rf64", ".w64", ".flac", ".ogg", ".oga", ".opus", ".mp3"),
    *(".aif", ".aiff", ".au", ".snd", ".caf", ".sph", ".nist"),
)
"""Files of a folder that are read."""

MOST_SAMPLES = 2**28
"""Of a sound that is kept whole: a gigabyte, four hours and a half at 16 kHz."""

_BLOCK = 2**17
"""Numbers that are decoded at once, of all channels."""

_LOUDEST = 16.0
"""Samples beyond it were never meant for a full scale of 1."""

_NO_END = 2**62

_SLACK = 5000
"""Samples of an MP3 file's frames that are none of its sound at most: the encoder's delay and what
fills up the last frame.
"""

_KINDS = {
    ".wav": ("WAV", "WAVEX", "RF64", "W64"),
    ".wave": ("WAV", "WAVEX", "RF64", "W64"),
    ".flac": ("FLAC",),
    ".ogg": ("OGG",),
    ".oga": ("OGG",),
    ".opus": ("OGG",),
    ".mp3": ("MP3", "MPEG"),
}
_EXACT = ("PCM_S8", "PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW")
"""Codings in which a sample can be found without those before it. In MP3 and Vorbis libsndfile
seeks to other samples than are there when all is read.
"""


Content = io.BufferedReader | io.BytesIO


@dataclass(frozen=True)
class Place:
    """A file, and the byte in it where a sound begins, as in archives of Kaldi."""

    path: Path
    offset: int = 0

    def __str__(self) -> str:
        return f"{self.path}:{self.offset}" if self.offset else str(self.path)

    @property
    def name(self) -> str:
        """For people, without folders."""
        return f"{self.path.name}:{self.offset}" if self.offset else self.path.name


@dataclass(frozen=True)
class Sound:
    """What a file holds: kind and coding as libsndfile names them, samples a second, channels, and
    how many samples each channel has. exact: whether that is known; of some MP3 it is estimated.
    """

    place: Place
    kind: str
    coding: str
    rate: int
    channels: int
    frames: int
    exact: bool = True

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.frames / self.rate


class _Straight(soundfile.SoundFile):  # type: ignore[misc]
    """Reads on where it stands: soundfile seeks there after each read where a file can seek, from
    which the decoder of MP3 comes back with other samples.
    """

    def seekable(self) -> bool:
        """As said."""
        return False


def look(place: Place | Path | str, found: Found | None = None, *, channel: int = 0) -> Sound:
    """What a file is, without its samples; InputError says what it is not.

    found: is told of what the file lacks, and of channels that will be mixed.
    """
    place = place if isinstance(place, Place) else Place(Path(place))
    found = Found() if found is None else found
    with content_of(place) as content, _opened(place, content) as file:
        sound = _described(place, file, content, found)
    if not 0 <= channel <= sound.channels:
        problem = _("{path}: expected a channel up to {channels}, got {channel}")
        shown = {"path": sound.place, "channels": sound.channels, "channel": channel}
        raise InputError(channel=problem.format(**shown))
    if sound.channels > 1 and not channel:
        done = _("mixed, as their mean")
        found.add(1, place.name, _("files of several channels"), done)
    return sound


def content_of(place: Place) -> Content:
    """The bytes of a file, or of the part of one; InputError where there is none."""
    try:
        if not place.path.is_file():
            what = _("a directory") if place.path.is_dir() else _("no file")
            problem = _("{path}: expected a sound file, found {found}")
            raise InputError(problem.format(path=place.path, found=what))
        if not place.offset:
            return open(place.path, "rb")
        with open(place.path, "rb") as file:
            file.seek(place.offset)
            head = file.read(8)
            size = int.from_bytes(head[4:8], "little") + 8
            if head[:4] != b"RIFF" or size > 4 * MOST_SAMPLES:
                problem = _("{path}: expected a WAV file at this byte of the archive, found none")
                raise InputError(problem.format(path=place))
            return io.BytesIO(head + file.read(size - 8))
    except OSError as error:
        problem = _("{path}: cannot be read ({error})")
        raise InputError(problem.format(path=place, error=error.strerror or error)) from None


def _opened(place: Place, content: Content) -> _Straight:
    head = content.read(64)
    content.seek(0)
    if not head:
        raise InputError(_("{path}: the file is empty").format(path=place))
    source: Any = content
    if not isinstance(content, io.BytesIO):
        # By a number, since by its name soundfile takes a file that ends in .raw for one.
        source = os.open(place.path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        file = _Straight(source)
    except soundfile.SoundFileError as error:
        kind = other_kind(head)
        if kind:
            problem = _("{path}: a file of {kind}, which is not read; save it as WAV or FLAC")
            raise InputError(problem.format(path=place, kind=kind)) from None
        problem = _("{path}: not a sound file that can be read ({error}); save it as WAV or FLAC")
        why = getattr(error, "error_string", str(error))
        raise InputError(problem.format(path=place, error=why)) from None
    if not LOWEST <= file.samplerate <= HIGHEST:
        file.close()
        problem = _("{path}: {rate} samples a second; expected {lowest} to {highest}")
        shown = {"rate": file.samplerate, "lowest": LOWEST, "highest": HIGHEST}
        raise InputError(problem.format(path=place, **{k: number(v) for k, v in shown.items()}))
    return file


def _described(place: Place, file: _Straight, content: Content, found: Found) -> Sound:
    """From the header and, where that is silent, from the bytes."""
    frames, kind, at = file.frames, file.format, content.tell()
    sound = Sound(place, kind, file.subtype, file.samplerate, file.channels, frames)
    expected = _KINDS.get(place.path.suffix.lower())
    if expected and kind not in expected:
        done = _("read as what they are")
        found.add(1, place.name, _("files whose name ends as another kind's does"), done)
    ends_early = False
    if kind in ("WAV", "WAVEX", "RF64"):
        wave = read_wave(content)
        if wave.unfinished:
            problem = _(
                "{path}: its header says that it holds no samples, and {size} bytes follow: the "
                "recording was not closed; write the file again, as with sox or ffmpeg"
            )
            raise InputError(problem.format(path=place, size=number(wave.unfinished)))
        if wave.frames is not None:
            sound = replace(sound, frames=min(frames, wave.frames))
        ends_early = wave.missing > 0
    elif kind == "OGG":
        ends_early = not ogg_ends(content)
    elif kind in ("MP3", "MPEG"):
        mpeg = read_mpeg(content)
        if mpeg.samples > frames + _SLACK:
            problem = _(
                "{path}: an MP3 file that does not tell its length, or several in one, of which "
                "some {count} samples would not be read; save it as WAV or FLAC"
            )
            raise InputError(problem.format(path=place, count=number(mpeg.samples - frames)))
        if not mpeg.delay:
            done = _("read from their first sample; the sound begins some 0.05 s later")
            found.add(1, place.name, _("MP3 files that do not tell how late they begin"), done)
            sound = replace(sound, exact=False)
    content.seek(at)
    _told_early(sound, ends_early, found)
    return sound


def _told_early(sound: Sound, early: bool, found: Found) -> None:
    kind, done = _("files that end early"), _("read as far as they go")
    found.add(int(early), sound.place.name, kind, done)


def read_blocks(
    sound: Sound | Place | Path | str,
    rate: int,
    found: Found | None = None,
    *,
    start: float = 0.0,
    stop: float | None = None,
    channel: int = 0,
) -> Iterator[Samples]:
    """A sound in blocks `[n]` of float32, at so many samples a second; memory is that of a block.

    start, stop: seconds, to the nearest sample; None for the end. channel: from 1, 0 for the mean
    of all. found: is told of what is missing or mixed. InputError names the file.
    """
    found = Found() if found is None else found
    sound = sound if isinstance(sound, Sound) else look(sound, found, channel=channel)
    first = round(start * sound.rate)
    end = sound.frames if sound.exact else _NO_END
    last = end if stop is None else min(round(stop * sound.rate), end)
    into = Resampler(sound.rate, rate)
    for block in _decoded(sound, first, last, found):
        one = block[:, channel - 1] if channel else _mixed(block)
        yield into.add(np.ascontiguousarray(one))
    yield into.finish()


def _mixed(block: Samples) -> Samples:
    return block[:, 0] if block.shape[1] == 1 else block.mean(1, dtype=np.float32)


def _decoded(sound: Sound, first: int, last: int, found: Found) -> Iterator[Samples]:
    """Samples `[n, channels]` of the file's own rate; told where it ends before it should."""
    at, size = 0, max(_BLOCK // sound.channels, 1)
    with content_of(sound.place) as content, _opened(sound.place, content) as file:
        if first and sound.coding in _EXACT and first < last:
            file.seek(first)
            at = first
        while at < last:
            want = min(size, (first if at < first else last) - at)
            try:
                block = file.read(want, dtype="float32", always_2d=True)
            except soundfile.SoundFileError:  # a broken part of a coding that has sums to check
                block = np.empty((0, sound.channels), np.float32)
            if not len(block):
                break
            _require_sane(sound, block, at)
            if at >= first:
                yield block
            at += len(block)
    if not at and last:
        problem = _("{path}: no sample of it can be decoded; copy or save it again")
        raise InputError(problem.format(path=sound.place))
    _told_early(sound, sound.exact and at < last, found)


def _require_sane(sound: Sound, block: Samples, at: int) -> None:
    most = float(np.abs(block).max(initial=0))
    if np.isfinite(most) and most <= _LOUDEST:
        return
    wrong = ~np.isfinite(block) if not np.isfinite(most) else np.abs(block) > _LOUDEST
    row = int(wrong.any(1).argmax())
    value = float(block[row][wrong[row]][0])
    problem = _("{path}: sample {row} is {value}; expected numbers whose full scale is -1 to 1")
    shown = {"row": number(at + row + 1), "value": value}
    raise InputError(problem.format(path=sound.place, **shown))


def read_samples(
    sound: Sound | Place | Path | str,
    rate: int,
    found: Found | None = None,
    *,
    start: float = 0.0,
    stop: float | None = None,
    channel: int = 0,
) -> Samples:
    """As `read_blocks`, in one `[N]`; InputError where it would take too much memory."""
    found = Found() if found is None else found
    sound = sound if isinstance(sound, Sound) else look(sound, found, channel=channel)
    until = sound.seconds if stop is None else min(stop, sound.seconds)
    if (until - start) * rate > MOST_SAMPLES:
        problem = _("{path}: {seconds} s in one; cut the file, or read it in blocks")
        raise InputError(problem.format(path=sound.place, seconds=number(round(until - start))))
    blocks = list(read_blocks(sound, rate, found, start=start, stop=stop, channel=channel))
    return np.concatenate(blocks) if blocks else np.empty(0, np.float32)
