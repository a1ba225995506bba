"""Standard MIDI files, by mido: what they hold in ticks, and pieces written a track a voice.

mido hands out events and judges none; which of them are a note is found out here, since readers
that know notes drop what never ends, keep or drop what ends where it begins, and tell neither.
"""

import io
from collections import defaultdict, deque
from dataclasses import dataclass, field

import mido
import numpy as np

from gruta.codec.notes.piece import TEMPO, Notes, Piece, apart, as_notes
from gruta.locale import translate as _
from gruta.locale.numbers import number

LARGEST = 2**23
"""Bytes of a file at most: mido's events take some sixty times as many."""

_KEY_SIGNATURE, _ODD_KEYS = b"\xff\x59\x02", 64

DRUMS = 9
"""The channel whose keys are no pitches, counted from 0."""


class NotMidi(ValueError):
    """Bytes that are no MIDI file, or one of a kind that has no ticks in common."""


@dataclass
class Amiss:
    """How many notes never end, end where they begin, begin while the same key sounds in their
    channel (the first that ends is then the one that began first), or are of drums.
    """

    endless: int = 0
    empty: int = 0
    meeting: int = 0
    drums: int = 0


@dataclass
class _Found:
    """What is read so far: notes by voice, ticks of meters, and microseconds of the first tempo."""

    voices: dict[tuple[int, int], list[tuple[int, int, int, int]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    meters: dict[int, tuple[int, int]] = field(default_factory=dict)
    tempo: tuple[int, int] | None = None
    amiss: Amiss = field(default_factory=Amiss)


def decoded(content: bytes, name: str) -> tuple[Piece, Amiss]:
    """The piece in a file, each channel of each track a voice; NotMidi says what does not fit."""
    if len(content) > LARGEST:
        problem = _("larger than {limit} bytes; no piece of music takes as many")
        raise NotMidi(problem.format(limit=number(LARGEST)))
    _require_ticks(content)
    try:
        file = _opened(content)
    except EOFError:
        raise NotMidi(_("the file ends within a track; copy or save it again")) from None
    except (OSError, ValueError, LookupError, TypeError, mido.KeySignatureError) as error:
        problem = _("a track holds what is no MIDI event ({error}); copy or save it again")
        raise NotMidi(problem.format(error=error)) from None
    found = _Found()
    for i, track in enumerate(file.tracks):
        _read(track, i, found)
    voices = tuple(as_notes(found.voices[key]) for key in sorted(found.voices))
    kept = tuple(voice for voice in voices if len(voice))
    tempo = mido.tempo2bpm(found.tempo[1]) if found.tempo else TEMPO
    bars = np.array(_bars(found.meters, file.ticks_per_beat), np.int64)
    return Piece(name, kept, file.ticks_per_beat, bars, tempo), found.amiss


def _opened(content: bytes) -> mido.MidiFile:
    """Keys that no circle of fifths has, at which mido stops, are read as C, as no note tells
    another; of more than a few the first is raised as mido has it.
    """
    for _again in range(_ODD_KEYS):
        stream = io.BytesIO(content)
        try:
            return mido.MidiFile(file=stream)
        except mido.KeySignatureError:
            end = stream.tell()
            if content[end - 5 : end - 2] != _KEY_SIGNATURE:
                raise
            content = content[: end - 2] + bytes(2) + content[end:]
    return mido.MidiFile(file=io.BytesIO(content))


def _require_ticks(content: bytes) -> None:
    """NotMidi unless the header is of a file whose tracks have one time, in parts of a quarter."""
    if content[:4] != b"MThd" or len(content) < 14 or int.from_bytes(content[8:10]) > 2:
        raise NotMidi(_("not a MIDI file"))
    kind, division = int.from_bytes(content[8:10]), int.from_bytes(content[12:14])
    if kind == 2:
        raise NotMidi(
            _(
                "a MIDI file of type 2, whose tracks are pieces of their own; save each as a file "
                "of type 0 or 1"
            )
        )
    if division & 0x8000:
        raise NotMidi(
            _(
                "time is in frames of film (SMPTE), not in parts of a quarter; save it with ticks "
                "a quarter"
            )
        )
    if not division:
        raise NotMidi(_("a quarter has no ticks"))


def _read(track: mido.MidiTrack, i: int, found: _Found) -> None:
    """Take in a track's notes, meters and tempo."""
    held: dict[tuple[int, int], deque[tuple[int, int]]] = defaultdict(deque)
    amiss, tick = found.amiss, 0
    for event in track:
        tick += event.time
        if event.type == "time_signature":
            found.meters[tick] = event.numerator, event.denominator
        elif event.type == "set_tempo":
            if event.tempo and (found.tempo is None or tick < found.tempo[0]):
                found.tempo = tick, event.tempo
        elif event.type not in ("note_on", "note_off"):
            continue
        elif event.channel == DRUMS:
            amiss.drums += event.type == "note_on" and event.velocity > 0
        elif event.type == "note_on" and event.velocity:
            amiss.meeting += bool(held[event.channel, event.note])
            held[event.channel, event.note].append((tick, event.velocity))
        elif held[event.channel, event.note]:
            start, velocity = held[event.channel, event.note].popleft()
            if tick > start:
                note = (start, tick, event.note, velocity)
                found.voices[i, event.channel].append(note)
            else:
                amiss.empty += 1
    amiss.endless += sum(map(len, held.values()))


def _bars(meters: dict[int, tuple[int, int]], quarter: int) -> list[list[int]]:
    """Before the first meter, and where there is none, a bar has four quarters."""
    sizes = {0: 4 * quarter} | {
        tick: max(4 * quarter * beats // unit, 1) for tick, (beats, unit) in meters.items() if beats
    }
    return [[tick, sizes[tick]] for tick in sorted(sizes)]


def encoded(piece: Piece) -> bytes:
    """A file of type 1: tempo and meters, then a track a voice, ends before what begins with them.

    Notes of one voice that meet on one key have tracks of their own, so that no reader pairs the
    wrong ends.
    """
    voices = [part for voice in piece.voices for part in apart(voice)]
    tracks = [_conductor(piece), *(_track(voice, i) for i, voice in enumerate(voices))]
    buffer = io.BytesIO()
    file = mido.MidiFile(type=1, ticks_per_beat=piece.quarter, tracks=tracks, charset="utf-8")
    file.save(file=buffer)
    return buffer.getvalue()


def _conductor(piece: Piece) -> mido.MidiTrack:
    tempo = min(max(mido.bpm2tempo(piece.tempo), 1), 0xFFFFFF)
    name = piece.name.encode("utf-8", "replace").decode()
    events = [
        (0, mido.MetaMessage("track_name", name=name)),
        (0, mido.MetaMessage("set_tempo", tempo=tempo)),
    ]
    for tick, size in piece.bars.tolist():
        meter = _meter(size, piece.quarter)
        if meter is not None:
            beats, unit = meter
            told = mido.MetaMessage("time_signature", numerator=beats, denominator=unit)
            events.append((tick, told))
    return _in_time(events)


def _meter(bar: int, quarter: int) -> tuple[int, int] | None:
    """The beats of a bar and what part of a whole each is; None if none is a power of two."""
    for power in range(2, 8):
        beats, left = divmod(bar << power, 4 * quarter)
        if not left and 0 < beats < 256:
            return beats, 2**power
    return None


def _track(voice: Notes, number: int) -> mido.MidiTrack:
    channel = number % 15
    channel += channel >= DRUMS
    events = []
    for start, end, key, velocity in voice.tolist():
        loud = min(max(velocity, 1), 127)
        begins = mido.Message("note_on", channel=channel, note=key, velocity=loud)
        events.append((start, 1, key, begins))
        events.append((end, 0, key, mido.Message("note_off", channel=channel, note=key)))
    events.sort(key=lambda event: event[:3])
    return _in_time([(tick, event) for tick, _, _, event in events])


def _in_time(events: list[tuple[int, mido.Message]]) -> mido.MidiTrack:
    """A track's events, each behind the ticks since the one before."""
    track, last = mido.MidiTrack(), 0
    for tick, event in events:
        track.append(event.copy(time=tick - last))
        last = tick
    return track
