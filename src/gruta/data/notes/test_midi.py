from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gruta.codec.notes.frames import COUNT, Frames, Roll, before
from gruta.codec.notes.piece import Piece, apart, as_notes, whole_bars
from gruta.data.notes.midi import Amiss, NotMidi, decoded, encoded

TEMPOS = 72, 90, 110, 132.5


def crossing(tempo=120.0):
    """Two voices that meet on one key, in both ways, a key struck again at once, and a late end."""
    upper = as_notes([(0, 960, 64, 80), (960, 1920, 62, 80), (1920, 2400, 62, 80)])
    lower = as_notes([(240, 480, 64, 70), (1200, 2400, 62, 60), (2400, 2640, 60, 60)])
    return Piece("crossing", (upper, lower), 480, whole_bars(480), tempo)


def file(track, division=b"\x01\xe0", kind=1, tracks=1):
    head = b"MThd" + (6).to_bytes(4) + kind.to_bytes(2) + tracks.to_bytes(2) + division
    return head + b"MTrk" + len(track).to_bytes(4) + track


END = b"\x00\xff\x2f\x00"


UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""On a busy machine too."""

notes = st.tuples(
    st.integers(0, 400), st.integers(1, 200), st.integers(0, 127), st.integers(1, 127)
).map(lambda note: (note[0], note[0] + note[1], *note[2:]))


@UNHURRIED
@given(st.lists(st.lists(notes, min_size=1, max_size=12), min_size=1, max_size=3))
def test_what_is_written_is_read_again(voices):
    piece = Piece("p", tuple(map(as_notes, voices)), 96, whole_bars(96))
    back, amiss = decoded(encoded(piece), "p")
    parts = [part for voice in piece.voices for part in apart(voice)]
    assert len(back.voices) == len(parts)
    assert all((a == b).all() for a, b in zip(back.voices, parts, strict=True))
    assert (back.quarter, back.bars.tolist(), amiss) == (96, [[0, 384]], Amiss())


@pytest.mark.parametrize("tempo", TEMPOS)
@pytest.mark.parametrize("a_quarter", [1, 3, 4, 7])
def test_frames_written_at_any_tempo_come_back_equal(a_quarter, tempo):
    frames, keys = (
        Frames(a_quarter, tempo=tempo),
        np.random.default_rng(0).random((60, COUNT)) < 0.4,
    )
    keys[-1] |= ~keys.any(0)
    struck = keys & (~before(keys) | (np.random.default_rng(1).random(keys.shape) < 0.3))
    roll = Roll(keys, struck, np.arange(60) % 16)
    back = frames.roll(decoded(encoded(frames.piece(roll, "p")), "p")[0])
    assert (back.sounding == roll.sounding).all()
    assert (back.struck == roll.struck).all()


@pytest.mark.parametrize("tempo", TEMPOS)
@pytest.mark.parametrize("library", ["symusic", "pretty_midi", "mido", "music21"])
def test_other_readers_find_the_same_notes(library, tempo, tmp_path):
    module, path, piece = pytest.importorskip(library), tmp_path / "c.mid", crossing(tempo)
    path.write_bytes(encoded(piece))
    found = globals()[f"by_{library}"](module, path)
    assert sorted(found) == sorted((s, e, k) for s, e, k, _ in piece.notes.tolist())


def by_symusic(symusic, path):
    score = symusic.Score(str(path))
    return [(n.time, n.time + n.duration, n.pitch) for t in score.tracks for n in t.notes]


def by_pretty_midi(pretty_midi, path):
    midi = pretty_midi.PrettyMIDI(str(path))
    ticks = midi.time_to_tick
    return [(ticks(n.start), ticks(n.end), n.pitch) for i in midi.instruments for n in i.notes]


def by_mido(mido, path):
    found = []
    for track in mido.MidiFile(str(path)).tracks:
        tick, held = 0, {}
        for message in track:
            tick += message.time
            if message.type == "note_on":
                assert message.note not in held
                held[message.note] = tick
            elif message.type == "note_off":
                found.append((held.pop(message.note), tick, message.note))
    return found


def by_music21(music21, path):
    found = []
    for part in music21.converter.parse(path, forceSource=True, quantizePost=False).parts:
        for one in part.flatten().stripTies().notes:
            start = round(480 * one.offset)
            end = start + round(480 * one.duration.quarterLength)
            found += [(start, end, pitch.midi) for pitch in one.pitches]
    return found


def test_a_key_that_no_circle_of_fifths_has_loses_no_note():
    odd, note = b"\x00\xff\x59\x02\x09\x00", b"\x00\x90\x3c\x40\x0a\x80\x3c\x40"
    piece, _ = decoded(file(odd + note + odd + note + END), "p")
    assert piece.notes.tolist() == [[0, 10, 60, 64], [10, 20, 60, 64]]
    with pytest.raises(NotMidi, match=r"what is no MIDI event \(.*9 sharps"):
        decoded(file(b"\x00\xff\x59\x03\x09\x00\x00" + note + END), "p")


def test_what_is_amiss_is_counted_and_the_rest_read():
    track = (
        b"\x00\x90\x3c\x40"  # a note that no event ends
        b"\x00\x3e\x40\x00\x3e\x00"  # one of no length, with running status and velocity 0
        b"\x00\x40\x40\x0a\x40\x40\x0a\x40\x00\x0a\x40\x00"  # 0 to 20 and 10 to 30
        b"\x00\x99\x24\x40\x0a\x99\x24\x00"  # a drum
    )
    piece, amiss = decoded(file(track + END), "p")
    assert piece.notes.tolist() == [[0, 20, 64, 64], [10, 30, 64, 64]]
    assert amiss == Amiss(endless=1, empty=1, meeting=1, drums=1)


def test_tracks_that_overlap_keep_their_notes_apart():
    whole = encoded(crossing())
    assert len(decoded(whole, "p")[0].voices) == 2
    assert (decoded(whole, "p")[0].notes == crossing().notes).all()


def test_a_change_of_tempo_moves_no_note():
    tempo = b"\x00\xff\x51\x03\x07\xa1\x20"
    plain = b"\x00\x90\x3c\x40\x83\x60\x80\x3c\x40\x00\x90\x3e\x40\x83\x60\x80\x3e\x40"
    changed = tempo + plain[:9] + b"\x00\xff\x51\x03\x03\x0d\x40" + plain[9:]
    piece, _ = decoded(file(changed + END), "p")
    assert piece.notes.tolist() == decoded(file(plain + END), "p")[0].notes.tolist()
    assert piece.tempo == 120


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"RIFF\0\0\0\0RMID", "not a MIDI file"),
        (file(END, kind=2), "type 2, whose tracks are pieces of their own"),
        (file(END, division=b"\xe7\x28"), r"frames of film \(SMPTE\)"),
        (file(END, division=b"\0\0"), "a quarter has no ticks"),
        (file(END)[:-1], "the file ends within a track"),
        (file(b"\x00\x90\x3c"), "ends within a track|no MIDI event"),
        (file(b"\x00\x3c\x40" + END), "what is no MIDI event"),
        (file(b"\x00\x90\x3c\x80" + END), "what is no MIDI event"),
    ],
)
def test_what_is_no_music_in_ticks_is_refused(content, problem):
    with pytest.raises(NotMidi, match=problem):
        decoded(content, "p")


@UNHURRIED
@given(st.binary(max_size=60), st.integers(0, 2))
def test_whatever_a_track_holds_is_read_or_refused(track, kind):
    try:
        piece, _ = decoded(file(track, kind=kind), "p")
    except NotMidi:
        return
    assert (piece.notes[:, 1] > piece.notes[:, 0]).all()


def test_meters_and_an_odd_tempo_come_back():
    bars = np.array([[0, 480], [480, 1440], [9120, 1680]])
    piece = replace(crossing(87.5), bars=bars)
    back, _ = decoded(encoded(piece), "p")
    assert back.bars.tolist() == bars.tolist()
    assert back.tempo == pytest.approx(87.5, abs=1e-3)
