"""Standard MIDI files, in bytes: read event by event and in ticks, written a track a voice.

Read here and not by a library, since none tells what was amiss: a note that never ends is left out,
and one that ends where it begins kept or not, without a word. The format: Standard MIDI Files 1.0
(MIDI Manufacturers Association, RP-001).
"""

from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from gruta.codec.notes.piece import TEMPO, Notes, Piece, apart, as_notes
from gruta.locale import translate as _

DRUMS = 9
"""The channel whose keys are no pitches, counted from 0."""

_OFF, _ON, _PROGRAM, _PRESSURE, _SYSTEM = 0x80, 0x90, 0xC0, 0xD0, 0xF0
_META, _END, _NAME, _TEMPO, _METER = 0xFF, 0x2F, 0x03, 0x51, 0x58
_MINUTE = 60_000_000
"""Microseconds of one."""


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
    kind, division, tracks = _header(content)
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
    found = _Found()
    for number, track in enumerate(tracks):
        _read(track, number, found)
    voices = tuple(as_notes(found.voices[key]) for key in sorted(found.voices))
    kept = tuple(voice for voice in voices if len(voice))
    tempo = _MINUTE / found.tempo[1] if found.tempo else TEMPO
    bars = _bars(found.meters, division)
    return Piece(name, kept, division, np.array(bars, np.int64), tempo), found.amiss


def _header(content: bytes) -> tuple[int, int, list[bytes]]:
    """The file's type, its division, and what its tracks hold."""
    if content[:4] != b"MThd" or len(content) < 14:
        raise NotMidi(_("not a MIDI file"))
    size = int.from_bytes(content[4:8])
    kind, _count, division = (int.from_bytes(content[i : i + 2]) for i in (8, 10, 12))
    if size < 6 or kind > 2:
        raise NotMidi(_("not a MIDI file"))
    tracks, place = [], 8 + size
    while place + 8 <= len(content):
        head, size = content[place : place + 4], int.from_bytes(content[place + 4 : place + 8])
        place += 8
        if head == b"MTrk":
            if place + size > len(content):
                raise NotMidi(_("the file ends within a track; copy or save it again"))
            tracks.append(content[place : place + size])
        place += size
    return kind, division, tracks


def _read(track: bytes, number: int, found: _Found) -> None:
    """Take in a track's notes, meters and tempo."""
    held: dict[tuple[int, int], deque[tuple[int, int]]] = defaultdict(deque)
    amiss = found.amiss
    for tick, status, first, second, data in _events(track):
        kind, channel = status & 0xF0, status & 0x0F
        if kind not in (_OFF, _ON):
            if status == _META:
                _note_meta(tick, first, data, found)
        elif channel == DRUMS:
            amiss.drums += kind == _ON and second > 0
        elif kind == _ON and second:
            amiss.meeting += bool(held[channel, first])
            held[channel, first].append((tick, second))
        elif held[channel, first]:
            start, velocity = held[channel, first].popleft()
            if tick > start:
                found.voices[number, channel].append((start, tick, first, velocity))
            else:
                amiss.empty += 1
    amiss.endless += sum(map(len, held.values()))


def _events(track: bytes) -> Iterator[tuple[int, int, int, int, bytes]]:
    """The tick, status, first and second data byte of each; of a meta event its kind and data."""
    place = tick = running = 0
    try:
        while place < len(track):
            delta, place = _number(track, place)
            tick += delta
            status = track[place]
            if status < 0x80:
                status = running
            else:
                place += 1
            if status == _META:
                kind = track[place]
                size, place = _number(track, place + 1)
                yield tick, status, kind, 0, track[place : place + size]
                place += size
                if kind == _END:
                    return
            elif status in (_SYSTEM, 0xF7):
                size, place = _number(track, place)
                place += size
            elif status < 0x80 or status > _SYSTEM:
                raise NotMidi(_("a track holds what is no MIDI event; copy or save it again"))
            else:
                running = status
                short = status & 0xF0 in (_PROGRAM, _PRESSURE)
                first, second = track[place], 0 if short else track[place + 1]
                if first > 0x7F or second > 0x7F:
                    raise NotMidi(_("a track holds what is no MIDI event; copy or save it again"))
                yield tick, status, first, second, b""
                place += 1 if short else 2
    except IndexError:
        raise NotMidi(_("a track ends within an event; copy or save it again")) from None


def _number(track: bytes, place: int) -> tuple[int, int]:
    """One of variable length, seven bits a byte, and the place behind it."""
    found = 0
    for _byte in range(4):
        found = found << 7 | track[place] & 0x7F
        place += 1
        if track[place - 1] < 0x80:
            return found, place
    raise NotMidi(_("a track holds what is no MIDI event; copy or save it again"))


def _note_meta(tick: int, kind: int, data: bytes, found: _Found) -> None:
    if kind == _METER and len(data) >= 2 and data[0]:
        found.meters[tick] = data[0], data[1]
    if kind == _TEMPO and any(data) and (found.tempo is None or tick < found.tempo[0]):
        found.tempo = tick, int.from_bytes(data)


def _bars(meters: dict[int, tuple[int, int]], quarter: int) -> list[list[int]]:
    """Before the first meter, and where there is none, a bar has four quarters."""
    sizes = {0: 4 * quarter} | {
        tick: max(4 * quarter * beats >> power, 1) for tick, (beats, power) in meters.items()
    }
    return [[tick, sizes[tick]] for tick in sorted(sizes)]


def encoded(piece: Piece) -> bytes:
    """A file of type 1: tempo and meters, then a track a voice, ends before what begins with them.

    Notes of one voice that meet on one key have tracks of their own, so that no reader pairs the
    wrong ends.
    """
    voices = [part for voice in piece.voices for part in apart(voice)]
    tracks = [_conductor(piece), *(_track(voice, i) for i, voice in enumerate(voices, 1))]
    head = b"".join(n.to_bytes(2) for n in (1, len(tracks), piece.quarter))
    return _chunk(b"MThd", head) + b"".join(_chunk(b"MTrk", track) for track in tracks)


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + len(content).to_bytes(4) + content


def _conductor(piece: Piece) -> bytes:
    tempo = min(max(round(_MINUTE / piece.tempo), 1), 0xFFFFFF)
    events = [
        (0, _meta(_NAME, piece.name.encode("utf-8", "replace"))),
        (0, _meta(_TEMPO, tempo.to_bytes(3))),
    ]
    for tick, size in piece.bars.tolist():
        meter = _meter(size, piece.quarter)
        if meter is not None:
            beats, power = meter
            events.append((tick, _meta(_METER, bytes((beats, power, 24, 8)))))
    return _in_time(events)


def _meter(bar: int, quarter: int) -> tuple[int, int] | None:
    """The beats of a bar and which power of two they are parts of a whole; None if none is."""
    for power in range(2, 8):
        beats, left = divmod(bar << power, 4 * quarter)
        if not left and 0 < beats < 256:
            return beats, power
    return None


def _track(voice: Notes, number: int) -> bytes:
    channel = (number - 1) % 15
    channel += channel >= DRUMS
    ends = [(end, 0, bytes((_OFF | channel, key, 64))) for _start, end, key, _ in voice.tolist()]
    starts = [
        (start, 1, bytes((_ON | channel, key, min(max(velocity, 1), 127))))
        for start, _end, key, velocity in voice.tolist()
    ]
    return _in_time([(tick, event) for tick, _, event in sorted(ends + starts)])


def _in_time(events: list[tuple[int, bytes]]) -> bytes:
    """A track's events, each behind the ticks since the one before."""
    found, last = bytearray(), 0
    for tick, event in events:
        found += _written(tick - last) + event
        last = tick
    return bytes(found + b"\0" + _meta(_END, b""))


def _meta(kind: int, data: bytes) -> bytes:
    return bytes((_META, kind)) + _written(len(data)) + data


def _written(number: int) -> bytes:
    """In seven bits a byte, all but the last with the eighth set."""
    found = [number & 0x7F]
    while number := number >> 7:
        found.append(number & 0x7F | 0x80)
    return bytes(reversed(found))
