"""`gruta speak`: a text, a speaker's run and a vocoder's become a sound file."""

import io
import json
import sys
import wave

import pytest
import soundfile

from gruta import InputError, Speaker, Vocoder
from gruta.cli.app import app
from gruta.tasks.conftest import PHONEMES, RATE, spoken

SMALL = {
    "rate": RATE, "bands": 20, "hidden": 8, "embedding": 8, "encoder": 8, "prenet": 8,
    "together": 4, "batch_size": 8, "steps": 3, "validate_every": 3,
}  # fmt: skip


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A speaker's run, a vocoder's of the same spectra, and one of others."""
    place = tmp_path_factory.mktemp("runs")
    x, y = spoken(24)
    Speaker(**SMALL).fit(x, y, run=place / "speaker")
    few = {"rate": RATE, "hidden": 8, "embedding": 4, "filters": 4, "steps": 2, "frames": 4}
    Vocoder(**few, bands=20).fit(x, run=place / "vocoder")
    Vocoder(**few, bands=16).fit(x, run=place / "other")
    return place


def command(*arguments, stdin=None):
    """What the command prints, and what it says beside."""
    held = (sys.stdout, sys.stderr, sys.stdin)
    sys.stdout, sys.stderr = io.StringIO(), io.StringIO()
    if stdin is not None:
        sys.stdin = io.StringIO(stdin)
    try:
        app(["speak", *map(str, arguments)], prog_name="gruta", standalone_mode=False)
        return sys.stdout.getvalue(), sys.stderr.getvalue()
    finally:
        sys.stdout, sys.stderr, sys.stdin = held


def test_the_command_writes_a_sound_with_and_without_a_vocoder(runs, tmp_path):
    out = tmp_path / "hello.wav"
    told, beside = command(runs / "speaker", "A", "2 bee ç", "--out", out)
    assert f"Wrote {out}: " in told
    assert "Said: a two bee ç" in told
    assert "Griffin and Lim's way" in beside
    assert "Left out, as training has not seen them: t w o ç" in beside
    with wave.open(str(out)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 1, 2)
        assert file.getnframes() > 0
    again = tmp_path / "again.wav"
    vocoder = ("--vocoder", runs / "vocoder", "--json", "--seed", 3)
    told, beside = command(runs / "speaker", "-", "--out", again, *vocoder, stdin="a bee\n")
    content = json.loads(told)
    assert content["said"] == "a bee"
    assert content["samples"] == soundfile.info(again).frames
    assert beside == ""


def test_the_command_tells_phonemes_and_what_was_guessed_of_them(runs, tmp_path):
    x, y = spoken(24)
    Speaker(**SMALL, phonemes=str(PHONEMES)).fit(x, y, run=tmp_path / "run")
    out = tmp_path / "cab.wav"
    told, beside = command(tmp_path / "run", "Cab, dad", "--out", out)
    assert "Phonemes: K AA B ␣ AA" in told
    assert "Left out, as training has not seen them: ," in beside
    assert "Letters that the model of phonemes was not trained on: d" in beside
    told, _ = command(tmp_path / "run", "Cab, dad", "--out", out, "--json")
    content = json.loads(told)
    assert (content["phonemes"], content["unseen"]) == ("K AA B ␣ AA", ["d"])
    told, _ = command(runs / "speaker", "a", "--out", out, "--json")
    assert json.loads(told)["phonemes"] is None


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("speaker", "a", "--out", "no/x.wav"), "expected a directory to write x.wav into"),
        (("speaker", "a", "--out", "x.mp3"), "--out: x.mp3: expected a name that ends with .wav"),
        (("speaker", ""), "expected a text, got nothing that can be said"),
        (("vocoder", "a"), "expected a speak run, found 'vocode'"),
        (("speaker", "a", "--vocoder", "speaker"), "expected a vocode run, found 'speak'"),
        (("speaker", "a", "--vocoder", "other"), "made for 16 mel bands, the speaker for 20"),
    ],
)
def test_what_cannot_be_said_is_told_and_nothing_written(
    runs, arguments, told, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    given = [runs / one if one in ("speaker", "vocoder", "other") else one for one in arguments]
    with pytest.raises(InputError, match=told):
        command(*given)
    assert not list(tmp_path.iterdir())
