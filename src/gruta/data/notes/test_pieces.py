import io
import json
import zipfile

import numpy as np
import pytest

from gruta.codec.notes.frames import Frames
from gruta.codec.notes.piece import Piece, as_notes, whole_bars
from gruta.data.notes import rolls
from gruta.data.notes.midi import encoded
from gruta.data.notes.pieces import LARGEST, read_pieces
from gruta.errors import InputError


def piece(notes, name="p"):
    return Piece(name, (as_notes((*note, 80) for note in notes),), 4, whole_bars(4))


def keys(roll):
    """Which sound in each frame."""
    return [(np.flatnonzero(frame) + 21).tolist() for frame in roll.sounding]


def test_a_folder_is_read_in_order_and_what_is_left_out_is_said(tmp_path):
    (tmp_path / "inside").mkdir()
    (tmp_path / "b.mid").write_bytes(encoded(piece([(0, 4, 60), (4, 8, 120), (4, 8, 62)])))
    (tmp_path / "inside" / "a.MID").write_bytes(encoded(piece([(0, 4, 64)])))
    (tmp_path / "c.midi").write_bytes(encoded(piece([])))
    (tmp_path / "notes.txt").write_text("no music")
    found = read_pieces(tmp_path, 4)
    assert [len(one) for one in found.pieces] == [2, 1]
    told = {repair.kind: (repair.count, repair.places, repair.done) for repair in found.repairs}
    assert told == {
        "notes beyond the 88 keys of a piano": (1, ("b.mid",), "not read"),
        "pieces without notes": (1, ("c.midi",), "not read"),
    }


def test_repairs_of_a_midi_file_are_said(tmp_path):
    content = encoded(piece([(0, 4, 60), (4, 8, 62)]))
    (tmp_path / "a.mid").write_bytes(content.replace(b"\x80\x3e\x40", b"\xa0\x3e\x40"))
    (repair,) = read_pieces(tmp_path, 4).repairs
    assert (repair.kind, repair.count, repair.done) == ("notes that never end", 1, "not read")


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.mid", encoded(piece([])), r"a\.mid: expected notes, found none"),
        ("a.mid", b"no music", r"a\.mid: not a MIDI file"),
        ("a.json", b"[[[60], [61", r"a\.json: not JSON"),
        ("a.json", b'{"train": [[[60, 61], [62, 128]]]}', r"train 1: frame 2: .* got 128"),
        ("a.json", b"[[60], 61]", "expected a list of frames, each a list of the keys"),
        ("a.npy", b"no array", r"a\.npy: not an array of NumPy"),
        ("a.npz", b"no archive", r"a\.npz: not an array of NumPy"),
        ("a.doc", b"", r"a\.doc: not a MIDI file"),
    ],
)
def test_what_holds_no_notes_is_refused_by_name(tmp_path, name, content, problem):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=problem):
        read_pieces(tmp_path / name, 4)


def test_a_score_that_unpacks_to_more_than_any_has_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb.mxl", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("score.xml", bytes(LARGEST + 1))
    assert (tmp_path / "bomb.mxl").stat().st_size < LARGEST / 100
    with pytest.raises(InputError, match=r"bomb\.mxl: larger than [\d,]+ bytes, not read"):
        read_pieces(tmp_path / "bomb.mxl", 4)


def test_places_without_music_are_refused(tmp_path):
    with pytest.raises(InputError, match="no file or folder of this name"):
        read_pieces(tmp_path / "gone", 4)
    (tmp_path / "a.txt").write_text("no music")
    with pytest.raises(InputError, match=r"expected files that end with \.mid.*, found 1 others"):
        read_pieces(tmp_path, 4)
    with pytest.raises(InputError, match="expected files, folders or pieces, got a int"):
        read_pieces([3], 4)


def test_lists_of_keys_are_read_as_one_piece_several_or_some_by_name(tmp_path):
    one, other = [[60, 48], [60, -1], []], [[72], [None, 50]]
    read = Frames(4).roll
    for content, names in (
        (one, [""]),
        ([one, other], [" 1", " 2"]),
        ({"train": [one], "test": [other]}, [" train 1", " test 1"]),
        ({"first": one, "second": other}, [" first", " second"]),
    ):
        path = tmp_path / "rolls.json"
        path.write_text(json.dumps(content))
        found = read_pieces(path, 4).pieces
        assert [one.name.removeprefix(str(path)) for one in found] == names
        assert keys(read(found[0])) == [[48, 60], [60]]  # silence at the end has no note


def test_arrays_of_88_or_128_keys_are_read_whatever_their_type(tmp_path):
    roll = np.zeros((5, 88))
    roll[1:4, 39] = 0.5
    midi = np.zeros((5, 128), np.uint8, order="F")
    midi[2:5, 60] = 90
    np.savez(tmp_path / "rolls.npz", piano=roll, midi=midi)
    piano, other = read_pieces(tmp_path / "rolls.npz", 2).pieces
    assert keys(Frames(2).roll(piano)) == [[], [60], [60], [60]]
    assert keys(Frames(2).roll(other)) == [[], [], [60], [60], [60]]


def test_arrays_that_would_run_code_or_take_all_memory_are_refused(tmp_path):
    np.save(tmp_path / "objects.npy", np.array([[None] * 88]), allow_pickle=True)
    with pytest.raises(InputError, match="Python objects, which are never run"):
        read_pieces(tmp_path / "objects.npy", 4)
    head = io.BytesIO()
    about = {"descr": "|b1", "fortran_order": False, "shape": (10**9, 88)}
    np.lib.format.write_array_header_1_0(head, about)
    with zipfile.ZipFile(tmp_path / "huge.npz", "w") as archive:
        archive.writestr("roll.npy", head.getvalue())
    with pytest.raises(InputError, match=r"huge\.npz roll: 1,000,000,000 frames, the limit is"):
        read_pieces(tmp_path / "huge.npz", 4)
    np.save(tmp_path / "turned.npy", np.zeros((128, 5)))
    with pytest.raises(InputError, match=r"expected \[frames, 88\] or \[frames, 128\] numbers"):
        read_pieces(tmp_path / "turned.npy", 4)
    head = {"descr": "|b1", "fortran_order": False, "shape": (-1, 88)}
    with open(tmp_path / "negative.npy", "wb") as file:
        np.lib.format.write_array_header_1_0(file, head)
    with pytest.raises(InputError, match=r"negative\.npy: expected \[frames, 88\] .* \[-1, 88\]"):
        read_pieces(tmp_path / "negative.npy", 4)


def test_an_archive_that_would_unpack_to_more_than_any_roll_is_not_begun(tmp_path, monkeypatch):
    monkeypatch.setattr(rolls, "_LARGEST", 500)
    np.savez_compressed(tmp_path / "large.npz", roll=np.zeros((5, 88)))
    monkeypatch.setattr(zipfile.ZipFile, "open", None)
    with pytest.raises(InputError, match=r"large\.npz roll: larger than 500 bytes, not read"):
        read_pieces(tmp_path / "large.npz", 4)


@pytest.mark.parametrize("torn", ["head", "deflated", "locked", "directory"])
def test_torn_and_locked_files_are_refused_by_name(tmp_path, torn):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, roll=np.eye(88))
    whole, name = buffer.getvalue(), "a.npz"
    middle = whole.index(b"PK\1\2")  # where what the archive holds is listed
    if torn == "head":
        name, buffer = "a.npy", io.BytesIO()
        np.save(buffer, np.eye(88))
        whole = buffer.getvalue().replace(b"'shape': (88, 88)", b"'shape': (88, (88")
    elif torn == "deflated":
        whole = whole[:60] + bytes([255] * 60) + whole[120:]
    elif torn == "locked":
        whole = whole[:6] + b"\1" + whole[7 : middle + 8] + b"\1" + whole[middle + 9 :]
    else:
        name, whole = "a.mxl", whole.replace(b"PK\1\2", b"PK\7\7")
    (tmp_path / name).write_bytes(whole)
    problem = "a broken archive" if name == "a.mxl" else "not an array of NumPy"
    with pytest.raises(InputError, match=f"{name}: {problem}"):
        read_pieces(tmp_path / name, 4)


def test_json_and_xml_beside_pieces_is_told_and_left_out_but_refused_by_name(tmp_path):
    (tmp_path / "a.mid").write_bytes(encoded(piece([(0, 4, 60)])))
    beside = {
        "facts.json": '{"title": {"0": "Waltz"}, "year": [2004, 2006]}',
        "names.json": '[["a"], ["b"]]',
        "list.xml": "<pieces><piece/></pieces>",
        "torn.xml": "no element",
    }
    for name, content in beside.items():
        (tmp_path / name).write_text(content)
        with pytest.raises(InputError, match=name):
            read_pieces(tmp_path / name, 4)
    found = read_pieces(tmp_path, 4)
    assert len(found) == 1
    (repair,) = found.repairs
    assert repair.kind == "files of JSON or XML that are no music"
    assert (repair.count, repair.done) == (4, "left out")
    (tmp_path / "rolls.json").write_text("[[60], [128]]")  # music, but for one key
    with pytest.raises(InputError, match=r"rolls\.json: frame 2: .* got 128"):
        read_pieces(tmp_path, 4)
