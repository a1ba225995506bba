import json
import shutil

import numpy as np
import polars as pl
import pytest
import soundfile

from gruta.data.audio.read import read_recordings
from gruta.data.audio.recordings import parted
from gruta.data.audio.transcripts import Columns
from gruta.data.found import Found
from gruta.errors import InputError
from gruta.reading import Reading

RATE = 8000


def sound(place, seconds=0.3, seed=0, loud=0.1):
    place.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).standard_normal(round(RATE * seconds)) * loud
    soundfile.write(place, noise, RATE)
    return place


@pytest.fixture
def folder(tmp_path):
    for i, name in enumerate(["a", "b", "c"]):
        sound(tmp_path / "clips" / f"{name}.wav", seed=i)
    return tmp_path


def told(recordings):
    return {one.kind: (one.count, one.done) for one in recordings.repairs}


def said(recordings):
    return {one.name: one.text for one in recordings.utterances}


EXPECTED = {"a": "One two.", "b": "não é", "c": "three"}
ROWS = [("clips/a.wav", "One two."), ("clips/b.wav", "não é"), ("clips/c.wav", "three")]


def lines(first, *rows):
    return "\n".join([*first, *rows, ""])


TABLES = {
    "csv": ("list.csv", lines(["path,sentence,up"], *(f'{a},"{t}",2' for a, t in ROWS))),
    "semicolons": ("list.csv", lines(["audio;text"], *(";".join(row) for row in ROWS))),
    "common voice": (
        "validated.tsv",
        lines(
            ["client_id\tpath\tsentence"],
            *("x\ta.wav\tOne two.", "y\tb.wav\tnão é", "x\tc.wav\tthree"),
        ),
    ),
    "names of columns that nobody knows": (
        "list.tsv",
        lines(["gravação\tfrase"], *("\t".join(row) for row in ROWS)),
    ),
    "no header": ("list.tsv", lines([], *("\t".join(row) for row in ROWS))),
    "no header, commas": ("list.csv", lines([], *(",".join(row) for row in ROWS))),
    "lj speech": ("metadata.csv", lines([], "a|1 2.|One two.", "b|~|não é", "c|3|three")),
    "asterisk": ("prompts.txt", lines(["; remarks", ""], "a: One two.", "b: não é", "c: three")),
    "kaldi": ("text", lines([], "a One two.", "b não é", "c three")),
    "librispeech": ("1-2.trans.txt", lines([], "a One two.", "b não é", "c three")),
    "decomposed": (
        "list.tsv",
        lines(["path\ttext"], "a\tOne  two.", "b\tna\u0303o\u00a0e\u0301", "c\tthree "),
    ),
    "other machine": (
        "list.csv",
        lines(["file,text"], "/x/clips/a.wav,One two.", "C:\\x\\b.wav,não é", "c.wav,three"),
    ),
    "json lines": (
        "train.jsonl",
        lines(
            [], *(json.dumps({"audio_filepath": a, "duration": 0.3, "text": t}) for a, t in ROWS)
        ),
    ),
}


@pytest.mark.parametrize("form", TABLES)
def test_every_form_of_a_list_says_the_same(form, folder):
    name, content = TABLES[form]
    (folder / name).write_text(content, "utf-8")
    for source in (folder, folder / name):
        found = read_recordings(source)
        texts = [one.text for one in found.utterances]
        assert (found.kind, texts) == ("sound", [*EXPECTED.values()])
        assert found.seconds == pytest.approx(0.9)
        assert found.samples(1, 16_000).shape == (4800,)
        assert not found.repairs
    assert found.speakers == (["x", "y", "x"] if form == "common voice" else None)


def test_what_was_found_out_is_told_and_can_be_overruled(folder):
    path = folder / "list.csv"
    path.write_text("take,who,spoken,read\na.wav,x,eins,one\nb.wav,y,zwei,two\n")
    found = read_recordings(path)
    told = [one.told() for one in found.guesses]
    assert said(found) == {"a.wav": "one", "b.wav": "two"}
    assert told == [
        "audio column: take (a guess; audio_column overrules it)",
        "transcript column: read (a guess; text_column overrules it)",
    ]
    found = read_recordings(path, Columns("take", "spoken", "who"))
    assert said(found) == {"a.wav": "eins", "b.wav": "zwei"}
    assert (found.speakers, found.guesses) == (["x", "y"], ())
    with pytest.raises(InputError, match=r"text_column: .*expected a column 'spokn'.*'spoken'\?"):
        read_recordings(path, Columns(text="spokn"))


def test_digits_are_transcripts_where_nothing_else_is(folder):
    (folder / "list.csv").write_text("take,label\na.wav,7\nb.wav,0\n")
    assert said(read_recordings(folder / "list.csv")) == {"a.wav": "7", "b.wav": "0"}


def test_of_several_lists_the_one_that_is_read_is_told(folder):
    for name in ("dev", "train", "validated"):
        (folder / f"{name}.tsv").write_text("path\tsentence\na\tone\n")
    found = read_recordings(folder)
    assert next(one.told() for one in found.guesses) == "list of transcripts: train.tsv"


def test_texts_beside_the_sounds(folder):
    for name, text in EXPECTED.items():
        (folder / "clips" / f"{name}.txt").write_text(text + "\n", "utf-8")
    assert [*said(read_recordings(folder)).values()] == [*EXPECTED.values()]
    (folder / "clips" / "b.txt").unlink()
    found = read_recordings(folder)
    assert [*said(found).values()] == ["One two.", "three"]
    assert told(found) == {"recordings without a transcript": (1, "left out")}
    assert read_recordings(folder / "clips" / "a.wav").texts == ["One two."]


def test_frames_and_files_of_an_encoding(folder, monkeypatch):
    monkeypatch.chdir(folder)
    frame = pl.DataFrame({"audio": ["clips/a.wav", "c"], "text": ["x", "y"]})
    assert said(read_recordings(frame)) == {"clips/a.wav": "x", "c": "y"}
    (folder / "list.tsv").write_text("a\tnão\nb\té\n", "cp1252")
    found = read_recordings(folder / "list.tsv")
    assert [*said(found).values()] == ["não", "é"]
    assert found.guesses[0].told().startswith("encoding: Windows-1252")
    found = read_recordings(folder / "list.tsv", how=Reading(encoding="latin-1"))
    assert [*said(found).values()] == ["não", "é"]


def test_what_does_not_serve_is_left_out_and_told(folder):
    shutil.copy(folder / "clips/a.wav", folder / "clips/same.wav")
    (folder / "clips/broken.wav").write_bytes(b"RIFF")
    sound(folder / "clips/short.wav", 0.01)
    sound(folder / "clips/unnamed.wav")
    (folder / "list.tsv").write_text(
        "path\ttext\na.wav\tPress 1!\nb.wav\t \nc.wav\tthree\nd.wav\tgone\nbroken.wav\tx\n"
        "c.wav\tthree\na.wav\tPress one\nshort.wav\tx\nsame.wav\tPress 1!\n"
    )
    found = read_recordings(folder)
    assert said(found) == {"a.wav": "Press 1!", "c.wav": "three", "same.wav": "Press 1!"}
    assert told(found) == {
        "recordings that are not there": (1, "left out"),
        "files that cannot be read (not a sound file that can be read (Format not "
        "recognised.); save it as WAV or FLAC)": (1, "left out"),
        "recordings that the list does not name": (1, "left out"),
        "recordings without a transcript": (1, "left out"),
        "recordings that come twice": (1, "read once, as the first says"),
        "recordings with two transcripts": (1, "read once, as the first says"),
        "recordings of less than 0.05 s": (1, "left out"),
        "transcripts with digits": (2, "kept; a digit is learned as a character"),
    }
    for seed in range(20):  # files that hold the same stand on one side
        for part in parted(found, 0.4, seed):
            assert len(said(part).keys() & {"a.wav", "same.wav"}) in (0, 2)


def test_alone_everything_is_taken_that_can_be_heard(folder):
    sound(folder / "short.wav", 0.01)
    found = read_recordings(folder, lone=True)
    assert len(found) == 4
    assert told(found) == {"recordings of less than 0.05 s": (1, "kept")}
    with pytest.raises(
        InputError, match=r"expected what is said in each recording, found none for"
    ):
        found.texts  # noqa: B018
    with pytest.raises(InputError, match=r"expected what is said in the recordings: a \.txt file"):
        read_recordings(folder)
    assert len(read_recordings([folder / "short.wav", folder / "clips/a.wav"], lone=True)) == 2


def test_other_texts_in_a_folder_are_no_lists(folder):
    (folder / "LICENSE.txt").write_text("You may do what you like.\n\nWithout any warranty.\n")
    (folder / "sizes.csv").write_text("name,size\nx,1\n")
    assert len(read_recordings(folder, lone=True)) == 3
    with pytest.raises(InputError, match=r"expected what is said in the recordings: a \.txt file"):
        read_recordings(folder)
    (folder / "clips" / "a.txt").write_text("alone\n")
    (folder / "prompts.csv").write_text("audio,text\na,one\nb,two\n")
    assert said(read_recordings(folder)) == {"a": "one", "b": "two"}


def test_silent_and_clipped_recordings_are_told_as_they_are_read(folder):
    sound(folder / "clips/a.wav", loud=0)
    sound(folder / "clips/b.wav", loud=3)
    found, recordings = Found(), read_recordings(folder, lone=True)
    for i in range(len(recordings)):
        recordings.samples(i, RATE, found)
    kinds = [(one.kind, one.places) for one in found.repairs()]
    assert kinds == [
        ("silent recordings", ("clips/a.wav",)),
        ("recordings too loud for their file, whose peaks are cut off", ("clips/b.wav",)),
    ]


def test_stretches_of_a_file(folder):
    sound(folder / "long.wav", 2)
    (folder / "list.csv").write_text(
        "audio,start,end,text\nlong.wav,0,0.5,x\nlong.wav,0.5,2.5,y\nlong.wav,0.5,2.5,y\n"
    )
    found = read_recordings(folder / "list.csv")
    assert [len(found.samples(i, RATE)) for i in range(len(found))] == [4000, 12_000]
    assert told(found) == {
        "recordings that come twice": (1, "read once, as the first says"),
        "stretches that end after their recording does": (1, "read as far as it goes"),
    }
    kept, held = parted(found, 0.5, 0)
    assert 2 in (len(kept), len(held))  # both are of one file
    (folder / "list.csv").write_text("audio,start,end,text\nlong.wav,1,1,x\n")
    with pytest.raises(InputError, match=r"row 1: a stretch from 1\.0 to 1\.0 s has no length"):
        read_recordings(folder / "list.csv")
    (folder / "list.csv").write_text("audio,start,end,text\nlong.wav,1s,2,x\n")
    with pytest.raises(InputError, match=r"row 1: column 'start': expected seconds, got '1s'"):
        read_recordings(folder / "list.csv")


def test_a_data_folder_of_kaldi(folder):
    (folder / "wav.scp").write_text("r1 clips/a.wav\nr2 /elsewhere/clips/b.wav\n")
    (folder / "segments").write_text("u1 r1 0 0.1\nu2 r1 0.1 0.3\nu3 r2 0 0.3\n")
    (folder / "text").write_text("u1 one\nu2 two words\nu3\nu4 gone\n")
    (folder / "utt2spk").write_text("u1 s1\nu2 s1\nu3 s2\n")
    found = read_recordings(folder)
    assert said(found) == {"u1": "one", "u2": "two words"}
    assert (found.speakers, len(found.samples(1, RATE))) == (["s1", "s1"], 1600)
    assert told(found) == {
        "transcripts without a recording": (1, "left out"),
        "recordings without a transcript": (1, "left out"),
    }
    (folder / "clips/b.wav").write_bytes(b"RIFF")
    (folder / "text").write_text("u1 one\nu2 two words\nu3 three\n")
    found = read_recordings(folder)
    assert said(found) == {"u1": "one", "u2": "two words"}
    assert [one.places for one in found.repairs if "cannot be read" in one.kind] == [("r2",)]
    (folder / "wav.scp").write_text("r1 touch /tmp/harm |\n")
    with pytest.raises(InputError, match=r"r1 is a command, which is never run"):
        read_recordings(folder)


@pytest.mark.parametrize("compressed", [None, 2, 3, 5])
def test_features_of_kaldi(tmp_path, compressed):
    kaldiio = pytest.importorskip("kaldiio")
    matrices = {f"u{i}": np.random.default_rng(i).standard_normal((9 + i, 3)) for i in range(3)}
    ark, scp = str(tmp_path / "feats.ark"), str(tmp_path / "feats.scp")
    how = {"compression_method": compressed} if compressed else {}
    with kaldiio.WriteHelper(f"ark,scp:{ark},{scp}", **how) as out:
        for name, matrix in matrices.items():
            out(name, matrix.astype("f4"))
    (tmp_path / "text").write_text("u0 a\nu1 b\nu2 c\n")
    found = read_recordings(tmp_path)
    assert (found.kind, found.texts) == ("features", ["a", "b", "c"])
    for i, matrix in enumerate(matrices.values()):
        assert found.features(i) == pytest.approx(matrix, abs=0.1 if compressed else 1e-6)
    shutil.copy(scp, tmp_path / "x")
    for content in (
        b"u0 PKL" + b"\x80\x04" * 40,
        b"u0 touch /tmp/harm |",
        b"u0 \0BFM \4\xff\xff\xff\x7f",
    ):
        (tmp_path / "feats.ark").write_bytes(content)
        with pytest.raises(
            InputError, match=r"feats\.ark:3: (expected|not a whole) matrix|a matrix"
        ):
            found.features(0)


def test_arrays_and_archives(tmp_path):
    frames = np.arange(30, dtype="f4").reshape(10, 3)
    about = {"lengths": [4, 6], "text": ["A B", "C"], "ids": ["x", "y"], "speakers": ["s", "t"]}
    np.savez(tmp_path / "a.npz", frames=frames.astype("f2"), **about)
    found = read_recordings(tmp_path / "a.npz")
    assert (found.kind, said(found), found.speakers) == (
        "features",
        {"x": "A B", "y": "C"},
        ["s", "t"],
    )
    assert np.array_equal(found.features(1), frames[4:])
    same = read_recordings(([frames[:4], frames[4:]], ["A B", "C"], ["s", "t"]))
    assert same.fingerprint() == found.fingerprint()
    assert same.pick([1]).fingerprint() != found.pick([0]).fingerprint()
    np.savez(
        tmp_path / "b.npz",
        samples=np.zeros(900, "i2"),
        rate=9000,
        **about | {"lengths": [450, 450]},
    )
    found = read_recordings(tmp_path / "b.npz")
    assert (found.kind, found.samples(0, 18_000).shape) == ("sound", (900,))
    np.save(tmp_path / "x.npy", frames)
    (tmp_path / "list.csv").write_text("path,text\nx.npy,hello\n")
    assert np.array_equal(read_recordings(tmp_path / "list.csv").features(0), frames)


def test_samples_of_python():
    loud = (np.sin(np.arange(800)) * 32767).astype("i2")
    stereo = np.stack([loud, loud * 0], 1) / 32768
    found = read_recordings(([loud, stereo], ["a", "b"]), rate=8000)
    assert found.samples(0, 8000) == pytest.approx(loud / 32768)
    assert found.samples(1, 8000) == pytest.approx(loud / 65536)
    assert found.seconds == pytest.approx(0.2)


def object_array(path):
    np.save(path, np.array([{}], object), allow_pickle=True)


def wrong_lengths(path):
    np.savez(path, frames=np.zeros((3, 2)), lengths=[1, 1])


def too_large(path):
    head = "{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999,), }"
    content = b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head.encode()
    path.write_bytes(content)


REFUSED = [
    ("a.npy", object_array, "Python objects, which are never run"),
    ("a.npy", too_large, "more than are read"),
    ("a.npz", wrong_lengths, "lengths add up to 2; expected 3"),
    ("a.npz", lambda p: p.write_bytes(b"PK"), "not an array"),
    ("a.csv", lambda p: p.write_text("a,b\n1,2\n"), "expected a column that names sound files"),
    (
        "a.csv",
        lambda p: p.write_text("path,text\nx.wav,hello\n"),
        r"none of use \(recordings that are not there: 1\)",
    ),
    ("a.tsv", lambda p: p.write_text(""), "expected transcripts, found none"),
    ("a.tsv", lambda p: None, "found no file"),
]


@pytest.mark.parametrize(("name", "make", "problem"), REFUSED)
def test_what_cannot_be_read_is_refused(name, make, problem, tmp_path):
    make(tmp_path / name)
    with pytest.raises(InputError, match=problem):
        read_recordings(tmp_path / name)


@pytest.mark.parametrize(
    ("source", "how", "problem"),
    [
        (([np.zeros(800)], ["a"]), {}, r"rate: expected samples a second"),
        (
            ([np.zeros(800)], ["a", "b"]),
            {"rate": 8000},
            "texts: expected 1, one a recording, got 2",
        ),
        (([np.zeros((9, 3)), np.zeros((9, 4))], ["a", "b"]), {}, "features of 3, 4 channels"),
        (([np.array([[np.nan]])], ["a"]), {}, "1: row 1 is not a finite number"),
        (([np.zeros((9, 3))], [5]), {}, "1: expected what is said as text, got 5"),
        (([np.zeros((9, 3))], ["\ud800"]), {}, "half of a character pair in its transcript"),
    ],
)
def test_what_python_gives_is_checked(source, how, problem):
    with pytest.raises(InputError, match=problem):
        read_recordings(source, **how)


def test_speakers_are_kept_apart():
    who = [f"s{i % 12}" for i in range(60)]
    arrays = [np.full((5, 2), i, "f4") for i in range(60)]
    found = read_recordings((arrays, ["a"] * 60, who))
    kept, held = parted(found, 0.2, 3)
    assert not set(kept.speakers) & set(held.speakers)
    assert len(kept) + len(held) == 60
    assert 5 <= len(held) <= 15
    some = parted(found.pick(range(4)), 0.5, 0)
    assert [len(one) for one in some] == [2, 2]
    with pytest.raises(InputError, match="expected who speaks in each recording"):
        parted(read_recordings((arrays, ["a"] * 60)), 0.2, 0, by="speaker")
