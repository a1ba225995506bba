import pytest

from gruta.codec.notes.frames import Frames
from gruta.data.notes.pieces import read_pieces
from gruta.errors import InputError

pytest.importorskip("music21")

HEAD = """<?xml version="1.0"?><score-partwise version="3.1"><part-list><score-part id="P1">
<part-name>part</part-name></score-part></part-list><part id="P1">"""


def note(step, length, octave=4, tie="", chord=False):
    return (
        f"<note>{'<chord/>' if chord else ''}<pitch><step>{step}</step><octave>{octave}</octave>"
        f"</pitch><duration>{length}</duration>{tie and f'<tie type={chr(34)}{tie}{chr(34)}/>'}"
        "<voice>1</voice></note>"
    )


def score(tmp_path, *measures, about="", beats=4):
    time = f"<time><beats>{beats}</beats><beat-type>4</beat-type></time>"
    first = f"<attributes><divisions>1</divisions>{time}{about}</attributes>"
    inside = [f"<measure{m}</measure>" for m in measures]
    inside[0] = inside[0].replace(">", f">{first}", 1)
    (tmp_path / "s.musicxml").write_text(f"{HEAD}{''.join(inside)}</part></score-partwise>")
    return read_pieces(tmp_path / "s.musicxml", 4)


def quarters(found):
    """Start, end and key of each note."""
    (piece,) = found.pieces
    return [(s / piece.quarter, e / piece.quarter, key) for s, e, key, _ in piece.notes.tolist()]


def told(found):
    return {repair.kind: repair.done for repair in found.repairs}


def test_each_note_of_a_chord_is_tied_by_itself(tmp_path):
    found = score(
        tmp_path,
        f' number="1">{note("C", 4, tie="start")}{note("E", 4, chord=True)}',
        f' number="2">{note("C", 4, tie="stop")}{note("E", 4, chord=True)}',
    )
    assert quarters(found) == [(0, 8, 60), (0, 4, 64), (4, 8, 64)]
    assert not found.repairs


def test_a_transposing_part_is_read_as_it_sounds(tmp_path):
    clarinet = "<transpose><diatonic>-1</diatonic><chromatic>-2</chromatic></transpose>"
    found = score(tmp_path, f' number="1">{note("D", 4)}', about=clarinet)
    assert quarters(found) == [(0, 4, 60)]
    assert told(found) == {"transposing parts": "read as they sound"}


def test_repeats_are_played_and_a_pickup_ends_a_bar(tmp_path):
    back = '<barline location="right"><repeat direction="backward"/></barline>'
    found = score(
        tmp_path,
        f' number="0" implicit="yes">{note("G", 1)}',
        f' number="1">{note("C", 3)}{back}',
        beats=3,
    )
    keys = [(0, 1, 67), (1, 4, 60), (4, 5, 67), (5, 8, 60)]
    assert quarters(found) == keys
    assert told(found) == {"scores with repeats": "read as they are played"}
    assert Frames(1).roll(found.pieces[0]).places.tolist() == [2, 0, 1, 2] * 2


def test_an_accidental_of_abc_holds_until_the_bar_line(tmp_path):
    tune = "X:1\nT:t\nM:4/4\nL:1/4\nK:C\n^F F F2 | F4 |]\n"
    (tmp_path / "t.abc").write_text(tune + "\n" + tune.replace("^F F F2", "F [K:G] F F2"))
    found = read_pieces(tmp_path / "t.abc", 4)
    assert [key for _, _, key in quarters(found)] == [66, 66, 66, 65]
    (repair,) = found.repairs
    assert (repair.count, repair.places) == (1, ("t.abc 2",))
    assert repair.done == "not read, as music21 passes over the change"


def test_what_music21_cannot_read_is_refused_by_name(tmp_path):
    (tmp_path / "s.xml").write_text("<score-partwise><part")
    with pytest.raises(InputError, match=r"s\.xml: music21 cannot read it"):
        read_pieces(tmp_path / "s.xml", 4)
    (tmp_path / "t.abc").write_text("no tune")
    with pytest.raises(InputError, match="expected tunes, each of which begins with X:"):
        read_pieces(tmp_path / "t.abc", 4)
