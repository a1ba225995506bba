"""`gruta transcribe`: from files, the standard input and microphones to text and captions."""

import io
import json
import sys
import tracemalloc

import jiwer
import numpy as np
import pytest
import soundfile

from gruta.cli.app import app
from gruta.errors import InputError
from gruta.tasks.transcribe.conftest import RATE, said, samples

FAST = ["--no-ngram", "--beam", 1]
SMALL = {
    "hidden": 32,
    "layers": 1,
    "filters": 4,
    "batch_size": 16,
    "steps": 120,
    "validate_every": 60,
    "learning_rate": 0.01,
    "dropout": 0.0,
    "masks": 0,
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A trained run, and a folder with a sound of three sayings a second apart."""
    place = tmp_path_factory.mktemp("run")
    x, y = said(160, make=samples)
    for i, (one, text) in enumerate(zip(x, y, strict=True)):
        soundfile.write(place / f"{i:03}.wav", one, RATE)
        (place / f"{i:03}.txt").write_text(text)
    how = [part for k, v in SMALL.items() for part in ("--" + k.replace("_", "-"), str(v))]
    told = gruta("train", "transcribe", place, "--run", place / "run", "--json", *how)
    assert json.loads(told)["scores"][0]["wer"] < 0.1
    return place


def gruta(*arguments, stdin=None):
    """What the command prints."""
    out, held = io.StringIO(), (sys.stdout, sys.stdin)
    sys.stdout = out
    if stdin is not None:
        sys.stdin = io.TextIOWrapper(io.BytesIO(stdin))
    try:
        app([*map(str, arguments)], prog_name="gruta", standalone_mode=False)
    finally:
        sys.stdout, sys.stdin = held
    return out.getvalue()


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    """A sound of sayings a second apart, and these."""
    x, y = said(4, seed=9, make=samples)
    quiet = 1e-3 * np.random.default_rng(1).standard_normal(RATE).astype(np.float32)
    path = tmp_path_factory.mktemp("long") / "long.wav"
    soundfile.write(path, np.concatenate([part for one in x for part in (one, quiet)]), RATE)
    return path, y


def test_a_long_file_is_written_down_in_every_format(run, long, tmp_path, monkeypatch):
    path, y = long
    text = gruta("transcribe", run / "run", path).strip()
    assert text == " ".join(y)
    monkeypatch.setattr("gruta.tasks.transcribe.transcripts._SHORTEST", 1.5)  # of 5.6 s
    cut = gruta("transcribe", run / "run", path).strip()
    assert jiwer.wer(text, cut) < 0.3  # each piece is heard by itself, on its own scale
    told = gruta("predict", run / "run", path).splitlines()
    assert told[1].split(",")[:3] == ["long.wav", "1", cut]
    monkeypatch.undo()
    assert gruta("transcribe", run / "run", "-", stdin=path.read_bytes()).strip() == text
    text = gruta("transcribe", run / "run", path, *FAST).strip()
    for form in ("text", "srt", "vtt", "ctm", "json"):
        out = tmp_path / f"said.{form.replace('text', 'txt')}"
        assert gruta("transcribe", run / "run", path, *FAST, "--format", form, "--out", out) == ""
    assert (tmp_path / "said.txt").read_text() == text + "\n"
    words = json.loads((tmp_path / "said.json").read_text())[0]["words"]
    assert [word["word"] for word in words] == text.split()
    lines = [line.split() for line in (tmp_path / "said.ctm").read_text().splitlines()]
    assert [line[4] for line in lines] == text.split()
    assert [float(line[2]) for line in lines] == sorted(float(line[2]) for line in lines)
    gruta("transcribe", run / "run", path, path, *FAST, "--format", "vtt", "--out", tmp_path)
    assert (tmp_path / "long.vtt").read_text() == (tmp_path / "said.vtt").read_text()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([], "expected sound files, - for the standard input, or --live"),
        (["a.wav", "--live"], "FILE and --live: give one or the other"),
        (["a.wav", "--format", "pdf"], "--format: expected one of text, srt, vtt, ctm, json, got"),
        (["a.wav", "b.wav", "--format", "srt"], "captions of several sounds go into a file each"),
        (["a.wav", "--out", "no/such.txt"], "--out: no: expected a directory to write such.txt"),
        (["-", "-"], "-: the standard input can be read once alone"),
        (["a.wav"], "a.wav: expected a sound file, found no file"),
    ],
)
def test_what_cannot_be_written_down_is_said(run, arguments, problem, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as error:
        gruta("transcribe", run / "run", *arguments)
    assert problem in str(error.value)
    assert not list(tmp_path.iterdir())


def test_the_standard_input_is_named_where_it_holds_no_sound(run):
    with pytest.raises(InputError, match=r"standard input: .*not a sound file"):
        gruta("transcribe", run / "run", "-", stdin=b"text\n" * 9)


def test_memory_stays_flat_over_a_long_file(run, long, tmp_path):
    """Ten times as long takes no more, but for what is written."""
    path, _y = long
    sound, _rate = soundfile.read(path, dtype="float32")
    peaks = []
    for times in (1, 10):
        soundfile.write(tmp_path / f"{times}.wav", np.tile(sound, times), RATE)
        tracemalloc.start()
        gruta("transcribe", run / "run", tmp_path / f"{times}.wav", *FAST)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0] + 4e6


def test_a_live_microphone_is_refused_where_its_package_lacks(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(InputError, match="--live needs a package for microphones: pip install"):
        gruta("transcribe", run / "run", "--live")
